"""The denial of files, without the filter: what it refuses, what it leaves."""

from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.room import landlock
from signer.room.landlock import ABI, ALL, JOURNAL, Right, deny_files, landlock_abi
from tests.room.children import IN_ROOM, linux_room, run_child

TRY = """
def outcome(deed):
    try:
        return str(deed())
    except OSError as error:
        return type(error).__name__
"""


def outcomes(folder: Path, *deeds: str) -> list[str]:
    """What each deed gave, in one process whose files are denied."""
    told = "\n".join(f"print(outcome(lambda: {deed}))" for deed in deeds)
    found = run_child(f"{IN_ROOM}{TRY}\nhere = Path(sys.argv[1])\n{told}", folder)
    assert found.code == 0, found.errors
    return found.printed.splitlines()


@linux_room
def test_the_journal_s_folder_is_reached_and_nothing_else(tmp_path: Path) -> None:
    inside, outside = tmp_path / "journal", tmp_path / "outside"
    inside.mkdir()
    outside.write_text("kept")
    (inside / "file").write_text("text")
    found = outcomes(
        inside,
        "(here / 'file').read_text()",
        "(here / 'new').write_text('1234')",
        "os.truncate(here / 'new', 1)",
        "[each.name for each in sorted(here.iterdir())]",
        "(here / 'new').unlink()",
        "(here.parent / 'outside').read_text()",
        "(here.parent / 'outside').write_text('')",
        "(here.parent / 'outside').unlink()",
        "os.truncate(here.parent / 'outside', 0)",
        "os.listdir(here.parent)",
        "os.rename(here / 'file', here.parent / 'file')",
        "open('/proc/self/maps')",
    )
    assert found == [
        "text", "4", "None", "['file', 'new']", "None", *["PermissionError"] * 7,
    ]  # fmt: skip
    assert outside.read_text() == "kept"


@linux_room
def test_in_the_journal_s_folder_files_and_folders_are_all_that_is_made(tmp_path: Path) -> None:
    found = outcomes(
        tmp_path,
        "(here / 'draft').mkdir()",
        "(here / 'draft').rename(here / 'kept')",
        "(here / 'link').symlink_to('/etc/passwd')",
        "os.mkfifo(here / 'pipe')",
        "socket.socket(socket.AF_UNIX).bind(str(here / 'socket'))",
        "os.execv('/bin/true', ['true'])",
    )
    assert found == ["None", str(tmp_path / "kept"), *["PermissionError"] * 4]
    assert list(tmp_path.iterdir()) == [tmp_path / "kept"]


@linux_room
def test_no_port_is_bound_or_connected_and_nobody_is_signalled(tmp_path: Path) -> None:
    found = outcomes(
        tmp_path,
        "socket.socket().bind(('127.0.0.1', 0))",
        "socket.socket().connect(('127.0.0.1', 9))",
        "os.kill(os.getppid(), 0)",
        "os.kill(os.getpid(), 0)",
    )
    assert found == [*["PermissionError"] * 3, "None"]


@linux_room
def test_the_port_of_a_database_is_connected(tmp_path: Path) -> None:
    script = """
import socket, sys
from signer.room.landlock import deny_files
listener = socket.create_server(('127.0.0.1', 0))
other = socket.create_server(('127.0.0.1', 0))
port = listener.getsockname()[1]
deny_files((), (port,))
socket.socket().connect(('127.0.0.1', port))
try:
    socket.socket().connect(other.getsockname())
except PermissionError:
    print('refused')
"""
    assert run_child(script).printed == "refused\n"


@linux_room
def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    found = run_child(IN_ROOM, tmp_path / "nowhere")
    assert found.code == 1
    assert "FileNotFoundError" in found.errors


def test_a_system_that_denies_less_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "landlock_abi", lambda: ABI - 1)
    with pytest.raises(Refusal) as caught:
        deny_files(())
    assert caught.value.code == "room-unsupported"


def test_a_system_without_landlock_has_abi_0(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> int:
        raise OSError

    monkeypatch.setattr(landlock, "system_call", absent)
    assert landlock_abi() == 0


def test_all_rights_are_named() -> None:
    assert sum(Right) == ALL
    assert Right.EXECUTE not in JOURNAL
    assert Right.MAKE_SOCKET not in JOURNAL
