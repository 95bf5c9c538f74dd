"""Invariant: whatever a relayer, a carrier, the chain and restarts do to a federation of real kernels, no
withdrawal can be paid twice, what was signed is signed again, windows count once, every withdrawal can still
be paid, and every log has all heads that it ever released (tests/model)."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.model.life import life
from tests.model.team import SHAPES

if TYPE_CHECKING:
    from tests.postgres import Cluster

FULL = 200_000
"""Steps."""
LIFE = 250
"""Steps of one federation."""
ON_POSTGRES = 20
"""Each that many-th federation keeps its journals in PostgreSQL, where it is installed."""


def run(n: int, seed: int) -> list[str]:
    """What was wrong."""
    violations, tally = list[str](), Counter[str]()
    steps, seconds = Counter[str](), Counter[str]()
    with _cluster() as cluster:
        for number, begun in enumerate(range(0, n, LIFE)):
            shape, world = SHAPES[number % len(SHAPES)], seed * 1_000_000 + number
            place = cluster if number % ON_POSTGRES == ON_POSTGRES - 1 else None
            store, started = "postgres" if place else "sqlite", time.monotonic()
            found, driver = life(shape, world, min(LIFE, n - begun), place)
            seconds[store] += time.monotonic() - started  # type: ignore[assignment]
            steps[store] += len(driver.past)
            tally.update(driver.tally)
            violations += [f"{shape.name}, {store}, seed {world}: {each}" for each in found]
    print(f"model: answers: {dict(tally.most_common())}")
    for store in steps:
        rate = steps[store] / seconds[store]
        print(f"model: {store}: {steps[store]} steps, {rate:.0f} steps/s, their ends included")
    return violations


@contextmanager
def _cluster() -> "Iterator[Cluster | None]":
    try:
        from tests.postgres import Cluster, programs
    except ImportError:  # the extra `postgres` is not installed
        yield None
        return
    binaries = programs()
    if binaries is None:
        yield None
        return
    cluster = Cluster(binaries)
    try:
        yield cluster
    finally:
        cluster.remove()
