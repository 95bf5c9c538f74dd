"""One life of a federation: steps, what is looked at on the way, and the end."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.model.driver import Driver
from tests.model.honest import finish
from tests.model.hosts import Shape
from tests.model.judge import audit, judge, kept
from tests.model.steps import Step, step

if TYPE_CHECKING:
    from tests.postgres import Cluster

EVERY = 10
"""Steps between two looks at all members' windows and heads."""
_FAST = Path("/dev/shm")


class Plan(NamedTuple):
    """A life that is not like all others."""

    without: frozenset[int] = frozenset()
    """Numbers of steps that are left out."""
    favoured: tuple[Step, ...] = ()
    """Steps that are drawn more often."""


PLAIN = Plan()


def live(driver: Driver, steps: int, plan: Plan = PLAIN) -> list[str]:
    """So many steps, and what is wrong after the first with which something is, or at the end."""
    for number in range(steps):
        if number in plan.without:
            continue
        step(driver, number, plan.favoured)
        if number % EVERY == 0:
            driver.violations += [each for name in driver.honest for each in judge(driver, name)]
        if driver.violations:
            return [f"step {number} ({driver.steps[-1]}): {each}" for each in driver.violations]
    return [f"at the end: {each}" for each in _end(driver)]


def _end(driver: Driver) -> list[str]:
    found = finish(driver)
    if not found:
        found += kept(driver)
    for name in driver.honest:
        found += judge(driver, name)
        found += audit(driver, name)
    return found + driver.violations


def life(
    shape: Shape,
    seed: int,
    steps: int,
    cluster: "Cluster | None" = None,
    plan: Plan = PLAIN,
) -> tuple[list[str], Driver]:
    """A federation from its genesis to its end, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=_FAST if _FAST.is_dir() else None) as folder:
        driver = Driver(Path(folder), shape, seed, cluster)
        try:
            return live(driver, steps, plan), driver
        finally:
            driver.close()
