"""Proofs of inclusion. Invariant: what is proven is in the block, there; all else is refused with a code."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.spv.merkle_tree import merkle_tree
from signer.bitcoin.errors import Malformed
from signer.bitcoin.inclusion import CoinbaseProof, TxProof, verify_tx_proof
from signer.bitcoin.transaction import Transaction, TxOut, parse_transaction
from signer.bitcoin.units import Sats
from tests.bitcoin.blocks import (
    COMMITMENT,
    Block,
    coinbase,
    payment,
    random_block,
    witness_tree,
)
from tests.bitcoin.forgeries import (
    deceived_without_coinbase,
    deceived_without_size,
    fake_of,
    forgery_below,
)
from tests.bitcoin.refused import refused
from tests.bitcoin.transactions import transactions

BLOCK = random_block(Random(8), 11)
COINBASE = BLOCK.proof(0)
PROOF = next(BLOCK.proof(at) for at in range(1, 11) if BLOCK.transactions[at].witnesses)
BARE = next(BLOCK.proof(at) for at in range(1, 11) if not BLOCK.transactions[at].witnesses)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 11, 64, 65])
def test_every_transaction_of_a_block_is_proven(count: int) -> None:
    block = random_block(Random(count), count)
    for position, transaction in enumerate(block.transactions):
        fact = verify_tx_proof(block.proof(position), block.header)
        assert fact.transaction == replace(transaction, witnesses=())
        assert fact.transaction.txid == transaction.txid
        assert fact.block_hash == block.header.hash
        assert fact.position == position
        assert fact.is_coinbase == (position == 0)


def test_a_coinbase_may_come_alone_and_nothing_else_may() -> None:
    fact = verify_tx_proof(replace(COINBASE, coinbase=None), BLOCK.header)
    assert fact == verify_tx_proof(COINBASE, BLOCK.header)
    with refused("coinbase-proof-missing"):
        verify_tx_proof(replace(PROOF, coinbase=None), BLOCK.header)
    verify_tx_proof(PROOF, BLOCK.header)


def test_a_block_of_one_transaction() -> None:
    """Its root is the coinbase's txid. What has another block's root as its hash is an inner node."""
    alone = random_block(Random(1), 1)
    proof = replace(alone.proof(0), coinbase=None)
    assert proof.branch == ()
    assert verify_tx_proof(proof, alone.header).is_coinbase
    with refused("merkle-root"):
        verify_tx_proof(proof, BLOCK.header)
    with refused("merkle-position"):
        verify_tx_proof(
            replace(alone.proof(0), transaction=BARE.transaction, position=1), alone.header
        )


def test_the_witness_is_not_proven_and_not_in_the_fact() -> None:
    transaction = parse_transaction(PROOF.transaction)
    other = replace(transaction, witnesses=((b"another",),)).serialize()
    fact = verify_tx_proof(PROOF, BLOCK.header)
    assert verify_tx_proof(replace(PROOF, transaction=other), BLOCK.header) == fact
    assert verify_tx_proof(replace(PROOF, transaction=transaction.stripped), BLOCK.header) == fact
    assert fact.transaction.serialize() == transaction.stripped


@pytest.mark.parametrize("proof", [PROOF, BARE], ids=["witness", "without"])
def test_the_transaction_is_all_of_its_bytes(proof: TxProof) -> None:
    verify_tx_proof(proof, BLOCK.header)
    for wrong in (proof.transaction[:-1], proof.transaction + b"\x00", b""):
        with refused("transaction-malformed"):
            verify_tx_proof(replace(proof, transaction=wrong), BLOCK.header)
        with refused("transaction-malformed"):
            first = CoinbaseProof(wrong, proof.branch)
            verify_tx_proof(replace(proof, coinbase=first), BLOCK.header)


def test_another_root_is_refused_for_either_branch() -> None:
    other = random_block(Random(9), 11)
    with refused("merkle-root"):
        verify_tx_proof(PROOF, other.header)
    for wrong in (
        replace(PROOF, branch=other.proof(PROOF.position).branch),
        replace(PROOF, transaction=BARE.transaction),
        replace(PROOF, coinbase=other.proof(0).coinbase),
    ):
        with refused("merkle-root"):
            verify_tx_proof(wrong, BLOCK.header)
    with refused("merkle-root"):
        verify_tx_proof(replace(COINBASE, transaction=other.proof(0).transaction), BLOCK.header)


def test_the_coinbase_is_one_before_anything_is_read_in_it() -> None:
    """A transaction with an empty witness at its first input, in its place: no coinbase can have that."""
    paid = payment(Random(1))
    strange = replace(paid, inputs=paid.inputs * 2, witnesses=((), (b"word",)))
    wrong = replace(BARE, transaction=parse_transaction(PROOF.transaction).stripped)
    for proof in (BARE, wrong):
        first = CoinbaseProof(strange.serialize(), BARE.branch)
        with refused("coinbase-position"):
            verify_tx_proof(replace(proof, coinbase=first), BLOCK.header)
    with refused("merkle-root"):
        verify_tx_proof(wrong, BLOCK.header)


BRANCHES = st.lists(st.sampled_from([*PROOF.branch, *BARE.branch, bytes(32), b"short"]), max_size=5)
RAWS = st.builds(Transaction.serialize, transactions()) | st.sampled_from(
    [*(each.serialize() for each in BLOCK.transactions), b"", bytes(64)]
)
COINBASES = st.none() | st.builds(CoinbaseProof, RAWS, BRANCHES.map(tuple))


@given(st.builds(TxProof, RAWS, st.integers(-1, 40), BRANCHES.map(tuple), COINBASES))
def test_whatever_is_sent_only_codes_come_back(proof: TxProof) -> None:
    try:
        fact = verify_tx_proof(proof, BLOCK.header)
    except Malformed:
        return
    assert fact.transaction.txid == BLOCK.transactions[fact.position].txid


def test_a_proof_from_the_tree_of_wtxids_is_told() -> None:
    """The coinbase commits to it, so it is known for what it is; after any other change it is not."""
    assert PROOF.coinbase is not None
    branch = witness_tree(BLOCK.transactions).branch(PROOF.position)
    wrong = replace(PROOF, branch=branch)
    with refused("proof-of-wtxid"):
        verify_tx_proof(wrong, BLOCK.header)
    with refused(
        "proof-of-wtxid"
    ):  # without its witness the coinbase's reserved value is taken as zeros
        bare = BLOCK.transactions[0].stripped
        verify_tx_proof(
            replace(wrong, coinbase=replace(PROOF.coinbase, transaction=bare)), BLOCK.header
        )
    with refused("merkle-root"):
        verify_tx_proof(replace(wrong, branch=(*branch[:-1], bytes(32))), BLOCK.header)
    silent = replace(PROOF.coinbase, transaction=coinbase(Random(2)).serialize())
    with refused("merkle-root"):
        verify_tx_proof(replace(wrong, coinbase=silent), BLOCK.header)


def test_the_reserved_value_of_the_commitment_is_the_coinbases_witness() -> None:
    """BIP-141 lets it be other than zero; one that says another is no commitment to this tree."""
    paid, reserved = payment(Random(4)), bytes(range(32))
    first = coinbase(Random(3))
    tree = witness_tree((first, paid))
    for says, code in ((reserved, "proof-of-wtxid"), (bytes(32), "merkle-root")):
        outputs = (*first.outputs, _commitment(tree.root, says))
        block = Block((replace(first, outputs=outputs, witnesses=((reserved,),)), paid))
        verify_tx_proof(block.proof(1), block.header)
        with refused(code):
            verify_tx_proof(replace(block.proof(1), branch=tree.branch(1)), block.header)


def _commitment(root: bytes, reserved: bytes) -> TxOut:
    return TxOut(Sats(0), COMMITMENT + merkle_tree([root, reserved]).root)


def test_at_position_0_is_the_coinbase_and_nowhere_else_is_one() -> None:
    """Blocks that no node takes, but whose miner wants a verifier of headers to."""
    first, paid = coinbase(Random(5)), payment(Random(6))
    turned, doubled, right = (
        Block((paid, first)),
        Block((first, coinbase(Random(7)))),
        Block((first, paid)),
    )
    for block in (turned, doubled):
        with refused("coinbase-position"):
            verify_tx_proof(block.proof(1), block.header)
    with refused("coinbase-position"):
        verify_tx_proof(replace(turned.proof(0), coinbase=None), turned.header)
    verify_tx_proof(right.proof(1), right.header)
    verify_tx_proof(right.proof(0), right.header)


@pytest.mark.parametrize("change", ["another input", "another vout", "another txid"])
def test_a_coinbase_spends_one_output_that_is_nowhere(change: str) -> None:
    first, paid = coinbase(Random(5)), payment(Random(6))
    nowhere = first.inputs[0]
    inputs = {
        "another input": (nowhere, paid.inputs[0]),
        "another vout": (nowhere._replace(previous=nowhere.previous._replace(vout=0)),),
        "another txid": (
            nowhere._replace(previous=paid.inputs[0].previous._replace(vout=0xFFFFFFFF)),
        ),
    }[change]
    block = Block((replace(first, inputs=inputs), paid))
    with refused("coinbase-position"):
        verify_tx_proof(block.proof(1), block.header)


def test_both_branches_are_equally_long() -> None:
    assert PROOF.coinbase is not None
    for wrong in (PROOF.coinbase.branch[:-1], (*PROOF.coinbase.branch, bytes(32)), ()):
        with refused("coinbase-proof-depth"):
            first = replace(PROOF.coinbase, branch=wrong)
            verify_tx_proof(replace(PROOF, coinbase=first), BLOCK.header)


def test_an_extra_level_is_refused() -> None:
    """At either end, of one branch or of both."""
    assert PROOF.coinbase is not None
    for more in (lambda branch: (*branch, bytes(32)), lambda branch: (bytes(32), *branch)):
        longer = replace(PROOF, branch=more(PROOF.branch))
        with refused("coinbase-proof-depth"):
            verify_tx_proof(longer, BLOCK.header)
        first = replace(PROOF.coinbase, branch=more(PROOF.coinbase.branch))
        with refused("merkle-root"):
            verify_tx_proof(replace(longer, coinbase=first), BLOCK.header)


@pytest.mark.parametrize("count", range(2, 12))
def test_a_transaction_hung_below_one_of_64_bytes_is_refused(count: int) -> None:
    """CVE-2017-12842: 64 chosen bytes mined as a transaction have a fake's txid as their first half.

    Whoever does not ask for the coinbase believes that the fake was mined. With the coinbase the forger has
    nothing to send: its branch is one shorter, and no other leads to the root.
    """
    forgery = forgery_below(Random(count), count)
    block = forgery.block
    alone = forgery.proof(None)
    assert deceived_without_coinbase(alone, block.tree.root)
    with refused("coinbase-proof-missing"):
        verify_tx_proof(alone, block.header)
    first = block.proof(0).coinbase
    assert first is not None
    with refused("coinbase-proof-depth"):
        verify_tx_proof(forgery.proof(first), block.header)
    for more in (bytes(32), forgery.half, block.transactions[1].txid):
        with refused("merkle-root"):
            longer = replace(first, branch=(more, *first.branch))
            verify_tx_proof(forgery.proof(longer), block.header)
    for other in range(count):  # the honest transactions of that block can be proven
        if other != forgery.at:
            assert verify_tx_proof(block.proof(other), block.header).position == other


def test_a_transaction_of_64_bytes_is_not_proven_and_one_of_65_is() -> None:
    forgery = forgery_below(Random(3), 5)
    with refused("transaction-64-bytes"):
        verify_tx_proof(forgery.block.proof(forgery.at), forgery.block.header)
    mined = forgery.block.transactions[forgery.at]
    with refused("transaction-64-bytes"):  # however many bytes of witness are glued to it
        glued = replace(mined, witnesses=((b"w" * 7,),) * len(mined.inputs)).serialize()
        proof = replace(forgery.block.proof(forgery.at), transaction=glued)
        verify_tx_proof(proof, forgery.block.header)
    output = mined.outputs[0]._replace(script_pubkey=b"\x6a\x03hi!")
    longer = replace(mined, outputs=(output,))
    assert (len(mined.stripped), len(longer.stripped)) == (64, 65)
    block = Block((forgery.block.transactions[0], longer))
    assert verify_tx_proof(block.proof(1), block.header).transaction.txid == longer.txid


def test_a_coinbase_of_64_bytes_proves_no_depth() -> None:
    """The first half of it would be a node. (It takes a script of 4 bytes and an output without a script.)"""
    first, paid = coinbase(Random(5)), payment(Random(6))
    empty = first.outputs[0]._replace(script_pubkey=b"")
    for size, script_sig in ((64, b"\x03abc"), (65, b"\x04abcd")):
        inputs = (first.inputs[0]._replace(script_sig=script_sig),)
        block = Block((replace(first, inputs=inputs, outputs=(empty,)), paid))
        assert len(block.transactions[0].stripped) == size
        if size == 64:
            with refused("transaction-64-bytes"):
                verify_tx_proof(block.proof(1), block.header)
        else:
            verify_tx_proof(block.proof(1), block.header)


def test_an_inner_node_is_not_a_transaction() -> None:
    """The other direction: two txids that read as 64 bytes of a transaction. To find such txids takes about
    2^34 hashes; here they are just said to be leaves."""
    fake, half = fake_of(Random(12))
    first, paid = coinbase(Random(5)), payment(Random(6))
    tree = merkle_tree([first.txid, paid.txid, fake.txid, half])
    block = Block((first, paid))
    header = replace(block.header, merkle_root=tree.root)
    inner = TxProof(fake.txid + half, 1, (tree.levels[1][0],), block.proof(0).coinbase)
    assert deceived_without_size(inner, tree.root)
    with refused("transaction-64-bytes"):
        verify_tx_proof(inner, header)


def test_what_is_64_bytes_is_said_whatever_the_rest_says() -> None:
    fake, half = fake_of(Random(13))
    mined = TxProof(fake.txid + half, 3, (bytes(31),), None)
    with refused("transaction-64-bytes"):
        verify_tx_proof(mined, BLOCK.header)
    with refused("merkle-branch"):
        verify_tx_proof(replace(mined, transaction=fake.serialize()), BLOCK.header)
