"""Who can spend from a descriptor, and how.

1. The primary path, without a lock, is path 0; recovery paths follow by age, then as written.
2. Federation keys are counted by xpub: one member may stand in several places.
"""

from dataclasses import dataclass
from functools import lru_cache

from signer.bitcoin.descriptor.model import Descriptor, KeyExpression, Wsh


@dataclass(frozen=True, slots=True)
class SpendingPath:
    """One way to spend."""

    name: str
    """`primary`, `recovery`, then `recovery-2` and so on."""
    threshold: int
    positions: tuple[int, ...]
    """Which of `key_places` can sign."""
    older: int | None
    """Blocks that the coin must be old."""
    leaf_index: int | None
    """Which leaf in depth-first order; None in P2WSH."""


def key_places(descriptor: Descriptor) -> tuple[KeyExpression, ...]:
    """The federation's keys as written, without the unspendable one."""
    if isinstance(descriptor, Wsh):
        return descriptor.inner.keys
    return tuple(key for _, leaf in descriptor.leaves for key in leaf.keys)


def federation_keys(descriptor: Descriptor) -> tuple[KeyExpression, ...]:
    """The first place of each of the federation's xpubs, in the order of the template."""
    first = {key.xpub.pubkey: key for key in reversed(key_places(descriptor))}
    return tuple(key for key in key_places(descriptor) if first[key.xpub.pubkey] is key)


@lru_cache(maxsize=256)
def spending_paths(descriptor: Descriptor) -> tuple[SpendingPath, ...]:
    """All paths (rule 1)."""
    if isinstance(descriptor, Wsh):
        everyone = tuple(range(len(descriptor.inner.keys)))
        return (SpendingPath("primary", descriptor.inner.threshold, everyone, None, None),)
    found, start = [], 0
    for leaf_index, (_, leaf) in enumerate(descriptor.leaves):
        positions = tuple(range(start, start + len(leaf.keys)))
        found.append((leaf.older or 0, leaf_index, leaf, positions))
        start += len(leaf.keys)
    return tuple(
        SpendingPath(_name(number), leaf.threshold, positions, leaf.older, leaf_index)
        for number, (_, leaf_index, leaf, positions) in enumerate(sorted(found, key=_rank))
    )


def _rank(path: tuple[int, int, object, object]) -> tuple[int, int]:
    return path[:2]


def _name(number: int) -> str:
    return ("primary", "recovery")[number] if number < 2 else f"recovery-{number}"
