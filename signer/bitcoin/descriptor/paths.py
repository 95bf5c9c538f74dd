"""Who can spend from a descriptor, and how.

1. A path is one combination of locks that some way has; a transaction's nSequence and nLockTime say which it
   is. The primary path has none and is path 0; recovery paths follow by nLockTime, then by nSequence.
2. A path has every way that its locks open. In P2WSH a signature commits to no path, so these are ways of
   the whole script, also those with weaker locks; in Taproot, of the leaves in which the path stands.
3. Federation keys are counted by xpub: one member may stand in several places.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count

from signer.bitcoin.descriptor.model import Descriptor, KeyExpression, Wsh
from signer.bitcoin.descriptor.openings import MAX_STEPS, Openings
from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.locks import (
    SEQUENCE_VALUE,
    after_in_time,
    after_met,
    older_in_time,
    older_met,
)
from signer.bitcoin.miniscript.ways import Way, ways_of_all

MAX_PATHS = 64


@dataclass(frozen=True, slots=True)
class SpendingPath:
    """One way to spend, as far as locks tell ways apart."""

    name: str
    """`primary`, `recovery`, then `recovery-2` and so on."""
    ways: tuple[Way, ...]
    """All that a signature for this path may serve (rule 2)."""
    threshold: int
    """Fewest distinct members whose signatures open it, all preimages known."""
    positions: tuple[int, ...]
    """Which of `key_places` can sign."""
    older: int | None
    """The nSequence value that every input has; None for no relative lock."""
    after: int | None
    """The nLockTime; None for none."""
    leaves: tuple[int, ...]
    """Taproot leaves, in depth-first order, with a way of exactly these locks. Empty in P2WSH."""

    @property
    def is_locked(self) -> bool:
        """Whether it has a lock: any path but the primary."""
        return bool(self.older or self.after)

    @property
    def locks_text(self) -> str:
        """When it opens, in words."""
        parts = [_older_text(self.older), _after_text(self.after)]
        return " and ".join(filter(None, parts)) or "at once"


def _older_text(older: int | None) -> str:
    if older is None:
        return ""
    number = older & SEQUENCE_VALUE
    if older_in_time(older):
        return f"{512 * number} seconds after the coin"
    return f"{number} blocks after the coin"


def _after_text(after: int | None) -> str:
    if after is None:
        return ""
    return f"after Unix time {after}" if after_in_time(after) else f"after block {after}"


def key_places(descriptor: Descriptor) -> tuple[KeyExpression, ...]:
    """The federation's keys as written, without the unspendable one."""
    return descriptor.keys


def federation_keys(descriptor: Descriptor) -> tuple[KeyExpression, ...]:
    """The first place of each of the federation's xpubs, in the order of the template."""
    first = {key.xpub.pubkey: key for key in reversed(key_places(descriptor))}
    return tuple(key for key in key_places(descriptor) if first[key.xpub.pubkey] is key)


@lru_cache(maxsize=256)
def spending_paths(descriptor: Descriptor) -> tuple[SpendingPath, ...]:
    """All paths of a vault (rule 1).

    Raises Malformed `descriptor-without-primary`, `script-too-many-ways`, `vault-too-complex`.
    """
    members = tuple(key.xpub.pubkey for key in key_places(descriptor))
    if isinstance(descriptor, Wsh):
        found = paths_of(ways_of_all((descriptor.script,)), members)
        paths = tuple(replace(path, leaves=()) for path in found)
    else:
        paths = paths_of(ways_of_all([leaf for _, leaf in descriptor.leaves]), members)
    if not paths or paths[0].name != "primary":
        raise Malformed("descriptor-without-primary", "every way to spend has a lock")
    return paths


def paths_of(
    leaves: Sequence[tuple[Way, ...]], members: Sequence[Hashable]
) -> tuple[SpendingPath, ...]:
    """The paths of scripts that stand beside each other, `members` saying who holds each place.

    Raises Malformed `vault-too-complex`.
    """
    locks = sorted({(way.after, way.older) for leaf in leaves for way in leaf})
    if len(locks) > MAX_PATHS:
        raise Malformed("vault-too-complex", f"more than {MAX_PATHS} combinations of locks")
    owners = member_numbers(members)
    recoveries = (f"recovery-{number}" if number > 1 else "recovery" for number in count(1))
    found = []
    for after, older in locks:
        standing = _standing(leaves, (after, older))
        its_ways = tuple(way for at in standing for way in leaves[at] if _met(way, after, older))
        found.append(
            SpendingPath(
                name=next(recoveries) if after or older else "primary",
                ways=its_ways,
                threshold=len(Openings(its_ways, owners, MAX_STEPS // len(locks)).fewest),
                positions=tuple(sorted(_places(its_ways))),
                older=older or None,
                after=after or None,
                leaves=standing,
            )
        )
    return tuple(found)


def member_numbers(members: Sequence[Hashable]) -> tuple[int, ...]:
    """For each place the number of its member; members are numbered as they appear."""
    numbers: dict[Hashable, int] = {}
    return tuple(numbers.setdefault(member, len(numbers)) for member in members)


def _standing(leaves: Sequence[tuple[Way, ...]], locks: tuple[int, int]) -> tuple[int, ...]:
    return tuple(
        at for at, leaf in enumerate(leaves) if any((way.after, way.older) == locks for way in leaf)
    )


def _met(way: Way, after: int, older: int) -> bool:
    return after_met(way.after, after) and older_met(way.older, older)


def _places(some: tuple[Way, ...]) -> set[int]:
    return {place for way in some for group in way.groups for place in group.places}
