"""The log in its tables: appending entries, and the checkpoint that says where it ends.

Rule 1: a checkpoint is read inside the transaction that extends it; memory keeps no copy that a failed
        commit could leave ahead of the disk.
Rule 2: the head is signed before the commit and released only after it; the root of every head that was
        released stays on record, so that an old head can be recognised.
"""

import sqlite3
from dataclasses import dataclass

from signer.core.errors import Objection, Refusal
from signer.journal.codec import encode_entry
from signer.journal.entry import Entry
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, LogSigner, origin_of, sign_head


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the log ends."""

    frontier: Frontier
    clock: int
    """Effective time of the last entry."""
    note: str
    """Signed head."""


def append(
    connection: sqlite3.Connection, frontier: Frontier, entry: Entry
) -> tuple[Frontier, bytes]:
    """Store the entry behind the tree's last leaf; the new edge, and the entry's leaf hash."""
    record = encode_entry(entry)
    leaf = leaf_hash(record)
    connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (frontier.size, leaf, record))
    return frontier.append(leaf), leaf


def signed_note(frontier: Frontier, genesis_hash: bytes, signer: LogSigner) -> str:
    """The head of that tree, signed."""
    head = Head(origin_of(genesis_hash, signer.log_key), frontier.size, frontier.root())
    return sign_head(head, signer)


def read_checkpoint(connection: sqlite3.Connection) -> Checkpoint:
    """The stored checkpoint. Raises Refusal `journal-tampered`."""
    row = connection.execute("SELECT size, frontier, clock, note FROM checkpoint").fetchone()
    if row is None:
        raise Refusal(Objection("journal-tampered", "the journal has no checkpoint"))
    size, edge, clock, note = row
    if size < 1 or len(edge) != 32 * size.bit_count():
        raise Refusal(Objection("journal-tampered", "the checkpoint's edge does not fit its size"))
    roots = tuple(edge[start : start + 32] for start in range(0, len(edge), 32))
    return Checkpoint(Frontier(size, roots), clock, note)


def write_checkpoint(connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
    """Store where the log ends now, and the root that is released with it."""
    frontier = checkpoint.frontier
    connection.execute("INSERT INTO roots VALUES (?, ?)", (frontier.size, frontier.root()))
    connection.execute(
        "INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?, ?)",
        (frontier.size, b"".join(frontier.roots), checkpoint.clock, checkpoint.note),
    )
