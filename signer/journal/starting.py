"""The start of a kernel with witnesses, as far as its record goes (design J6).

1. Our own log first: what the other members kept of it and we lost is appended as it was, verified against a
   head that our own key signed. Nothing else is recorded before; it would contradict what is missing.
2. A member's claims are imported when its log is read up to the head that it named for this start, and
   every other member's log, ours too, as far as it had read them when it last took something: up to the very
   entry. Of a log that is forked here counts instead what it took (`signer.journal.second_hand`): that is
   taken as it is brought, whatever comes of the start, since it only binds us more.
3. When the start is complete we take every entry of the others that stood when enough were imported, also
   those that wait for grants if they are vouched for: we may have granted them in a part that was lost. What
   came later is judged later, and so is what waits behind as many as are judged at once: nobody has granted
   that, since what waits before an entry only gets fewer, whoever reads the log and when. Of what a log says
   to be agreed, though not by a quorum that we can see, the newest MAX_SAID that are vouched for are taken:
   a signature may have left by a former policy. Our own pending entries of earlier starts that nobody holds
   are void. The StartedNotice is last, in the same transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.core.agreement.claim import Claim
from signer.core.agreement.machine import (
    Step,
    Take,
    complete_start,
    read_standing,
)
from signer.core.agreement.notices import Heard, StartedNotice, Taken
from signer.core.errors import Objection, Refusal
from signer.journal.codec import decode_entry
from signer.journal.database import Contradiction, Tables
from signer.journal.decide import Session
from signer.journal.followed import (
    HELD,
    SAID,
    FollowedEntry,
    judged_numbers,
    keep_said,
    state_of,
    waiting_among,
)
from signer.journal.following import record_of, write_void
from signer.journal.hearing import write_heard
from signer.journal.judging import MAX_JUDGED
from signer.journal.members import (
    Piece,
    edge_at,
    followed_logs,
    followed_record,
    head_read,
    read_edge,
    verify_piece,
)
from signer.journal.merkle import leaf_hash
from signer.journal.second_hand import forget_asked, forget_pool, second_hand_names
from signer.journal.verdicts import Verdicts

Stood = Mapping[bytes, Sequence[int]]
"""Numbers of entries that waited, by log."""
MAX_SAID = 16_384
"""Entries of one log that are said to be agreed of which a start takes those that are true."""


class Wanted(NamedTuple):
    """How far a member had read a log (2)."""

    size: int
    number: int
    """Of the newest entry that it took."""
    leaf: bytes
    """Of that entry; empty for none."""


def roll_forward(session: Session, tail: Piece) -> int:
    """Append what our log lacks (1); our size then. A piece behind a gap, or of what we have, adds nothing.

    Raises Refusal `member-log-contradicts`, or `member-log-unread` for what our software did not write: that
    is given up by a new epoch.
    """
    before = session.now
    if tail.start <= session.frontier.size < tail.head.size:
        verify_piece(session.frontier, tail)
        try:
            for record in tail.beyond(session.frontier.size):
                entry = decode_entry(record)
                session.now = max(session.now, entry.clock)
                session.write(entry)
        except (Malformed, Contradiction) as error:
            session.now, detail = before, f"entry {session.frontier.size} of our own log: {error}"
            raise Refusal(Objection("member-log-unread", detail)) from None
    return session.frontier.size


def is_read_to(tables: Tables, heard: Heard) -> bool:
    """Whether that member's log is read up to that head, and not another history of that length."""
    edge = read_edge(tables, heard.member)
    if edge.size <= heard.size:
        return (edge.size, edge.root()) == (heard.size, heard.root)
    head = head_read(tables, heard.member, heard.size)
    own = edge_at(tables, heard.member, heard.size).root() if head is None else head.root
    return heard.root == own


def wanted_by(tables: Tables, member: bytes) -> dict[bytes, Wanted]:
    """How far that member had read the other logs, by log key."""
    query = "SELECT other, size, number, leaf FROM member_heard WHERE member = ?"
    return {log: Wanted(*row) for log, *row in tables.execute(query, (member,)).fetchall()}


def has(tables: Tables, log: bytes, wanted: Wanted) -> bool:
    """Whether our copy of that log goes as far, with that very entry in it."""
    if read_edge(tables, log).size < wanted.size:
        return False
    record = followed_record(tables, log, wanted.number) if wanted.leaf else None
    return not wanted.leaf or (record is not None and leaf_hash(record) == wanted.leaf)


def standing_now(tables: Tables) -> dict[bytes, tuple[int, ...]]:
    """Of each log the numbers of what waits that a start takes, by what was read so far (3)."""
    bounds = (MAX_JUDGED, MAX_SAID)
    return {log: judged_numbers(tables, log, *bounds) for log, _ in followed_logs(tables)}


def standing(tables: Tables, stood: Stood) -> Iterator[FollowedEntry]:
    """What still waits at the other members, of these entries."""
    for member in sorted(stood):
        yield from waiting_among(tables, member, stood[member])


def complete(session: Session, heard: tuple[Heard, ...], stood: Stood, verdicts: Verdicts) -> bool:
    """Record that the start is complete (3), with the imported members, by key, and of each log the numbers
    that stood; False, and nothing, while some entry was not looked at."""
    tables = session.tables
    named = ((member, number) for member in stood for number in stood[member])
    if not all(name in verdicts for name in named if state_of(tables, *name) is not None):
        return False
    for member, numbers in stood.items():
        for first in range(0, len(numbers), MAX_JUDGED):
            _take_true(session, member, numbers[first : first + MAX_JUDGED], verdicts)
        forget_pool(tables, member)
    forget_asked(tables)
    held = _held_by(session, tuple(each.member for each in heard))
    earlier = (
        own for own in record_of(session).pending() if own.incarnation != session.incarnation
    )
    for void in complete_start(earlier, held):
        write_void(session, void)
    session.write(StartedNotice(session.now, session.incarnation, heard))
    return True


def take_second_hand(session: Session, origin: bytes, claims: Iterable[Claim]) -> None:
    """What members stand behind of that log, which is forked or in doubt; brought and vouched for (2). It
    adds only: no word about what others took lets anything go."""
    ours = record_of(session)
    named = second_hand_names(session.tables, {each.leaf: each for each in claims}.values())
    _take(session, origin, [step for each in named for step in read_standing(ours, each)])


def _take_true(session: Session, member: bytes, numbers: Sequence[int], verdicts: Verdicts) -> None:
    """Those of these entries that still wait and are vouched for: so many at a time are held."""
    ours, tables = record_of(session), session.tables
    waiting = (claim for claim, _ in waiting_among(tables, member, numbers))
    true = [claim for claim in waiting if verdicts[claim.name].objection is None]
    _take(session, member, [step for claim in true for step in read_standing(ours, claim)])
    for claim in true:
        if state_of(tables, *claim.name) == SAID:
            keep_said(tables, *claim.name, HELD)


def _take(session: Session, member: bytes, steps: Iterable[Step]) -> None:
    edge = read_edge(session.tables, member)
    taken = [Taken(step.claim, step.granted) for step in steps if isinstance(step, Take)]
    if taken:
        write_heard(session, Heard(member, edge.size, edge.root()), taken)


def _held_by(session: Session, members: tuple[bytes, ...]) -> frozenset[int]:
    """Numbers of our pending entries that one of these members holds."""
    query = "SELECT 1 FROM member_holds WHERE member = ? AND number = ? AND leaf = ?"
    held = set()
    for claim in (own.claim for own in record_of(session).pending()):
        rows = ((member, claim.number, claim.leaf) for member in members)
        if any(session.tables.execute(query, row).fetchone() is not None for row in rows):
            held.add(claim.number)
    return frozenset(held)
