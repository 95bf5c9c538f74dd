"""Facts: from what a PSBT claims to what is true (design section 2; checklist groups A to G).

1. Envelope: nothing may still be modified (BIP-370); nothing global that we do not understand; global
   xpubs, if any, are the federation's.
2. Transaction: version 2, a height as locktime, no outpoint twice and none that is null.
3. Path: what sequences and locktime enable, never what the caller says. A spend that enables a recovery
   path is that path's; a primary spend enables no other. All inputs go one way.
4. Inputs: `signer.core.inputs`.   5. Outputs: `signer.core.outputs`.
6. Kind: a total function of purposes; any mix is refused. A recovery path sweeps or rotates, never pays.
7. Amounts: the fee is proven inputs minus outputs; the worst-case weight and the fee are relayable.
8. Digests that we would sign, computed by us; signatures that came along are verified.
"""

from dataclasses import dataclass

from signer.bitcoin.descriptor import SpendingPath, federation_keys
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT, Transaction
from signer.bitcoin.units import (
    MAX_MONEY,
    Sats,
    VBytes,
    Weight,
    format_rate,
    rate_below,
    vbytes_of,
)
from signer.core.digests import input_digests, verified_signatures
from signer.core.errors import unverified
from signer.core.inputs import verify_inputs
from signer.core.outputs import Purposes, assign_purposes
from signer.core.payment import PaymentClaim
from signer.core.spend import Kind, SigningTask, SpentCoin, VerifiedSpend
from signer.core.standard import MIN_RELAY_RATE
from signer.core.vault import Vault, VaultRegistry

LEAST_SEQUENCE = 0xFFFFFFFD
"""At or above it BIP-68 sees no relative lock; it signals replaceability (BIP-125)."""
FINAL_SEQUENCE = 0xFFFFFFFF
LOCKTIME_THRESHOLD = 500_000_000
"""Below it nLockTime is a height, from it on a time (BIP-65)."""
NON_WITNESS_INPUT = Weight(4 * 41)
"""An input with an empty scriptSig, in the stripped serialisation."""


_KINDS = {  # (payments, anchor, rotations, change) -> kind
    (True, False, False, True): Kind.WITHDRAWAL,
    (True, False, False, False): Kind.WITHDRAWAL,
    (False, True, False, True): Kind.ANCHOR,
    (False, True, False, False): Kind.ANCHOR,
    (False, False, True, False): Kind.ROTATION,
    (False, False, False, True): Kind.SWEEP,
}


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
    transaction = psbt.transaction
    _verify_envelope(psbt, vault)  # 1
    _verify_transaction(transaction)  # 2
    path_index = path_index_of(transaction, vault)  # 3
    coins = verify_inputs(psbt, vault)  # 4
    purposes = assign_purposes(psbt, claims.payments, vault, registry)  # 5
    kind = _kind(purposes, vault.paths[path_index], transaction.locktime)  # 6
    weight = _weight(transaction, vault.input_weight(path_index))  # 7
    fee = _fee(transaction, coins, vbytes_of(weight))  # 7
    digests = input_digests(transaction, coins, vault, path_index)  # 8
    verified_signatures(psbt, coins, digests, vault.paths[path_index].leaf_index)  # 8
    return VerifiedSpend(
        vault=vault,
        psbt=psbt,
        psbt_bytes=claims.psbt_bytes,
        kind=kind,
        path_index=path_index,
        coins=coins,
        payments=purposes.payments,
        change=purposes.change,
        anchor=purposes.anchor,
        rotations=purposes.rotations,
        fee=fee,
        weight=weight,
        tasks=_tasks(coins, digests, vault.paths[path_index], ours),
    )


def _verify_envelope(psbt: UnverifiedPsbt, vault: Vault) -> None:
    if psbt.modifiable:
        raise unverified(
            "psbt-modifiable",
            "a signature commits to the whole transaction: nobody may still change it",
            f"0x{psbt.modifiable:02x}",
            "0x00 or absent",
        )
    if psbt.unknown:
        raise unverified("psbt-field-not-understood", "a global field that we do not understand")
    if not psbt.xpubs:
        return
    claimed = {(each.version, each.xpub, each.origin) for each in psbt.xpubs}
    version = vault.network.xpub_version
    registered = {(version, key.xpub, key.origin) for key in federation_keys(vault.descriptor)}
    if claimed != registered:
        raise unverified(
            "xpub-foreign", "the PSBT's global xpubs are not exactly the vault's federation"
        )


def _verify_transaction(transaction: Transaction) -> None:
    if not transaction.inputs or not transaction.outputs:
        raise unverified("transaction-empty", "a transaction has inputs and outputs")
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


def path_index_of(transaction: Transaction, vault: Vault) -> int:
    """The path that the sequences enable (BIP-68; BIP-112 asks for version 2, which `_verify_transaction`
    demands). Exactly the blocks of a recovery path, in every input, or no relative lock at all."""
    sequences = {txin.sequence for txin in transaction.inputs}
    if all(sequence >= LEAST_SEQUENCE for sequence in sequences):
        return 0
    for index, path in enumerate(vault.paths):
        if sequences == {path.older}:
            return index
    locks = [f"0x{path.older:08x}" for path in vault.paths if path.older is not None]
    raise unverified(
        "sequence-refused",
        "sequences have relative locks that are no path's, or not the same in all inputs",
        ", ".join(f"0x{sequence:08x}" for sequence in sorted(sequences)[:4]),
        " or ".join(("0xfffffffd to 0xffffffff", *locks)),
    )


def _fee(transaction: Transaction, coins: tuple[SpentCoin, ...], size: VBytes) -> Sats:
    inflow = sum(coin.prevout.amount for coin in coins)
    fee = inflow - sum(txout.amount for txout in transaction.outputs)
    if fee < 0 or inflow > MAX_MONEY:
        raise unverified(
            "amounts-impossible",
            "the inputs do not cover the outputs, or exceed all bitcoins",
            f"{inflow} sat in, fee {fee} sat",
        )
    if rate_below(Sats(fee), size, MIN_RELAY_RATE):
        raise unverified(
            "fee-below-relay",
            "nodes would not relay it",
            f"{fee} sat for {size} vB",
            f"at least {format_rate(MIN_RELAY_RATE)}",
        )
    return Sats(fee)


def _weight(transaction: Transaction, input_weight: Weight) -> Weight:
    witnesses = len(transaction.inputs) * (input_weight - NON_WITNESS_INPUT)
    weight = 4 * len(transaction.stripped) + 2 + witnesses  # 2: segwit marker and flag
    if weight > MAX_STANDARD_WEIGHT:
        raise unverified(
            "transaction-too-heavy",
            "nodes would not relay it",
            f"{weight} weight units",
            f"{MAX_STANDARD_WEIGHT} weight units",
        )
    return Weight(weight)


def _kind(purposes: Purposes, path: SpendingPath, locktime: int) -> Kind:
    present = (
        bool(purposes.payments),
        purposes.anchor is not None,
        bool(purposes.rotations),
        purposes.change is not None,
    )
    kind = _KINDS.get(present)
    if kind is None:
        raise unverified(
            "mixed-purposes",
            "a transaction is one thing: payments with change, one anchor with change, change alone, or "
            "rotation alone",
        )
    if path.older is not None and kind not in (Kind.SWEEP, Kind.ROTATION):
        raise unverified(
            "recovery-may-not-pay",
            f"the sequences enable the path {path.name}, which fewer keys can sign; it may only sweep "
            "or rotate",
        )
    if kind is not Kind.WITHDRAWAL and locktime:
        raise unverified(
            "locktime-refused",
            f"nLockTime of a transaction of kind {kind} is 0",
            str(locktime),
            "0",
        )
    return kind


def _tasks(
    coins: tuple[SpentCoin, ...],
    digests: tuple[bytes, ...],
    path: SpendingPath,
    ours: tuple[int, ...],
) -> tuple[SigningTask, ...]:
    positions = [position for position in ours if position in path.positions]
    return tuple(
        _task(index, coin, digest, path.leaf_index, position)
        for index, (coin, digest) in enumerate(zip(coins, digests, strict=True))
        for position in positions
    )


def _task(
    index: int, coin: SpentCoin, digest: bytes, leaf_index: int | None, position: int
) -> SigningTask:
    pubkey = coin.derived.keys[position].pubkey
    if leaf_index is None:
        script, sighash_type = coin.derived.witness_script, SIGHASH_ALL
    else:
        script, sighash_type = coin.derived.leaves[leaf_index].script, SIGHASH_DEFAULT
    return SigningTask(index, position, pubkey, script, sighash_type, digest)
