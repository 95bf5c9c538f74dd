"""Branches: every true one leads to the root, and what they say of the number of leaves has an answer."""

from itertools import product
from random import Random

import pytest

from clients.spv.merkle_tree import merkle_tree
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.merkle import root_of
from tests.bitcoin.refused import refused

RANDOM = Random(8)
LEAF = RANDOM.randbytes(32)
OTHERS = tuple(RANDOM.randbytes(32) for _ in range(33))


@pytest.mark.parametrize("count", [*range(1, 34), 63, 64, 65, 100])
def test_every_leaf_leads_to_the_root_and_no_place_behind_the_last_does(count: int) -> None:
    """CVE-2012-2459: places behind the last are copies, and their hashes lead to the root as well."""
    leaves = [RANDOM.randbytes(32) for _ in range(count)]
    tree = merkle_tree(leaves)
    for position, leaf in enumerate(leaves):
        assert root_of(leaf, position, tree.branch(position)) == tree.root
    places = 1 << (len(tree.levels) - 1)
    padded = merkle_tree(_as_hashed(leaves, places))
    assert padded.root == tree.root
    for position in range(count, places):
        with refused("merkle-duplicate"):
            root_of(padded.levels[0][position], position, padded.branch(position))


def _as_hashed(leaves: list[bytes], places: int) -> list[bytes]:
    """The leaves, with copies until the tree is full: of the last leaf, pair, four and so on."""
    size = 1
    while len(leaves) < places:
        if len(leaves) // size % 2:
            leaves = leaves + leaves[-size:]
        size *= 2
    return leaves


def test_the_tree_is_bitcoins() -> None:
    """Three leaves by hand: the third is hashed with itself."""
    a, b, c = OTHERS[:3]
    root = hash256(hash256(a + b) + hash256(c + c))
    assert merkle_tree([a, b, c]).root == root
    assert root_of(c, 2, (c, hash256(a + b))) == root
    assert root_of(b, 1, (a, hash256(c + c))) == root
    with refused("merkle-duplicate"):
        root_of(c, 3, (c, hash256(a + b)))


@pytest.mark.parametrize("depth", range(6))
def test_equal_siblings_are_taken_exactly_where_some_number_of_leaves_explains_them(
    depth: int,
) -> None:
    for position, equal in product(range(1 << depth), product((False, True), repeat=depth)):
        branch = _branch(position, equal)
        if _explained(position, equal):
            assert len(root_of(LEAF, position, branch)) == 32
        else:
            with refused("merkle-duplicate"):
                root_of(LEAF, position, branch)


def _branch(position: int, equal: tuple[bool, ...]) -> tuple[bytes, ...]:
    """Siblings that are equal to the node at those levels."""
    node, branch = LEAF, []
    for level, (is_equal, other) in enumerate(zip(equal, OTHERS, strict=False)):
        sibling = node if is_equal else other
        branch.append(sibling)
        node = hash256(sibling + node if position >> level & 1 else node + sibling)
    return tuple(branch)


def _explained(position: int, equal: tuple[bool, ...]) -> bool:
    """Whether a tree of that depth, of some number of different leaves, has such a branch."""
    depth = len(equal)
    for count in range((1 << depth) // 2 + 1, (1 << depth) + 1):
        widths = [-(-count >> level) for level in range(depth)]
        places = [position >> level for level in range(depth)]
        lonely = [
            place % 2 == 0 and place + 1 == width
            for place, width in zip(places, widths, strict=True)
        ]
        if position < count and tuple(lonely) == equal:
            return True
    return False


def test_a_branch_is_at_most_32_hashes_of_32_bytes() -> None:
    assert len(root_of(LEAF, 0, OTHERS[:32])) == 32
    with refused("merkle-branch"):
        root_of(LEAF, 0, OTHERS)
    for wrong in (OTHERS[0][:-1], OTHERS[0] + b"\x00", b""):
        with refused("merkle-branch"):
            root_of(LEAF, 0, (wrong, *OTHERS[1:3]))


@pytest.mark.parametrize("depth", [0, 1, 5, 32])
def test_a_position_has_no_bit_beyond_the_depth(depth: int) -> None:
    """Otherwise one leaf would have many positions."""
    last = (1 << depth) - 1
    assert len(root_of(LEAF, last, OTHERS[:depth])) == 32
    for wrong in (last + 1, last + (1 << 40), -1):
        with refused("merkle-position"):
            root_of(LEAF, wrong, OTHERS[:depth])


def test_another_side_is_another_root() -> None:
    roots = {root_of(LEAF, position, OTHERS[:6]) for position in range(64)}
    assert len(roots) == 64


def test_every_refusal_is_one_of_three() -> None:
    codes = set()
    for _ in range(300):
        branch = [RANDOM.choice((LEAF, *OTHERS[:2], b"short")) for _ in range(RANDOM.randrange(4))]
        try:
            root_of(LEAF, RANDOM.randrange(-1, 10), branch)
        except Malformed as error:
            codes.add(error.code)
    assert codes == {"merkle-branch", "merkle-position", "merkle-duplicate"}
