"""A proof becomes a fact under a header on record, in either form on the wire, and under no other."""

from random import Random

import pytest

from clients.spv.merkle_tree import merkle_tree
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.tail import Link
from signer.core.errors import Refusal
from signer.core.proven import InclusionClaim, proven, proven_by
from signer.wire_proofs import MAX_TRANSACTION, inclusion_claim
from tests.bitcoin.blocks import Block, random_block
from tests.bitcoin.mined import MemoryRecord

BLOCK = random_block(Random(5), 6)
OTHER = random_block(Random(6), 6)
HEIGHT = 7


def record(block: Block = BLOCK) -> MemoryRecord:
    return MemoryRecord.of([Link(block.header.hash, HEIGHT, 10, block.raw_header)])


def claim(position: int, block: Block = BLOCK) -> InclusionClaim:
    return InclusionClaim(block.header.hash, block.proof(position))


def message(position: int, block: Block = BLOCK) -> t.TxInclusionProof:
    proof = block.proof(position)
    path = t.MerkleBranches(position=position, branch=proof.branch)
    made = t.TxInclusionProof(
        block_hash=block.header.hash, transaction=proof.transaction, branches=path
    )
    if proof.coinbase is not None and position:
        made.coinbase = proof.coinbase.transaction
        made.branches.coinbase_branch.extend(proof.coinbase.branch)
    return made


def node_message(position: int, block: Block = BLOCK) -> t.TxInclusionProof:
    """What `gettxoutproof` of a node writes: here two transactions of a block of two."""
    two = Block(block.transactions[:2])
    txids = [each.txid for each in two.transactions]
    raw = two.raw_header + (2).to_bytes(4, "little") + b"\x02" + b"".join(txids) + b"\x01\x07"
    return t.TxInclusionProof(
        block_hash=two.header.hash,
        transaction=two.transactions[position].serialize(),
        coinbase=two.transactions[0].serialize() if position else b"",
        txoutproof=raw,
    )


def refused(work: InclusionClaim, known: MemoryRecord | None) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        proven(work, known)
    return caught.value.code


@pytest.mark.parametrize("position", range(6))
def test_a_fact_says_where(position: int) -> None:
    fact = proven(claim(position), record())
    assert fact.transaction.txid == BLOCK.transactions[position].txid
    assert not fact.transaction.witnesses
    where = (fact.block_hash, fact.height, fact.position, fact.header)
    assert where == (BLOCK.header.hash, HEIGHT, position, BLOCK.raw_header)
    assert fact.is_coinbase is (position == 0)
    assert proven_by(BLOCK.proof(position), BLOCK.raw_header, fact.height) == fact


def test_the_header_is_on_record() -> None:
    assert refused(claim(2), record(OTHER)) == "header-unknown"
    assert refused(claim(2), None) == "chain-not-configured"


def test_a_block_on_record_is_not_another() -> None:
    elsewhere = InclusionClaim(OTHER.header.hash, BLOCK.proof(2))
    assert refused(elsewhere, record(OTHER)) == "merkle-root"


@pytest.mark.parametrize("position", range(6))
def test_branches_on_the_wire(position: int) -> None:
    assert proven(inclusion_claim(message(position)), record()).position == position


@pytest.mark.parametrize("position", [0, 1])
def test_what_a_node_writes_on_the_wire(position: int) -> None:
    made = node_message(position)
    two = Block(BLOCK.transactions[:2])
    assert merkle_tree([each.txid for each in two.transactions]).root == two.header.merkle_root
    assert proven(inclusion_claim(made), record(two)).position == position


def malformed(made: t.TxInclusionProof) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        inclusion_claim(made)
    return caught.value.code


def test_a_message_lacks_nothing() -> None:
    for field in ("transaction", "branches", "block_hash"):
        made = message(2)
        made.ClearField(field)  # type: ignore[arg-type]
        assert malformed(made) == "request-malformed"
    made = message(2)
    made.ClearField("coinbase")
    assert malformed(made) == "request-malformed"
    made.branches.ClearField("coinbase_branch")
    assert refused(inclusion_claim(made), record()) == "coinbase-proof-missing"


def test_no_transaction_is_larger_than_a_block() -> None:
    for field in ("transaction", "coinbase"):
        made = message(2)
        setattr(made, field, bytes(MAX_TRANSACTION + 1))
        assert malformed(made) == "request-malformed"


def test_what_a_node_wrote_is_of_the_block_named() -> None:
    made = node_message(1)
    made.block_hash = hash256(b"another")
    assert malformed(made) == "request-malformed"
