"""`journal verify` finds what a hostile administrator changes: entries, head, and each claim table."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.core.errors import Refusal
from signer.journal.audit import verify_journal
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.entry import SignedEntry
from signer.journal.log import Checkpoint, signed_note, write_checkpoint
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.schema import CLAIM_TABLES
from tests.journal.desk import GENESIS, Policy, Signer, case_number, desk, pay


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two withdrawals, a fee bump and a refusal."""
    path = tmp_path / "journal.sqlite"
    with desk(path) as journal:
        pay(journal, case_number(1))
        pay(journal, case_number(2))
        pay(journal, case_number(1, fee=20_000))
        with pytest.raises(Refusal):
            pay(journal, case_number(3), Policy(outflow=0))
    return path


def connect(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, isolation_level=None))


def tampered(path: Path) -> str:
    with pytest.raises(Refusal) as caught:
        verify_journal(path)
    assert caught.value.code == "journal-tampered"
    return caught.value.objections[0].detail


def test_an_honest_journal(path: Path) -> None:
    report = verify_journal(path)
    assert report.entries == 5
    assert report.rows == 3 + 3 + 2 + 2 + 3 + 3 + 2 + 1


@pytest.mark.parametrize("table", CLAIM_TABLES)
def test_a_removed_row_is_found(path: Path, table: str) -> None:
    with connect(path) as connection:
        first = connection.execute(f"SELECT * FROM {table} LIMIT 1")  # noqa: S608
        columns, row = [column[0] for column in first.description], first.fetchone()
        where = " AND ".join(f"{column} IS ?" for column in columns)
        connection.execute(f"DELETE FROM {table} WHERE {where}", row)  # noqa: S608
    assert f"table {table}" in tampered(path)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("versions", "fee"),
        ("versions", "first_pin"),
        ("payments", "entry"),
        ("withdrawals", "amount"),
        ("withdrawals", "pin"),
        ("withdrawals", "state"),
        ("coins", "height"),
        ("spends", "txid"),
        ("charges", "total_amount"),
        ("charges", "moment"),
        ("places", "next"),
        ("refusals", "kept"),
    ],
)
def test_a_changed_value_is_found(path: Path, table: str, column: str) -> None:
    """A pin that is moved, a charge that is forgotten: each would be a double payment."""
    with connect(path) as connection:
        kind = connection.execute(f"SELECT typeof({column}) FROM {table}").fetchone()[0]  # noqa: S608
        other = {"integer": f"{column} + 1", "blob": "randomblob(36)", "text": "'closed'"}[kind]
        connection.execute(f"UPDATE {table} SET {column} = {other}")  # noqa: S608
    assert f"table {table}" in tampered(path)


def test_an_invented_row_is_found(path: Path) -> None:
    with connect(path) as connection:
        connection.execute("INSERT INTO spends VALUES (randomblob(36), randomblob(32))")
    assert "table spends" in tampered(path)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE number = 2",
        "DELETE FROM entries WHERE number = 4",
        "UPDATE entries SET record = x'00' WHERE number = 2",
        "UPDATE entries SET leaf = randomblob(32) WHERE number = 2",
        "UPDATE entries SET number = 9 WHERE number = 4",
        "UPDATE checkpoint SET clock = clock + 1",
        "UPDATE checkpoint SET frontier = randomblob(64)",
        "UPDATE checkpoint SET note = ''",
    ],
)
def test_a_changed_log_is_found(path: Path, statement: str) -> None:
    with connect(path) as connection:
        connection.execute(statement)
    tampered(path)


def rewrite(path: Path, records: list[bytes], signer: Signer | None) -> None:
    """The log replaced, with a consistent tree; the head by that signer, or the old one."""
    with connect(path) as connection:
        note, clock = connection.execute("SELECT note, clock FROM checkpoint").fetchone()
        connection.execute("DELETE FROM entries")
        frontier = Frontier()
        for number, record in enumerate(records):
            leaf = leaf_hash(record)
            connection.execute("INSERT INTO entries VALUES (?,?,?)", (number, leaf, record))
            frontier = frontier.append(leaf)
        if signer is not None:
            note = signed_note(frontier, GENESIS.genesis_hash, signer)
        write_checkpoint(connection, Checkpoint(frontier, clock, note))


def records_of(path: Path) -> list[bytes]:
    with connect(path) as connection:
        query = "SELECT record FROM entries ORDER BY number"
        return [record for (record,) in connection.execute(query)]


def test_rewriting_with_the_right_key_changes_the_tables(path: Path) -> None:
    """Even whoever holds the log key must change the claim tables too, and every head ever released."""
    records = records_of(path)
    rewrite(path, records, Signer())
    assert verify_journal(path).entries == 5
    rewrite(path, [*records[:2], *records[3:]], Signer())
    assert "table" in tampered(path)


def test_entries_in_another_order_are_found(path: Path) -> None:
    records = records_of(path)
    rewrite(path, [records[0], records[2], records[1], *records[3:]], None)
    assert "head" in tampered(path)


def test_a_head_by_another_key_is_found(path: Path) -> None:
    stranger = Signer()
    stranger.key = Ed25519PrivateKey.generate()
    rewrite(path, records_of(path), stranger)
    assert "head" in tampered(path)


def test_an_entry_that_no_journal_would_write_is_found(path: Path) -> None:
    records = records_of(path)
    for strange in (records[0], records[1], b"\x00\x00\x00\x01x"):
        rewrite(path, [*records, strange], Signer())
        tampered(path)
    entry = decode_entry(records[2])
    assert isinstance(entry, SignedEntry)
    early = encode_entry(
        SignedEntry(entry.clock - 1, *[getattr(entry, name) for name in entry.__slots__[1:]])
    )
    rewrite(path, [*records[:2], early, *records[3:]], Signer())
    assert "before" in tampered(path)
