"""Journals with many entries, for `bench.long`: one decision, folded again and again as if it were others.

1. The first entries are a kernel's. Every further one is that decision's with names, coin, amounts and moment
   of its own, written by what writes a kernel's, so tables, tree and head are as they would be; only the
   PSBT in it is another's. `journal verify` passes: `bench.long` runs it.
2. Made once for each size and form, and kept under `.cache`.
"""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from bench.house import ROOT, bench_policy
from keystore.file_keystore import FileKeystore
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import Sats
from signer.journal.budget import DEFAULT_BUDGET
from signer.journal.codec import decode_entry
from signer.journal.decide import Session
from signer.journal.entry import SignedEntry
from signer.journal.journal import Journal
from signer.journal.log import LogEnd, read_checkpoint, signed_note, write_checkpoint
from signer.journal.place import PostgresPlace
from signer.journal.schema import CLAIM_TABLES, KEPT_TABLES, TABLES
from signer.journal.sqlite_tables import SqliteTables
from signer.journal.store import store_at
from tests.core.spends import Coin
from tests.kernel.room import ManualClock, Member, attested, construct_request, sign_request

CACHE = ROOT / ".cache" / "bench-journals"
MADE_AGAIN = 100_000
"""Entries of one transaction while a journal is made."""
LONG_AGO = 10_000_000
"""Seconds since the first entry; the others follow one a second."""
WAYS = 1_000_000
"""Amounts, so that equal withdrawals are rare."""


@dataclass(frozen=True)
class Grown:
    """A member's directory with a journal of so many entries."""

    folder: Path
    entries: int
    seconds: float
    """That it took to make; 0 where it was there."""

    @property
    def journal(self) -> Path:
        """Its SQLite file."""
        return self.folder / "journal.sqlite"


def grown(entries: int) -> Grown:
    """That journal, made now if it is not there."""
    form = sha256("".join(TABLES).encode() + bench_policy()).hex()[:12]
    folder = CACHE / f"{form}-{entries}"
    if folder.exists():
        return Grown(folder, entries, 0.0)
    draft = folder.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    _make(draft, entries)
    draft.rename(folder)
    return Grown(folder, entries, time.perf_counter() - begun)


def copied(source: Path, place: PostgresPlace) -> None:
    """All rows into a new journal of PostgreSQL. (`pegwarden journal restore` would verify them, too.)"""
    store_at(place).create(lambda _: None)
    rows = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    with psycopg.connect(place.url) as connection:
        connection.execute("SET search_path = pegwarden")
        for table in (*KEPT_TABLES, *CLAIM_TABLES):
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows.execute(f"SELECT * FROM {table}"):  # noqa: S608
                    copy.write_row(row)
        connection.commit()
        connection.execute("ANALYZE")
    rows.close()


def _make(folder: Path, entries: int) -> None:
    then = int(time.time()) - LONG_AGO
    running = Member(folder, 0, bench_policy(), ManualClock(then)).init().start()
    coins, payments = (Coin(),), ((1, 60_000_000),)
    built = running.construct(construct_request(coins, payments))
    running.sign(sign_request(built, attested(coins, payments, now=then)))
    template = _last(running.journal)
    running.journal.close()
    _grow(folder / "journal.sqlite", running.keystore, template, entries)
    running.keystore.close()


def _last(journal: Journal) -> SignedEntry:
    with journal.reading() as reading:
        entry = decode_entry(reading.record(reading.size() - 1))
    if not isinstance(entry, SignedEntry):
        raise TypeError("the last entry is no signed one")
    return entry


def _grow(file: Path, keystore: FileKeystore, template: SignedEntry, size: int) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    tables = SqliteTables(connection)
    frontier = read_checkpoint(tables).frontier
    session = Session(tables, frontier, template.clock, DEFAULT_BUDGET)
    for entry in _others(template, size - frontier.size):
        if not connection.in_transaction:
            tables.begin()
        session.write(entry)
        session.now = entry.clock
        if session.frontier.size % MADE_AGAIN == 0 or session.frontier.size == size:
            note = signed_note(session.frontier, REGTEST.genesis_hash, keystore)
            write_checkpoint(tables, LogEnd(session.frontier, session.now, note))
            tables.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    tables.close()


def _others(template: SignedEntry, count: int) -> Iterator[SignedEntry]:
    (coin,), (payment,) = template.claims.coins, template.claims.payments
    for number in range(count):
        name = sha256(b"%d" % number)
        outpoint = OutPoint(Txid(name), 1)
        paid = replace(
            payment, withdrawal_id=sha256(name), amount=Sats(payment.amount - number % WAYS)
        )
        claims = replace(
            template.claims,
            txid=Txid(sha256(name + b"t")),
            payments=(paid,),
            new_pins=((paid.withdrawal_id, outpoint),),
            first_pin=outpoint,
            coins=(replace(coin, outpoint=outpoint),),
        )
        yield replace(
            template,
            clock=template.clock + number,
            request_digest=sha256(name + b"r"),
            claims=claims,
        )
