"""Pages for secrets.

1. Where the system has memfd_secret, not even root reads them through another process's eyes; else they are
   locked, left out of dumps and wiped in a forked child. `kind` says which.
2. They are never swapped. memfd_secret's pages are shared with a forked child: a process that holds secrets
   in its room is killed at a fork.
3. A place is taken once, in units of 64 bytes, and is zero; it is given back zeroed, or never.
4. A process has one arena, a forked child one of its own: what it inherits is its parent's to give back.
"""

import ctypes
import mmap
import os
from enum import StrEnum
from functools import cache
from threading import RLock

from signer.core.errors import Fault

UNIT = 64
SIZE = 16 << 10
_MEMFD_SECRET = 447
_CLOSE_ON_EXEC = os.O_CLOEXEC
_DONT_DUMP, _WIPE_ON_FORK = 16, 18
_LIBC = ctypes.CDLL(None, use_errno=True)


class ArenaKind(StrEnum):
    """What protects the pages."""

    SECRET = "memfd_secret"  # noqa: S105
    LOCKED = "locked"


class Arena:
    """Thread-safe. Raises Fault where memory cannot even be locked."""

    def __init__(self, size: int = SIZE) -> None:
        if size <= 0 or size % mmap.PAGESIZE:
            raise ValueError("an arena is whole pages")
        pages = _secret_pages(size)
        self.kind = ArenaKind.LOCKED if pages is None else ArenaKind.SECRET
        self._pages = memoryview(_locked_pages(size) if pages is None else pages)
        self._taken = bytearray(size // UNIT)
        self._lock = RLock()
        """Entered again where a garbage collection in `take` gives back."""
        self._process = os.getpid()

    def take(self, size: int) -> memoryview:
        """A place of that size, all zero. Raises Fault where none is left."""
        if size <= 0:
            raise ValueError("a place has a size")
        units = -(-size // UNIT)
        with self._lock:
            first = self._taken.find(bytes(units))
            if first < 0:
                raise Fault("the arena of secrets is full")
            self._taken[first : first + units] = b"\x01" * units
        return self._pages[first * UNIT : first * UNIT + size]

    def give_back(self, place: memoryview) -> None:
        """Zero a place that `take` returned, for others to take; nobody may hold a view of it."""
        if os.getpid() != self._process:  # 4
            return
        place[:] = bytes(len(place))
        first = (address_of(place) - address_of(self._pages)) // UNIT
        units = -(-len(place) // UNIT)
        with self._lock:
            self._taken[first : first + units] = bytes(units)


@cache
def process_arena() -> Arena:
    """That of this process (4), made when it is first asked for."""
    return Arena()


os.register_at_fork(after_in_child=process_arena.cache_clear)


def address_of(view: memoryview) -> int:
    """Where its first byte is; as long as the view lives."""
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def _secret_pages(size: int) -> mmap.mmap | None:
    """None where the system has no such memory or gives none."""
    number, flags = ctypes.c_long(_MEMFD_SECRET), ctypes.c_uint(_CLOSE_ON_EXEC)
    descriptor: int = _LIBC.syscall(number, flags)
    if descriptor < 0:
        return None
    try:
        os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size, mmap.MAP_SHARED)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _locked_pages(size: int) -> mmap.mmap:
    pages = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    place = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    if _LIBC.mlock(ctypes.c_void_p(place), ctypes.c_size_t(size)) != 0:
        raise Fault("memory for secrets cannot be locked: raise the limit (LimitMEMLOCK)")
    pages.madvise(_DONT_DUMP)
    pages.madvise(_WIPE_ON_FORK)
    return pages
