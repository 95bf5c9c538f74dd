"""The file: which are opened, which are refused by name, and that they are left as found."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.core.errors import Refusal
from signer.journal.audit import read_entries, read_head, verify_journal
from signer.journal.budget import DEFAULT_BUDGET
from signer.journal.codec import encode_entry
from signer.journal.database import StoreError
from signer.journal.journal import Journal, JournalSetting, open_journal
from signer.journal.merkle import leaf_hash
from signer.journal.note import verify_head
from signer.journal.schema import VERSION
from signer.journal.sqlite_tables import SqliteTables
from signer.journal.store import create_journal, read_genesis, store_at
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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "a journal?.sqlite"
    create_journal(place, GENESIS, Signer())
    return place


def refused(path: Path, leaf: bytes = FIRST_LEAF, signer: Signer | None = None) -> str:
    with pytest.raises(Refusal) as caught:
        Journal(
            path, JournalSetting(signer or Signer(), ManualClock(), leaf, DEFAULT_BUDGET)
        ).close()
    return caught.value.code


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def printed_by(script: str, path: Path) -> str:
    """What another process prints."""
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_new_journal_opens(path: Path) -> None:
    journal = open_journal(
        path, signer=Signer(), clock=ManualClock(), expected_first_leaf=FIRST_LEAF
    )
    journal.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not path.with_name(path.name + ".new").exists()
    with closing(store_at(path)) as store, store.snapshot() as tables:
        assert read_genesis(tables) == GENESIS


def test_a_journal_is_created_once(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(Refusal) as caught:
        create_journal(path, GENESIS, Signer())
    assert caught.value.code == "journal-exists"
    assert path.read_bytes() == before
    assert create_journal(path.with_name("another"), GENESIS, Signer()) == FIRST_LEAF


def test_a_creation_cut_short_can_be_repeated(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.with_name("journal.new").write_bytes(b"half a file")
    create_journal(path, GENESIS, Signer())
    with desk(path) as journal:
        assert pay(journal, case_number(1)).decision_id


def test_a_missing_journal(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing") == "journal-missing"
    with pytest.raises(Refusal) as caught:
        read_head(tmp_path / "nothing")
    assert caught.value.code == "journal-missing"


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"\x00" * 5_000, b"[text]\n"])
def test_a_file_that_is_no_journal_is_left_as_found(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert refused(path) == "journal-foreign"
    assert path.read_bytes() == content


def test_a_foreign_database(tmp_path: Path) -> None:
    path = tmp_path / "file"
    edit(path, "CREATE TABLE entries (number INTEGER PRIMARY KEY)")
    assert refused(path) == "journal-foreign"


def test_a_journal_of_another_key(path: Path) -> None:
    other = replace(GENESIS, salt=b"\x08" * 16)
    assert refused(path, leaf_hash(encode_entry(other))) == "journal-foreign"
    strange = Signer()
    strange.key = Ed25519PrivateKey.generate()
    assert refused(path, FIRST_LEAF, strange) == "journal-foreign"
    open_desk(path).close()


def test_an_empty_journal(path: Path) -> None:
    edit(path, "DELETE FROM entries")
    assert refused(path) == "journal-foreign"


def test_a_newer_schema(path: Path) -> None:
    edit(path, f"PRAGMA user_version = {VERSION + 1}")
    assert refused(path) == "journal-schema-unknown"
    edit(path, f"PRAGMA user_version = {VERSION}")
    open_desk(path).close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM withdrawals; END",
        "CREATE TABLE more (x)",
        "DROP INDEX withdrawals_by_pin",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET size = 2",
        "UPDATE checkpoint SET note = replace(note, 'pegwarden', 'somebody')",
        "UPDATE entries SET record = x'00'",
        "UPDATE entries SET leaf = x'00'",
        "INSERT INTO entries VALUES (1, x'00', x'00')",
    ],
)
def test_what_does_not_fit_together_is_not_opened(path: Path, statement: str) -> None:
    open_desk(path).close()
    edit(path, statement)
    assert refused(path) == "journal-tampered"


def test_two_kernels_never_share_a_journal(path: Path) -> None:
    first = open_desk(path)
    assert refused(path) == "journal-locked"
    script = (
        "import sys; from pathlib import Path; from signer.core.errors import Refusal\n"
        "from tests.journal.desk import open_desk\n"
        "try: open_desk(Path(sys.argv[1]))\n"
        "except Refusal as refusal: print(refusal.code)\n"
    )
    assert printed_by(script, path) == "journal-locked"
    first.close()
    open_desk(path).close()


def test_readers_work_while_a_kernel_writes(path: Path) -> None:
    with desk(path) as journal:
        pay(journal, case_number(1))
        head = pay(journal, case_number(2)).head
        assert read_head(path) == head
        assert len(list(read_entries(path, 1))) == 2
        assert verify_journal(path).entries == 3
    report = verify_journal(path)
    assert (report.head, report.first_leaf, report.genesis) == (head, FIRST_LEAF, GENESIS)
    assert verify_head(read_head(path), Signer().log_key).size == 3


def test_an_abandoned_reading_of_entries_holds_nothing(path: Path) -> None:
    entries = read_entries(path, 0)
    assert next(entries).leaf == FIRST_LEAF
    del entries
    with desk(path) as journal:
        assert pay(journal, case_number(1)).decision_id


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        create_journal(tmp_path / "no" / "such" / "folder", GENESIS, Signer())
    assert caught.value.code == "journal-unavailable"


@pytest.mark.parametrize("suffix", [".lock", "-wal"])
def test_files_beside_the_journal_that_cannot_be_used(path: Path, suffix: str) -> None:
    beside = path.with_name(path.name + suffix)
    beside.unlink(missing_ok=True)
    beside.mkdir()
    assert refused(path) == "journal-unavailable"
    beside.rmdir()
    open_desk(path).close()


def test_a_journal_in_a_place_that_became_read_only() -> None:
    with TemporaryDirectory() as folder:  # not tmp_path: nobody else closes this one's parents
        path = Path(folder) / "journal.sqlite"
        create_journal(path, GENESIS, Signer())
        Path(folder).chmod(0o555)
        if os.geteuid() == 0:
            script = (
                "import os, sys; from pathlib import Path\n"
                "from signer.core.errors import Refusal\n"
                "from tests.journal.desk import open_desk\n"
                "os.setuid(65534)\n"
                "try: open_desk(Path(sys.argv[1]))\n"
                "except Refusal as refusal: print(refusal.code)\n"
            )
            assert printed_by(script, path) == "journal-unavailable"
        else:
            assert refused(path) == "journal-unavailable"
        Path(folder).chmod(0o755)


def test_rows_that_cannot_be_read_are_the_store_s_failure() -> None:
    for name in ("fetchone", "fetchall"):
        connection = sqlite3.connect(":memory:")
        rows = SqliteTables(connection).execute("SELECT 1")
        connection.close()
        with pytest.raises(StoreError):
            getattr(rows, name)()
