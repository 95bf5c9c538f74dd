"""Taproot (BIP-341): the tree, the tweak, the control block.

1. A tree is its leaves in depth-first order, each with its depth (the form of BIP-371): nothing is
   nested, so nothing recurses. It is at most 128 deep and complete.
2. Output key = internal key + tagged_hash("TapTweak", internal key || Merkle root) * G, computed by
   libsecp256k1; a tweak that is not below the order is refused.
3. A control block is verified by computing the output key again, parity included, for leaf version
   0xc0 only: scripts of other versions can be spent by anyone.
4. Nobody knows the discrete logarithm of H, nor of a child of an extended key on H: a child is H plus
   a tweak that everybody can compute, whatever the chain code is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from signer.bitcoin.codec import var_bytes
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256, tagged_hash
from signer.bitcoin.keys import ExtendedPublicKey, MemberKey
from signer.bitcoin.secp import parse_xonly, pubkey_tweak_add

T = TypeVar("T")

LEAF_VERSION = 0xC0
"""Tapscript (BIP-342)."""
MAX_DEPTH = 128
UNSPENDABLE_H = bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")
"""BIP-341's H: the x coordinate is the SHA-256 of the uncompressed generator."""
UNSPENDABLE_DOMAIN = b"pegwarden/unspendable/v1"
"""Its SHA-256 is the chain code of `unspendable_xpub`: d3d624c9...."""


@dataclass(frozen=True, slots=True)
class TapLeaf:
    """One leaf of a tree."""

    depth: int
    """0 for the only leaf of a tree."""
    script: bytes
    version: int = LEAF_VERSION

    def leaf_hash(self) -> bytes:
        """tagged_hash("TapLeaf", version || script with its length)."""
        return tagged_hash("TapLeaf", bytes((self.version,)) + var_bytes(self.script))


@dataclass(frozen=True, slots=True)
class PlacedLeaf:
    """Where a leaf stands in its tree."""

    leaf_hash: bytes
    version: int
    merkle_path: bytes
    """The hashes beside the way to the root, from the leaf on."""

    def control_block(self, internal_key: bytes, parity: int) -> bytes:
        """What a spender shows to prove that the output commits to this leaf."""
        return bytes((self.version | parity,)) + internal_key + self.merkle_path


@dataclass(frozen=True, slots=True)
class TapTree:
    """A tree, hashed."""

    merkle_root: bytes
    leaves: tuple[PlacedLeaf, ...]
    """In depth-first order."""


def fold_tree(leaves: Iterable[tuple[int, T]], join: Callable[[T, T], T]) -> T:
    """What is left when every two siblings, from (depth, leaf) in depth-first order, are joined.

    Raises Malformed `taproot-tree-malformed`.
    """
    waiting: list[tuple[int, T]] = []
    for leaf_depth, leaf in leaves:
        depth, node = leaf_depth, leaf
        if not 0 <= depth <= MAX_DEPTH:
            raise Malformed("taproot-tree-malformed", f"no leaf has depth {depth}")
        while waiting and waiting[-1][0] == depth:
            depth, node = depth - 1, join(waiting.pop()[1], node)
        waiting.append((depth, node))
    if len(waiting) != 1 or waiting[0][0] != 0:
        raise Malformed("taproot-tree-malformed", "the leaves do not fill a binary tree in order")
    return waiting[0][1]


def tap_tree(leaves: tuple[TapLeaf, ...]) -> TapTree:
    """The hashed tree of these leaves. Raises Malformed `taproot-tree-malformed`."""
    return fold_tree(((leaf.depth, _single(leaf)) for leaf in leaves), _branch)


def _single(leaf: TapLeaf) -> TapTree:
    leaf_hash = leaf.leaf_hash()
    return TapTree(leaf_hash, (PlacedLeaf(leaf_hash, leaf.version, b""),))


def _branch(left: TapTree, right: TapTree) -> TapTree:
    leaves = _beside(left, right.merkle_root) + _beside(right, left.merkle_root)
    return TapTree(branch_hash(left.merkle_root, right.merkle_root), leaves)


def _beside(tree: TapTree, sibling: bytes) -> tuple[PlacedLeaf, ...]:
    return tuple(
        PlacedLeaf(leaf.leaf_hash, leaf.version, leaf.merkle_path + sibling) for leaf in tree.leaves
    )


def branch_hash(one: bytes, other: bytes) -> bytes:
    """tagged_hash("TapBranch", the two in the order of their bytes)."""
    return tagged_hash("TapBranch", min(one, other) + max(one, other))


def tweak(internal_key: bytes, merkle_root: bytes) -> tuple[bytes, int]:
    """(x-only output key, parity of its y coordinate). The root is empty where there is no tree.

    Raises Malformed `pubkey-malformed`, and `derivation-impossible` once in 2^127 roots.
    """
    parse_xonly(internal_key)
    scalar = tagged_hash("TapTweak", internal_key + merkle_root)
    output = pubkey_tweak_add(b"\x02" + internal_key, scalar)
    if output is None:
        raise Malformed("derivation-impossible", "the tweak of this internal key does not exist")
    return output[1:], output[0] & 1


def verify_control_block(output_key: bytes, control_block: bytes, script: bytes) -> bytes:
    """The leaf hash of a script that the control block proves to stand under the output key.

    Raises Malformed `taproot-control-block`, `taproot-leaf-version` or `pubkey-malformed`.
    """
    depth, rest = divmod(len(control_block) - 33, 32)
    if rest or not 0 <= depth <= MAX_DEPTH:
        raise Malformed("taproot-control-block", f"none has {len(control_block)} bytes")
    version, claimed_parity = control_block[0] & 0xFE, control_block[0] & 1
    if version != LEAF_VERSION:
        raise Malformed("taproot-leaf-version", f"leaf version {version:#04x} is not tapscript's")
    leaf_hash = node = TapLeaf(depth, script).leaf_hash()
    for start in range(33, len(control_block), 32):
        node = branch_hash(node, control_block[start : start + 32])
    if tweak(control_block[1:33], node) != (output_key, claimed_parity):
        raise Malformed("taproot-control-block", "the output key does not commit to that script")
    return leaf_hash


def unspendable_xpub() -> ExtendedPublicKey:
    """The internal key of our vaults: H with a chain code that anyone can compute (rule 4)."""
    return ExtendedPublicKey(0, bytes(4), 0, sha256(UNSPENDABLE_DOMAIN), b"\x02" + UNSPENDABLE_H)


def is_unspendable(xpub: MemberKey) -> bool:
    """Whether nobody can know a private key of its children (rule 4)."""
    return xpub.pubkey[1:] == UNSPENDABLE_H
