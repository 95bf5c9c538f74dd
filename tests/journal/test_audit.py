"""`journal verify` finds what a hostile administrator changes: entries, head, and each claim table."""

from pathlib import Path

import pytest

from signer.journal.audit import verify_journal
from signer.journal.schema import CLAIM_TABLES
from tests.journal.audited import connect, make_history, tampered


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_history(tmp_path / "journal.sqlite")


def test_an_honest_journal(path: Path) -> None:
    report = verify_journal(path)
    assert report.entries == 25
    with connect(path) as connection:
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in CLAIM_TABLES
        }
    assert {table: rows for table, rows in counts.items() if rows} == {
        "versions": 7, "payments": 4, "withdrawals": 3, "coins": 8, "spends": 8, "charges": 8,
        "places": 2, "batches": 1, "nonces": 1, "repeats": 3, "refusals": 1, "first_seen": 2,
        "acts": 5, "approvals": 2, "rejections": 1, "holds": 1, "moves": 1, "policies": 1,
        "governance": 1, "events": 14, "policy_events": 2, "anchors": 2, "pending": 1, "relied": 1,
        "freed": 1, "voids": 1, "holdings": 1, "held_pays": 1, "held_pins": 1, "held_spends": 1,
        "held_bonds": 1, "starts": 1, "forks": 1, "releases": 1, "closings": 1, "buried": 1, "control": 1,
        "growth": 4, "deposits": 1, "relied_blocks": 1,
    }  # fmt: skip
    assert report.rows == sum(counts.values())


ELSEWHERE = ("tiles",)
"""Tables without a row in so short a journal; `tests.journal.test_tiles` changes these."""


@pytest.mark.parametrize("table", [each for each in CLAIM_TABLES if each not in ELSEWHERE])
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
        ("deposits", "block"),
        ("relied_blocks", "height"),
        ("relied_blocks", "said"),
        ("withdrawals", "pin"),
        ("withdrawals", "state"),
        ("coins", "height"),
        ("spends", "txid"),
        ("charges", "total_amount"),
        ("charges", "moment"),
        ("places", "next"),
        ("batches", "root"),
        ("nonces", "nonce"),
        ("repeats", "received"),
        ("growth", "owed"),
        ("refusals", "kept"),
        ("first_seen", "moment"),
        ("first_seen", "quorum"),
        ("first_seen", "entry"),
        ("first_seen", "unsigned"),
        ("acts", "subject"),
        ("acts", "officer"),
        ("acts", "moment"),
        ("approvals", "expiry"),
        ("approvals", "officer"),
        ("rejections", "officer"),
        ("holds", "until"),
        ("holds", "lifted"),
        ("holds", "target"),
        ("moves", "terms"),
        ("moves", "expiry"),
        ("policies", "verdict"),
        ("policies", "version"),
        ("policies", "entry"),
        ("governance", "state"),
        ("releases", "killer"),
        ("closings", "moment"),
        ("closings", "amount"),
        ("buried", "coin"),
        ("control", "state"),
    ],
)
def test_a_changed_value_is_found(path: Path, table: str, column: str) -> None:
    """A pin that is moved, a charge that is forgotten: each would be a double payment."""
    with connect(path) as connection:
        query = f"SELECT typeof({column}) FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608
        kind = connection.execute(query).fetchone()[0]
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
        "DELETE FROM entries WHERE number = 7",
        "DELETE FROM entries WHERE number = 14",
        "UPDATE entries SET record = x'00' WHERE number = 2",
        "UPDATE entries SET leaf = randomblob(32) WHERE number = 2",
        "UPDATE entries SET number = 29 WHERE number = 4",
        "UPDATE checkpoint SET clock = clock + 1",
        "UPDATE checkpoint SET frontier = randomblob(64)",
        "UPDATE checkpoint SET note = ''",
        "INSERT INTO tiles VALUES (8, 0, randomblob(32))",
    ],
)
def test_a_changed_log_is_found(path: Path, statement: str) -> None:
    with connect(path) as connection:
        connection.execute(statement)
    tampered(path)


def test_a_damaged_file_is_found(path: Path) -> None:
    with connect(path) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'versions'"
        (page,) = connection.execute(query).fetchone()
    with path.open("r+b") as file:
        file.seek(4_096 * (page - 1))
        file.write(b"\xff" * 4_096)
    assert "cannot be read" in tampered(path)
