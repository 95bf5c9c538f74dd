"""A member's log that goes on in a new epoch: its officers gave up a part that we have read.

1. The quorum of the officers, by the policy in force here, says it in the log itself, of at least as many
   entries as we have read and of an epoch that we have not read of; it stands behind the first entry that is
   not ours, wherever the piece begins; what comes before is what we have, and a head by the member covers
   all of it.
2. Then our copy is the new log. What we hold for the part that was given up binds us for ever: a signature
   may have left for it. Its claims get numbers that no log reaches: no later entry is taken for one of them.
3. A fork that was recorded before is forgiven; heads of earlier epochs prove none.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import Network
from signer.core.acts import NewEpoch, SignedAct, read_act
from signer.core.agreement.claim_codec import read_claim
from signer.core.agreement.notices import Heard, HeardNotice, Released, Taken
from signer.core.errors import Refusal
from signer.core.governance import GovernanceTerms
from signer.core.notices import OfficerNotice
from signer.core.officers import verify_act
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.decide import Session
from signer.journal.fold_agreement import name_of
from signer.journal.members import (
    MAX_NUMBER,
    Piece,
    edge_at,
    first_unlike,
    forget_from,
    read_edge,
    verify_piece,
)
from signer.journal.note import Head

MAX_MOVED = 64
"""Claims that one entry renumbers."""


class Opened(NamedTuple):
    """An epoch of a member's log."""

    abandoned: int
    """Entries of the largest head that was given up."""
    number: int
    """Of the epoch: heads of it say so."""


Acts = Sequence[SignedAct]
"""Officers' acts of a member's log."""


def opened_in(
    acts: Acts, member: bytes, governance: GovernanceTerms | None, network: Network
) -> Opened | None:
    """The largest epoch that these acts open with a quorum (1)."""
    if governance is None:
        return None
    texts: dict[str, set[bytes]] = {}
    found = list[Opened]()
    for signed in acts:
        act = _epoch_by(signed, member, governance, network)
        if act is not None:
            officers = texts.setdefault(signed.text, set())
            officers.add(signed.officer)
            if len(officers) == governance.quorum:
                found.append(Opened(act.abandoned_size, act.scope.epoch + 1))
    return max(found, key=lambda each: each.number, default=None)


def _epoch_by(
    signed: SignedAct, member: bytes, governance: GovernanceTerms, network: Network
) -> NewEpoch | None:
    with suppress(Malformed, Refusal):
        act = read_act(signed.text).act
        if isinstance(act, NewEpoch) and act.scope.log_key == member:
            verify_act(signed, network, governance.officers, act.moment)
            return act
    return None


def reopened_from(
    tables: Tables, piece: Piece, governance: GovernanceTerms | None, network: Network
) -> int | None:
    """How many entries of our copy stay where that piece gives up the rest (1); None where it gives up
    nothing."""
    member, first = piece.member, first_unlike(tables, piece)
    if first is None:
        return None
    rest = piece._replace(start=first, records=piece.beyond(first))
    opened = opened_in(acts_of(rest), member, governance, network)
    read = read_edge(tables, member).size
    # An act counts once: else it would excuse every later fork of that member.
    if opened is None or opened.abandoned < read or opened.number <= _epoch_read(tables, member):
        return None
    with suppress(Refusal):
        verify_piece(edge_at(tables, member, first), rest)
        return first
    return None


def acts_of(piece: Piece) -> Acts:
    """The officers' acts in a piece; none from where it cannot be read."""
    found = []
    with suppress(Malformed):
        for record in piece.records:
            entry = decode_entry(record)
            if isinstance(entry, OfficerNotice):
                found.append(entry.signed)
    return found


def give_up(session: Session, member: bytes, size: int) -> None:
    """Our copy of that log ends after so many entries; what we hold for the rest is renumbered (2)."""
    edge = edge_at(session.tables, member, size)
    forget_from(session.tables, member, edge)
    heard = Heard(member, size, edge.root())
    moves = [*_moves(session.tables, member, size)]
    for first in range(0, max(1, len(moves)), MAX_MOVED):
        some = moves[first : first + MAX_MOVED]
        taken = tuple(taken for _, taken in some)
        released = tuple(released for released, _ in some)
        session.write(HeardNotice(session.now, heard, taken, released))


def _moves(tables: Tables, member: bytes, size: int) -> Iterable[tuple[Released, Taken]]:
    query = "SELECT claim, granted FROM holdings WHERE name >= ? AND name < ? ORDER BY name"
    end, last = name_of(member, MAX_NUMBER), name_of(member, (1 << 64) - 1)
    free = MAX_NUMBER + len(tables.execute(query, (end, last)).fetchall())
    rows = tables.execute(query, (name_of(member, size), end)).fetchall()
    for number, (record, granted) in enumerate(rows, free):
        claim = read_claim(record)
        moved = Taken(claim._replace(number=number), granted=bool(granted))
        yield Released(member, claim.number), moved


def keep_epoch(session: Session, member: bytes, opened: Opened) -> None:
    """Remember the epoch (3)."""
    session.tables.execute(
        "INSERT INTO member_epochs VALUES (?,?,?) ON CONFLICT (member) DO UPDATE SET "
        "epoch = excluded.epoch, heard = excluded.heard",
        (member, opened.number, session.frontier.size),
    )


def is_given_up(tables: Tables, member: bytes, head: Head) -> bool:
    """Whether that head is of an epoch before the newest that we read of."""
    return _epoch_read(tables, member) > head.epoch


def _epoch_read(tables: Tables, member: bytes) -> int:
    """The newest epoch of that log that its officers opened in what we have read; 0 for none."""
    query = "SELECT epoch FROM member_epochs WHERE member = ?"
    row = tables.execute(query, (member,)).fetchone()
    return 0 if row is None else int(row[0])
