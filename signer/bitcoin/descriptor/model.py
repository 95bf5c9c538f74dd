"""What a vault's descriptor is: its scripts with their keys, and what they derive to.

Rule 1: a descriptor is made by `parse` only; whoever holds one holds scripts that are sane (BIP-379).
Rule 2: two places of one xpub have disjoint branches (BIP-388), and a fixed key has one place, so no key of
        an address repeats.
Rule 3: keys stand at places, numbered in the order of the text, in Taproot through all leaves.
"""

from dataclasses import dataclass

from signer.bitcoin.keys import KeyOrigin, KeyPath, MemberKey
from signer.bitcoin.miniscript.model import Miniscript

MAX_PLACES = 100
"""Keys of a descriptor, repetitions counted: the derivations that one address costs."""
MAX_LEAVES = 64


@dataclass(frozen=True, slots=True)
class KeyExpression:
    """`[origin]xpub/<receive;change>/*` (BIP-380, BIP-389), or `[origin]pubkey`: a fixed key."""

    origin: KeyOrigin | None
    xpub: MemberKey
    """A FixedKey if there are no branches, and only then."""
    branches: tuple[int, int] | tuple[()]
    """Child numbers of the receive and the change branch: (0, 1) for `/**`."""


@dataclass(frozen=True, slots=True)
class Wsh:
    """`wsh(MINISCRIPT)` (BIP-382, BIP-379)."""

    script: Miniscript
    keys: tuple[KeyExpression, ...]
    """By place."""

    def __hash__(self) -> int:
        # Every look-up of a derived script hashes the descriptor. The hash of the first public key
        # is remembered by its bytes object; hashing all keys would cost as much as a derivation.
        return hash(self.keys[0].xpub.pubkey)


@dataclass(frozen=True, slots=True)
class Tr:
    """`tr(UNSPENDABLE,TREE)` (BIP-386): nobody can spend by the key path."""

    internal: KeyExpression | None
    """An xpub on BIP-341's H; None stands for H itself. It has no place."""
    leaves: tuple[tuple[int, Miniscript], ...]
    """(depth, script) in depth-first order."""
    keys: tuple[KeyExpression, ...]
    """By place; the places go on from leaf to leaf."""

    def __hash__(self) -> int:
        return hash(self.keys[0].xpub.pubkey)  # as in Wsh


Descriptor = Wsh | Tr


def is_fixed(descriptor: Descriptor) -> bool:
    """Whether no key has children: there is one script then, for deposits and change alike."""
    return not any(key.branches for key in descriptor.keys)


@dataclass(frozen=True, slots=True)
class DerivedKey:
    """One federation key of one address."""

    position: int
    """Its place."""
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
    """Those that stand in it, in the order of the text."""


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
    """By place."""
    leaves: tuple[DerivedLeaf, ...] = ()
    """In depth-first order; the fields from here on are empty in P2WSH."""
    internal_key: bytes = b""
    """32 bytes, x-only."""
    merkle_root: bytes = b""
