"""From the members' PSBTs to the transaction that goes out (checklist group G).

1. The PSBTs are combined; a conflict is refused, nothing wins by coming last.
2. Inputs are proven as for signing: whole previous transactions, scripts from the descriptor.
3. Every signature that came along verifies under a vault key over our own digest, or is refused.
4. Each input gets the one canonical witness. While signatures are missing, they are named.
5. The result is standard. Its last gate is `signer.consensus`, outside the pure core.
"""

from dataclasses import dataclass

from signer.bitcoin.descriptor import SpendingPath, satisfaction
from signer.bitcoin.psbt.combine import combine
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import Transaction, TxOut
from signer.bitcoin.units import Sats
from signer.core.digests import input_digests, verified_signatures
from signer.core.errors import malformed
from signer.core.inputs import verify_inputs
from signer.core.spend import SpentCoin
from signer.core.standard import verify_standard
from signer.core.vault import Vault
from signer.core.verify import path_index_of

MAX_PSBTS = 20
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


def extract(vault: Vault, psbts: tuple[UnverifiedPsbt, ...]) -> Extracted | Incomplete:
    """Combine, verify, finalise. Raises VerificationError or Malformed."""
    if not 1 <= len(psbts) <= MAX_PSBTS:
        raise malformed("request-malformed", f"{len(psbts)} PSBTs; 1 to {MAX_PSBTS} are combined")
    psbt_bytes = combine(psbts)  # 1
    psbt = parse_psbt(psbt_bytes)
    path_index = path_index_of(psbt.transaction, vault)
    coins = verify_inputs(psbt, vault)  # 2
    digests = input_digests(psbt.transaction, coins, vault, path_index)
    path = vault.paths[path_index]
    signed = verified_signatures(psbt, coins, digests, path.leaf_index)  # 3
    witnesses = [  # 4
        satisfaction(vault.descriptor, coin.derived, signatures, path_index)
        for coin, signatures in zip(coins, signed, strict=True)
    ]
    complete = tuple(witness for witness in witnesses if witness is not None)
    if len(complete) != len(coins):
        return Incomplete(psbt_bytes, _missing(path, coins, signed))
    unsigned = psbt.transaction
    transaction = Transaction(
        unsigned.version, unsigned.inputs, unsigned.outputs, unsigned.locktime, complete
    )
    prevouts = tuple(coin.prevout for coin in coins)
    return Extracted(psbt_bytes, transaction, prevouts, verify_standard(transaction, prevouts))  # 5


def _missing(
    path: SpendingPath, coins: tuple[SpentCoin, ...], signed: tuple[dict[bytes, bytes], ...]
) -> tuple[MissingSignatures, ...]:
    return tuple(
        MissingSignatures(index, len(signatures), path.threshold, _without(path, coin, signatures))
        for index, (coin, signatures) in enumerate(zip(coins, signed, strict=True))
        if len(signatures) < path.threshold
    )


def _without(
    path: SpendingPath, coin: SpentCoin, signatures: dict[bytes, bytes]
) -> tuple[bytes, ...]:
    keys = [coin.derived.keys[position] for position in path.positions]
    return tuple(
        key.pubkey for key in keys if key.pubkey not in signatures and key.xonly not in signatures
    )
