"""Proofs of inclusion as the journal keeps them, under the rules of `signer.core.fields`.

1. A proof is kept as branches, whichever form it came in, its transactions without witness: what their txids
   are the hashes of. With the header beside it, whoever has the log can check it again.
2. Decoding is strict and the inverse of encoding; it proves nothing (`signer.core.proven`).
"""

from signer.bitcoin.inclusion import CoinbaseProof, TxProof
from signer.bitcoin.transaction import parse_transaction
from signer.core.fields import pack, read_number, refuse_entry, sized, u32_be, unpack_exactly

_HASH = 32


def encode_proof(proof: TxProof) -> bytes:
    """The fields transaction, position u32, branch, coinbase, its branch; the last two empty without one."""
    coinbase = proof.coinbase
    return pack(
        (
            proof.transaction,
            u32_be(proof.position),
            b"".join(proof.branch),
            b"" if coinbase is None else coinbase.transaction,
            b"" if coinbase is None else b"".join(coinbase.branch),
        )
    )


def decode_proof(record: bytes) -> TxProof:
    """The inverse of `encode_proof`. Raises Malformed `entry-malformed`."""
    transaction, position, branch, coinbase, coinbase_branch = unpack_exactly(record, 5)
    if not coinbase and coinbase_branch:
        refuse_entry("a branch of a coinbase that is not there")
    first = CoinbaseProof(coinbase, _branch(coinbase_branch)) if coinbase else None
    return TxProof(transaction, read_number(position, 4), _branch(branch), first)


def _branch(field: bytes) -> tuple[bytes, ...]:
    sized(field, len(field) // _HASH * _HASH)
    return tuple(field[at : at + _HASH] for at in range(0, len(field), _HASH))


def without_witnesses(proof: TxProof) -> TxProof:
    """The same proof (1). Raises Malformed `transaction-malformed`, `amount-out-of-range`."""
    coinbase = proof.coinbase
    first = None
    if coinbase is not None:
        first = CoinbaseProof(parse_transaction(coinbase.transaction).stripped, coinbase.branch)
    return TxProof(
        parse_transaction(proof.transaction).stripped, proof.position, proof.branch, first
    )
