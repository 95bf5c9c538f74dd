"""Writes down, now and then, that a kernel with this journal runs: the next start judges its clock by it.

Without it a kernel that nobody asked for a day could not tell its restart from a step of the clock.
"""

import threading
from collections.abc import Callable

TICK_SECONDS = 30


class Ticker:
    """A thread that calls `tick` at once, every TICK_SECONDS, and when it is closed."""

    def __init__(self, tick: Callable[[], None], seconds: float = TICK_SECONDS) -> None:
        self._tick = tick
        self._seconds = seconds
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tick once more, then end."""
        self._ending.set()
        self._thread.join()
        self._tick()

    def _run(self) -> None:
        self._tick()
        while not self._ending.wait(self._seconds):
            self._tick()
