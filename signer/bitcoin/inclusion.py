"""Inclusion: that a transaction is one of a block's, proven by Merkle branches to the header's root.

1. The transaction is exactly its serialisation; its leaf is the txid, the hash of the form without witness.
   Nothing proves the witness: the fact is without.
2. That form is not 64 bytes long: so long is an inner node, too (CVE-2017-12842).
3. The branch leads from leaf and position to the header's root (`merkle.root_of`).
4. What is proven comes with its block's coinbase, proven at equal depth; the coinbase itself may come alone.
   This shows how deep the tree is: a deeper leaf at position 0 would be the first half of a coinbase of 64
   bytes, 27 of its 32 bytes zero; a less deep one an inner node. Without it whoever had 64 chosen bytes mined
   as a transaction could hang any other below them.
5. The coinbase is at position 0, and no coinbase is anywhere else.
Whether the header is on the best chain, and how deep, is not said here; nor that an output is unspent.
"""

from dataclasses import dataclass

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import Header
from signer.bitcoin.merkle import root_of
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    Txid,
    parse_transaction,
)

_NOWHERE = OutPoint(Txid(bytes(32)), 0xFFFFFFFF)
_COMMITMENT = bytes.fromhex("6a24aa21a9ed")
"""How an output begins that commits to the tree of wtxids (BIP-141)."""


@dataclass(frozen=True, slots=True)
class CoinbaseProof:
    """Claims: a block's coinbase, and its branch from position 0."""

    transaction: bytes
    """Serialised, with or without witness."""
    branch: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TxProof:
    """Claims: a transaction, its position in a block, and its branch."""

    transaction: bytes
    """Serialised, with or without witness."""
    position: int
    branch: tuple[bytes, ...]
    """Hashes of 32 bytes in internal order, those of the leaves first."""
    coinbase: CoinbaseProof | None
    """None only where the transaction is the coinbase itself."""


@dataclass(frozen=True, slots=True)
class TxInclusion:
    """Fact: the transaction is in the block of that header."""

    transaction: Transaction
    """Without its witness."""
    block_hash: bytes
    """32 bytes, internal order."""
    position: int

    @property
    def is_coinbase(self) -> bool:
        """Whether its outputs need 100 more blocks before they can be spent."""
        return self.position == 0


def verify_tx_proof(proof: TxProof, header: Header) -> TxInclusion:
    """The fact, for the header of the block that the proof is about.

    Raises Malformed `transaction-malformed`, `amount-out-of-range`, `transaction-64-bytes`, `merkle-branch`,
    `merkle-position`, `merkle-duplicate`, `merkle-root`, `coinbase-position`, `coinbase-proof-missing`,
    `coinbase-proof-depth` or `proof-of-wtxid`.
    """
    transaction = _leaf(proof.transaction, proof.position)
    root = root_of(transaction.txid, proof.position, proof.branch)
    coinbase = proof.coinbase
    if coinbase is None:
        if proof.position:
            raise Malformed("coinbase-proof-missing", f"position {proof.position}")
        coinbase = CoinbaseProof(proof.transaction, proof.branch)
    depths = len(proof.branch), len(coinbase.branch)
    if depths[0] != depths[1]:
        raise Malformed("coinbase-proof-depth", f"depths {depths[0]} and {depths[1]}")
    first = _leaf(coinbase.transaction, 0)
    if root != header.merkle_root:
        raise _elsewhere(proof, first)
    if root_of(first.txid, 0, coinbase.branch) != header.merkle_root:
        raise Malformed("merkle-root", "the coinbase's branch leads elsewhere")
    bare = Transaction(
        transaction.version, transaction.inputs, transaction.outputs, transaction.locktime
    )
    return TxInclusion(bare, header.hash, proof.position)


def _leaf(data: bytes, position: int) -> Transaction:
    """Rules 1, 2 and 5."""
    transaction = parse_transaction(data)
    if len(transaction.stripped) == 64:
        raise Malformed("transaction-64-bytes", "so many are an inner node of a Merkle tree, too")
    is_coinbase = [txin.previous for txin in transaction.inputs] == [_NOWHERE]
    if is_coinbase != (position == 0):
        raise Malformed("coinbase-position", f"coinbase: {is_coinbase}, position {position}")
    return transaction


def _elsewhere(proof: TxProof, coinbase: Transaction) -> Malformed:
    """Why the branch does not lead to the header's root: it may be one of the tree of wtxids (BIP-141)."""
    reserved = coinbase.witnesses[0][0] if coinbase.witnesses else bytes(32)
    root = root_of(hash256(proof.transaction), proof.position, proof.branch)
    commitment = _COMMITMENT + hash256(root + reserved)
    if any(txout.script_pubkey[:38] == commitment for txout in coinbase.outputs):
        return Malformed("proof-of-wtxid", "the branch is one of wtxids, not of txids")
    return Malformed("merkle-root", "the branch leads elsewhere")
