"""Blocks that nobody mined: random transactions under a header with their Merkle root, and their proofs."""

from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from clients.spv.merkle_tree import MerkleTree, merkle_tree
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import Header, read_header
from signer.bitcoin.inclusion import CoinbaseProof, TxProof
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats

NOWHERE = OutPoint(Txid(bytes(32)), 0xFFFFFFFF)
COMMITMENT = bytes.fromhex("6a24aa21a9ed")
RESERVED = bytes(32)
"""The coinbase's witness: what BIP-141 keeps for later."""


def header_over(root: bytes) -> bytes:
    """80 bytes of a header with that Merkle root. There is no work in it: that is for others to ask for."""
    return bytes.fromhex("00000020") + bytes(32) + root + bytes.fromhex("29ab5f49ffff7f2002000000")


@dataclass(frozen=True)
class Block:
    """Its transactions, the coinbase first."""

    transactions: tuple[Transaction, ...]

    @cached_property
    def tree(self) -> MerkleTree:
        return merkle_tree([each.txid for each in self.transactions])

    @cached_property
    def raw_header(self) -> bytes:
        return header_over(self.tree.root)

    @cached_property
    def header(self) -> Header:
        return read_header(self.raw_header)

    def proof(self, position: int) -> TxProof:
        """The true one, with the coinbase's beside it."""
        coinbase = CoinbaseProof(self.transactions[0].serialize(), self.tree.branch(0))
        raw = self.transactions[position].serialize()
        return TxProof(raw, position, self.tree.branch(position), coinbase)


def coinbase(random: Random) -> Transaction:
    """A coinbase that nobody has seen."""
    reward = TxOut(Sats(5_000_000_000), b"\x00\x14" + random.randbytes(20))
    script_sig = b"\x04" + random.randbytes(4)
    return Transaction(2, (TxIn(NOWHERE, script_sig, 0xFFFFFFFF),), (reward,), 0)


def payment(random: Random) -> Transaction:
    """One input, with a witness or a scriptSig, and one output."""
    outpoint = OutPoint(Txid(random.randbytes(32)), random.randrange(4))
    output = TxOut(Sats(random.randrange(10**9)), b"\x51\x20" + random.randbytes(32))
    if random.random() < 0.5:
        bare = Transaction(2, (TxIn(outpoint, b"", 0xFFFFFFFD),), (output,), 0)
        return replace(bare, witnesses=((random.randbytes(64),),))
    script_sig = b"\x08" + random.randbytes(8)
    return Transaction(1, (TxIn(outpoint, script_sig, 0xFFFFFFFF),), (output,), 0)


def witness_tree(transactions: tuple[Transaction, ...]) -> MerkleTree:
    """The tree of wtxids, the coinbase's being zeros (BIP-141)."""
    return merkle_tree([bytes(32), *(hash256(each.serialize()) for each in transactions[1:])])


def random_block(random: Random, count: int) -> Block:
    """So many transactions, the coinbase included, which commits to the witnesses of the others."""
    paid = tuple(payment(random) for _ in range(count - 1))
    bare = coinbase(random)
    root = witness_tree((bare, *paid)).root
    commitment = TxOut(Sats(0), COMMITMENT + hash256(root + RESERVED))
    outputs = (*bare.outputs, commitment)
    first = replace(bare, outputs=outputs, witnesses=((RESERVED,),))
    return Block((first, *paid))
