"""Partial Merkle trees as `gettxoutproof` writes them.

Invariant: what one shows, its branches prove; a changed one is refused, or says the same.
"""

from collections.abc import Set
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.spv.merkle_tree import merkle_block, merkle_tree
from signer.bitcoin.codec import Reader, compact_size, u32, var_bytes
from signer.bitcoin.errors import Malformed
from signer.bitcoin.inclusion import verify_tx_proof
from signer.bitcoin.merkle_block import MAX_TRANSACTIONS, MerkleBlock, read_merkle_block
from signer.bitcoin.transaction import Txid, parse_transaction, txid_from_display
from tests.bitcoin.blocks import Block, random_block, witness_tree
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import vector_path

HEADER = bytes(range(80))
BLOCK = random_block(Random(8), 11)
WHERE = next(at for at in range(4, 11) if BLOCK.transactions[at].witnesses)


def written(block: Block, shown: Set[int]) -> bytes:
    return merkle_block(block.raw_header, block.tree.levels[0], shown)


def parts(data: bytes) -> tuple[int, list[bytes], bytes]:
    """Number of transactions, hashes and flags of a good one."""
    reader = Reader(data[80:], "parts")
    count = reader.u32()
    hashes = [reader.take(32) for _ in range(reader.compact_size())]
    return count, hashes, reader.var_bytes()


def built(count: int, hashes: list[bytes], flags: bytes) -> bytes:
    counted = u32(count) + compact_size(len(hashes)) + b"".join(hashes)
    return HEADER + counted + var_bytes(flags)


def root_of_tree(read: MerkleBlock) -> bytes:
    """The node above all others."""
    return read.nodes[max(read.nodes)]


def shows(read: MerkleBlock, block: Block, position: int) -> bool:
    """Whether it proves that transaction."""
    raw, coinbase = (block.transactions[at].serialize() for at in (position, 0))
    return verify_tx_proof(read.tx_proof(raw, coinbase), block.header).position == position


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 100])
def test_what_is_shown_is_proven(count: int) -> None:
    random = Random(count)
    block = random_block(random, count)
    for _ in range(8):
        shown = {0} | {at for at in range(count) if random.random() < random.random()}
        read = read_merkle_block(written(block, shown))
        assert read.header == block.header
        assert (root_of_tree(read), read.count) == (block.tree.root, count)
        assert read.matched == {block.transactions[at].txid: at for at in shown}
        for position in shown:
            assert read.branch(position) == block.tree.branch(position)
            raw, coinbase = (block.transactions[at].serialize() for at in (position, 0))
            assert read.tx_proof(raw, coinbase) == block.proof(position)
            assert shows(read, block, position)


def test_it_may_show_nothing() -> None:
    read = read_merkle_block(written(BLOCK, set()))
    assert (read.matched, root_of_tree(read)) == ({}, BLOCK.tree.root)


def test_rust_bitcoins_merkle_block_and_block() -> None:
    """Mainnet block 100,014's proof, made again from the block; and one of two transactions."""
    data = bytes.fromhex(vector_path("rust-bitcoin/merkle_block.hex").read_text())
    raw = bytes.fromhex(vector_path("rust-bitcoin/block_13b8a.hex").read_text())
    txids = [parse_transaction(each).txid for each in _transactions(raw)]
    read = read_merkle_block(data)
    assert root_of_tree(read) == read.header.merkle_root == merkle_tree(txids).root
    assert read.count == len(txids) == 9
    positions = set(read.matched.values())
    assert {txids[at] for at in positions} == set(read.matched)
    assert merkle_block(raw[:80], txids, positions) == data
    two = {
        txid_from_display(each): at
        for each, at in (
            ("74d681e0e03bafa802c8aa084379aa98d9fcd632ddc2ed9782b586ec87451f20", 8),
            ("f9fc751cb7dc372406a9f8d738d5e6f8f63bab71986a39cf36ee70ee17036d07", 1),
        )
    }
    assert read_merkle_block(merkle_block(raw[:80], txids, {1, 8})).matched == two
    for position, transaction in enumerate(_transactions(raw)):
        both = read_merkle_block(merkle_block(raw[:80], txids, {0, position}))
        proof = both.tx_proof(transaction, _transactions(raw)[0])
        assert verify_tx_proof(proof, read.header).position == position


def _transactions(block: bytes) -> list[bytes]:
    """Raw ones, of a block without witnesses."""
    reader = Reader(block, "block")
    reader.take(80)
    found = []
    for _ in range(reader.compact_size()):
        start = reader.position
        reader.u32()
        reader.skip_strings(reader.compact_size(), 36, 4)
        reader.skip_strings(reader.compact_size(), 8)
        reader.u32()
        found.append(block[start : reader.position])
    reader.end()
    return found


@given(st.binary(max_size=140), st.integers(0, 20), st.sampled_from([b"", HEADER]))
def test_any_bytes_are_read_or_refused_with_a_code(data: bytes, count: int, header: bytes) -> None:
    codes = "merkle-block-malformed or merkle-block-count or merkle-block-rest or merkle-duplicate"
    read = unless_refused(codes, read_merkle_block, header + (u32(count) if header else b"") + data)
    assert read is None or read.count == count


def test_not_a_byte_more_or_less() -> None:
    data = written(BLOCK, {0, WHERE})
    read_merkle_block(data)
    for size in range(len(data)):
        with refused("merkle-block-malformed"):
            read_merkle_block(data[:size])
    with refused("merkle-block-malformed"):
        read_merkle_block(data + b"\x00")
    with refused("merkle-block-malformed"):  # a CompactSize that could be shorter
        read_merkle_block(data[:84] + b"\xfd" + data[84:85] + b"\x00" + data[85:])


def test_1_to_16666_transactions() -> None:
    """Core's bound. The proof of the last of so many is no larger than it must be."""
    txids = [Txid(number.to_bytes(32, "big")) for number in range(MAX_TRANSACTIONS)]
    data = merkle_block(HEADER, txids, {0, MAX_TRANSACTIONS - 1})
    assert read_merkle_block(data).matched[txids[-1]] == MAX_TRANSACTIONS - 1
    count, hashes, flags = parts(data)
    assert (count, len(data)) == (16_666, 80 + 4 + 1 + 20 * 32 + 1 + 7)
    assert built(count, hashes, flags) == data
    for wrong in (0, MAX_TRANSACTIONS + 1, 2**32 - 1):
        with refused("merkle-block-count"):
            read_merkle_block(built(wrong, hashes, flags))
    with refused("merkle-block-count"):
        read_merkle_block(built(0, [], b"\x00"))


def test_all_of_the_largest_block_at_once() -> None:
    txids = [Txid(number.to_bytes(32, "big")) for number in range(MAX_TRANSACTIONS)]
    everything = read_merkle_block(merkle_block(HEADER, txids, set(range(MAX_TRANSACTIONS))))
    assert list(everything.matched) == txids


def test_at_most_as_many_hashes_as_transactions_and_as_bits() -> None:
    leaves = [number.to_bytes(32, "big") for number in range(3)]
    good = merkle_block(HEADER, leaves, {0, 1, 2})
    count, hashes, flags = parts(good)
    assert len(hashes) == count == 3
    read_merkle_block(good)
    with refused("merkle-block-count"):
        read_merkle_block(built(2, hashes, flags))
    nine = [number.to_bytes(32, "big") for number in range(9)]
    count, hashes, flags = parts(merkle_block(HEADER, nine, set(range(9))))
    assert (len(hashes), len(flags)) == (9, 3)
    with refused("merkle-block-rest"):
        read_merkle_block(built(count, hashes, flags[:2]))
    with refused("merkle-block-count"):
        read_merkle_block(built(count, hashes, flags[:1]))
    with refused("merkle-block-rest"):  # no hash and no bit is not too few bits for the hashes
        read_merkle_block(built(1, [], b""))


def test_every_hash_and_every_bit_is_used_once() -> None:
    count, hashes, flags = parts(written(BLOCK, {0, WHERE}))
    read_merkle_block(built(count, hashes, flags))
    for wrong in (
        built(count, hashes[:-1], flags),
        built(count, [*hashes, bytes(32)], flags),
        built(count, hashes, flags + b"\x00"),
        built(count, hashes, flags[:-1]),
    ):
        with refused("merkle-block-rest"):
            read_merkle_block(wrong)


def test_bits_that_fill_the_last_byte_are_zero() -> None:
    """Core does not look at them, so a proof would have many forms. There may be none, and up to seven."""
    seen = set()
    for size in range(1, 12):
        txids = [number.to_bytes(32, "big") for number in range(size)]
        for position in range(size):
            good = merkle_block(HEADER, txids, {position})
            count, hashes, flags = parts(good)
            spare = len(flags) * 8 - len(read_merkle_block(good).nodes)
            seen.add(spare)
            with refused("merkle-block-rest"):
                read_merkle_block(built(count, hashes, flags + b"\x00"))
            for bit in range(8 - spare, 8):
                with refused("merkle-block-rest"):
                    wrong = flags[:-1] + bytes((flags[-1] | 1 << bit,))
                    read_merkle_block(built(count, hashes, wrong))
    assert {0, 7} < seen < set(range(8))


def test_two_siblings_that_exist_are_not_equal() -> None:
    """CVE-2012-2459: a block of 6 whose last two are copies has the root of the block of 5 without."""
    leaves = [number.to_bytes(32, "big") for number in range(1, 6)]
    good, copied = (merkle_block(HEADER, each, {4}) for each in (leaves, [*leaves, leaves[4]]))
    assert merkle_tree(leaves).root == merkle_tree([*leaves, leaves[4]]).root
    assert read_merkle_block(good).matched == {leaves[4]: 4}
    with refused("merkle-duplicate"):
        read_merkle_block(copied)
    pair = [*leaves[:2], *leaves[:2]]
    with refused("merkle-duplicate"):  # one level up
        read_merkle_block(merkle_block(HEADER, pair, {0, 3}))


def test_transaction_and_coinbase_are_both_shown() -> None:
    raw, coinbase = BLOCK.transactions[WHERE].serialize(), BLOCK.transactions[0].serialize()
    assert shows(read_merkle_block(written(BLOCK, {0, WHERE})), BLOCK, WHERE)
    for shown in (set(), {0}, {WHERE}, {1, WHERE}, {0, 1}):
        with refused("merkle-block-unmatched"):
            read_merkle_block(written(BLOCK, shown)).tx_proof(raw, coinbase)


def test_a_tree_of_wtxids_is_told() -> None:
    raw, coinbase = BLOCK.transactions[WHERE].serialize(), BLOCK.transactions[0].serialize()
    wtxids = witness_tree(BLOCK.transactions).levels[0]
    read = read_merkle_block(merkle_block(BLOCK.raw_header, wtxids, {0, WHERE}))
    with refused("proof-of-wtxid"):
        read.tx_proof(raw, coinbase)
    with refused("merkle-block-unmatched"):
        read.tx_proof(BLOCK.transactions[WHERE].stripped, coinbase)


def test_another_blocks_header_does_not_help() -> None:
    other = random_block(Random(9), 11)
    read = read_merkle_block(merkle_block(other.raw_header, BLOCK.tree.levels[0], {0, WHERE}))
    raw, coinbase = BLOCK.transactions[WHERE].serialize(), BLOCK.transactions[0].serialize()
    assert root_of_tree(read) != read.header.merkle_root
    with refused("merkle-root"):
        verify_tx_proof(read.tx_proof(raw, coinbase), read.header)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 11])
def test_a_changed_bit_is_refused_or_says_the_same(count: int) -> None:
    """What says the same: another number of transactions where the tree has the same shape, and one leaf more
    that is shown. (Another header is for the chain to know.)"""
    block = random_block(Random(count), count)
    position = count // 2
    data = written(block, {0, position})
    true = block.proof(position)
    for bit in range(80 * 8, len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            read = read_merkle_block(bytes(changed))
            proof = read.tx_proof(true.transaction, block.transactions[0].serialize())
            verify_tx_proof(proof, block.header)
        except Malformed:
            continue
        assert proof == true
        if bit // 8 < 84:
            assert read.count != count
        else:  # a hash that was sent anyway, called a match
            assert len(read.matched) > len({0, position})


def test_the_number_of_transactions_is_a_claim() -> None:
    """A block of 5 said to have 6, 7 or 8: what is shown on the left is as true as before."""
    block = random_block(Random(5), 5)
    count, hashes, flags = parts(written(block, {0, 1}))
    for claimed in (5, 6, 7, 8):
        data = block.raw_header + built(claimed, hashes, flags)[80:]
        assert shows(read_merkle_block(data), block, 1)
    for claimed in (4, 9):
        data = block.raw_header + built(claimed, hashes, flags)[80:]
        with pytest.raises(Malformed):
            shows(read_merkle_block(data), block, 1)
    assert count == 5
