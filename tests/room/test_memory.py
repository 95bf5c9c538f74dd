"""Memory of a process that holds keys: not dumped, not read, not swapped; and what protects secrets in it."""

import os
import resource
from pathlib import Path
from types import SimpleNamespace

import pytest

from signer.core.errors import Refusal
from signer.room import close, memory
from signer.room.close import RoomSetting, close_room
from signer.room.memory import lock_memory, one_heap
from signer.room.system import process_control
from tests.room.children import IN_ROOM, linux_room, run_child, started

HARDENED = """
import ctypes, os, resource, sys
from signer.room.memory import harden, lock_memory
harden()
"""
UNLIMITED = "resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)"


def may_lock_all() -> bool:
    return os.geteuid() == 0 and not run_child(f"import resource; {UNLIMITED}").code


def test_no_core_no_reader_no_new_privileges_and_files_of_our_own(tmp_path: Path) -> None:
    script = f"""{HARDENED}
libc = ctypes.CDLL(None)
print(libc.prctl(3, 0, 0, 0, 0), libc.prctl(39, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
open(sys.argv[1], 'w').close()
print(oct(os.stat(sys.argv[1]).st_mode & 0o777))
"""
    found = run_child(script, tmp_path / "file")
    assert found.printed == "0 1 (0, 0)\n0o600\n"


def test_what_the_system_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match="prctl 4"):
        process_control(4, 77)


THREADS = """
close.close_room(setting)
together = threading.Barrier(24)
def fill():
    together.wait()
    for _ in range(20):
        kept = [bytes(5_000 + number) for number in range(200)]
    together.wait()
threads = [threading.Thread(target=fill) for _ in range(24)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print("done", flush=True)
os._exit(0)
"""


@linux_room
def test_threads_that_allocate_open_no_file(tmp_path: Path) -> None:
    """glibc would: to know how many heaps are enough, and whether one may shrink."""
    found = run_child(IN_ROOM + THREADS, tmp_path)
    assert (found.code, found.printed, found.errors) == (0, "done\n", "")


@linux_room
def test_heaps_of_their_own_would_kill(tmp_path: Path) -> None:
    many = IN_ROOM.replace("close.deny", "close.one_heap = lambda: None\nclose.deny")
    assert run_child(many + THREADS, tmp_path).was_killed


@pytest.mark.parametrize("libc", [SimpleNamespace(), SimpleNamespace(mallopt=lambda *_: 0)])
def test_a_library_whose_heaps_stay_many(
    libc: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signer.room.memory.LIBC", libc)
    with pytest.raises(Refusal) as caught:
        one_heap()
    assert caught.value.code == "room-unsupported"


def test_a_finite_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (8 << 20, 8 << 20))
    with pytest.raises(Refusal) as caught:
        lock_memory()
    assert caught.value.code == "room-incomplete"


def test_memory_that_cannot_be_locked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        answers = (0, -1)

        def mlockall(self, flags: int) -> int:
            assert flags == 7
            return self.answers[0]

    libc = Libc()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    monkeypatch.setattr(memory, "LIBC", libc)
    lock_memory()
    libc.answers = (-1, 0)
    with pytest.raises(Refusal) as caught:
        lock_memory()
    assert caught.value.code == "room-incomplete"


@pytest.mark.skipif(not may_lock_all(), reason="the limit on locked memory cannot be lifted here")
def test_all_of_it_is_locked() -> None:
    script = f"""{HARDENED}
{UNLIMITED}
lock_memory()
more = bytearray(4 << 20)
print('ready', flush=True)
sys.stdin.read()
"""
    with started(script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        status = Path(f"/proc/{process.pid}/status").read_text()
        locked = next(line for line in status.splitlines() if line.startswith("VmLck:"))
        assert int(locked.split()[1]) > 4 << 10


def test_a_room_whose_filter_is_refused_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def refuse(*_: object) -> None:
        raise OSError(3, "seccomp: thread 12 could not be filtered")

    monkeypatch.setattr(close, "lock_memory", lambda: done.append("locked"))
    monkeypatch.setattr(close, "close", lambda *_: done.append("filtered"))
    close_room(RoomSetting(None))
    close_room(RoomSetting(None, locks_memory=False))
    assert done == ["locked", "filtered", "filtered"]
    monkeypatch.setattr(close, "close", refuse)
    with pytest.raises(Refusal) as caught:
        close_room(RoomSetting(None))
    assert caught.value.code == "room-incomplete"
    assert "thread 12" in str(caught.value)


@linux_room
def test_a_wrong_filter_is_an_error() -> None:
    script = """
from signer.room.calls import this_machine
from signer.room.seccomp import Instruction, close
try:
    close(this_machine(), (Instruction(0x20, 0, 0, 0),))
except OSError as error:
    print(error)
"""
    assert run_child(script).printed == "[Errno 22] seccomp: Invalid argument\n"
