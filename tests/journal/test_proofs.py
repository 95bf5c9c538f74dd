"""Proofs: the published vectors of certificate-transparency's tree, RFC 6962's recursion, and every bit."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.journal.merkle import Frontier, leaf_hash, node_hash
from signer.journal.proofs import (
    TILE_HEIGHT,
    Consistency,
    Inclusion,
    prove_consistency,
    prove_inclusion,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from tests.journal.test_merkle import CT_LEAVES, CT_ROOTS, recursive_root

LEAVES = [leaf_hash(b"%d" % number) for number in range(1_200)]
INCLUSIONS = (  # (number, size, path), as published with the tree of test_merkle
    (0, 1, ()),
    (0, 8, ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")),
    (5, 8, ("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")),
    (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
    (1, 5, ("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b")),
)  # fmt: skip
CONSISTENCIES = (
    (1, 1, ()),
    (1, 8, ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")),
    (6, 8, ("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")),
    (2, 5, ("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b")),
    (6, 7, ("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")),
)  # fmt: skip


@dataclass
class GrownTree:
    """Leaves and tiles as appending makes them; counts what is read."""

    leaves: Sequence[bytes]
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    read: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        frontier = Frontier()
        for leaf in self.leaves:
            for height, root in enumerate(frontier.completed(leaf)):
                if height and height % TILE_HEIGHT == 0:
                    self.tiles[height, frontier.size >> height] = root
            frontier = frontier.append(leaf)

    def hashes(self, height: int, place: int, count: int) -> Sequence[bytes]:
        self.read.append(count)
        if height == 0:
            return self.leaves[place : place + count]
        return [self.tiles[height, each] for each in range(place, place + count)]


CT_TREE = GrownTree([leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES])
TREE = GrownTree(LEAVES)


def mth(leaves: Sequence[bytes]) -> bytes:
    """MTH over leaf hashes, the RFC's recursion."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(mth(leaves[:split]), mth(leaves[split:]))


def naive_path(number: int, leaves: Sequence[bytes]) -> tuple[bytes, ...]:
    """PATH(m, D[n]) of RFC 6962, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return ()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if number < split:
        return (*naive_path(number, leaves[:split]), mth(leaves[split:]))
    return (*naive_path(number - split, leaves[split:]), mth(leaves[:split]))


def naive_subproof(old: int, leaves: Sequence[bytes], whole: object) -> tuple[bytes, ...]:
    """SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2, word for word."""
    if old == len(leaves):
        return () if whole else (mth(leaves),)
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old <= split:
        return (*naive_subproof(old, leaves[:split], whole), mth(leaves[split:]))
    return (*naive_subproof(old - split, leaves[split:], None), mth(leaves[:split]))


def flipped(path: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """The path with each of its bits flipped, one at a time."""
    whole = [int.from_bytes(node, "big") for node in path]
    return [
        tuple(
            (value ^ (1 << bit) if place == here else value).to_bytes(32, "big")
            for here, value in enumerate(whole)
        )
        for place in range(len(path))
        for bit in range(256)
    ]


def refused_inclusion(proof: Inclusion, leaf: bytes, root: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        verify_inclusion(proof, leaf, root)
    assert caught.value.code == "proof-invalid"


def refused_consistency(proof: Consistency, old_root: bytes, new_root: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        verify_consistency(proof, old_root, new_root)
    assert caught.value.code == "proof-invalid"


@pytest.mark.parametrize(("number", "size", "path"), INCLUSIONS)
def test_the_published_inclusion_proofs(number: int, size: int, path: tuple[str, ...]) -> None:
    proof = Inclusion(number, size, tuple(map(bytes.fromhex, path)))
    assert prove_inclusion(number, size, CT_TREE) == proof
    verify_inclusion(proof, CT_TREE.leaves[number], bytes.fromhex(CT_ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCIES)
def test_the_published_consistency_proofs(old: int, new: int, path: tuple[str, ...]) -> None:
    proof = Consistency(old, new, tuple(map(bytes.fromhex, path)))
    assert prove_consistency(old, new, CT_TREE) == proof
    verify_consistency(proof, *(bytes.fromhex(CT_ROOTS[size - 1]) for size in (old, new)))


def test_the_example_of_the_rfc() -> None:
    """RFC 6962, section 2.1.3: seven leaves; the paths of d0, d3, d4 and d6, the proofs from 3, 4 and 6."""
    d = LEAVES[:7]
    g, h = node_hash(d[0], d[1]), node_hash(d[2], d[3])
    i, j = node_hash(d[4], d[5]), d[6]
    k, last = node_hash(g, h), node_hash(i, j)
    assert prove_inclusion(0, 7, TREE).path == (d[1], h, last)
    assert prove_inclusion(3, 7, TREE).path == (d[2], g, last)
    assert prove_inclusion(4, 7, TREE).path == (d[5], j, k)
    assert prove_inclusion(6, 7, TREE).path == (i, k)
    assert prove_consistency(3, 7, TREE).path == (d[2], d[3], g, last)
    assert prove_consistency(4, 7, TREE).path == (last,)
    assert prove_consistency(6, 7, TREE).path == (i, j, k)


@pytest.mark.parametrize("size", range(1, 34))
def test_all_proofs_of_small_trees(size: int) -> None:
    root = mth(LEAVES[:size])
    assert root_at(size, TREE) == root
    for number in range(size):
        proof = prove_inclusion(number, size, TREE)
        assert proof.path == naive_path(number, LEAVES[:size])
        verify_inclusion(proof, LEAVES[number], root)
    for old in range(1, size + 1):
        step = prove_consistency(old, size, TREE)
        assert step.path == naive_subproof(old, LEAVES[:size], "whole")
        verify_consistency(step, mth(LEAVES[:old]), root)


@settings(deadline=None)
@given(st.data())
def test_proofs_of_larger_trees_cross_the_tiles(data: st.DataObject) -> None:
    size = data.draw(st.integers(200, len(LEAVES)))
    number = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root = mth(LEAVES[:size])
    proof, step = prove_inclusion(number, size, TREE), prove_consistency(old, size, TREE)
    assert proof.path == naive_path(number, LEAVES[:size])
    assert step.path == naive_subproof(old, LEAVES[:size], "whole")
    verify_inclusion(proof, LEAVES[number], root)
    verify_consistency(step, mth(LEAVES[:old]), root)


@pytest.mark.parametrize("size", [2, 3, 7, 8, 13, 64, 255, 256, 257])
def test_no_bit_of_a_proof_can_be_flipped(size: int) -> None:
    chance = random.Random(size)
    number, old = chance.randrange(size), chance.randrange(1, size)
    old_root, root = mth(LEAVES[:old]), mth(LEAVES[:size])
    proof, step = prove_inclusion(number, size, TREE), prove_consistency(old, size, TREE)
    for path in flipped(proof.path):
        refused_inclusion(replace(proof, path=path), LEAVES[number], root)
    for path in flipped(step.path):
        refused_consistency(replace(step, path=path), old_root, root)
    for (changed,) in flipped((root,)):
        refused_inclusion(proof, LEAVES[number], changed)
        refused_consistency(step, old_root, changed)
    for (changed,) in flipped((LEAVES[number],)):
        refused_inclusion(proof, changed, root)
    for (changed,) in flipped((old_root,)):
        refused_consistency(step, changed, root)


@settings(deadline=None)
@given(st.integers(1, 200), st.data())
def test_a_proof_is_of_one_entry_and_one_length(size: int, data: st.DataObject) -> None:
    """Another number, a node more or less, another order: refused. (Another size is the head's to refuse:
    trees of different sizes can have a path in common.)"""
    number = data.draw(st.integers(0, size - 1))
    root, proof = mth(LEAVES[:size]), prove_inclusion(number, size, TREE)
    for other in {number - 1, number + 1, number ^ 2, size} - {number}:
        refused_inclusion(replace(proof, number=other), LEAVES[number], root)
    refused_inclusion(replace(proof, path=(*proof.path, root)), LEAVES[number], root)
    refused_inclusion(replace(proof, path=(root, *proof.path)), LEAVES[number], root)
    for cut in {proof.path[1:], proof.path[:-1], proof.path[::-1]} - {proof.path}:
        refused_inclusion(replace(proof, path=cut), LEAVES[number], root)


@settings(deadline=None)
@given(st.integers(2, 200), st.data())
def test_a_consistency_proof_is_of_two_trees(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    old_root, root = mth(LEAVES[:old]), mth(LEAVES[:size])
    step = prove_consistency(old, size, TREE)
    refused_consistency(step, root, old_root)
    refused_consistency(replace(step, old_size=size, new_size=old), root, old_root)
    refused_consistency(replace(step, path=(*step.path, root)), old_root, root)
    for cut in {step.path[1:], step.path[:-1], ()} - {step.path}:
        refused_consistency(replace(step, path=cut), old_root, root)
    for other in {0, old - 1, old + 1} - {size}:
        refused_consistency(replace(step, old_size=other), old_root, root)
    forked = mth([*LEAVES[: old - 1], leaf_hash(b"another"), *LEAVES[old:size]])
    refused_consistency(step, old_root, forked)


def test_one_size_has_one_root() -> None:
    root = mth(LEAVES[:5])
    verify_consistency(Consistency(5, 5, ()), root, root)
    refused_consistency(Consistency(5, 5, ()), root, LEAVES[0])
    refused_consistency(Consistency(5, 5, (root,)), root, root)
    refused_consistency(Consistency(0, 5, ()), root, root)
    refused_consistency(Consistency(3, 5, ()), root, root)


def test_a_node_has_32_bytes() -> None:
    """Bytes moved from one node to the next would hash to the same parent."""
    proof = prove_inclusion(0, 2, TREE)
    refused_inclusion(replace(proof, path=(proof.path[0] + b"\x00",)), LEAVES[0], root_at(2, TREE))
    refused_inclusion(Inclusion(0, 1, ()), LEAVES[1], LEAVES[0])
    refused_inclusion(Inclusion(0, 0, ()), LEAVES[0], LEAVES[0])
    refused_inclusion(Inclusion(-1, 1, ()), LEAVES[0], LEAVES[0])


@pytest.mark.parametrize("size", [1_000, 1_024, 1_200])
def test_a_proof_reads_few_hashes(size: int) -> None:
    """At most 255 leaves beside the way and 255 on the ragged edge, and the same of tiles per 8 heights."""
    for number in (0, 255, 256, size // 2, size - 1):
        TREE.read.clear()
        prove_inclusion(number, size, TREE)
        assert sum(TREE.read) <= 4 * 255
        assert max(TREE.read) <= 128


def test_the_root_of_any_size_is_the_recursions() -> None:
    assert root_at(8, CT_TREE) == recursive_root([bytes.fromhex(leaf) for leaf in CT_LEAVES])
