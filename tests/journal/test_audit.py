"""`journal verify` finds what a hostile administrator changes: entries, head, and each claim table."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.bitcoin.units import Sats
from signer.core.acts import HoldWithdrawal
from signer.core.agreement.machine import TIMED_OUT
from signer.core.agreement.notices import (
    ForkedNotice,
    Heard,
    HeardNotice,
    StartedNotice,
    Taken,
    VoidNotice,
)
from signer.core.errors import Objection, Refusal
from signer.core.fields import pack, unpack
from signer.core.governance import Step
from signer.core.notices import AttestedNotice, Notice
from signer.journal.audit import verify_journal
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.decide import Session
from signer.journal.entry import RefusedEntry, SignedEntry
from signer.journal.log import Checkpoint, signed_note, write_checkpoint
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.schema import CLAIM_TABLES
from tests.core.spends import NOW, Coin, withdrawal_id
from tests.journal.agreement import (
    START,
    claim,
    claims_of,
    coin,
    member,
    signed,
    terms,
    withdrawal,
)
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
    """Two withdrawals, a fee bump, an anchor, the anchor again, a rotation, a refusal, and notices; then
    entries that wait for grants, one of them void, and what another member's log binds us to."""
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
        journal.in_turn(agreement_history)
    return path


def agreement_history(session: Session) -> None:
    """A start; a version that waits and relies on another member's pin; one that is void; a fork."""
    write, now = session.write, session.now
    write(StartedNotice(now, START, ()))
    theirs = claim(
        1,
        7,
        spends=frozenset({coin(1)}),
        pays=frozenset({terms(90)}),
        new_pins=frozenset({(withdrawal(90), coin(1))}),
        bonds=frozenset({(b"bond", b"value")}),
    )
    write(HeardNotice(now, Heard(member(1), 8, bytes(32)), (Taken(theirs, granted=True),), ()))
    pins = ((withdrawal(90), coin(2)), (withdrawal(90), coin(1)))
    write(signed(claims_of(1, (1, 2), (terms(90),), new_pins=pins[:1], relied=pins[1:]), clock=now))
    void, fees = session.frontier.size, {"fee": Sats(5), "charge": Sats(5)}
    leaf = write(signed(claims_of(2, (3,), **fees), clock=now))
    write(VoidNotice(now, void, leaf, TIMED_OUT))
    write(ForkedNotice(now, member(2), "one head", "another", ()))


def connect(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, isolation_level=None))


def tampered(path: Path) -> str:
    with pytest.raises(Refusal) as caught:
        verify_journal(path)
    assert caught.value.code == "journal-tampered"
    return caught.value.objections[0].detail


def test_an_honest_journal(path: Path) -> None:
    report = verify_journal(path)
    assert report.entries == 21
    with connect(path) as connection:
        counts = {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in CLAIM_TABLES
        }
    assert {table: rows for table, rows in counts.items() if rows} == {
        "versions": 7, "payments": 4, "withdrawals": 3, "coins": 8, "spends": 8, "charges": 8,
        "places": 2, "batches": 1, "nonces": 1, "repeats": 3, "refusals": 1, "first_seen": 2,
        "acts": 4, "approvals": 2, "rejections": 1, "holds": 1, "moves": 1, "policies": 1,
        "governance": 1, "events": 10, "policy_events": 2, "anchors": 2, "pending": 1, "relied": 1,
        "freed": 1, "voids": 1, "holdings": 1, "held_pays": 1, "held_pins": 1, "held_spends": 1,
        "held_bonds": 1, "starts": 1, "forks": 1,
    }  # fmt: skip
    assert report.rows == sum(counts.values())


ELSEWHERE = ("tiles", "releases", "closings", "buried", "control")
"""Tables without a row in this journal."""


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
    """Even whoever holds the log key must change the claim tables too (and every head ever released)."""
    records = records_of(path)
    rewrite(path, records, Signer())
    assert verify_journal(path).entries == 21
    rewrite(path, [*records[:2], *records[3:15]], Signer())
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
    assert "entry 21 contradicts" in tampered(path)


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
