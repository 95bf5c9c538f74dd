"""A journal that was rewritten, by whoever holds which key."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.core.acts import HoldWithdrawal
from signer.core.errors import Objection
from signer.core.fields import pack, unpack
from signer.core.governance import Step
from signer.core.notices import AttestedNotice, Notice
from signer.journal.audit import verify_journal
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.entry import RefusedEntry, SignedEntry
from signer.journal.log import LogEnd, signed_note, write_checkpoint
from signer.journal.merkle import Frontier, leaf_hash
from tests.core.spends import NOW, withdrawal_id
from tests.journal.audited import connect, make_history, tampered
from tests.journal.desk import (
    GENESIS,
    Signer,
)
from tests.journal.words import (
    proposed,
    said,
    stepped,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_history(tmp_path / "journal.sqlite")


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
        write_checkpoint(connection, LogEnd(frontier, clock, note))


def records_of(path: Path) -> list[bytes]:
    with connect(path) as connection:
        query = "SELECT record FROM entries ORDER BY number"
        return [record for (record,) in connection.execute(query)]


def test_rewriting_with_the_right_key_changes_the_tables(path: Path) -> None:
    """Even whoever holds the log key must change the claim tables too (and every head ever released)."""
    records = records_of(path)
    rewrite(path, records, Signer())
    assert verify_journal(path).entries == 25
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
    assert "entry 25 contradicts" in tampered(path)


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
