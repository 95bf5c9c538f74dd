"""A member's log that goes on in a new epoch: its officers gave up a part that we have read.

1. The quorum of the officers, by the policy in force here, says it in the log itself, of at least as many
   entries as we have read and of an epoch that we have not read of; it stands behind the first entry that is
   not ours, wherever the piece begins; what comes before is what we have, and a head by the member covers
   all of it.
2. Then our copy is the new log. What we hold for the part that was given up binds us for ever: a signature
   may have left for it. Its claims get numbers that no log reaches: no later entry is taken for one of them.
3. A fork that was recorded before is forgiven; heads of earlier epochs prove none, up to the size that was
   given up.
4. A kernel writes the acts of a quorum in a row, so who reads a log for the first time may find them in
   several pieces: those before a piece are read back from our copy. Heads that name different epochs, and
   entries that end within such a row, show no fork yet: the rest of the acts may follow.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import Network
from signer.core.acts import NewEpoch, SignedAct, read_act
from signer.core.agreement.claim_codec import read_claim
from signer.core.agreement.notices import Heard, Released, Taken
from signer.core.errors import Refusal
from signer.core.governance import GovernanceTerms
from signer.core.notices import OfficerNotice
from signer.core.officers import verify_act
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.decide import Session
from signer.journal.fold_agreement import name_of
from signer.journal.hearing import write_heard
from signer.journal.members import (
    MAX_NUMBER,
    Piece,
    edge_at,
    first_unlike,
    followed_record,
    forget_from,
    read_edge,
    verify_piece,
)
from signer.journal.note import Head
from signer.journal.reading_agreement import forked_members

MAX_MOVED = 64
"""Claims that one entry renumbers."""


class Opened(NamedTuple):
    """Epochs of a member's log."""

    number: int
    """Of the newest: heads of it say so."""
    abandoned: int
    """Entries of the largest head that was given up."""


NOTHING = Opened(0, 0)


class Officers(NamedTuple):
    """Whose quorum opens epochs."""

    terms: GovernanceTerms | None
    network: Network

    @property
    def quorum(self) -> int:
        """How many it takes; 0 where there are none."""
        return 0 if self.terms is None else self.terms.quorum

    def epoch_by(self, record: bytes, member: bytes) -> tuple[SignedAct, NewEpoch] | None:
        """What one of them says in that entry, if it is of an epoch of that member's log."""
        with suppress(Malformed, Refusal):
            entry = decode_entry(record) if member.hex().encode() in record else None
            if isinstance(entry, OfficerNotice) and self.terms is not None:
                act = read_act(entry.signed.text).act
                if isinstance(act, NewEpoch) and act.scope.log_key == member:
                    verify_act(entry.signed, self.network, self.terms.officers, act.moment)
                    return entry.signed, act
        return None


def _opened_in(tables: Tables, piece: Piece, officers: Officers) -> Opened | None:
    """The epochs which we have not read of and which a quorum opens in the piece, or in our copy right before
    it and in the piece (1, 4)."""
    member, known = piece.member, epochs_read(tables, piece.member).number
    texts, found = dict[str, set[bytes]](), list[Opened]()
    for record in (*_acts_before(tables, member, piece.start, officers), *piece.records):
        said = officers.epoch_by(record, member)
        # An act counts once: else it would excuse every later fork of that member.
        if said is not None and said[1].scope.epoch >= known:
            signed, act = said
            texts.setdefault(signed.text, set()).add(signed.officer)
            if len(texts[signed.text]) == officers.quorum:
                found.append(Opened(act.scope.epoch + 1, act.abandoned_size))
    return Opened(*map(max, zip(*found, strict=True))) if found else None


def _acts_before(tables: Tables, member: bytes, end: int, officers: Officers) -> list[bytes]:
    """The entries of our copy right before that number in which officers open an epoch, at most a quorum."""
    acts = list[bytes]()
    while len(acts) < officers.quorum:
        record = followed_record(tables, member, end - len(acts) - 1)
        if record is None or officers.epoch_by(record, member) is None:
            break
        acts.insert(0, record)
    return acts


def are_unfinished(records: Sequence[bytes], member: bytes, officers: Officers) -> bool:
    """Whether officers open an epoch in each of these entries, which are too few for a quorum (4)."""
    return 0 < len(records) < officers.quorum and all(
        officers.epoch_by(record, member) is not None for record in records
    )


def reopened_from(tables: Tables, piece: Piece, officers: Officers) -> int | None:
    """How many entries of our copy stay where that piece opens an epoch (1); None where it gives up nothing
    and forgives nothing."""
    member, read = piece.member, read_edge(tables, piece.member).size
    first = first_unlike(tables, piece)
    if first is None and member in forked_members(tables):
        first = read
    if first is None:
        return None
    rest = piece._replace(start=first, records=piece.beyond(first))
    opened = _opened_in(tables, rest, officers)
    if opened is None or (first < read and opened.abandoned < read):
        return None
    with suppress(Refusal):
        verify_piece(edge_at(tables, member, first), rest)
        return first
    return None


def give_up(session: Session, member: bytes, size: int) -> None:
    """Our copy of that log ends after so many entries; what we hold for the rest is renumbered (2)."""
    edge = edge_at(session.tables, member, size)
    forget_from(session.tables, member, edge)
    heard = Heard(member, size, edge.root())
    moves = [*_moves(session.tables, member, size)]
    for first in range(0, max(1, len(moves)), MAX_MOVED):
        some = moves[first : first + MAX_MOVED]
        taken, released = [taken for _, taken in some], [released for released, _ in some]
        write_heard(session, heard, taken, released)


def _moves(tables: Tables, member: bytes, size: int) -> Iterable[tuple[Released, Taken]]:
    query = "SELECT claim, granted FROM holdings WHERE name >= ? AND name < ? ORDER BY name"
    end, last = name_of(member, MAX_NUMBER), name_of(member, (1 << 64) - 1)
    free = MAX_NUMBER + len(tables.execute(query, (end, last)).fetchall())
    rows = tables.execute(query, (name_of(member, size), end)).fetchall()
    for number, (record, granted) in enumerate(rows, free):
        claim = read_claim(record)
        moved = Taken(claim._replace(number=number), granted=bool(granted))
        yield Released(member, claim.number), moved


def read_epochs(session: Session, piece: Piece, start: int, officers: Officers) -> None:
    """Remember what is opened by the entries from there on, which are new (3). No piece of our copy that is
    given back ends within a row of acts (4)."""
    tables, member = session.tables, piece.member
    if are_unfinished(_acts_before(tables, member, start, officers), member, officers):
        tables.execute("DELETE FROM member_heads WHERE member = ? AND size = ?", (member, start))
    new = piece._replace(start=start, records=piece.beyond(start))
    opened = _opened_in(tables, new, officers)
    if opened is not None:
        abandoned = max(opened.abandoned, epochs_read(tables, member).abandoned)
        tables.execute(
            "INSERT INTO member_epochs VALUES (?,?,?,?) ON CONFLICT (member) DO UPDATE SET "
            "epoch = excluded.epoch, abandoned = excluded.abandoned, heard = excluded.heard",
            (member, opened.number, abandoned, session.frontier.size),
        )


def is_given_up(tables: Tables, member: bytes, head: Head) -> bool:
    """Whether that head is of an epoch before the newest that we read of, and of what was given up."""
    known = epochs_read(tables, member)
    return head.epoch < known.number and head.size <= known.abandoned


def may_be_given_up(tables: Tables, member: bytes, heads: Iterable[Head]) -> bool:
    """Whether these name different epochs, and one that we have not read of (4)."""
    epochs = {head.epoch for head in heads}
    return len(epochs) > 1 and max(epochs) > epochs_read(tables, member).number


def epochs_read(tables: Tables, member: bytes) -> Opened:
    """What that member's officers opened in what we have read."""
    query = "SELECT epoch, abandoned FROM member_epochs WHERE member = ?"
    row = tables.execute(query, (member,)).fetchone()
    return NOTHING if row is None else Opened(*row)
