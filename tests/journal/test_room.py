"""Room on the disk. Invariant: what must be recorded has its reserve; refusals never touch it."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from signer.journal.room import (
    FULL_SECONDS,
    RESERVED,
    UNRESERVED,
    FileRoom,
    ServerRoom,
    Space,
    SpaceTerms,
)

MIB = 1 << 20
TERMS = SpaceTerms(reserve=4 * MIB, step=MIB, low=32 * MIB)


class Disk:
    """What the system says is free, of a disk that only the reserve's file takes from."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal"
        self.reserve = folder / "journal.reserve"
        self.others_left = 64 * MIB
        """Bytes that all others left, the reserve's among them."""

    def statvfs(self, _: object) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=max(0, self.others_left - self.held()), f_frsize=1)

    def held(self) -> int:
        return self.reserve.stat().st_size if self.reserve.exists() else 0


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk(tmp_path)
    monkeypatch.setattr("os.statvfs", found.statvfs)
    return found


def test_what_a_kernel_keeps() -> None:
    assert SpaceTerms(reserve=16 * MIB, step=4 * MIB, low=256 * MIB) == RESERVED


def test_the_reserve_is_put_aside_and_takes_its_blocks(tmp_path: Path) -> None:
    room = FileRoom(tmp_path / "journal", SpaceTerms(4 * MIB, MIB, 0))
    assert room.space() is Space.AMPLE
    assert room.shortage() == ""
    stat = (tmp_path / "journal.reserve").stat()
    assert (stat.st_size, stat.st_mode & 0o777) == (4 * MIB, 0o600)
    assert stat.st_blocks * 512 >= 4 * MIB


def test_it_is_given_back_step_by_step_and_put_aside_again(disk: Disk) -> None:
    room = FileRoom(disk.path, TERMS)
    assert (room.space(), disk.held()) == (Space.AMPLE, 4 * MIB)
    disk.others_left = 4 * MIB + TERMS.low - 1
    assert (room.space(), disk.held()) == (Space.LOW, 4 * MIB)
    disk.others_left = 4 * MIB + TERMS.step
    assert (room.space(), disk.held()) == (Space.LOW, 4 * MIB)
    disk.others_left -= 1  # less than a step is free
    assert (room.space(), disk.held()) == (Space.RESERVE, 3 * MIB)
    assert (room.space(), disk.held()) == (Space.RESERVE, 3 * MIB)
    disk.others_left = 2 * MIB - 1  # others took what was given back, and more
    for held in (2, 1, 0, 0):
        assert (room.space(), disk.held()) == (Space.RESERVE, held * MIB)
    disk.others_left = 6 * MIB - 1
    assert (room.space(), disk.held()) == (Space.RESERVE, 0)
    disk.others_left += 1  # two steps remain when all is put aside
    assert (room.space(), disk.held()) == (Space.LOW, 4 * MIB)
    disk.others_left = 4 * MIB + TERMS.low
    assert room.space() is Space.AMPLE


def test_the_operator_is_told(disk: Disk) -> None:
    room = FileRoom(disk.path, TERMS)
    room.space()
    assert room.shortage() == ""
    disk.others_left = 6 * MIB
    assert room.shortage().startswith("disk low: 2 MiB free at ")
    assert room.shortage().endswith("4 MiB of 4 MiB of the journal's reserve left")


def test_a_transaction_that_found_the_disk_full_is_worth_another_try_while_it_lasts(
    disk: Disk,
) -> None:
    room = FileRoom(disk.path, TERMS)
    room.space()
    assert [room.give_back() for _ in range(5)] == [True, True, True, True, False]
    assert disk.held() == 0


def test_before_a_journal_is_opened_nothing_is_put_aside(disk: Disk) -> None:
    room = FileRoom(disk.path, TERMS)
    room.make_room()
    assert not disk.reserve.exists()
    room.space()
    disk.others_left = 4 * MIB
    FileRoom(disk.path, TERMS).make_room()
    assert disk.held() == 3 * MIB


def test_a_hollow_reserve_of_a_copied_folder_is_filled(disk: Disk) -> None:
    disk.reserve.touch()
    os.truncate(disk.reserve, 4 * MIB)
    assert disk.reserve.stat().st_blocks == 0
    assert FileRoom(disk.path, TERMS).shortage()
    assert FileRoom(disk.path, TERMS).space() is Space.AMPLE
    assert disk.reserve.stat().st_blocks * 512 >= 4 * MIB


@pytest.mark.parametrize("name", ["open", "posix_fallocate"])
def test_without_a_reserve_all_is_as_if_it_were_in_use(
    disk: Disk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    room = FileRoom(disk.path, TERMS)
    with monkeypatch.context() as patch:
        patch.setattr(os, name, refuse)
        assert room.space() is Space.RESERVE
    assert room.space() is Space.AMPLE


def test_a_reserve_that_cannot_be_given_back(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    room = FileRoom(disk.path, TERMS)
    room.space()
    monkeypatch.setattr(os, "truncate", refuse)
    assert not room.give_back()
    assert disk.held() == 4 * MIB


def test_no_link_is_followed(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    disk.reserve.symlink_to(tmp_path / "other")
    FileRoom(disk.path, TERMS).space()
    assert (tmp_path / "other").read_bytes() == b""


def test_a_folder_that_is_gone_has_no_room(tmp_path: Path) -> None:
    assert FileRoom(tmp_path / "gone" / "journal", TERMS).space() is Space.RESERVE
    assert FileRoom(tmp_path / "journal", UNRESERVED).space() is Space.AMPLE
    assert list(tmp_path.iterdir()) == []


def test_a_held_reserve_is_used_without_opening_it_again(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel in its room is killed at an open; the reserve is that of an earlier start."""
    FileRoom(disk.path, TERMS).space()
    room = FileRoom(disk.path, TERMS)
    room.hold()

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(os, "open", never)
    disk.others_left = 4 * MIB
    assert (room.space(), disk.held()) == (Space.RESERVE, 3 * MIB)
    disk.others_left = 64 * MIB
    assert (room.space(), disk.held()) == (Space.AMPLE, 4 * MIB)


def test_where_nothing_is_reserved_nothing_is_held(tmp_path: Path) -> None:
    FileRoom(tmp_path / "journal", UNRESERVED).hold()
    ServerRoom().hold()
    assert list(tmp_path.iterdir()) == []


def test_a_server_s_disk_is_taken_for_full_for_a_minute() -> None:
    moment = [1_000.0]
    room = ServerRoom(lambda: moment[0])
    assert (room.space(), room.shortage()) == (Space.AMPLE, "")
    assert not room.give_back()
    moment[0] += FULL_SECONDS - 1
    assert room.space() is Space.RESERVE
    assert room.shortage() == "disk low: the database server's disk is full"
    moment[0] += 1
    assert (room.space(), room.shortage()) == (Space.AMPLE, "")
