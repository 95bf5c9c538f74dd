"""What somebody tries who runs code as the edge's user; a process of its own, that has dropped root.

1. It reads a Task as JSON and prints what became of each attempt: `done`, or the error's name or code.
2. An attempt succeeds where it may: the same list is run against a child of this process and its own files.
3. At the link it speaks as the edge does, by the edge's own code, under whatever name it likes.
"""

import asyncio
import ctypes
import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypedDict

from signer.core.errors import Fault, Refusal
from signer.link.client import KernelLink

_LIBC = ctypes.CDLL(None, use_errno=True)
_PTRACE_ATTACH, _PTRACE_SEIZE, _PTRACE_INTERRUPT = 16, 0x4206, 0x4207
_PTRACE_DETACH = 17
_PIDFD_SEND_SIGNAL, _PIDFD_GETFD, _KCMP = 424, 438, 312
_SHOWN = ("mem", "maps", "smaps", "environ", "auxv", "pagemap", "syscall", "stack", "io")
_BODY = 4 << 20
_SECONDS = 60


class Task(TypedDict):
    """What is tried."""

    process: int
    """Whose memory; 0: a child's, which this process starts."""
    files: list[str]
    folder: str
    """Where a file would be put, or a socket."""
    socket: str
    """The kernel's; empty for none."""
    calls: list[tuple[str, str, str]]
    """Method, name of the caller, request in hex."""


class Said(TypedDict):
    """What became of it."""

    user: list[int]
    root: str
    memory: dict[str, str]
    files: dict[str, str]
    calls: list[tuple[str, str]]
    """`ok` and the answer in hex; or a code, or `fault`, and nothing."""


def outcome(attempt: Callable[[], object]) -> str:
    """Rule 1."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


def memory(pid: int) -> dict[str, str]:
    """Everything that shows, changes or ends another process; the last ones end it."""
    place = Path(f"/proc/{pid}")
    at = _mapped(place)
    attempts: dict[str, Callable[[], object]] = {
        **{name: partial(_read, place / name) for name in _SHOWN},
        **{name: partial(os.readlink, place / name) for name in ("exe", "cwd", "root")},
        **{name: partial(os.listdir, place / name) for name in ("fd", "map_files")},
        "mem, to write": lambda: (place / "mem").open("r+b").close(),
        "mem of a thread": partial(_read, place / f"task/{pid}/mem"),
        "dumps": lambda: (place / "coredump_filter").write_text("0x7f"),
        "ptrace": partial(_trace, _PTRACE_ATTACH, pid),
        "ptrace, seized": partial(_trace, _PTRACE_SEIZE, pid),
        "process_vm_readv": partial(_moved, _LIBC.process_vm_readv, pid, at),
        "process_vm_writev": partial(_moved, _LIBC.process_vm_writev, pid, at),
        "pidfd_getfd": lambda: _call(_PIDFD_GETFD, os.pidfd_open(pid), 0, 0),
        "kcmp": partial(_call, _KCMP, pid, os.getpid(), 1, 0, 0),
        "core limit": partial(_core, pid),
        "priority": partial(os.setpriority, os.PRIO_PROCESS, pid, 19),
        "processors": lambda: os.sched_setaffinity(pid, os.sched_getaffinity(0)),
        "a signal that asks": partial(os.kill, pid, 0),
        "pidfd_send_signal": lambda: _call(_PIDFD_SEND_SIGNAL, os.pidfd_open(pid), 0, 0, 0),
        "stopped": partial(os.kill, pid, signal.SIGSTOP),
        "killed": partial(os.kill, pid, signal.SIGKILL),
    }
    return {name: outcome(attempt) for name, attempt in attempts.items()}


def files(paths: Iterable[str], folder: Path) -> dict[str, str]:
    """Reading, changing and replacing files, and what could be put beside them."""
    attempts: dict[str, Callable[[], object]] = {}
    for path in map(Path, paths):
        aside = path.with_name("aside")
        attempts |= {
            f"{path.name} read": partial(_read, path),
            f"{path.name} written": partial(_append, path),
            f"{path.name} its rights": partial(path.chmod, 0o644),
            f"{path.name} linked": partial(os.link, path, aside),
            f"{path.name} moved": partial(_swap, path, aside),
            f"{path.name} removed": path.unlink,
        }
    attempts["folder listed"] = partial(os.listdir, folder)
    attempts["file put there"] = (folder / "planted").touch
    attempts["socket put there"] = partial(_bind, folder / "planted.sock")
    return {name: outcome(attempt) for name, attempt in attempts.items()}


async def ask(path: Path, calls: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Eight at once (3)."""
    link, eight = KernelLink(path, _BODY, path.parent.stat().st_uid), asyncio.Semaphore(8)

    async def say(call: tuple[str, str, str]) -> tuple[str, str]:
        async with eight:
            return await _said(link, *call)

    try:
        return list(await asyncio.gather(*map(say, calls)))
    finally:
        link.close()


async def _said(link: KernelLink, method: str, name: str, body: str) -> tuple[str, str]:
    try:
        return "ok", (await link.call(method, name, bytes.fromhex(body), _SECONDS)).hex()
    except Refusal as refusal:
        return refusal.code, ""
    except Fault:
        return "fault", ""


def _read(path: Path) -> None:
    path.open("rb").close()


def _append(path: Path) -> None:
    path.open("ab").close()


def _swap(path: Path, aside: Path) -> None:
    path.rename(aside)
    aside.rename(path)


def _mapped(place: Path) -> int:
    """An address of that process, if it shows one."""
    try:
        lines = (place / "maps").read_text().splitlines()
    except OSError:
        return 0x400_000
    return int(next(line for line in lines if " rw" in line).split("-")[0], 16)


def _call(number: int, *arguments: int) -> int:
    return _done(_LIBC.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)))


def _done(returned: int) -> int:
    if returned < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return returned


def _trace(request: int, pid: int) -> None:
    """Seized or attached, then let go again."""
    zero = ctypes.c_void_p(0)
    _done(_LIBC.ptrace(ctypes.c_long(request), pid, zero, zero))
    if request == _PTRACE_SEIZE:
        _done(_LIBC.ptrace(ctypes.c_long(_PTRACE_INTERRUPT), pid, zero, zero))
    os.waitpid(pid, os.WUNTRACED)
    _done(_LIBC.ptrace(ctypes.c_long(_PTRACE_DETACH), pid, zero, zero))


class _Span(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


def _moved(call: Callable[..., int], pid: int, at: int) -> int:
    """Some bytes between that process and this one. What is written is what was read."""
    kept = ctypes.create_string_buffer(8)
    ours, theirs = _Span(ctypes.addressof(kept), 8), _Span(at, 8)
    one = ctypes.c_ulong(1)
    spans = (ctypes.byref(ours), one, ctypes.byref(theirs), one, ctypes.c_ulong(0))
    if call is _LIBC.process_vm_writev:
        _LIBC.process_vm_readv(pid, *spans)
    return _done(call(pid, *spans))


def _core(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_CORE, resource.prlimit(pid, resource.RLIMIT_CORE))


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def perform(task: Task) -> Said:
    """All of it."""
    if task["process"]:
        shown = memory(task["process"])
    else:
        command = [sys.executable, "-c", "print(flush=True); input()"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()  # it is loaded: its memory stays as it is
            shown = memory(child.pid)
    path = task["socket"]
    return Said(
        user=[*os.getresuid(), *os.getresgid(), *os.getgroups()],
        root=outcome(lambda: os.setuid(0)),
        memory=shown,
        files=files(task["files"], Path(task["folder"])),
        calls=asyncio.run(ask(Path(path), task["calls"])) if path else [],
    )


if __name__ == "__main__":
    json.dump(perform(json.load(sys.stdin)), sys.stdout)
