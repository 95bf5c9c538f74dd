"""A whole kernel that kills itself: `pegwarden serve` with its real files and port, in a process of its own,
which sends itself SIGKILL at the point that it was told.

1. Nothing of this is known to the kernel: hooks stand in for its functions (`tests.crash.hooks`).
2. A torn commit is a WAL cut short after the commit, and the death before anybody heard of it.
3. For which decisions keys are touched is written to a file before they are, 32 bytes each; the system keeps
   that whoever dies.
4. Orders come by a pipe: what to die at, how far the clocks are off, how large a file may grow.
"""

import os
import resource
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

from signer import compose
from signer.cli.main import main
from signer.clock import EffectiveClock, Machine
from signer.edge.server import Edge
from tests.crash.fate import WAL, Disk, torn
from tests.crash.hooks import Hooks
from tests.known_scrypt import DERIVED


class Order(NamedTuple):
    """What a process begins with."""

    config: Path
    """In the member's folder."""
    touched: Path
    log: Path
    point: str
    nth: int
    seed: int
    off: float
    """Seconds that the wall clock is ahead."""
    passed: float
    """Seconds that have passed beyond the true ones."""
    derived: dict[tuple[bytes, bytes], bytes]
    plant: Callable[[], None]
    """Makes a mistake in that process, for the tests of this harness."""


@dataclass
class Doom(Hooks):
    """Watches its own process. Thread-safe."""

    order: Order = field(kw_only=True)
    pipe: Connection = field(kw_only=True)
    point: str = ""
    nth: int = 1
    passed: Counter[str] = field(default_factory=Counter)
    off: float = 0.0
    waited: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.point, self.nth = self.order.point, self.order.nth
        self.off, self.waited = self.order.off, self.order.passed
        self._disk, self._random = Disk(self.order.config.parent), Random(self.order.seed)
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
        self._touched = os.open(self.order.touched, flags, 0o600)

    def passing(self, point: str, torn_from: dict[str, bytes] | None = None) -> None:
        """See Hooks. Does not return where the process dies."""
        with self._guard:
            self.passed[point] += 1
            if point != self.point or self.passed[point] != self.nth:
                return
            if torn_from is not None:
                self._cut(torn(torn_from, self._disk.files(), self._random)[WAL])
            os.kill(os.getpid(), signal.SIGKILL)
            threading.Event().wait()

    def _cut(self, wal: bytes) -> None:
        """2. The descriptor stays open: to close it would let go of locks."""
        descriptor = os.open(self.order.config.with_name(WAL), os.O_WRONLY)
        os.pwrite(descriptor, wal, 0)
        os.ftruncate(descriptor, len(wal))

    def files_before(self, point: str) -> dict[str, bytes]:
        """See Hooks."""
        return self._disk.files() if self.point == point else {}

    def touching(self, log_key: bytes, decision_id: bytes) -> None:
        """See Hooks (3)."""
        os.write(self._touched, decision_id)

    def machine(self) -> Machine:
        """The true clocks, and how far they are off."""
        return Machine(
            lambda: time.time() + self.waited + self.off,
            lambda: time.clock_gettime(time.CLOCK_BOOTTIME) + self.waited,
        )

    def serving(self) -> None:
        """Say so; listen from now on."""
        self.pipe.send(dict(DERIVED))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                name, *told = self.pipe.recv()
                self.pipe.send(getattr(self, f"do_{name}")(*told))

    def do_watch(self, point: str, nth: int) -> Counter[str]:
        """Die there from now on; what was passed before."""
        with self._guard:
            passed, self.passed = self.passed, Counter()
            self.point, self.nth = point, nth
        return passed

    def do_clocks(self, off: float, waited: float) -> None:
        """See Order."""
        self.off, self.waited = off, waited

    def do_largest(self, size: int | None) -> None:
        """No file may grow beyond that: what a full disk does to a write."""
        soft = resource.RLIM_INFINITY if size is None else size
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))


def live(pipe: Connection, order: Order) -> None:
    """Serve until the end, in a process of its own."""
    DERIVED.update(order.derived)
    order.plant()
    doom, start = Doom(order=order, pipe=pipe), Edge.start
    with order.log.open("ab", buffering=0) as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)

    async def started(edge: Edge) -> int:
        port = await start(edge)
        doom.serving()
        return port

    clock: Any = partial(EffectiveClock, machine=doom.machine())
    arguments = ("serve", "--config", order.config)
    secret = ("--passphrase-file", order.config.with_name("passphrase"))
    with (
        doom.installed(),
        patch.object(Edge, "start", started),
        patch.object(compose, "EffectiveClock", clock),
    ):
        sys.exit(main([str(each) for each in (*arguments, *secret)]))
