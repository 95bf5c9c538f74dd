"""What a configuration leaves open to its kernel."""

import socket
from pathlib import Path

import pytest

from signer import consensus
from signer.config import KernelConfig, load_config
from signer.config_processes import ProcessesConfig
from signer.core.errors import Refusal
from signer.edge.limits import EdgeLimits
from signer.journal.place import is_local_socket
from signer.process.room import readers, room_setting
from signer.room.calls import FILE_JOURNAL, SERVER_JOURNAL
from signer.room.close import RoomSetting, deny_paths
from signer.room.landlock import Right
from tests.cli.test_config import GOOD

LOCAL = "postgresql://u@/journal?host=/run/postgresql"
TCP = "postgresql://u@127.0.0.1:5432/journal"
PROCESSES = ProcessesConfig(Path(), None)


def config(folder: Path, url: str = "") -> KernelConfig:
    text = GOOD
    if url:
        line = next(each for each in GOOD.splitlines() if each.startswith("journal = "))
        text = GOOD.replace(f"{line}\n", "")
        text += f'[journal]\npostgres = "{url}"\nhead = "kept/head"\n'
    (folder / "member.toml").write_text(text)
    return load_config(folder / "member.toml")


def test_a_journal_in_a_file_has_its_folder(tmp_path: Path) -> None:
    found = room_setting(config(tmp_path), PROCESSES)
    assert found == RoomSetting(tmp_path / "data", FILE_JOURNAL)
    unlocked = ProcessesConfig(Path(), None, unlocked_memory=True)
    assert not room_setting(config(tmp_path), unlocked).locks_memory


def test_beside_a_server_there_is_the_head_file(tmp_path: Path) -> None:
    found = room_setting(config(tmp_path, LOCAL), PROCESSES)
    head = tmp_path / "kept" / "head"
    assert found == RoomSetting(None, SERVER_JOURNAL, (socket.AF_UNIX,), head_file=head)


def test_a_server_that_is_reached_by_tcp_has_no_room(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        room_setting(config(tmp_path, TCP), PROCESSES)
    assert caught.value.code == "room-unsupported"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        (LOCAL, True),
        ("postgresql://u@%2Frun%2Fpostgresql/journal", True),
        ("postgresql://u@/journal?host=/one,/other", True),
        (TCP, False),
        ("postgresql://u@/journal?host=/one,localhost", False),
        ("postgresql://u@/journal?host=/one&hostaddr=127.0.0.1", False),
        ("postgresql://u@/journal", False),
    ],
)
def test_which_servers_are_reached_by_a_socket(url: str, local: bool) -> None:
    assert is_local_socket(url) is local


def test_readers_are_twice_the_threads_and_more() -> None:
    assert readers(EdgeLimits(threads=4)) == 15


def test_a_head_file_is_made_before_it_is_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Path, Right]] = []
    monkeypatch.setattr("signer.room.close.deny_files", lambda rules, _: told.extend(rules))
    monkeypatch.setattr("signer.room.close.one_heap", lambda: None)
    head = tmp_path / "head"
    deny_paths(RoomSetting(None, SERVER_JOURNAL, head_file=head))
    assert head.read_bytes() == b""
    assert head.stat().st_mode & 0o777 == 0o600
    assert told == [(head, Right.READ_FILE | Right.WRITE_FILE)]


def test_a_kernel_without_the_consensus_code_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses what it would have asked it, as before."""

    def missing(_: str) -> object:
        raise ImportError

    consensus._library.cache_clear()
    monkeypatch.setattr(consensus, "import_module", missing)
    consensus.load_library()
    monkeypatch.undo()
    consensus.load_library()
    assert consensus._library.cache_info().currsize == 1
