"""Room for what must be recorded while the disk is nearly full.

1. Beside a journal's file stands its reserve, a file whose blocks nobody else can have. While less than a
   step is free, a step of it is given back before each transaction; with room it is put aside again.
2. While little is free refusals are coalesced; while the reserve is in use they are only counted
   (`signer.journal.budget.budget_in`), no policy is proposed, and copies of other members' logs and versions
   that bind nothing new take a small part of it (`MAX_SCARCE`). All else goes on record as ever.
3. With the reserve used up, what does not fit is refused whole: `journal-disk-full`. With room again all goes
   on by itself.
4. The disk of a database server is the server's: no reserve; for a minute after a full disk as while a
   reserve is in use.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol


class Space(IntEnum):
    """How much there is to record in."""

    AMPLE = 0
    LOW = 1
    """Little is free; the reserve is whole."""
    RESERVE = 2
    """The reserve is in use, or the disk is full."""


@dataclass(frozen=True, slots=True)
class SpaceTerms:
    """Bytes."""

    reserve: int
    step: int
    """What is kept free for the next transactions while the reserve lasts."""
    low: int
    """Less than this free is little."""


RESERVED = SpaceTerms(reserve=16 << 20, step=4 << 20, low=256 << 20)
"""A kernel's."""
UNRESERVED = SpaceTerms(0, 0, 0)
"""For tools: a disk that is full is full."""
FULL_SECONDS = 60.0


class Room(Protocol):
    """The space that a journal has. For one thread at a time; only `hold` raises."""

    def space(self) -> Space:
        """Asked before each transaction (1)."""

    def hold(self) -> None:
        """Open now what is opened for it, and nothing later. Raises OSError."""

    def give_back(self) -> bool:
        """After a transaction that found the disk full: whether it is worth another try."""

    def shortage(self) -> str:
        """For the operator; empty where nothing is short. Any thread may ask."""

    def close(self) -> None:
        """Let go of what is held."""


class FileRoom:
    """Of a journal in a file."""

    def __init__(self, journal: Path, terms: SpaceTerms) -> None:
        self._path = journal.with_name(journal.name + ".reserve")
        self._file: int | Path = self._path
        """The reserve's; its descriptor once that is held."""
        self._terms = terms
        self._is_allocated = False
        """Whether the file's length is what it really takes: a copied one may be hollow."""

    def space(self) -> Space:
        """See Room."""
        self.make_room()
        free, held = self._look()
        missing = self._terms.reserve - held
        if missing and free >= missing + 2 * self._terms.step:
            self._put_aside()
            free, held = self._look()
        return self._judged(free, held)

    def hold(self) -> None:
        """See Room. A process in its room opens nothing (docs/room.md)."""
        if self._terms.reserve:
            self._opened()

    def make_room(self) -> None:
        """Give back a step where less than that is free; also before the journal is opened."""
        if self._look()[0] < self._terms.step:
            self.give_back()

    def give_back(self) -> bool:
        """See Room."""
        held = self._look()[1]
        if not held:
            return False
        try:
            os.truncate(self._file, max(0, held - self._terms.step))
        except OSError:
            return False
        return True

    def shortage(self) -> str:
        """See Room."""
        free, held = self._look()
        if self._judged(free, held) is Space.AMPLE:
            return ""
        return (
            f"disk low: {free >> 20} MiB free at {self._path.parent}, {held >> 20} MiB of "
            f"{self._terms.reserve >> 20} MiB of the journal's reserve left"
        )

    def close(self) -> None:
        """See Room."""
        if isinstance(self._file, int):
            os.close(self._file)
            self._file = self._path

    def _judged(self, free: int, held: int) -> Space:
        if held < self._terms.reserve:
            return Space.RESERVE
        return Space.LOW if free < self._terms.low else Space.AMPLE

    def _look(self) -> tuple[int, int]:
        """Bytes that are free, and those of the reserve."""
        free = held = 0
        with suppress(OSError):  # no folder: no room
            found = os.statvfs(self._file if isinstance(self._file, int) else self._path.parent)
            free = found.f_bavail * found.f_frsize
            stat = os.stat(self._file)
            held = stat.st_size if self._is_allocated else min(stat.st_size, stat.st_blocks * 512)
        return free, held

    def _put_aside(self) -> None:
        try:
            os.posix_fallocate(self._opened(), 0, self._terms.reserve)
        except OSError:
            return
        self._is_allocated = True

    def _opened(self) -> int:
        if not isinstance(self._file, int):
            flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(self._path, flags, 0o600)
        return self._file


class ServerRoom:
    """Of a journal in a database."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_until = -FULL_SECONDS

    def space(self) -> Space:
        """See Room."""
        return Space.RESERVE if self._clock() < self._full_until else Space.AMPLE

    def hold(self) -> None:
        """See Room."""

    def give_back(self) -> bool:
        """See Room."""
        self._full_until = self._clock() + FULL_SECONDS
        return False

    def shortage(self) -> str:
        """See Room."""
        return "disk low: the database server's disk is full" if self.space() else ""

    def close(self) -> None:
        """See Room."""
