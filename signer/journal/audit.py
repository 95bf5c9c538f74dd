"""Reading a journal from outside, also while a kernel writes it: `journal show` and `journal verify`.

`verify_journal` recomputes, from the entries alone and in one snapshot:
1. every leaf hash, from the entry's bytes, which must decode and re-encode to themselves;
2. the order of time, and the tree's root against the signed head, and against the roots of the heads
   that were released before it;
3. every claim table, in a database in memory, compared row by row.
Any difference is `journal-tampered`, with its place; nothing is repaired.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import NoReturn

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Refusal
from signer.journal import fold
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.entry import Entry, GenesisEntry
from signer.journal.log import read_checkpoint
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.schema import CLAIM_TABLES, create_schema
from signer.journal.store import connect_reader, read_genesis, verify_checkpoint


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its place in the log."""

    number: int
    leaf: bytes
    entry: Entry


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `verify_journal` found to be true."""

    entries: int
    first_leaf: bytes
    genesis: GenesisEntry
    head: str
    """The signed head, verified."""
    rows: int
    """Of the claim tables, all compared."""


def read_entries(path: Path, start: int) -> Iterator[StoredEntry]:
    """Entries from that number on, oldest first. Raises Refusal `journal-tampered`."""
    with _snapshot(path) as connection:
        yield from _stored(connection, start)


def read_head(path: Path) -> str:
    """The newest signed head as stored."""
    with _snapshot(path) as connection:
        return read_checkpoint(connection).note


def verify_journal(path: Path) -> AuditReport:
    """Recompute everything. Raises Refusal `journal-tampered`."""
    rebuilt = sqlite3.connect(":memory:", isolation_level=None)
    try:
        create_schema(rebuilt)
        with _snapshot(path) as connection:
            genesis = read_genesis(connection)
            first_leaf, frontier = _rebuild(connection, rebuilt)
            checkpoint = read_checkpoint(connection)
            if frontier != checkpoint.frontier:
                _tampered("the tree over the entries is not the one in the checkpoint")
            verify_checkpoint(connection, checkpoint, genesis)
            rows = sum(_compare(table, connection, rebuilt) for table in CLAIM_TABLES)
            return AuditReport(frontier.size, first_leaf, genesis, checkpoint.note, rows)
    finally:
        rebuilt.close()


@contextmanager
def _snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    connection = connect_reader(path)
    try:
        connection.execute("BEGIN")
        yield connection
    except sqlite3.DatabaseError as error:
        _tampered(f"the file cannot be read: {error}")
    finally:
        connection.close()


def _stored(connection: sqlite3.Connection, start: int) -> Iterator[StoredEntry]:
    rows = connection.execute(
        "SELECT number, leaf, record FROM entries WHERE number >= ? ORDER BY number", (start,)
    )
    for expected, (number, leaf, record) in enumerate(rows, start):
        if number != expected:
            _tampered(f"entry {expected} is missing")
        if leaf_hash(record) != leaf:
            _tampered(f"entry {number} does not have its leaf hash")
        try:
            entry = decode_entry(record)
        except Malformed as error:
            _tampered(f"entry {number}: {error.detail}")
        if encode_entry(entry) != record:
            _tampered(f"entry {number} is not in canonical form")
        yield StoredEntry(number, leaf, entry)


def _rebuild(source: sqlite3.Connection, target: sqlite3.Connection) -> tuple[bytes, Frontier]:
    frontier, first_leaf, clock = Frontier(), b"", 0
    for stored in _stored(source, 0):
        if stored.entry.clock < clock:
            _tampered(f"entry {stored.number} lies before the one it follows")
        if isinstance(stored.entry, GenesisEntry) is not (stored.number == 0):
            _tampered(f"entry {stored.number} is of the wrong kind for its place")
        clock, first_leaf = stored.entry.clock, first_leaf or stored.leaf
        frontier = frontier.append(stored.leaf)
        _compare_root(frontier, source)
        try:
            fold.apply(stored.number, stored.entry, target)
        except (sqlite3.Error, KeyError, OverflowError, Malformed) as error:
            _tampered(f"entry {stored.number} contradicts those before it: {error}")
    if clock != read_checkpoint(source).clock:
        _tampered("the checkpoint's time is not the last entry's")
    return first_leaf, frontier


def _compare_root(frontier: Frontier, stored: sqlite3.Connection) -> None:
    query = "SELECT root FROM roots WHERE size = ?"
    for (root,) in stored.execute(query, (frontier.size,)):
        if root != frontier.root():
            _tampered(f"the root released for {frontier.size} entries is not theirs")


def _compare(table: str, stored: sqlite3.Connection, rebuilt: sqlite3.Connection) -> int:
    query = f"SELECT * FROM {table} NOT INDEXED"  # noqa: S608 (of CLAIM_TABLES; in key order)
    rows = 0
    for row, expected in zip_longest(stored.execute(query), rebuilt.execute(query)):
        if row != expected:
            _tampered(f"table {table}, row {rows}, is not what the entries say")
        rows += 1
    return rows


def _tampered(detail: str) -> NoReturn:
    raise Refusal(Objection("journal-tampered", detail))
