"""A journal in a file serves in the room: SQLite's files, the reserve and all readers were opened before."""

import sqlite3
from contextlib import ExitStack
from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.journal import sqlite_store
from signer.journal.audit import read_head
from signer.journal.database import StoreError
from signer.journal.journal import Journal, JournalSetting
from signer.journal.room import RESERVED
from signer.journal.sqlite_store import SqliteStore
from signer.journal.store import create_journal
from tests.journal.desk import (
    FIRST_LEAF,
    GENESIS,
    ManualClock,
    Signer,
    case_number,
    desk,
    open_desk,
    pay,
)
from tests.room.children import IN_ROOM, linux_room, run_child

CASES = 24

SERVE = (
    """
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from signer.journal import journal as journals
from signer.journal.room import RESERVED
from tests.journal.desk import FIRST_LEAF, ManualClock, Signer, case_number, pay
"""
    + IN_ROOM
    + f"""
place = setting.journal_folder / 'journal'
cases = [case_number(number) for number in range(1, {CASES + 1})]
terms = journals.JournalSetting(Signer(), ManualClock(), FIRST_LEAF, space=RESERVED)
journal = journals.Journal(place, terms)
def serve(case):
    paid = pay(journal, case)
    with journal.reading() as reading:
        return reading.number_of(paid.decision_id)
"""
)
ROUND = """
with ThreadPoolExecutor(4) as threads:
    done = list(threads.map(serve, cases))
print(len(done), journal.failures(), flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_journal(tmp_path / "journal", GENESIS, Signer())
    return tmp_path


@linux_room
def test_it_records_and_reads_with_every_thread(folder: Path) -> None:
    script = f"""{SERVE}
journal.open_all(4)
close.close_room(setting)
{ROUND}
os._exit(0)
"""
    found = run_child(script, folder)
    assert (found.code, found.errors) == (0, "")
    assert found.printed == f"{CASES} ()\n"
    with desk(folder / "journal") as journal:
        assert pay(journal, case_number(CASES + 1)).decision_id


@linux_room
def test_without_opening_all_of_it_the_first_commit_kills(folder: Path) -> None:
    found = run_child(f"{SERVE}\nclose.close_room(setting)\n{ROUND}", folder)
    assert found.was_killed


@linux_room
@pytest.mark.parametrize("starts", [1, 2])
def test_the_reserve_is_given_back_and_put_aside_again_in_the_room(
    folder: Path, starts: int
) -> None:
    """Also the reserve of an earlier start, which need not be put aside first."""
    for _ in range(starts - 1):
        terms = JournalSetting(Signer(), ManualClock(), FIRST_LEAF, space=RESERVED)
        Journal(folder / "journal", terms).close()
    assert (folder / "journal.reserve").exists() is (starts > 1)
    script = f"""{SERVE}
journal.open_all(4)
close.close_room(setting)
room = journal._room
held = lambda: (setting.journal_folder / 'journal.reserve').stat().st_size >> 20
print(held(), room.give_back(), held(), room.space() > 0, held(), flush=True)
{ROUND}
os._exit(0)
"""
    found = run_child(script, folder)
    assert (found.code, found.errors) == (0, "")
    first, second = found.printed.splitlines()
    assert first.split()[:3] == ["16", "True", "12"]
    assert first.split()[4] == "16"
    assert second == f"{CASES} ()"


@linux_room
def test_a_journal_is_closed_in_the_room_and_the_process_ends(folder: Path) -> None:
    script = f"{SERVE}\njournal.open_all(4)\nclose.close_room(setting)\n{ROUND}\njournal.close()"
    found = run_child(script, folder)
    assert (found.code, found.errors, found.printed) == (0, "", f"{CASES} ()\n")


def test_a_reserve_that_cannot_be_opened_is_refused(folder: Path) -> None:
    """A kernel in its room could not open it later."""
    (folder / "journal.reserve").mkdir()
    terms = JournalSetting(Signer(), ManualClock(), FIRST_LEAF, space=RESERVED)
    journal = Journal(folder / "journal", terms)
    try:
        with pytest.raises(Refusal) as caught:
            journal.open_all(1)
    finally:
        journal.close()
    assert caught.value.code == "journal-unavailable"
    assert "its reserve: Is a directory" in str(caught.value)


def test_opening_all_changes_nothing(folder: Path) -> None:
    before = read_head(folder / "journal")
    journal = open_desk(folder / "journal")
    try:
        journal.open_all(2)
        with journal.tables() as tables:
            assert tables.execute("SELECT * FROM counters").fetchall() == []
    finally:
        journal.close()
    assert read_head(folder / "journal") == before


def test_a_fixed_number_of_readers_is_opened_and_no_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(folder / "journal")
    store.open_readers(2)

    def never(*_: object) -> sqlite3.Connection:
        raise AssertionError

    monkeypatch.setattr(sqlite_store, "_connect", never)
    monkeypatch.setattr(sqlite_store, "BUSY_MILLISECONDS", 0)
    with ExitStack() as looking:
        for _ in range(2):
            looking.enter_context(store.snapshot())
        with pytest.raises(StoreError, match="readers are busy"):
            looking.enter_context(store.snapshot())
    with store.snapshot() as tables:
        assert tables.execute("SELECT size FROM checkpoint").fetchone() == (1,)
    store.close()


def test_readers_of_a_journal_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        SqliteStore(tmp_path / "nothing").open_readers(1)
    assert caught.value.code == "journal-missing"
