"""Kernels for the attacks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.bridge import Guard
from tests.kernel.room import Running


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[tuple[Running, ...]]:
    """Three members."""
    running = tuple(Guard(tmp_path / str(n), n).init().start() for n in range(3))
    yield running
    for each in running:
        each.stop()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Running]:
    """One member."""
    running = Guard(tmp_path / "alone", 0).init().start()
    yield running
    running.stop()
