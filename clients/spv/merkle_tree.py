"""A block's Merkle tree, made from its txids: branches, and what `gettxoutproof` would write (BIP-37).

Rule 1: the last node of a level that has no partner is hashed with itself.
Rule 2: a partial tree has the hashes that lie beside the way to what it shows, and no others.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from signer.bitcoin.codec import compact_size, u32, var_bytes
from signer.bitcoin.hashes import hash256


@dataclass(frozen=True, slots=True)
class MerkleTree:
    """All nodes of it."""

    levels: tuple[tuple[bytes, ...], ...]
    """Hashes of 32 bytes, level by level: the txids first, the root alone at the end."""

    @property
    def root(self) -> bytes:
        """32 bytes, as the header has it."""
        return self.levels[-1][0]

    def branch(self, position: int) -> tuple[bytes, ...]:
        """The siblings from that leaf up to the root."""
        found = []
        for level, nodes in enumerate(self.levels[:-1]):
            place = position >> level
            found.append(nodes[min(place ^ 1, len(nodes) - 1)])
        return tuple(found)


def merkle_tree(txids: Sequence[bytes]) -> MerkleTree:
    """The tree of a block's txids (internal byte order), of which there is at least one."""
    levels = [tuple(txids)]
    while len(levels[-1]) > 1:
        nodes = levels[-1]
        pairs = zip(
            nodes[::2], (*nodes[1::2], nodes[-1]), strict=False
        )  # an odd one pairs with itself
        levels.append(tuple([hash256(left + right) for left, right in pairs]))
    return MerkleTree(tuple(levels))


def merkle_block(header: bytes, txids: Sequence[bytes], shown: Set[int]) -> bytes:
    """A partial tree that shows the transactions at those positions: Core's CMerkleBlock, serialised."""
    tree = merkle_tree(txids)
    above = [{position >> level for position in shown} for level in range(len(tree.levels))]
    bits: list[int] = []
    hashes: list[bytes] = []
    waiting = [(len(tree.levels) - 1, 0)]
    while waiting:
        level, place = waiting.pop()
        leads = place in above[level]
        bits.append(leads)
        if level and leads:
            below = [place * 2, place * 2 + 1][: len(tree.levels[level - 1]) - place * 2]
            waiting += [(level - 1, each) for each in reversed(below)]
        else:
            hashes.append(tree.levels[level][place])
    counted = u32(len(txids)) + compact_size(len(hashes)) + b"".join(hashes)
    return header + counted + var_bytes(_packed(bits))


def _packed(bits: Sequence[int]) -> bytes:
    """Bit i of the stream is bit i % 8 of byte i // 8."""
    number = sum(bit << at for at, bit in enumerate(bits))
    return number.to_bytes((len(bits) + 7) // 8, "little")
