"""The memory of a process that holds keys.

1. No core dumps, and no ptrace or /proc/<pid>/mem by processes of the same user (PR_SET_DUMPABLE 0); nothing
   that it starts gains privileges. Files that it makes are its owner's alone.
2. Its pages do not go to swap, present and future ones, each from its first use on. With a finite limit on
   locked memory a later mapping would fail, so a finite limit is refused beforehand.
3. All threads allocate in one heap. glibc's malloc gives threads heaps of their own otherwise, and then opens
   files: the list of processors at the ninth, the system's word on overcommitment when one shrinks.
"""

import os
import resource

from signer.core.errors import Objection, Refusal
from signer.room.system import (
    LIBC,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    process_control,
    refused,
)

_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
_ARENA_MAX = -8


def harden() -> None:
    """Rule 1. Raises OSError where the system refuses."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    process_control(PR_SET_DUMPABLE, 0)
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    os.umask(0o077)


def one_heap() -> None:
    """Rule 3, before the first thread. Raises Refusal `room-unsupported`."""
    mallopt = getattr(LIBC, "mallopt", None)
    if mallopt is None or mallopt(_ARENA_MAX, 1) != 1:
        raise Refusal(Objection("room-unsupported", "this C library's heaps cannot be made one"))


def lock_memory() -> None:
    """Rule 2. Raises Refusal `room-incomplete`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if soft != resource.RLIM_INFINITY:
        detail = "the limit on locked memory is finite (systemd: LimitMEMLOCK=infinity)"
        raise Refusal(Objection("room-incomplete", detail, f"{soft} bytes", "no limit"))
    if LIBC.mlockall(_CURRENT | _FUTURE | _ON_FAULT) != 0:
        raise Refusal(Objection("room-incomplete", str(refused("mlockall"))))
