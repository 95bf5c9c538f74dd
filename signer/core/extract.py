"""From the members' PSBTs to the transaction that goes out (checklist group G).

1. Each PSBT has nothing global, and no field, that we do not understand, before the next one is read.
   They are combined, in version 0 if their versions differ; a conflict is refused, and nothing wins by
   coming last.
2. Inputs are proven as for signing: whole previous transactions, scripts from the descriptor.
3. Every signature that came along verifies under a vault key over our own digest, or is refused.
4. Each input gets the cheapest canonical witness that its path allows. While signatures are missing, they
   are named.
5. The result is standard. Its last gate is `signer.consensus`, outside the pure core.
"""

from dataclasses import dataclass

from signer.bitcoin.descriptor import SpendingPath, satisfaction
from signer.bitcoin.descriptor.model import MAX_PLACES
from signer.bitcoin.psbt.combine import combine
from signer.bitcoin.psbt.convert import as_version_0
from signer.bitcoin.psbt.model import PsbtInput, PsbtOutput, UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import Transaction, TxOut
from signer.bitcoin.units import Sats
from signer.core.digests import InputDigests, verified_signatures
from signer.core.errors import malformed, unverified
from signer.core.inputs import verify_inputs
from signer.core.spend import SpentCoin
from signer.core.standard import verify_standard
from signer.core.vault import Vault
from signer.core.verify import path_index_of, verify_envelope

MAX_PSBTS = MAX_PLACES
"""One for each member of the largest federation."""


@dataclass(frozen=True, slots=True)
class MissingSignatures:
    """What an input lacks."""

    input_index: int
    signed: int
    needed: int
    without: tuple[bytes, ...]
    """Public keys that have not signed, in template order."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Combined and verified, but not yet spendable."""

    psbt_bytes: bytes
    missing: tuple[MissingSignatures, ...]


@dataclass(frozen=True, slots=True)
class Extracted:
    """A final transaction. It leaves only after `signer.consensus` has agreed."""

    psbt_bytes: bytes
    transaction: Transaction
    prevouts: tuple[TxOut, ...]
    """Proven, one per input."""
    fee: Sats


def read_answer(data: bytes, vault: Vault) -> UnverifiedPsbt:
    """A member's PSBT, understood as far as it can be without the others (1).

    Raises Malformed, VerificationError.
    """
    psbt = parse_psbt(data)
    verify_envelope(psbt, vault)
    maps: tuple[PsbtInput | PsbtOutput, ...] = (*psbt.inputs, *psbt.outputs)
    if any(each.unknown for each in maps):
        raise unverified("psbt-field-not-understood", "a field that we do not understand")
    return psbt


def extract(vault: Vault, psbts: tuple[UnverifiedPsbt, ...]) -> Extracted | Incomplete:
    """Combine, verify, finalise what `read_answer` read. Raises VerificationError or Malformed."""
    if not 1 <= len(psbts) <= MAX_PSBTS:
        raise malformed("request-malformed", f"{len(psbts)} PSBTs; 1 to {MAX_PSBTS} are combined")
    if len({psbt.version for psbt in psbts}) > 1:
        psbts = tuple(parse_psbt(as_version_0(psbt)) for psbt in psbts)
    psbt_bytes = combine(psbts)  # 1
    psbt = parse_psbt(psbt_bytes)
    path_index = path_index_of(psbt.transaction, vault)
    coins = verify_inputs(psbt, vault)  # 2
    digests = InputDigests(psbt.transaction, coins, vault)
    signed = verified_signatures(psbt, coins, digests)  # 3
    witnesses = [  # 4
        satisfaction(vault.descriptor, coin.derived, signatures, path_index)
        for coin, signatures in zip(coins, signed, strict=True)
    ]
    complete = tuple(witness for witness in witnesses if witness is not None)
    if len(complete) != len(coins):
        path = vault.paths[path_index]
        missing = [
            _lacking(index, path, coins[index], {key for _, key in signed[index]})
            for index, witness in enumerate(witnesses)
            if witness is None
        ]
        return Incomplete(psbt_bytes, tuple(missing))
    unsigned = psbt.transaction
    transaction = Transaction(
        unsigned.version, unsigned.inputs, unsigned.outputs, unsigned.locktime, complete
    )
    prevouts = tuple(coin.prevout for coin in coins)
    return Extracted(psbt_bytes, transaction, prevouts, verify_standard(transaction, prevouts))  # 5


def _lacking(
    index: int, path: SpendingPath, coin: SpentCoin, signers: set[bytes]
) -> MissingSignatures:
    keys = [coin.derived.keys[position] for position in path.positions]
    without = tuple(key.pubkey for key in keys if signers.isdisjoint((key.pubkey, key.xonly)))
    return MissingSignatures(index, len(keys) - len(without), path.threshold, without)
