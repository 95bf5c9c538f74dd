"""A death at a point: what a process that dies there leaves, and nothing that it did afterwards.

1. One member is watched. When its thread passes the point for the n-th time the files are taken as they are,
   and everything in that process ends (`Killed`): no answer leaves any more, nothing is signed.
2. A file is read through a descriptor that stays open: closing one would let go of SQLite's locks on it. The
   `-shm` file is left out: a process that opens the journal alone makes it anew.
3. The files are those of one instant: a thread that dies outside the writer's turn waits until that is over.
4. Whatever the process held is closed by `Running.stop`, on files that nobody looks at again.
"""

import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from tests.crash.hooks import Hooks, Killed

WAL = "journal.sqlite-wal"
_LEFT_OUT = ("-shm", ".lock", ".reserve")


@dataclass
class Disk:
    """The files of a member that runs."""

    folder: Path
    _open: dict[str, int] = field(default_factory=dict)

    def files(self) -> dict[str, bytes]:
        """Name and content of each, now."""
        found = {}
        for path in sorted(self.folder.iterdir()):
            if path.is_file() and not path.name.endswith(_LEFT_OUT):
                if path.name not in self._open:
                    self._open[path.name] = os.open(path, os.O_RDONLY)
                descriptor = self._open[path.name]
                found[path.name] = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        return found

    def close(self) -> None:
        """After the member has stopped."""
        for descriptor in self._open.values():
            os.close(descriptor)


def torn(before: dict[str, bytes], after: dict[str, bytes], random: Random) -> dict[str, bytes]:
    """The files of before, but the WAL with the first bytes of what the commit wrote."""
    old, new = before.get(WAL, b""), after[WAL]
    same = next(
        (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )
    written = random.randint(same, len(new))
    return before | {WAL: new[:written] + old[written:]}


@dataclass
class Fate(Hooks):
    """Who dies, and where. Thread-safe."""

    random: Random = field(default_factory=partial(Random, 0))
    who: bytes = b""
    """Log key of the member that is watched."""
    point: str = ""
    """Empty: passes are counted, nobody dies."""
    nth: int = 1
    passed: Counter[str] = field(default_factory=Counter)
    left: dict[str, bytes] | None = None
    """The files that the dead left."""
    keys_touched: dict[bytes, set[bytes]] = field(default_factory=dict)
    """By log key: decision ids of what was signed with the vault's key."""
    _disk: Disk | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    def watch(self, who: bytes, disk: Disk | None, point: str = "", nth: int = 1) -> None:
        """From now on. Without a disk nobody dies."""
        self.who, self._disk, self.point, self.nth = who, disk, point, nth
        self.passed, self.left, self._turn = Counter(), None, threading.RLock()

    @property
    def is_dead(self) -> bool:
        """Whether the watched one has died."""
        return self.left is not None

    def is_watched(self) -> bool:
        """See Hooks."""
        return bool(self.who) and self.here.who == self.who

    def passing(self, point: str, torn_from: dict[str, bytes] | None = None) -> None:
        """See Hooks. Raises Killed."""
        if not self.is_watched():
            return
        self.require_life()
        with self._guard:
            self.passed[point] += 1
            is_it = point == self.point and self.passed[point] == self.nth
        if is_it:
            with self._turn:
                assert self._disk is not None
                files = self._disk.files()
                self.left = files if torn_from is None else torn(torn_from, files, self.random)
            raise Killed(point)

    def require_life(self) -> None:
        """See Hooks."""
        if self.is_dead and self.here.who == self.who:
            raise Killed

    def touching(self, log_key: bytes, decision_id: bytes) -> None:
        """See Hooks."""
        self.keys_touched.setdefault(log_key, set()).add(decision_id)

    def files_before(self, point: str) -> dict[str, bytes]:
        """See Hooks."""
        return self._disk.files() if self._disk is not None and self.point == point else {}

    def turn_begins(self) -> None:
        """See Hooks."""
        self._turn.acquire()
        self.here.holds = True

    def turn_ends(self) -> None:
        """See Hooks."""
        if self.here.holds:
            self.here.holds = False
            self._turn.release()
