"""The Merkle tree over entries (RFC 6962, section 2.1).

1. leaf = SHA-256(00 || entry), node = SHA-256(01 || left || right), so no entry passes for a node.
2. A tree of n leaves splits at the largest power of two below n: it is a row of perfect subtrees, one for
   each set bit of n, the largest first. Their roots are the frontier; appending touches only the last.
"""

import hashlib
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry; it is also the decision id."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: all that appending and the root need."""

    size: int = 0
    """Leaves."""
    roots: tuple[bytes, ...] = ()
    """Of the perfect subtrees, the largest first: as many as `size` has set bits."""

    def completed(self, leaf: bytes) -> tuple[bytes, ...]:
        """Roots of the perfect subtrees that end with that leaf when it comes next, by height: the leaf is
        the first of them."""
        subtrees, roots, size = [leaf], list(self.roots), self.size
        while size & 1:  # a perfect subtree of equal size stands to the left: merge
            subtrees.append(node_hash(roots.pop(), subtrees[-1]))
            size >>= 1
        return tuple(subtrees)

    def append(self, leaf: bytes) -> "Frontier":
        """The edge of the tree with one leaf more."""
        subtrees = self.completed(leaf)
        kept = self.roots[: len(self.roots) + 1 - len(subtrees)]
        return Frontier(self.size + 1, (*kept, subtrees[-1]))

    def root(self) -> bytes:
        """The tree's root hash."""
        if not self.roots:
            return EMPTY_ROOT
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = node_hash(left, root)
        return root
