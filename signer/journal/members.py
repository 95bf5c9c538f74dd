"""Copies of the other members' logs (design J6): what this kernel has read of them, and can give back.

1. A piece is stored only if the tree over it and what was read before is the one that a head signed by that
   member states (`verify_piece`); the head is kept with it.
2. So a copy is the member's own words, and whoever lost its log can be given it back, verified the same way.
3. Nothing here binds us: what does is recorded by our own entries (`signer.journal.following`).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Refusal
from signer.journal.database import Tables
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import (
    ED25519,
    Head,
    key_id,
    origin_of,
    read_head,
    read_note,
    signature_line,
    verify_head,
)

MAX_NUMBER = 1 << 62
"""No log has so many entries."""


class Piece(NamedTuple):
    """Entries of one member's log as they were brought, up to a head of that log."""

    member: bytes
    """Its log key."""
    head: Head
    """Signed by it; its size is where the piece ends."""
    note: str
    """The head with that member's signature alone."""
    start: int
    """Number of the first record."""
    records: tuple[bytes, ...]

    def beyond(self, size: int) -> tuple[bytes, ...]:
        """The records behind the first `size` entries of the log."""
        return self.records[max(0, size - self.start) :]


class Followed(NamedTuple):
    """How far a member's log has been read."""

    member: bytes
    size: int


def read_piece(
    member: bytes, note: str, start: int, records: Iterable[bytes], genesis_hash: bytes
) -> Piece:
    """A piece, its head's signature verified and its length the head's.

    Raises Malformed `head-malformed` or `member-log-malformed`.
    """
    head, whole = verify_head(note, member), tuple(records)
    if head.origin != origin_of(genesis_hash, member):
        raise Malformed("head-malformed", "the head of another log")
    if head.size != start + len(whole):
        raise Malformed("member-log-malformed", "a piece does not end where its head does")
    return Piece(member, head, own_note(note, member), start, whole)


def own_note(note: str, member: bytes) -> str:
    """A verified head with that member's signature and no other line: bounded, and the same by whomever it
    was brought."""
    read = read_note(note)
    name = read_head(read.text).origin
    key = key_id(name, member, ED25519)
    return f"{read.text}\n{signature_line(name, key, read.signatures(name, key)[0])}"


def verify_piece(edge: Frontier, piece: Piece) -> Frontier:
    """The edge of the tree with the piece's records behind it, if its root is the head's.

    Raises Refusal `member-log-contradicts`.
    """
    for record in piece.beyond(edge.size):
        edge = edge.append(leaf_hash(record))
    if (edge.size, edge.root()) != (piece.head.size, piece.head.root):
        raise contradiction(edge, piece.head)
    return edge


def contradiction(edge: Frontier, head: Head) -> Refusal:
    """`member-log-contradicts`."""
    return Refusal(
        Objection(
            "member-log-contradicts",
            "with what was read before, the entries are not the tree that the signed head states",
            f"{edge.size} entries with root {edge.root().hex()}",
            f"{head.size} entries with root {head.root.hex()}",
        )
    )


def read_edge(tables: Tables, member: bytes) -> Frontier:
    """The edge of what was read of that log."""
    query = "SELECT size, frontier FROM member_logs WHERE member = ?"
    row = tables.execute(query, (member,)).fetchone()
    if row is None:
        return Frontier()
    size, edge = row
    return Frontier(size, tuple(edge[place : place + 32] for place in range(0, len(edge), 32)))


def edge_at(tables: Tables, member: bytes, size: int) -> Frontier:
    """The edge after the first entries of what was read of that log. It takes as long as that is."""
    edge = Frontier()
    query = "SELECT record FROM member_entries WHERE member = ? AND number < ? ORDER BY number"
    for (record,) in tables.scan(query, (member, size)):
        edge = edge.append(leaf_hash(record))
    return edge


def forget_from(tables: Tables, member: bytes, edge: Frontier) -> None:
    """The copy ends at that edge."""
    for table in ("member_entries", "member_pending", "member_versions"):
        query = f"DELETE FROM {table} WHERE member = ? AND number >= ?"  # noqa: S608
        tables.execute(query, (member, edge.size))
    tables.execute("DELETE FROM member_heads WHERE member = ? AND size > ?", (member, edge.size))
    _keep_edge(tables, member, edge)


def store_piece(tables: Tables, edge: Frontier, piece: Piece) -> None:
    """Keep the piece, which ends at that edge, and its head."""
    member, fresh = piece.member, piece.beyond(_size(tables, piece.member))
    first = edge.size - len(fresh)
    tables.executemany(
        "INSERT INTO member_entries VALUES (?,?,?)",
        ((member, first + place, record) for place, record in enumerate(fresh)),
    )
    _keep_edge(tables, member, edge)
    row = (member, edge.size, piece.note)
    tables.execute("INSERT INTO member_heads VALUES (?,?,?)", row)


def followed_logs(tables: Tables) -> tuple[Followed, ...]:
    """Every log of which something was read, by key."""
    rows = tables.execute("SELECT member, size FROM member_logs ORDER BY member")
    return tuple(Followed(member, size) for member, size in rows)


def followed_head(tables: Tables, member: bytes, size: int = 0) -> str:
    """A head with which that log was read: the first of that size or above, or the newest for 0. Empty where
    there is none."""
    order = "ORDER BY size LIMIT 1" if size else "ORDER BY size DESC LIMIT 1"
    query = f"SELECT note FROM member_heads WHERE member = ? AND size >= ? {order}"  # noqa: S608
    row = tables.execute(query, (member, min(size, MAX_NUMBER))).fetchone()
    return "" if row is None else str(row[0])


def head_read(tables: Tables, member: bytes, size: int) -> Head | None:
    """That member's signed head of that size; None where no piece ended there."""
    query = "SELECT note FROM member_heads WHERE member = ? AND size = ?"
    row = tables.execute(query, (member, size)).fetchone()
    return None if row is None else verify_head(row[0], member)


def followed_records(
    tables: Tables, member: bytes, start: int, page: tuple[int, int]
) -> tuple[bytes, ...]:
    """Entries of that log from a number on, oldest first: at most (entries, bytes), the last one may go
    over."""
    most, enough = page
    rows = tables.execute(
        "SELECT record FROM member_entries WHERE member = ? AND number >= ? ORDER BY number LIMIT ?",
        (member, min(start, MAX_NUMBER), most),
    )
    records: list[bytes] = []
    for (record,) in rows:
        records.append(record)
        enough -= len(record)
        if enough <= 0:
            break
    return tuple(records)


def first_unlike(tables: Tables, piece: Piece) -> int | None:
    """Number of the piece's first entry that is not the one we read there; None where each is, or is new."""
    last = piece.start + len(piece.records)
    ours = leaves_between(tables, piece.member, piece.start, last)
    pairs = enumerate(zip(ours, map(leaf_hash, piece.records), strict=False), piece.start)
    return next((number for number, (mine, theirs) in pairs if mine != theirs), None)


def leaves_between(tables: Tables, member: bytes, start: int, end: int) -> Iterator[bytes]:
    """Leaf hashes of that log's entries from one number to before another. One record at a time is held, and
    no more are read than are asked for."""
    query = (
        "SELECT record FROM member_entries WHERE member = ? AND number >= ? AND number < ? "
        "ORDER BY number"
    )
    bounds = (min(start, MAX_NUMBER), min(end, MAX_NUMBER))
    for (record,) in tables.scan(query, (member, *bounds)):
        yield leaf_hash(record)


def followed_record(tables: Tables, member: bytes, number: int) -> bytes | None:
    """One entry of that log."""
    query = "SELECT record FROM member_entries WHERE member = ? AND number = ?"
    row = tables.execute(query, (member, min(number, MAX_NUMBER))).fetchone()
    return None if row is None else bytes(row[0])


def keep_cosignature(tables: Tables, witness: bytes, size: int, line: str) -> None:
    """The newest cosignature of that witness on a head of ours."""
    tables.execute(
        "INSERT INTO cosignatures VALUES (?,?,?) ON CONFLICT (witness) DO UPDATE SET "
        "size = excluded.size, line = excluded.line WHERE excluded.size >= cosignatures.size",
        (witness, size, line),
    )


def cosignatures(tables: Tables, size: int) -> tuple[str, ...]:
    """Signature lines of witnesses on our head of that size."""
    query = "SELECT line FROM cosignatures WHERE size = ? ORDER BY witness"
    return tuple(line for (line,) in tables.execute(query, (size,)))


def _keep_edge(tables: Tables, member: bytes, edge: Frontier) -> None:
    tables.execute(
        "INSERT INTO member_logs VALUES (?,?,?,0,0) ON CONFLICT (member) DO UPDATE SET "
        "size = excluded.size, frontier = excluded.frontier",
        (member, edge.size, b"".join(edge.roots)),
    )


def _size(tables: Tables, member: bytes) -> int:
    row = tables.execute("SELECT size FROM member_logs WHERE member = ?", (member,)).fetchone()
    return 0 if row is None else int(row[0])
