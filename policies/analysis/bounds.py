"""The most that a kernel charges to a vault within a time, by the outflow windows of the ways that are open.

Let B(h) be the most that is charged within h consecutive seconds by spends that all go one of the ways.
1. A spend that charges anything at second t by a way with `outflow_at_most(w, L)` leaves at most L charged
   within (t - w, t], by whatever way. Its predecessors at or before t - w lie within h - w seconds. So if
   the last charging spend goes that way, at most L + B(h - w) is charged: for each window of the way, hence
   the least.
2. B(h) is the greatest of these over all ways, and 0 for h <= 0. A way without a window: unbounded.
3. Where that takes too many steps: the spends of a way are counted by one of its windows. By 1 the spends of
   all ways counted by windows of w seconds charge at most ceil(h / w) times the largest of their L; over all
   w the sum.
Both are upper bounds; 3 is the looser one. What charges nothing passes every window and adds nothing.
"""

from collections.abc import Iterable
from typing import NamedTuple

MAX_STEPS = 100_000
"""Of rule 2, over one horizon: a fraction of a second."""


class Window(NamedTuple):
    """An `outflow_at_most`."""

    seconds: int
    limit: int
    """Sats."""


Windows = frozenset[Window]
"""Of one way: all of them hold."""


def most_charged(seconds: int, ways: Iterable[Windows]) -> int | None:
    """B(seconds); None when it is unbounded."""
    limits = _distinct(ways)
    if limits is None:
        return None
    moments = _moments(seconds, limits)
    return _by_class(seconds, limits) if moments is None else _by_last(moments, limits)


def _distinct(ways: Iterable[Windows]) -> tuple[Windows, ...] | None:
    """The ways that matter: of those with one window of a length only the loosest. None without a window."""
    loosest: dict[int, int] = {}
    several = set[Windows]()
    for windows in ways:
        if not windows:
            return None
        if len(windows) > 1:
            several.add(windows)
            continue
        (only,) = windows
        loosest[only.seconds] = max(only.limit, loosest.get(only.seconds, 0))
    return (*(frozenset({Window(*each)}) for each in loosest.items()), *several)


def _moments(seconds: int, limits: tuple[Windows, ...]) -> list[int] | None:
    """Every h > 0 that rule 2 asks about, ascending; None when that takes too many steps."""
    lengths = {window.seconds for windows in limits for window in windows}
    cost = sum(len(windows) for windows in limits)
    seen, open_ends = {seconds}, [seconds]
    while open_ends:
        rest = open_ends.pop()
        for length in lengths:
            if rest > length and rest - length not in seen:
                seen.add(rest - length)
                open_ends.append(rest - length)
        if len(seen) * cost > MAX_STEPS:
            return None
    return sorted(seen)


def _by_last(moments: list[int], limits: tuple[Windows, ...]) -> int:
    """Rules 1 and 2."""
    most: dict[int, int] = {}
    for rest in moments:
        most[rest] = max(
            (
                min(window.limit + most.get(rest - window.seconds, 0) for window in windows)
                for windows in limits
            ),
            default=0,
        )
    return most[moments[-1]]


def _by_class(seconds: int, limits: tuple[Windows, ...]) -> int:
    """Rule 3."""
    largest: dict[int, int] = {}
    for windows in limits:
        chosen = min(windows, key=lambda window: (_times(seconds, window) * window.limit, window))
        largest[chosen.seconds] = max(chosen.limit, largest.get(chosen.seconds, 0))
    return sum(_times(seconds, Window(*each)) * each[1] for each in largest.items())


def _times(seconds: int, window: Window) -> int:
    """How many windows cover so many seconds."""
    return -(-seconds // window.seconds)
