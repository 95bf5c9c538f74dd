"""Merkle proofs (RFC 6962, section 2.1; RFC 9162, sections 2.1.3 and 2.1.4), made and verified. No I/O.

1. A path is the nodes beside the way from the leaf (or from the old tree) up to the root, the lowest first.
2. Making one asks a `Tree` for the roots of perfect subtrees at every TILE_HEIGHT-th height alone, leaves
   being height 0: a node between is hashed from at most 2^7 of them, however large the tree is.
3. Verifying uses every node of the path exactly once, and refuses one too many or too few.
4. A proof speaks of sizes and roots, so it is worth what the signed heads that say them are worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from signer.bitcoin.errors import Malformed
from signer.journal.merkle import Frontier, node_hash

TILE_HEIGHT = 8


class Tree(Protocol):
    """Where the hashes of a log are found."""

    def hashes(self, height: int, place: int, count: int) -> Sequence[bytes]:
        """Roots of that many perfect subtrees of that height, a multiple of TILE_HEIGHT, from that place on;
        the subtree at place p begins at leaf p << height."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That an entry is in a tree."""

    number: int
    """Of the entry."""
    size: int
    """Of the tree."""
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the entries of an old tree are the first of a new one."""

    old_size: int
    new_size: int
    path: tuple[bytes, ...]


def prove_inclusion(number: int, size: int, tree: Tree) -> Inclusion:
    """PATH of RFC 6962, section 2.1.1, for number < size."""
    path, start, stop = [], 0, size
    while stop - start > 1:
        split = start + _split(stop - start)
        if number < split:
            path.append(_root(start=split, stop=stop, tree=tree))
            stop = split
        else:
            path.append(_root(start=start, stop=split, tree=tree))
            start = split
    return Inclusion(number, size, tuple(reversed(path)))


def prove_consistency(old_size: int, new_size: int, tree: Tree) -> Consistency:
    """PROOF of RFC 6962, section 2.1.2, for 0 < old_size <= new_size."""
    path, start, stop = [], 0, new_size
    while stop != old_size:
        split = start + _split(stop - start)
        if old_size <= split:
            path.append(_root(start=split, stop=stop, tree=tree))
            stop = split
        else:
            path.append(_root(start=start, stop=split, tree=tree))
            start = split
    if start:  # else what is left is the old tree itself, whose root its reader knows
        path.append(_root(start=start, stop=stop, tree=tree))
    return Consistency(old_size, new_size, tuple(reversed(path)))


def root_at(size: int, tree: Tree) -> bytes:
    """The root that the tree had with that many entries."""
    return _root(start=0, stop=size, tree=tree)


def verify_inclusion(proof: Inclusion, leaf: bytes, root: bytes) -> None:
    """The entry of that leaf hash is in the tree of that root (RFC 9162, section 2.1.3.2).

    Raises Malformed `proof-invalid`.
    """
    place, last, found = proof.number, proof.size - 1, leaf
    if not 0 <= place <= last:
        _refuse(f"entry {proof.number} is not in a tree of {proof.size}")
    for node in _nodes(proof.path):
        if last == 0:
            _refuse("the path is too long")
        if place & 1 or place == last:
            found = node_hash(node, found)
            place, last = _risen(place, last)
        else:
            found = node_hash(found, node)
        place, last = place >> 1, last >> 1
    if last or found != root:
        _refuse("the path does not lead from the entry to the root")


def verify_consistency(proof: Consistency, old_root: bytes, new_root: bytes) -> None:
    """The tree of the old root is the beginning of that of the new one (RFC 9162, section 2.1.4.2).

    Raises Malformed `proof-invalid`.
    """
    old, new = proof.old_size, proof.new_size
    if not 0 < old <= new:
        _refuse(f"a tree of {old} entries does not go on to one of {new}")
    if old == new:
        if proof.path or old_root != new_root:
            _refuse("two roots for one size, or a path where none is needed")
        return
    path = list(_nodes(proof.path))
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        _refuse("the path is too short")
    found = _climbed(path, old - 1, new - 1)
    if found != (old_root, new_root):
        _refuse("the path does not lead from the old tree to both roots")


def _climbed(path: list[bytes], place: int, last: int) -> tuple[bytes, bytes]:
    """(old root, new root) as the path makes them."""
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if last == 0:
            _refuse("the path is too long")
        if place & 1 or place == last:
            old, new = node_hash(node, old), node_hash(node, new)
            place, last = _risen(place, last)
        else:
            new = node_hash(new, node)
        place, last = place >> 1, last >> 1
    if last:
        _refuse("the path is too short")
    return old, new


def _risen(place: int, last: int) -> tuple[int, int]:
    """Up past the heights at which the right edge has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _nodes(path: tuple[bytes, ...]) -> tuple[bytes, ...]:
    if any(len(node) != 32 for node in path):
        _refuse("a node is not 32 bytes")
    return path


def _split(size: int) -> int:
    """The largest power of two below size."""
    return 1 << ((size - 1).bit_length() - 1)


def _root(*, start: int, stop: int, tree: Tree) -> bytes:
    """MTH of the leaves from start up to stop, where start is a multiple of the largest power of two that is
    at most their number."""
    roots, place = [], start
    while place < stop:
        height = (stop - place).bit_length() - 1
        roots.append(_perfect(height, place >> height, tree))
        place += 1 << height
    return Frontier(stop - start, tuple(roots)).root()


def _perfect(height: int, place: int, tree: Tree) -> bytes:
    """The root of the perfect subtree of that height at that place."""
    above = height % TILE_HEIGHT
    row = tree.hashes(height - above, place << above, 1 << above)
    while len(row) > 1:
        row = [node_hash(*pair) for pair in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def _refuse(detail: str) -> NoReturn:
    raise Malformed("proof-invalid", detail)
