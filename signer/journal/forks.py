"""Two histories of one member's log: how they are shown, and read beside each other (design J6).

1. Two heads of one size with different roots show themselves.
2. So do entries that are not those which we read, behind an edge of what we read and under a head of that
   member. The notice shows that the smaller head's tree is not the beginning of the larger head's: the edge
   of the larger history at the smaller size, then the leaf hashes from there to the larger head.
3. What was given up by officers shows nothing (`signer.journal.reopening`).
4. A piece is of another history only if it goes on from an edge that the member signed: what we kept, or what
   was read of that history before.
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from signer.core.errors import Refusal
from signer.journal.database import Tables
from signer.journal.members import (
    MAX_BYTES,
    Piece,
    edge_at,
    followed_head,
    followed_records,
    read_edge,
    verify_piece,
)
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import read_head, read_note
from signer.journal.reopening import is_given_up

MAX_EDGES = 64
"""Of one member's other histories that are remembered; each carrier needs one."""


class Fork(NamedTuple):
    """Two heads that cannot be of one log."""

    first: str
    """Which we read by."""
    second: str
    proof: tuple[bytes, ...]
    """Nothing for heads of one size; else as rule 2 says."""


def fork_shown(tables: Tables, piece: Piece) -> Fork | None:
    """The fork that the piece shows (2). It takes as long as what was read of that log."""
    member, read = piece.member, read_edge(tables, piece.member).size
    page = (len(piece.records), MAX_BYTES)
    ours = followed_records(tables, member, piece.start, page)
    if all(mine == theirs for mine, theirs in zip(ours, piece.records, strict=False)):
        return None
    before = edge_at(tables, member, piece.start)
    note = followed_head(tables, member, min(read, piece.head.size))
    if not note or is_given_up(tables, member, piece.head) or not _goes_on(before, piece):
        return None
    size = read_head(read_note(note).text).size
    if size <= piece.head.size:
        for record in piece.records[: size - piece.start]:
            before = before.append(leaf_hash(record))
        return Fork(note, piece.note, _proof(before, piece.beyond(size)))
    between = (size - piece.head.size, MAX_BYTES)
    rest = followed_records(tables, member, piece.head.size, between)
    return Fork(note, piece.note, _proof(edge_at(tables, member, piece.head.size), rest))


def _goes_on(edge: Frontier, piece: Piece) -> Frontier | None:
    """The edge behind the piece, if it goes on from there."""
    with suppress(Refusal):
        return verify_piece(edge, piece)
    return None


def _proof(edge: Frontier, rest: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return b"".join(edge.roots), b"".join(map(leaf_hash, rest))


@dataclass(slots=True)
class OtherHistories:
    """How far histories were read beside those that we keep. In memory: who brought them brings them again.
    Thread-safe."""

    _edges: dict[bytes, dict[bytes, Frontier]] = field(default_factory=dict)
    """By log key, by root."""
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def read(self, tables: Tables, piece: Piece) -> bool:
        """Whether the piece goes on from something signed (4)."""
        for edge in self._before(tables, piece):
            end = _goes_on(edge, piece)
            if end is not None:
                self._remember(piece.member, end)
                return True
        return False

    def _before(self, tables: Tables, piece: Piece) -> Iterator[Frontier]:
        with self._guard:
            known = tuple(self._edges.get(piece.member, {}).values())
        yield from (edge for edge in known if edge.size == piece.start)
        if piece.start <= read_edge(tables, piece.member).size:
            yield edge_at(tables, piece.member, piece.start)

    def _remember(self, member: bytes, edge: Frontier) -> None:
        with self._guard:
            edges = self._edges.setdefault(member, {})
            edges[edge.root()] = edge
            while len(edges) > MAX_EDGES:
                del edges[next(iter(edges))]
