"""Proofs of what never was in a block, each of which deceives a verifier that lacks one defence."""

from dataclasses import dataclass
from random import Random

from signer.bitcoin.codec import u32, u64
from signer.bitcoin.hashes import hash256
from signer.bitcoin.inclusion import CoinbaseProof, TxProof
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    Txid,
    TxIn,
    TxOut,
    parse_transaction,
)
from signer.bitcoin.units import COIN, Sats
from tests.bitcoin.blocks import Block, random_block


@dataclass(frozen=True)
class Forgery:
    """A transaction that is not in the block, under one of 64 bytes that is (CVE-2017-12842)."""

    block: Block
    at: int
    """Position of the transaction of 64 bytes."""
    fake: Transaction
    half: bytes
    """The other 32 bytes: the fake's sibling."""

    def proof(self, coinbase: CoinbaseProof | None) -> TxProof:
        """One level deeper than the block: the fake is on the left below the 64 bytes."""
        branch = (self.half, *self.block.tree.branch(self.at))
        return TxProof(self.fake.serialize(), self.at * 2, branch, coinbase)


def forgery_below(random: Random, count: int) -> Forgery:
    """In a block of so many transactions, at least two. It takes about 256 fakes to find one."""
    fake, half = fake_of(random)
    mined = parse_transaction(fake.txid + half)
    honest = random_block(random, count)
    at = random.randrange(1, count)
    transactions = (*honest.transactions[:at], mined, *honest.transactions[at + 1 :])
    return Forgery(Block(transactions), at, fake, half)


def fake_of(random: Random) -> tuple[Transaction, bytes]:
    """A transaction that nobody could pay for, and 32 bytes that make a transaction of its txid.

    Of the txid only byte 4 matters, the number of inputs: the others are the version and part of an outpoint.
    """
    while True:
        paid = TxOut(Sats(10_000 * COIN), b"\x00\x20" + random.randbytes(32))
        spent = TxIn(OutPoint(Txid(random.randbytes(32)), 0), b"", 0xFFFFFFFD)
        fake = Transaction(2, (spent,), (paid,), 0)
        if fake.txid[4] == 1:
            break
    outpoint_end = random.randbytes(5) + u32(0)
    output = b"\x01" + u64(1_000) + b"\x04" + b"\x6a\x02hi"
    return fake, outpoint_end + b"\x00" + u32(0xFFFFFFFF) + output + u32(0)


def deceived_without_coinbase(proof: TxProof, root: bytes) -> bool:
    """A verifier that knows every rule but the coinbase's."""
    stripped = parse_transaction(proof.transaction).stripped
    return len(stripped) != 64 and walk(hash256(stripped), proof) == root


def deceived_without_size(proof: TxProof, root: bytes) -> bool:
    """A verifier that asks for neither a coinbase nor a size."""
    return walk(parse_transaction(proof.transaction).txid, proof) == root


def walk(node: bytes, proof: TxProof) -> bytes:
    """Up the branch, as a verifier goes that minds neither copies nor left-over bits."""
    place = proof.position
    for sibling in proof.branch:
        node = hash256(sibling + node if place % 2 else node + sibling)
        place //= 2
    return node
