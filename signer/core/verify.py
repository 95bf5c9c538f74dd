"""Facts: from what a PSBT claims to what is true (design section 2; checklist groups A to G).

1. Envelope: nothing global that we do not understand; global xpubs, if any, are the federation's.
2. Transaction: version 2, replaceable or final sequences without relative locks, a height as locktime,
   no outpoint twice and none that is null.
3. Inputs: `signer.core.inputs`.   4. Outputs: `signer.core.outputs`.
5. Amounts: the fee is proven inputs minus outputs; the worst-case weight is relayable.
6. Kind and spending path, from purposes and from version, sequences and locktime: never from the caller.
7. Digests that we would sign, computed here; signatures that came along are verified.
"""

from dataclasses import dataclass

from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT, Transaction
from signer.bitcoin.units import MAX_MONEY, Sats, Weight
from signer.core.errors import unverified
from signer.core.inputs import input_digests, verify_inputs, verify_partial_signatures
from signer.core.outputs import Purposes, assign_purposes
from signer.core.payment import PaymentClaim
from signer.core.spend import Kind, SigningTask, SpentCoin, VerifiedSpend
from signer.core.vault import Vault, VaultRegistry

PRIMARY = "primary"
LEAST_SEQUENCE = 0xFFFFFFFD
"""At or above it BIP-68 sees no relative lock; it signals replaceability (BIP-125)."""
FINAL_SEQUENCE = 0xFFFFFFFF
LOCKTIME_THRESHOLD = 500_000_000
"""Below it nLockTime is a height, from it on a time (BIP-65)."""
NON_WITNESS_INPUT = Weight(4 * 41)
"""An input with an empty scriptSig, in the stripped serialisation."""


@dataclass(frozen=True, slots=True)
class SpendClaims:
    """What the caller says. Nothing of it is believed."""

    psbt: UnverifiedPsbt
    psbt_bytes: bytes
    payments: tuple[PaymentClaim, ...]


def verify(
    claims: SpendClaims, vault: Vault, registry: VaultRegistry, ours: tuple[int, ...]
) -> VerifiedSpend:
    """The spend that the claims turn out to be. `ours`: the template positions of our keys.

    Raises VerificationError or Malformed with the code of the first rule that is broken.
    """
    psbt = claims.psbt
    _verify_envelope(psbt, vault)  # 1
    _verify_transaction(psbt.transaction)  # 2
    coins = verify_inputs(psbt, vault)  # 3
    purposes = assign_purposes(psbt, claims.payments, vault, registry)  # 4
    fee = _fee(psbt.transaction, coins)  # 5
    weight = _weight(psbt.transaction, vault)  # 5
    digests = input_digests(psbt, coins)  # 7
    verify_partial_signatures(psbt, coins, digests)  # 7
    return VerifiedSpend(
        vault=vault,
        psbt=psbt,
        psbt_bytes=claims.psbt_bytes,
        kind=_kind(purposes),  # 6
        path=PRIMARY,  # 6: wsh(sortedmulti) has no other
        coins=coins,
        payments=purposes.payments,
        change=purposes.change,
        fee=fee,
        weight=weight,
        tasks=_tasks(coins, digests, ours),
    )


def _verify_envelope(psbt: UnverifiedPsbt, vault: Vault) -> None:
    if psbt.unknown:
        raise unverified("psbt-field-not-understood", "a global field that we do not understand")
    if not psbt.xpubs:
        return
    claimed = {(each.version, each.xpub, each.origin) for each in psbt.xpubs}
    version = vault.network.xpub_version
    registered = {(version, key.xpub, key.origin) for key in vault.descriptor.inner.keys}
    if claimed != registered:
        raise unverified(
            "xpub-foreign", "the PSBT's global xpubs are not exactly the vault's federation"
        )


def _verify_transaction(transaction: Transaction) -> None:
    if transaction.version != 2:
        raise unverified(
            "transaction-version-refused",
            "BIP-68 and relay rules are those of version 2",
            str(transaction.version),
            "2",
        )
    outpoints = {txin.previous for txin in transaction.inputs}
    if len(outpoints) != len(transaction.inputs):
        raise unverified("input-repeated", "one coin is spent twice (CVE-2018-17144)")
    for txin in transaction.inputs:
        if txin.previous.vout == 0xFFFFFFFF or txin.previous.txid == bytes(32):
            raise unverified("input-null", "an input spends the null outpoint")
        if txin.sequence < LEAST_SEQUENCE:
            raise unverified(
                "sequence-refused",
                f"input {txin.previous} has a relative lock or an unusual sequence",
                f"0x{txin.sequence:08x}",
                "0xfffffffd to 0xffffffff",
            )
    _verify_locktime(transaction)


def _verify_locktime(transaction: Transaction) -> None:
    final = all(txin.sequence == FINAL_SEQUENCE for txin in transaction.inputs)
    if transaction.locktime >= LOCKTIME_THRESHOLD or (transaction.locktime and final):
        raise unverified(
            "locktime-refused",
            "nLockTime is a time, or no input lets it take effect",
            str(transaction.locktime),
            f"a height below {LOCKTIME_THRESHOLD}, with a sequence below 0xffffffff",
        )


def _fee(transaction: Transaction, coins: tuple[SpentCoin, ...]) -> Sats:
    inflow = sum(coin.prevout.amount for coin in coins)
    fee = inflow - sum(txout.amount for txout in transaction.outputs)
    if fee < 0 or inflow > MAX_MONEY:
        raise unverified(
            "amounts-impossible",
            "the inputs do not cover the outputs, or exceed all bitcoins",
            f"{inflow} sat in, fee {fee} sat",
        )
    return Sats(fee)


def _weight(transaction: Transaction, vault: Vault) -> Weight:
    witnesses = len(transaction.inputs) * (vault.input_weight - NON_WITNESS_INPUT)
    weight = 4 * len(transaction.stripped) + 2 + witnesses  # 2: segwit marker and flag
    if weight > MAX_STANDARD_WEIGHT:
        raise unverified(
            "transaction-too-heavy",
            "nodes would not relay it",
            f"{weight} weight units",
            f"{MAX_STANDARD_WEIGHT} weight units",
        )
    return Weight(weight)


def _kind(purposes: Purposes) -> Kind:
    """Payments and at most one change: withdrawal. Change alone: sweep."""
    return Kind.WITHDRAWAL if purposes.payments else Kind.SWEEP


def _tasks(
    coins: tuple[SpentCoin, ...], digests: tuple[bytes, ...], ours: tuple[int, ...]
) -> tuple[SigningTask, ...]:
    return tuple(
        SigningTask(
            input_index=index,
            key_position=position,
            pubkey=coin.derived.keys[position].pubkey,
            script=coin.derived.witness_script,
            sighash_type=SIGHASH_ALL,
            digest=digest,
        )
        for index, (coin, digest) in enumerate(zip(coins, digests, strict=True))
        for position in ours
    )
