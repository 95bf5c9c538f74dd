"""Proof that a closed room is closed: each forbidden thing is tried in a process of its own.

1. Every row must end by SIGSYS. A kernel whose journal is in a database server may open and connect: there
   opening a file must be refused, by Landlock.
2. The process is spawned, closes its room as a kernel does, and tries one thing; it holds no secret.
3. Rows are what somebody who runs code in the kernel would try first.
"""

import ctypes
import mmap
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from signer.core.errors import Objection, Refusal
from signer.room import memory
from signer.room.calls import FILE_JOURNAL, SERVER_JOURNAL
from signer.room.close import RoomSetting, close_room, deny_paths
from signer.room.failures import tell_uncaught

SECONDS = 60
DONE, REFUSED, FAILED = 0, 3, 4
"""How a process ends that was not killed."""


def _open() -> object:
    return os.open("/etc/passwd", os.O_RDONLY)


def _protect() -> object:
    """Make a page of data executable."""
    page = mmap.mmap(-1, mmap.PAGESIZE)
    place = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc = ctypes.CDLL(None)
    return libc.mprotect(ctypes.c_void_p(place), ctypes.c_size_t(mmap.PAGESIZE), 5)


ATTEMPTS: Mapping[str, Callable[[], object]] = {
    "open": _open,
    "socket-inet": lambda: socket.socket(socket.AF_INET),
    "socket-unix": lambda: socket.socket(socket.AF_UNIX),
    "socket-datagram": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
    "socket-pair": socket.socketpair,
    "execute": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "fork": os.fork,
    "signal": lambda: os.kill(1, 0),
    "user": lambda: os.setuid(os.getuid()),
    "folder": lambda: os.mkdir("/nowhere/folder"),
    "rename": lambda: os.rename("/nowhere/one", "/nowhere/other"),
    "map-executable": lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_EXEC),
    "protect-executable": _protect,
}
_REFUSED_ON_SERVER = frozenset({"open"})
_ALLOWED_ON_SERVER = frozenset({"socket-unix", "socket-pair"})


def prove(journal_folder: Path | None) -> None:
    """Raises Refusal `room-incomplete`, naming what did not end as it must. None is a database server's."""
    found = {
        name: (expected(journal_folder, name), ended(journal_folder, name))
        for name in ATTEMPTS
        if journal_folder is not None or name not in _ALLOWED_ON_SERVER
    }
    holes = [f"{name} was {end}" for name, (wanted, end) in found.items() if end != wanted]
    if holes:
        raise Refusal(Objection("room-incomplete", "; ".join(holes)))


def expected(journal_folder: Path | None, name: str) -> str:
    """How an attempt must end (1)."""
    return "refused" if journal_folder is None and name in _REFUSED_ON_SERVER else "killed"


def ended(journal_folder: Path | None, name: str) -> str:
    """How an attempt ends."""
    isolated = ("-I",) if sys.flags.isolated else ()
    place = "" if journal_folder is None else str(journal_folder)
    command = [sys.executable, *isolated, "-m", "signer.room.proof", place, name]
    done = subprocess.run(command, check=False, capture_output=True, timeout=SECONDS)  # noqa: S603 (ours)
    if done.returncode == -signal.SIGSYS:
        return "killed"
    return {DONE: "done", REFUSED: "refused"}.get(done.returncode, f"{done.returncode}")


def attempt(setting: RoomSetting, name: str) -> int:
    """In a process of its own: close the room, then try that."""
    memory.harden()
    tell_uncaught(lambda _: None)
    deny_paths(setting)
    close_room(setting)
    try:
        ATTEMPTS[name]()
    except PermissionError:
        return REFUSED
    except OSError:
        return FAILED
    return DONE


def main() -> None:
    """The spawned process (2)."""
    place, name = sys.argv[1:]
    if place:
        setting = RoomSetting(Path(place), FILE_JOURNAL, locks_memory=False)
    else:
        families = (socket.AF_UNIX,)
        setting = RoomSetting(None, SERVER_JOURNAL, families, locks_memory=False)
    os._exit(attempt(setting, name))


if __name__ == "__main__":
    main()
