"""Reading a journal from outside, also while a kernel writes it: `journal show` and `journal verify`.

`verify_journal` recomputes, from the entries alone and in one snapshot:
1. every leaf hash, from the entry's bytes, which must decode and re-encode to themselves;
2. the order of time, and the tree's root against the signed head, and against every other head that the
   auditor brings;
3. the tiles and every claim table, in a database in memory, compared row by row;
4. the kept headers of Bitcoin, by their network's rules (`signer.journal.header_audit`).
Any difference is `journal-tampered`, with its place, or `log-forked`, if the log key itself signed two
histories; nothing is repaired.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import NoReturn

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import network_named
from signer.bitcoin.network_rules import rules_of
from signer.core.errors import Objection, Refusal
from signer.journal import fold
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.database import StoreError, Tables
from signer.journal.entry import Entry, GenesisEntry
from signer.journal.exported import is_exported, read_exported
from signer.journal.growth import add_growth
from signer.journal.header_audit import verify_headers
from signer.journal.log import read_checkpoint
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, origin_of, verify_head
from signer.journal.place import Place
from signer.journal.schema import CLAIM_TABLES, key_of
from signer.journal.sqlite_tables import scratch_tables
from signer.journal.store import store_at, verify_checkpoint
from signer.journal.tiles import write_tiles


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its place in the log."""

    number: int
    leaf: bytes
    entry: Entry
    size: int
    """Its bytes."""


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
    headers: int = 0
    """Bitcoin's that are kept, verified again."""


@dataclass(frozen=True, slots=True)
class RebuiltLog:
    """What entries come to."""

    genesis: GenesisEntry
    first_leaf: bytes
    frontier: Frontier
    clock: int
    """Of the last entry."""


def read_entries(place: Place, start: int) -> Iterator[StoredEntry]:
    """Entries of a journal, or an exported one, from that number on, oldest first. Nothing is verified but
    their form. Raises Refusal `journal-tampered`, Malformed `export-malformed`."""
    if is_exported(place):
        with place.open("rb") as stream:
            yield from islice(numbered(read_exported(stream).records), start, None)
        return
    with snapshot(place) as tables:
        yield from _stored(tables, start)


def numbered(records: Iterable[bytes]) -> Iterator[StoredEntry]:
    """The records of an exported journal, as entries. Raises Refusal `journal-tampered`."""
    for number, record in enumerate(records):
        yield StoredEntry(number, leaf_hash(record), decoded(number, record), len(record))


def read_head(place: Place) -> str:
    """The newest signed head as stored."""
    if is_exported(place):
        with place.open("rb") as stream:
            return read_exported(stream).head
    with snapshot(place) as tables:
        return read_checkpoint(tables).note


def verify_journal(place: Place, *heads: str) -> AuditReport:
    """Recompute everything, and compare with these heads of the log (notes).

    Raises Refusal `journal-tampered`, `log-forked` or `journal-behind-head`; Malformed `head-malformed` for
    a note that is not the log key's.
    """
    with snapshot(place) as stored:
        return verify_tables(stored, *heads)


def verify_tables(stored: Tables, *heads: str) -> AuditReport:
    """The same of the tables that this transaction sees."""
    with scratch_tables() as rebuilt:
        log = rebuild(_stored(stored, 0), rebuilt, heads)
        checkpoint = read_checkpoint(stored)
        if log.frontier != checkpoint.frontier:
            tampered("the tree over the entries is not the one in the checkpoint")
        if log.clock != checkpoint.clock:
            tampered("the checkpoint's time is not the last entry's")
        verify_checkpoint(stored, checkpoint, log.genesis)
        rows = sum(_compare(table, stored, rebuilt) for table in CLAIM_TABLES)
        headers = verify_headers(stored, rules_of(network_named(log.genesis.network)))  # 4
        about = (log.frontier.size, log.first_leaf, log.genesis, checkpoint.note)
        return AuditReport(*about, rows, headers)


def refold(tables: Tables) -> None:
    """The claim tables anew, from the entries beside them. Raises Refusal `journal-tampered`."""
    for table in CLAIM_TABLES:
        tables.execute(f"DELETE FROM {table}")  # noqa: S608 (of our schema)
    rebuild(_stored(tables, 0), tables, ())


@contextmanager
def snapshot(place: Place) -> Iterator[Tables]:
    """A look at the journal; what cannot be read is `journal-tampered`."""
    store = store_at(place)
    try:
        with store.snapshot() as tables:
            yield tables
    except StoreError as error:
        tampered(f"the file cannot be read: {error}")
    finally:
        store.close()


def decoded(number: int, record: bytes) -> Entry:
    """The entry, if these are its canonical bytes. Raises Refusal `journal-tampered`."""
    try:
        entry = decode_entry(record)
    except Malformed as error:
        tampered(f"entry {number}: {error.detail}")
    if encode_entry(entry) != record:
        tampered(f"entry {number} is not in canonical form")
    return entry


def rebuild(entries: Iterable[StoredEntry], tables: Tables, notes: Iterable[str]) -> RebuiltLog:
    """The log of all these entries, folded into empty tables and compared with heads that its key signed.

    Raises Refusal `journal-tampered`, `log-forked`, `journal-behind-head`, Malformed `head-malformed`.
    """
    numbered = iter(entries)
    first = next(numbered, None)
    if first is None or not isinstance(first.entry, GenesisEntry):
        tampered("the log does not begin with a genesis entry")
    heads = [head_of(note, first.entry) for note in notes]
    frontier = _extended(Frontier(), first, tables, heads)
    clock = first.entry.clock
    for stored in numbered:
        if stored.entry.clock < clock:
            tampered(f"entry {stored.number} lies before the one it follows")
        if isinstance(stored.entry, GenesisEntry):
            tampered(f"entry {stored.number} is of the wrong kind for its place")
        frontier, clock = _extended(frontier, stored, tables, heads), stored.entry.clock
    for head in heads:
        require_reached(head, frontier.size)
    return RebuiltLog(first.entry, first.leaf, frontier, clock)


def head_of(note: str, genesis: GenesisEntry) -> Head:
    """What that note says of the log that begins so. Raises Malformed `head-malformed`."""
    head = verify_head(note, genesis.log_key)
    if head.origin != origin_of(genesis.genesis_hash, genesis.log_key):
        raise Malformed("head-malformed", "the head of another log")
    return head


def require_same(said: Head, root: bytes) -> None:
    """That head is of the history that has this root at its size. Raises Refusal `log-forked`."""
    if said.root != root:
        raise Refusal(
            Objection(
                "log-forked",
                f"the log key signed two histories: its head of {said.size} entries is of another",
                f"root {said.root.hex()}",
                f"root {root.hex()}",
            )
        )


def require_reached(said: Head, size: int) -> None:
    """The log has come as far as that head. Raises Refusal `journal-behind-head`."""
    if said.size > size:
        detail = "the log key signed a head of more entries than there are"
        raise Refusal(Objection("journal-behind-head", detail, f"{size}", f"{said.size}"))


def tampered(detail: str) -> NoReturn:
    """Raises Refusal `journal-tampered`."""
    raise Refusal(Objection("journal-tampered", detail))


def _stored(tables: Tables, start: int) -> Iterator[StoredEntry]:
    rows = tables.scan(
        "SELECT number, leaf, record FROM entries WHERE number >= ? ORDER BY number", (start,)
    )
    for expected, (number, leaf, record) in enumerate(rows, start):
        if number != expected:
            tampered(f"entry {expected} is missing")
        if leaf_hash(record) != leaf:
            tampered(f"entry {number} does not have its leaf hash")
        yield StoredEntry(number, leaf, decoded(number, record), len(record))


def _extended(
    frontier: Frontier, stored: StoredEntry, tables: Tables, heads: list[Head]
) -> Frontier:
    """The tree with one entry more, folded."""
    write_tiles(tables, frontier, stored.leaf)
    grown = frontier.append(stored.leaf)
    for head in heads:
        if head.size == grown.size:
            require_same(head, grown.root())
    try:
        fold.apply(stored.number, stored.entry, tables)
        add_growth(tables, stored.entry, stored.size)
    except (StoreError, KeyError, OverflowError, Malformed) as error:
        tampered(f"entry {stored.number} contradicts those before it: {error}")
    return grown


def _compare(table: str, stored: Tables, rebuilt: Tables) -> int:
    query = f"SELECT * FROM {table} ORDER BY {key_of(table)}"  # noqa: S608 (of CLAIM_TABLES)
    rows = 0
    for row, expected in zip_longest(stored.scan(query), rebuilt.execute(query)):
        if row != expected:
            tampered(f"table {table}, row {rows}, is not what the entries say")
        rows += 1
    return rows
