"""Invariant: whatever a relayer, a carrier, officers, the chain, clocks, restarts, restores and one dishonest
member do to a federation of real kernels, no withdrawal can be paid twice, no batch has two roots, what was
signed is signed again, nothing is signed while officers have stopped it, windows count once, every withdrawal
can still be paid, and every log has all heads that it ever released (tests/model).

The line of a violation names all that repeats it:
`python -m tests.model.shorter --shape 2 --seed 7000003 --steps 400` finds the fewest steps that show it.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.model.hosts import SHAPES
from tests.model.life import life

if TYPE_CHECKING:
    from tests.postgres import Cluster

FULL = 200_000
"""Steps."""
LIFE = 400
"""Steps of one federation."""
ON_POSTGRES = 7
"""Each that many-th federation keeps its journals in PostgreSQL, where it is installed; no multiple of the
shapes, so that each shape has its turn."""


def run(n: int, seed: int) -> list[str]:
    """What was wrong."""
    violations, tally = list[str](), Counter[str]()
    steps, seconds = Counter[str](), Counter[str]()
    with _cluster() as cluster:
        if cluster is None:
            print("model: NOT on PostgreSQL, which is not installed: SQLite alone", flush=True)
        for number, begun in enumerate(range(0, n, LIFE)):
            shape, world = SHAPES[number % len(SHAPES)], seed * 1_000_000 + number
            place = cluster if number % ON_POSTGRES == 3 else None
            store, started = "postgres" if place else "sqlite", time.monotonic()
            found, driver = life(shape, world, min(LIFE, n - begun), place)
            seconds[store] += time.monotonic() - started  # type: ignore[assignment]
            steps[store] += len(driver.steps)
            tally.update(driver.tally)
            violations += [
                f"{shape.name} (shape {number % len(SHAPES)}), {store}, seed {world}: {each}"
                for each in found
            ]
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
