"""The log in its tables: appending entries, and the checkpoint that says where it ends.

Rule 1: a checkpoint is read inside the transaction that extends it; memory keeps no copy that a failed
        commit could leave ahead of the disk.
Rule 2: the head is signed before the commit and released only after it. The root of any earlier size can be
        computed again (`signer.journal.tiles`), so that an old head is recognised.
"""

from dataclasses import dataclass

from signer.core.errors import Objection, Refusal
from signer.journal.codec import encode_entry
from signer.journal.database import Contradiction, StoreError, Tables
from signer.journal.entry import Entry
from signer.journal.growth import add_growth
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, LogSigner, origin_of, sign_head
from signer.journal.tiles import write_tiles


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Where the log ends."""

    frontier: Frontier
    clock: int
    """Effective time of the last entry."""
    note: str
    """Signed head."""


def append(tables: Tables, frontier: Frontier, entry: Entry) -> tuple[Frontier, bytes]:
    """Store the entry behind the tree's last leaf; the new edge, and the entry's leaf hash.

    Raises StoreError if the place is taken: two wrote at once, and the other was first.
    """
    record = encode_entry(entry)
    leaf = leaf_hash(record)
    try:
        tables.execute("INSERT INTO entries VALUES (?,?,?)", (frontier.size, leaf, record))
    except Contradiction as error:
        raise StoreError(f"another writer has recorded entry {frontier.size}") from error
    write_tiles(tables, frontier, leaf)
    add_growth(tables, entry, len(record))
    return frontier.append(leaf), leaf


def record_of(number: int, tables: Tables) -> bytes:
    """The bytes of that entry. Raises Refusal `journal-tampered` where it is missing."""
    row = tables.execute("SELECT record FROM entries WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise Refusal(Objection("journal-tampered", f"entry {number} is missing"))
    return bytes(row[0])


def number_of(decision_id: bytes, tables: Tables) -> int | None:
    """The number of the entry with that leaf hash."""
    row = tables.execute("SELECT number FROM entries WHERE leaf = ?", (decision_id,)).fetchone()
    return None if row is None else int(row[0])


def signed_note(frontier: Frontier, genesis_hash: bytes, signer: LogSigner, epoch: int = 0) -> str:
    """The head of that tree, signed."""
    head = Head(origin_of(genesis_hash, signer.log_key), frontier.size, frontier.root(), epoch)
    return sign_head(head, signer)


def read_checkpoint(tables: Tables) -> LogEnd:
    """Where the log ends, as stored. Raises Refusal `journal-tampered`."""
    row = tables.execute("SELECT size, frontier, clock, note FROM checkpoint").fetchone()
    if row is None:
        raise Refusal(Objection("journal-tampered", "the journal has no checkpoint"))
    size, edge, clock, note = row
    if size < 1 or len(edge) != 32 * size.bit_count():
        raise Refusal(Objection("journal-tampered", "the checkpoint's edge does not fit its size"))
    roots = tuple(edge[start : start + 32] for start in range(0, len(edge), 32))
    return LogEnd(Frontier(size, roots), clock, note)


def write_checkpoint(tables: Tables, end: LogEnd) -> None:
    """Store where the log ends now."""
    frontier = end.frontier
    tables.execute(
        "INSERT INTO checkpoint VALUES (1,?,?,?,?) ON CONFLICT (one) DO UPDATE SET size = excluded.size, "
        "frontier = excluded.frontier, clock = excluded.clock, note = excluded.note",
        (frontier.size, b"".join(frontier.roots), end.clock, end.note),
    )
