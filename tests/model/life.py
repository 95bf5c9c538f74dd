"""One life of a federation: steps, what is looked at on the way, and the end."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.model.driver import Driver
from tests.model.honest import finish
from tests.model.judge import audit, judge, kept
from tests.model.steps import step
from tests.model.team import Shape

if TYPE_CHECKING:
    from tests.postgres import Cluster

EVERY = 10
"""Steps between two looks at all members' windows and heads."""
_FAST = Path("/dev/shm")


def live(driver: Driver, steps: int) -> list[str]:
    """So many steps, and what is wrong after the first with which something is, or at the end."""
    for number in range(steps):
        step(driver)
        if number % EVERY == 0:
            driver.violations += [
                each for name in sorted(driver.running) for each in judge(driver, name)
            ]
        if driver.violations:
            return [f"step {number} ({driver.past[-1]}): {each}" for each in driver.violations]
    return [f"at the end: {each}" for each in _end(driver)]


def _end(driver: Driver) -> list[str]:
    found = finish(driver)
    if not found:
        found += kept(driver)
    for name in sorted(driver.running):
        found += judge(driver, name)
        found += audit(driver, name)
    return found + driver.violations


def life(
    shape: Shape, seed: int, steps: int, cluster: "Cluster | None" = None
) -> tuple[list[str], Driver]:
    """A federation from its genesis to its end, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=_FAST if _FAST.is_dir() else None) as folder:
        driver = Driver(Path(folder), shape, seed, cluster)
        try:
            return live(driver, steps), driver
        finally:
            driver.close()
