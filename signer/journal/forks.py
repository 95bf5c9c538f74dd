"""Two histories of one member's log: how they are shown, and read beside each other (design J6).

1. Two heads of one size with different roots show themselves.
2. So do entries that are not those which we read, behind an edge of what we read and under a head of that
   member. The notice shows that the smaller head's tree is not the beginning of the larger head's: the edge
   of the larger history at the smaller size, then the leaf hashes from there to the larger head.
3. What was given up by officers is another history and no fork (`signer.journal.reopening`). Their act says
   so, not the head: one that merely names another epoch is a head like any other, else any line would hide a
   fork for ever. Where one of the two histories ends within the officers' acts it may be such a one.
4. A piece is of another history only if it goes on from an edge that the member signed: what we kept, or what
   was read of that history before. Such places are remembered for each caller: who shows any number of
   histories takes away no other's. Of one caller's those go first to which nothing led, short ones first.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from signer.core.errors import Refusal
from signer.journal.database import Tables
from signer.journal.members import (
    Piece,
    edge_at,
    first_unlike,
    followed_head,
    followed_records,
    leaves_between,
    read_edge,
    verify_piece,
)
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import read_head, read_note
from signer.journal.reopening import Officers, are_unfinished, is_given_up

MAX_EDGES = 64
"""Places in one member's other histories that are remembered for one caller; a carrier needs one."""
MAX_CALLERS = 64
"""Callers and members for which any are."""
MAX_ACTS = 1 << 20
"""Bytes of a quorum's acts."""


class Fork(NamedTuple):
    """Two heads that cannot be of one log."""

    first: str
    """Which we read by."""
    second: str
    proof: tuple[bytes, ...]
    """Nothing for heads of one size; else as rule 2 says."""


class OtherHistory(NamedTuple):
    """What was brought is not what we read."""

    fork: Fork | None
    """None where officers' acts explain it, or may when they are all here (3)."""


def history_shown(tables: Tables, piece: Piece, officers: Officers) -> OtherHistory | None:
    """What the piece shows, if it goes on from what we read to other entries. It takes as long as what was
    read of that log."""
    first = first_unlike(tables, piece)
    if first is None or not _goes_on(edge_at(tables, piece.member, piece.start), piece):
        return None
    ours = followed_records(tables, piece.member, first, (officers.quorum, MAX_ACTS))
    if read_edge(tables, piece.member).size > first + len(ours):
        ours = ()
    if any(
        are_unfinished(entries, piece.member, officers) for entries in (ours, piece.beyond(first))
    ):
        return OtherHistory(None)
    given_up = is_given_up(tables, piece.member, piece.head)
    return OtherHistory(None if given_up else _fork(tables, piece))


def _fork(tables: Tables, piece: Piece) -> Fork:
    """Of another history (2)."""
    member, read = piece.member, read_edge(tables, piece.member).size
    before = edge_at(tables, member, piece.start)
    note = followed_head(tables, member, min(read, piece.head.size))
    size = read_head(read_note(note).text).size
    if size <= piece.head.size:
        for record in piece.records[: size - piece.start]:
            before = before.append(leaf_hash(record))
        return Fork(note, piece.note, _proof(before, map(leaf_hash, piece.beyond(size))))
    rest = leaves_between(tables, member, piece.head.size, size)
    return Fork(note, piece.note, _proof(edge_at(tables, member, piece.head.size), rest))


def _goes_on(edge: Frontier, piece: Piece) -> Frontier | None:
    """The edge behind the piece, if it goes on from there."""
    with suppress(Refusal):
        return verify_piece(edge, piece)
    return None


def _proof(edge: Frontier, leaves: Iterable[bytes]) -> tuple[bytes, ...]:
    return b"".join(edge.roots), b"".join(leaves)


class _Place(NamedTuple):
    """Where a history was read to."""

    edge: Frontier
    goes_on: bool
    """Whether it went on from a place before."""


@dataclass(slots=True)
class OtherHistories:
    """How far histories were read beside those that we keep. In memory: who brought them brings them again.
    One thread at a time calls it (`Importing._keeping`)."""

    _places: dict[tuple[str, bytes], dict[bytes, _Place]] = field(default_factory=dict)
    """By caller and log key, by root."""

    def forget(self, member: bytes) -> None:
        """Each history of that log is to be brought anew, from what we have read of it on."""
        for key in [each for each in self._places if each[1] == member]:
            del self._places[key]

    def read(self, tables: Tables, piece: Piece, caller: str) -> bool:
        """Whether the piece that this caller brings goes on from something signed (4)."""
        key = (caller, piece.member)
        known = self._places.get(key, {}).values()
        for edge in [place.edge for place in known if place.edge.size == piece.start]:
            end = _goes_on(edge, piece)
            if end is not None:
                self._remember(key, _Place(end, goes_on=True), edge)
                return True
        if piece.start > read_edge(tables, piece.member).size:
            return False
        edge = edge_at(tables, piece.member, piece.start)
        end = _goes_on(edge, piece)
        if end is not None:
            self._remember(key, _Place(end, goes_on=False), edge)
        return end is not None

    def _remember(self, key: tuple[str, bytes], place: _Place, before: Frontier) -> None:
        """In the place of the one from which it went on."""
        places = self._places.pop(key, {})
        self._places[key] = places
        places.pop(before.root(), None)
        known = places.pop(place.edge.root(), place)
        places[place.edge.root()] = max(known, place, key=_worth)
        while len(places) > MAX_EDGES:
            del places[min(places, key=lambda root: _worth(places[root]))]
        while len(self._places) > MAX_CALLERS:
            del self._places[next(iter(self._places))]


def _worth(place: _Place) -> tuple[bool, int]:
    """Of keeping it; of equals the older one goes."""
    return place.goes_on, place.edge.size
