"""What the federation's structure promises, proven over every set of members (design sections 6 and 8).

1. k: the fewest distinct members that open the primary path; preimages count as known to an attacker.
2. Any two sets that open the primary path share some members; if m at least, f = min(k - 1, m - 1) dishonest
   kernels are tolerated. For k-of-n that is min(k - 1, 2k - n - 1) as long as 2k >= n (J6, q = 0).
3. How many members may be silent: whoever they are, the others open the primary path, every preimage lost.
4. Of every other path: the fewest members that open it, who they are, and since when.
All sets are enumerated (`Openings`); what is found comes with the members that show it, and what cannot be
enumerated is refused.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from signer.bitcoin.descriptor.openings import MAX_STEPS, Members, Openings
from signer.bitcoin.descriptor.paths import SpendingPath, member_numbers
from signer.bitcoin.miniscript.locks import (
    SEQUENCE_VALUE,
    after_in_time,
    older_in_time,
)


class Moment(NamedTuple):
    """From when a coin can be spent: all of it must be reached."""

    unix_time: int
    """What the median time of the block before must have passed; 0 for no such lock."""
    age_seconds: int
    """Of the coin, from median time to median time; 0 for no such lock."""
    height: int
    """Of the first block that can hold the spend."""

    def precedes(self, other: "Moment") -> bool:
        """Whether it has come whenever the other one has."""
        return all(mine <= its for mine, its in zip(self, other, strict=True))


@dataclass(frozen=True, slots=True)
class Opening:
    """The fewest members that open a path, all preimages known to them."""

    path_index: int
    path: SpendingPath
    members: Members

    def moment(self, coin_height: int) -> Moment:
        """From when they can spend a coin that was confirmed at that height."""
        heights, age, unix_time = [coin_height], 0, 0
        if self.path.older is not None:
            number = self.path.older & SEQUENCE_VALUE
            if older_in_time(self.path.older):
                age = 512 * number
            else:
                heights.append(coin_height + number)
        if self.path.after is not None:
            if after_in_time(self.path.after):
                unix_time = self.path.after
            else:
                heights.append(
                    self.path.after + 1
                )  # nLockTime is the last height that is too early
        return Moment(unix_time, age, max(heights))


@dataclass(frozen=True, slots=True)
class Federation:
    """Members are numbered as they appear in the template: @0, @1, ..."""

    threshold: int
    """k (rule 1)."""
    members: int
    """n: distinct members of the primary path."""
    quorums: tuple[Members, Members]
    """Two sets that open the primary path and share as few members as any two (rule 2)."""
    may_be_silent: int
    """Rule 3; -1 if not even all members can spend without a preimage."""
    openings: tuple[Opening, ...]
    """One for each path, in their order (rule 4)."""

    @property
    def intersection(self) -> int:
        """The fewest members that two sets share which open the primary path."""
        return len(set(self.quorums[0]).intersection(self.quorums[1]))

    @property
    def tolerated(self) -> int:
        """f (rule 2). -1: two sets that share nobody could each pay a withdrawal."""
        return min(self.threshold - 1, self.intersection - 1)

    @property
    def weaker(self) -> tuple[Opening, ...]:
        """The paths that fewer than k members open, with the counterexamples."""
        return tuple(each for each in self.openings if len(each.members) < self.threshold)


@dataclass(frozen=True, slots=True)
class Minority:
    """What so many members, fewer than k, can do at the earliest."""

    size: int
    openings: tuple[tuple[Moment, Opening], ...]
    """The first ones; several where heights and times cannot be compared, none where they never can."""


def federation(paths: Sequence[SpendingPath], keys: Sequence[Hashable]) -> Federation:
    """What these paths, the primary one first, promise; `keys` says who holds each place.

    Raises Malformed `vault-too-complex`.
    """
    owners, steps = member_numbers(keys), MAX_STEPS // len(paths)
    primary = Openings(paths[0].ways, owners, steps)
    openings = tuple(
        Opening(index, path, Openings(path.ways, owners, steps).fewest)
        for index, path in enumerate(paths)
    )
    without_preimage = [way for way in paths[0].ways if not way.hashes]
    return Federation(
        threshold=len(openings[0].members),
        members=len(primary.members),
        quorums=primary.least_overlapping,
        may_be_silent=(
            Openings(without_preimage, owners, steps).may_be_silent if without_preimage else -1
        ),
        openings=openings,
    )


def earliest_spends(its: Federation, coin_height: int) -> tuple[Minority, ...]:
    """For every minority size, 1 to k - 1: when some that many members could first spend a coin, and who."""
    return tuple(
        Minority(size, tuple(_first(its, size, coin_height))) for size in range(1, its.threshold)
    )


def _first(its: Federation, size: int, coin_height: int) -> Iterator[tuple[Moment, Opening]]:
    """The moments that none precedes."""
    open_to = [each for each in its.weaker if len(each.members) <= size]
    kept = list[Moment]()
    for opening in sorted(open_to, key=lambda each: each.moment(coin_height)):
        moment = opening.moment(coin_height)
        if not any(earlier.precedes(moment) for earlier in kept):
            kept.append(moment)
            yield moment, opening
