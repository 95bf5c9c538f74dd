"""R1: in the room nothing is opened, connected, spawned or made executable. Every row of the table, in a
process of its own, ends by SIGSYS; its twin without a room does not."""

from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.room import proof
from signer.room.proof import ATTEMPTS, ended, expected, prove
from tests.room.children import IN_ROOM, KILLED, linux_room, run_child, started

pytestmark = linux_room


@pytest.mark.parametrize("name", ATTEMPTS)
def test_what_a_taken_over_kernel_would_try(tmp_path: Path, name: str) -> None:
    assert ended(tmp_path, name) == expected(tmp_path, name) == "killed"


@pytest.mark.parametrize(
    "name",
    ["open", "socket-inet", "socket-datagram", "execute", "fork", "protect-executable"],
)
def test_beside_a_database_server(name: str) -> None:
    assert ended(None, name) == expected(None, name)


def test_an_open_is_refused_beside_a_database_server_and_a_local_socket_is_not() -> None:
    assert expected(None, "open") == "refused"
    assert ended(None, "socket-unix") == "done"


@pytest.mark.parametrize(
    "name",
    [
        *("open", "socket-inet", "socket-datagram", "socket-unix", "socket-pair", "user"),
        "protect-executable",
    ],
)
def test_without_a_room_the_attempts_succeed(name: str) -> None:
    """A row that fails by itself would prove nothing."""
    script = "import os; from signer.room.proof import ATTEMPTS; ATTEMPTS[os.sys.argv[1]]()"
    assert run_child(script, name).code == 0


def test_the_proof_names_what_was_not_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "ATTEMPTS", dict.fromkeys(("open", "fork")))
    prove(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(proof, "ended", lambda _, name: "done" if name == "fork" else "killed")
        with pytest.raises(Refusal) as caught:
            prove(tmp_path)
    assert caught.value.code == "room-incomplete"
    assert "fork was done" in str(caught.value)
    assert "open" not in str(caught.value)
    prove(None)


def test_the_filter_is_on_every_thread(tmp_path: Path) -> None:
    """R4, seen from outside: the process itself cannot read it any more."""
    script = (
        IN_ROOM
        + """
for _ in range(5):
    threading.Thread(target=sys.stdin.read, daemon=True).start()
close.close_room(setting)
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print(len(threading.enumerate()), flush=True)
sys.stdin.read()
os._exit(0)
"""
    )
    with started(script, tmp_path) as process:
        assert process.stdout is not None
        count = int(process.stdout.readline())
        tasks = list(Path(f"/proc/{process.pid}/task").iterdir())
        assert len(tasks) == count == 7
        for task in tasks:
            status = (task / "status").read_text()
            assert "\nSeccomp:\t2\n" in status
            assert "\nNoNewPrivs:\t1\n" in status


@pytest.mark.parametrize(
    "deed",
    [
        "threading.Thread(target=open, args=('/etc/hostname',)).start(); time.sleep(60)",
        "__import__('ctypes').CDLL('libbz2.so.1.0')",
        "import colorsys",
    ],
)
def test_ordinary_slips_kill_too(tmp_path: Path, deed: str) -> None:
    found = run_child(f"{IN_ROOM}\nclose.close_room(setting)\n{deed}", tmp_path)
    assert found.code == KILLED


def test_an_import_is_an_error_once_they_are_refused(tmp_path: Path) -> None:
    script = (
        IN_ROOM
        + """
close.refuse_imports()
close.close_room(setting)
import threading
try:
    import colorsys
except ImportError as error:
    print(error, flush=True)
os._exit(0)
"""
    )
    found = run_child(script, tmp_path)
    assert (found.code, found.errors) == (0, "")
    assert found.printed == "colorsys was not imported before the room was closed\n"
