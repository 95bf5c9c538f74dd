"""The most that `thresh` costs, when a certain number of its parts is satisfied and the others are not.

1. A part that can be either is open. What it costs more when satisfied is its gain: the largest gains are
   chosen, so that no number of choices has to be looked at.
"""

from collections.abc import Sequence
from heapq import heappop, heappush, heappushpop
from typing import Protocol


def exactly(number: int, parts: Sequence[tuple[int | None, int | None]]) -> int | None:
    """The largest sum, each part being what it costs satisfied and dissatisfied; None: it cannot be so."""
    total, gains = 0, []
    for sat, dissat in parts:
        if sat is not None and dissat is not None:
            total += dissat
            gains.append(sat - dissat)
        elif sat is not None:
            total += sat
            number -= 1
        elif dissat is not None:
            total += dissat
        else:
            return None
    if not 0 <= number <= len(gains):
        return None
    return total + sum(sorted(gains, reverse=True)[:number])


class Depth(Protocol):
    """How many items more than at its end."""

    @property
    def before(self) -> int:
        """At the beginning."""
        ...

    @property
    def within(self) -> int:
        """At any time, at most."""
        ...


def most_within(number: int, parts: Sequence[tuple[Depth | None, Depth | None]]) -> int:
    """The most items at any time, when the parts are executed one after the other.

    There is a choice of exactly that number. While a part is executed, there is all that later parts begin
    with. Of these as many are satisfied as is best, but so that earlier parts can make up the number.
    """
    spare = number - sum(dissat is None for _, dissat in parts)
    earlier = sum(None not in part for part in parts)
    later, found = _Later(), list[int]()
    for part in reversed(parts):
        is_open = None not in part
        earlier -= is_open
        for depth, used in zip(part, (is_open, 0), strict=True):
            free = spare - used
            if depth is not None and 0 <= free <= earlier + later.open:
                found.append(depth.within + later.most(free - earlier, free))
        later.add(part)
    return max(found)


class _Later:
    """How many items some parts begin with, when a certain number of those that are open is satisfied."""

    def __init__(self) -> None:
        self.open = 0
        self._growing = 0
        """How many of them have more items when satisfied."""
        self._satisfied: list[int] = []
        """Their gains, a heap; the others have no larger ones."""
        self._others: list[int] = []
        """Likewise, but negatives."""
        self._sum = 0

    def add(self, part: tuple[Depth | None, Depth | None]) -> None:
        """One more of them."""
        sat, dissat = part
        if sat is None or dissat is None:
            self._sum += sum(depth.before for depth in part if depth is not None)
            return
        gain = sat.before - dissat.before
        self.open += 1
        self._growing += gain > 0
        smallest = heappushpop(self._satisfied, gain)
        heappush(self._others, -smallest)
        self._sum += dissat.before + gain - smallest

    def most(self, least: int, most: int) -> int:
        """From `least` to `most` are satisfied."""
        wanted = min(max(self._growing, least), most, self.open)
        while len(self._satisfied) < wanted:
            gain = -heappop(self._others)
            heappush(self._satisfied, gain)
            self._sum += gain
        while len(self._satisfied) > wanted:
            gain = heappop(self._satisfied)
            heappush(self._others, -gain)
            self._sum -= gain
        return self._sum
