"""Interleaved measuring: in every round each participant once, so that what disturbs one disturbs all.

1. A figure is the median of its rounds. There are at least LEAST_ROUNDS.
2. Whose first run takes longer than SLOW seconds has that one figure and no part in the rounds; whose run
   would take longer than HOPELESS, as its smaller cases tell, is not run.
3. Who needs less than WARM seconds runs once unmeasured before each measured run: else it would pay for
   the caches that its predecessor emptied. What lives when the rounds begin (all participants' modules and
   keys) is kept out of Python's garbage collection, whose debt would fall on whoever comes next.
"""

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

LEAST_ROUNDS, MOST_ROUNDS = 7, 400
SLOW, HOPELESS, WARM = 1.0, 30.0, 0.2


@dataclass(frozen=True)
class Figure:
    """What was measured."""

    median_ms: float
    rounds: int


def once(seconds: float) -> Figure:
    """The figure of a single run."""
    return Figure(round(seconds * 1_000, 3), 1)


def measure(trials: Mapping[str, Callable[[], float]], budget: float) -> dict[str, Figure]:
    """The figures of all, from as many rounds as `budget` seconds allow."""
    gc.collect()
    gc.freeze()
    times: dict[str, list[float]] = {name: [] for name in trials}
    end, rounds = time.monotonic() + budget, 0
    while rounds < LEAST_ROUNDS or (time.monotonic() < end and rounds < MOST_ROUNDS):
        for name, trial in trials.items():
            if times[name] and times[name][-1] < WARM:
                trial()
            times[name].append(trial())
        rounds += 1
    return {
        name: Figure(round(statistics.median(found) * 1_000, 3), len(found))
        for name, found in times.items()
    }


def expected(earlier: Sequence[tuple[int, float]], count: int) -> float:
    """Seconds for `count` inputs, by the growth between the last two of (inputs, seconds)."""
    if len(earlier) < 2:
        return 0.0
    (fewer, short), (more, long) = earlier[-2:]
    power = math.log(long / short) / math.log(more / fewer)
    return long * math.pow(count / more, max(1.0, power))
