"""Which sets of members open a spending path, locks and preimages given: answered for all of them.

1. Members are counted, not places: one that stands in several places signs in all of them.
2. Members that stand alike in every way are interchangeable, so a set of members is known by how many of each
   such class it holds. Over these counts everything is enumerated; nothing is sampled or guessed.
3. What would take more than the given steps is refused (`vault-too-complex`).
"""

from collections.abc import Sequence
from itertools import product
from math import prod

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.ways import Way

MAX_STEPS = 1_500_000
"""Less than a second. 14 members of whom no two are alike fit; of alike ones any number."""

Members = tuple[int, ...]
"""Numbers of members, in ascending order."""
_Counts = tuple[int, ...]
"""How many members of each class a set holds."""


class Openings:
    """The sets of members that satisfy one of these ways."""

    def __init__(
        self, ways: Sequence[Way], owners: Sequence[int], max_steps: int = MAX_STEPS
    ) -> None:
        """`owners` says which member holds each place. Raises Malformed `vault-too-complex`."""
        groups = [group for way in ways for group in way.groups]
        standing: dict[int, list[int]] = {}  # of each member: its places in each group
        for at, group in enumerate(groups):
            for place in group.places:
                standing.setdefault(owners[place], [0] * len(groups))[at] += 1
        classes: dict[tuple[int, ...], list[int]] = {}
        for member, places in sorted(standing.items()):
            classes.setdefault(tuple(places), []).append(member)
        self._classes = tuple(map(tuple, classes.values()))
        sizes = [1 + len(alike) for alike in self._classes]
        if prod(sizes) * (1 + len(groups)) * (1 + len(sizes)) > max_steps:
            raise Malformed("vault-too-complex", "too many different sets of members could sign")
        weights = iter(zip(*classes, strict=True))  # of each group: places by class
        self._ways = [[(group.threshold, next(weights)) for group in way.groups] for way in ways]
        self._missing = self._enumerated()

    @property
    def members(self) -> Members:
        """All that stand in some way."""
        return tuple(sorted(member for alike in self._classes for member in alike))

    @property
    def fewest(self) -> Members:
        """The smallest set that opens, of equal ones with the lowest numbers of each class."""
        return self._first(self._completed((0,) * len(self._classes)))

    @property
    def least_overlapping(self) -> tuple[Members, Members]:
        """Two sets that open and share as few members as any two do."""
        opening = (counts for counts, missing in self._missing.items() if missing == 0)
        first = min(opening, key=lambda each: (self._missing[self._others(each)], sum(each)))
        second = self._trimmed(self._completed(self._others(first)))
        return self._first(first), self._last(second)

    @property
    def may_be_silent(self) -> int:
        """The most members that may all be silent, whoever they are, and the others still open."""
        closed = (sum(counts) for counts, missing in self._missing.items() if missing)
        return len(self.members) - max(closed, default=-1) - 1

    def _enumerated(self) -> dict[_Counts, int]:
        """For every set: how many members must join it to open. The largest set comes first."""
        missing: dict[_Counts, int] = {}
        for counts in product(*(range(len(alike), -1, -1) for alike in self._classes)):
            joined = (missing[each] for each in self._with_one_more(counts))
            missing[counts] = 0 if self._opens(counts) else 1 + min(joined)
        return missing

    def _opens(self, counts: _Counts) -> bool:
        return any(
            all(
                sum(count * places for count, places in zip(counts, weights, strict=True)) >= needed
                for needed, weights in way
            )
            for way in self._ways
        )

    def _with_one_more(self, counts: _Counts) -> list[_Counts]:
        return [
            (*counts[:at], count + 1, *counts[at + 1 :])
            for at, count in enumerate(counts)
            if count < len(self._classes[at])
        ]

    def _completed(self, counts: _Counts) -> _Counts:
        """The set with the fewest members that must join it to open."""
        while self._missing[counts]:
            counts = min(self._with_one_more(counts), key=self._missing.__getitem__)
        return counts

    def _trimmed(self, counts: _Counts) -> _Counts:
        """The opening set without members that it can do without."""
        for at in range(len(counts)):
            while counts[at]:
                fewer = (*counts[:at], counts[at] - 1, *counts[at + 1 :])
                if self._missing[fewer]:
                    break
                counts = fewer
        return counts

    def _others(self, counts: _Counts) -> _Counts:
        return tuple(len(alike) - n for alike, n in zip(self._classes, counts, strict=True))

    def _first(self, counts: _Counts) -> Members:
        chosen = (alike[:n] for alike, n in zip(self._classes, counts, strict=True))
        return tuple(sorted(member for some in chosen for member in some))

    def _last(self, counts: _Counts) -> Members:
        chosen = (alike[len(alike) - n :] for alike, n in zip(self._classes, counts, strict=True))
        return tuple(sorted(member for some in chosen for member in some))
