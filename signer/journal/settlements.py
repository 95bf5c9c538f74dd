"""Who waits for an entry of ours to be agreed or void is told when that is durable, and asks nobody
meanwhile."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Settlements:
    """Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._expected: dict[int, set[threading.Event]] = {}

    @contextmanager
    def expected(self, number: int) -> Iterator[threading.Event]:
        """An event that is set once that entry is settled, from now on: who looks at the record after this
        misses nothing."""
        event = threading.Event()
        with self._guard:
            self._expected.setdefault(number, set()).add(event)
        try:
            yield event
        finally:
            with self._guard:
                waiting = self._expected[number]
                waiting.discard(event)
                if not waiting:
                    del self._expected[number]

    def tell(self, numbers: Iterable[int]) -> None:
        """These are settled, durably."""
        with self._guard:
            for number in numbers:
                for event in self._expected.get(number, ()):
                    event.set()
