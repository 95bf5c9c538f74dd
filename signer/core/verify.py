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
from signer.bitcoin.miniscript.locks import after_met
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.sighash import SIGHASH_ALL
from signer.bitcoin.taproot_sighash import SIGHASH_DEFAULT
from signer.bitcoin.transaction import LOCKTIME_THRESHOLD, MAX_STANDARD_WEIGHT, Transaction
from signer.bitcoin.units import (
    MAX_MONEY,
    Sats,
    VBytes,
    Weight,
    format_rate,
    rate_below,
    vbytes_of,
)
from signer.core.digests import InputDigests, verified_signatures
from signer.core.errors import VerificationError, unverified
from signer.core.inputs import verify_inputs
from signer.core.outputs import Purposes, assign_purposes
from signer.core.payment import PaymentClaim
from signer.core.registry import VaultRegistry
from signer.core.spend import Kind, SigningTask, SpentCoin, VerifiedSpend
from signer.core.standard import MIN_RELAY_RATE
from signer.core.vault import Vault

LEAST_SEQUENCE = 0xFFFFFFFD
"""At or above it BIP-68 sees no relative lock; it signals replaceability (BIP-125)."""
FINAL_SEQUENCE = 0xFFFFFFFF
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
    verify_envelope(psbt, vault)  # 1
    _verify_transaction(transaction)  # 2
    path_index = path_index_of(transaction, vault)  # 3
    weight = _weight(transaction, vault.input_weight(path_index))  # 7, before anything is derived
    coins = verify_inputs(psbt, vault)  # 4
    purposes = assign_purposes(psbt, claims.payments, vault, registry)  # 5
    kind = _kind(purposes, vault.paths[path_index], transaction.locktime)  # 6
    fee = _fee(transaction, coins, vbytes_of(weight))  # 7
    digests = InputDigests(transaction, coins, vault)  # 8
    verified_signatures(psbt, coins, digests)  # 8
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


def verify_envelope(psbt: UnverifiedPsbt, vault: Vault) -> None:
    """Step 1. Raises VerificationError."""
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
    keys = federation_keys(vault.descriptor)
    registered = {(version, key.xpub, key.origin) for key in keys if key.branches}  # no fixed ones
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


def path_index_of(transaction: Transaction, vault: Vault) -> int:
    """The path that sequences and locktime enable (BIP-65, BIP-68; BIP-112 asks for version 2, which
    `_verify_transaction` demands): exactly the locks of one recovery path, or no lock of any.

    Exactly, so that it enables nothing that this path does not; what it needs of weaker locks of the same
    script is the path's own (`signer.bitcoin.descriptor.paths`).
    """
    relative = _relative_lock(transaction, vault)
    final = any(txin.sequence == FINAL_SEQUENCE for txin in transaction.inputs)
    for index, path in enumerate(vault.paths):
        if index == 0 or path.older != relative or (path.after and final):
            continue
        if (path.after or 0) == transaction.locktime:
            return index
    if relative is not None:
        raise _sequence_refused({relative}, vault)
    _verify_primary_locktime(transaction, vault)
    return 0


def _relative_lock(transaction: Transaction, vault: Vault) -> int | None:
    """The one sequence below LEAST_SEQUENCE that all inputs have; None when none has."""
    sequences = {txin.sequence for txin in transaction.inputs}
    if all(sequence >= LEAST_SEQUENCE for sequence in sequences):
        return None
    if len(sequences) != 1:
        raise _sequence_refused(sequences, vault)
    return sequences.pop()


def _sequence_refused(sequences: set[int], vault: Vault) -> VerificationError:
    locks = [path.locks_text for path in vault.paths[1:]]
    return unverified(
        "sequence-refused",
        "sequences and nLockTime have locks that are not exactly a path's, or not the same in all inputs",
        ", ".join(f"0x{sequence:08x}" for sequence in sorted(sequences)[:4]),
        " or ".join(("0xfffffffd to 0xffffffff", *locks)),
    )


def _verify_primary_locktime(transaction: Transaction, vault: Vault) -> None:
    """Nothing, or a height that takes effect and opens no other path."""
    locktime = transaction.locktime
    final = all(txin.sequence == FINAL_SEQUENCE for txin in transaction.inputs)
    if locktime >= LOCKTIME_THRESHOLD or (locktime and final):
        raise unverified(
            "locktime-refused",
            "nLockTime is a time, or no input lets it take effect",
            str(locktime),
            f"a height below {LOCKTIME_THRESHOLD}, with a sequence below 0xffffffff",
        )
    for path in vault.paths[1:]:
        if path.older is None and path.after and after_met(path.after, locktime):
            raise unverified(
                "locktime-enables-path",
                f"nLockTime opens the path {path.name} beside the primary one",
                str(locktime),
                f"below {path.after}; or exactly that, to spend by {path.name}",
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
    if path.is_locked and kind not in (Kind.SWEEP, Kind.ROTATION):
        raise unverified(
            "recovery-may-not-pay",
            f"sequences and nLockTime enable the path {path.name}; it may only sweep or rotate",
        )
    needed = path.after or 0
    if kind is not Kind.WITHDRAWAL and locktime != needed:
        raise unverified(
            "locktime-refused",
            f"nLockTime of a transaction of kind {kind} by the path {path.name}",
            str(locktime),
            str(needed),
        )
    return kind


def _tasks(
    coins: tuple[SpentCoin, ...],
    digests: InputDigests,
    path: SpendingPath,
    ours: tuple[int, ...],
) -> tuple[SigningTask, ...]:
    positions = [position for position in ours if position in path.positions]
    return tuple(
        _task(index, coin, digests, position)
        for index, coin in enumerate(coins)
        for position in positions
    )


def _task(index: int, coin: SpentCoin, digests: InputDigests, position: int) -> SigningTask:
    """Each place stands in one script: the vault's, or one leaf."""
    derived = coin.derived
    key = derived.keys[position]
    script, leaf_hash, sighash_type = derived.witness_script, b"", SIGHASH_ALL
    for leaf in derived.leaves:
        if key in leaf.keys:
            script, leaf_hash, sighash_type = leaf.script, leaf.leaf_hash, SIGHASH_DEFAULT
    digest = digests.digest(index, leaf_hash)
    return SigningTask(index, position, key.pubkey, script, leaf_hash, sighash_type, digest)
