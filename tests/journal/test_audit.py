"""`journal verify` finds what a hostile administrator changes: entries, head, and each claim table."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.core.acts import HoldWithdrawal
from signer.core.errors import Objection, Refusal
from signer.core.fields import pack, unpack
from signer.core.governance import Step
from signer.core.notices import AttestedNotice, Notice
from signer.journal.audit import verify_journal
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.entry import RefusedEntry, SignedEntry
from signer.journal.log import Checkpoint, signed_note, write_checkpoint
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.schema import CLAIM_TABLES
from tests.core.spends import NOW, Coin, withdrawal_id
from tests.journal.desk import (
    GENESIS,
    Policy,
    Signer,
    anchor_case,
    anchor_terms,
    case_number,
    desk,
    move,
    pay,
    rotation_case,
    sweep_terms,
)
from tests.journal.words import (
    OFFICERS,
    approval,
    attested,
    move_approval,
    noted,
    proposed,
    rejection,
    said,
    stepped,
    terms_of,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two withdrawals, a fee bump, an anchor, the anchor again, a rotation, a refusal, and notices."""
    path = tmp_path / "journal.sqlite"
    with desk(path) as journal:
        pay(journal, case_number(1))
        pay(journal, case_number(2))
        pay(journal, case_number(1, fee=20_000))
        for salt in (4, 5):
            move(journal, anchor_case(anchor_terms(), Coin(salt=salt)).verify(), anchor_terms())
        rotation = rotation_case(Coin(salt=6)).verify()
        move(journal, rotation, sweep_terms(rotation))
        with pytest.raises(Refusal):
            pay(journal, case_number(3), Policy(outflow=0))
        noted(
            journal,
            attested(terms_of(1), terms_of(4)),
            said(approval(4)),
            said(rejection(4), OFFICERS[1]),
            said(HoldWithdrawal(withdrawal_id(4), NOW + 50)),
            said(move_approval(1)),
            proposed(b"policy"),
            stepped(b"policy", Step.IN_FORCE),
        )
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
    assert report.entries == 15
    with connect(path) as connection:
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in CLAIM_TABLES
        }
    assert counts == {
        "versions": 6, "payments": 3, "withdrawals": 2, "coins": 5, "spends": 6, "charges": 6,
        "places": 2, "batches": 1, "nonces": 1, "repeats": 2, "refusals": 1, "first_seen": 2,
        "acts": 4, "approvals": 2, "rejections": 1, "holds": 1, "moves": 1, "policies": 1,
        "governance": 1, "events": 10,
    }  # fmt: skip
    assert report.rows == sum(counts.values())


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
        ("batches", "root"),
        ("nonces", "nonce"),
        ("repeats", "received"),
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
        ("events", "governs"),
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
        "UPDATE entries SET number = 19 WHERE number = 4",
        "UPDATE checkpoint SET clock = clock + 1",
        "UPDATE checkpoint SET frontier = randomblob(64)",
        "UPDATE checkpoint SET note = ''",
        "UPDATE roots SET root = randomblob(32) WHERE size = 3",
        "UPDATE roots SET root = randomblob(32) WHERE size = 15",
        "DELETE FROM roots WHERE size = 15",
        "INSERT INTO roots VALUES (16, randomblob(32))",
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


def rewrite(path: Path, records: list[bytes], signer: Signer | None) -> None:
    """The log replaced, with a consistent tree; the head by that signer, or the old one."""
    with connect(path) as connection:
        note, clock = connection.execute("SELECT note, clock FROM checkpoint").fetchone()
        connection.execute("DELETE FROM entries")
        connection.execute("DELETE FROM roots")
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
    assert verify_journal(path).entries == 15
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
    again = encode_entry(replace(GENESIS, clock=GENESIS.clock + 10**9))
    rewrite(path, [*records, again], Signer())
    assert "wrong kind" in tampered(path)
    long = encode_entry(RefusedEntry(1, "x", b"\x00" * 32, b"", (Objection("c", "dd"),), b""))
    fields = unpack(long)
    fields[6] = pack([pack([b"c", b"d" * 999, b"", b"", b""])])
    rewrite(path, [*records, pack(fields)], Signer())
    assert "canonical" in tampered(path)
    entry = decode_entry(records[2])
    assert isinstance(entry, SignedEntry)
    early = encode_entry(
        SignedEntry(entry.clock - 1, *[getattr(entry, name) for name in entry.__slots__[1:]])
    )
    rewrite(path, [*records[:2], early, *records[3:]], Signer())
    assert "before" in tampered(path)


@pytest.mark.parametrize(
    "strange",
    [
        said(HoldWithdrawal(withdrawal_id(4), NOW + 90)),
        stepped(b"another policy", Step.IN_FORCE),
        proposed(b"third policy", 2**63),
    ],
    ids=["held twice", "never proposed", "a number too large"],
)
def test_a_notice_that_contradicts_the_record_is_found(path: Path, strange: Notice) -> None:
    rewrite(path, [*records_of(path), encode_entry(strange)], Signer())
    assert "entry 15 contradicts" in tampered(path)


def test_a_clock_that_started_earlier_is_found(path: Path) -> None:
    """Who makes a withdrawal look older than it is has to change an entry, and an entry is in the tree."""
    with connect(path) as connection:
        connection.execute("UPDATE first_seen SET moment = moment - 1 WHERE unsigned = 1")
    assert "table first_seen" in tampered(path)
    notice = decode_entry(records_of(path)[8])
    assert isinstance(notice, AttestedNotice)
    records = records_of(path)
    records[8] = encode_entry(replace(notice, started=notice.started[:1]))
    rewrite(path, records, Signer())
    tampered(path)
