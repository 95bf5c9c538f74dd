"""What a descriptor is: its tree, and what it derives to.

Rule 1: a tree is made by `parse` only; whoever holds one holds a script that can be spent from.
Rule 2: two places of one xpub have disjoint branches (BIP-388), so no derived key repeats.
"""

from dataclasses import dataclass
from enum import StrEnum

from signer.bitcoin.keys import ExtendedPublicKey, KeyOrigin, KeyPath

MAX_KEYS = 20
"""CHECKMULTISIG's limit (BIP-383). 20 keys make a script of 687 bytes, and Core relays 3,600.

It holds for `multi_a` too: a PSBT's 64 pairs per map take 20 derivations and 20 signatures."""
MAX_LEAVES = 64
MAX_OLDER = 0xFFFF
"""Blocks that nSequence can count (BIP-68)."""


@dataclass(frozen=True, slots=True)
class KeyExpression:
    """`[origin]xpub/<receive;change>/*` (BIP-380, BIP-389)."""

    origin: KeyOrigin | None
    xpub: ExtendedPublicKey
    branches: tuple[int, int]
    """Child numbers of the receive and the change branch: (0, 1) for `/**`."""


@dataclass(frozen=True, slots=True)
class SortedMulti:
    """`sortedmulti(k,...)` (BIP-383): k-of-n CHECKMULTISIG, derived keys sorted (BIP-67)."""

    threshold: int
    keys: tuple[KeyExpression, ...]


@dataclass(frozen=True, slots=True)
class Wsh:
    """`wsh(...)` (BIP-382)."""

    inner: SortedMulti

    def __hash__(self) -> int:
        # Every look-up of a derived script hashes the descriptor. The hash of the first chain code
        # is remembered by its bytes object; hashing all keys would cost as much as a derivation.
        return hash(self.inner.keys[0].xpub.chain_code)


class KeyOrder(StrEnum):
    """Who decides the order of the keys in a `multi_a` leaf."""

    WRITTEN = "multi_a"
    SORTED = "sortedmulti_a"


@dataclass(frozen=True, slots=True)
class MultiA:
    """A leaf: `multi_a(k,...)` or `sortedmulti_a(k,...)` (BIP-387), the first also behind `older`."""

    threshold: int
    keys: tuple[KeyExpression, ...]
    order: KeyOrder = KeyOrder.WRITTEN
    older: int | None = None
    """n of `and_v(v:older(n),multi_a(...))`: how many blocks old the coin must be."""


@dataclass(frozen=True, slots=True)
class Tr:
    """`tr(UNSPENDABLE,TREE)` (BIP-386): nobody can spend by the key path. One leaf has no lock."""

    internal: KeyExpression | None
    """An xpub on BIP-341's H; None stands for H itself."""
    leaves: tuple[tuple[int, MultiA], ...]
    """(depth, leaf) in depth-first order."""

    def __hash__(self) -> int:
        return hash(self.inner.keys[0].xpub.chain_code)  # as in Wsh

    @property
    def inner(self) -> MultiA:
        """The leaf without a lock: what k and n of the federation are."""
        return next(leaf for _, leaf in self.leaves if leaf.older is None)


Descriptor = Wsh | Tr


@dataclass(frozen=True, slots=True)
class DerivedKey:
    """One federation key of one address."""

    position: int
    """Its place among `key_places`, the federation keys as the template writes them."""
    pubkey: bytes
    fingerprint: bytes
    path: KeyPath
    """From the master key on: origin path, branch, index."""

    @property
    def xonly(self) -> bytes:
        """The key as Taproot knows it (BIP-340)."""
        return self.pubkey[1:]


@dataclass(frozen=True, slots=True)
class DerivedLeaf:
    """One leaf of one Taproot address."""

    script: bytes
    leaf_hash: bytes
    control_block: bytes
    keys: tuple[DerivedKey, ...]
    """In the order of the script."""
    threshold: int
    older: int | None


@dataclass(frozen=True, slots=True)
class DerivedScript:
    """One address of a descriptor, with all that spending from it needs."""

    branch: int
    """0 receive, 1 change: the position in `<0;1>`, not the child number."""
    index: int
    script_pubkey: bytes
    witness_script: bytes
    """Empty in Taproot, where `leaves` stand in its stead."""
    keys: tuple[DerivedKey, ...]
    """In template order."""
    leaves: tuple[DerivedLeaf, ...] = ()
    """In depth-first order; the fields from here on are empty in P2WSH."""
    internal_key: bytes = b""
    """32 bytes, x-only."""
    merkle_root: bytes = b""
