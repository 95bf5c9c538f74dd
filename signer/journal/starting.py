"""The start of a kernel with witnesses, as far as its record goes (design J6).

1. Our own log first: what the other members kept of it and we lost is appended as it was, verified against a
   head that our own key signed. Nothing else is recorded before; it would contradict what is missing.
2. A member's claims are imported when its log is read up to the head that it named for this start, and
   every other member's log, ours too, as far as it had read them when it last took something.
3. When the start is complete we take every entry of the others that stands, also those that wait for
   grants if they are vouched for: we may have granted them in a part that was lost. Our own pending entries
   of earlier starts that nobody holds are void. The StartedNotice is last, in the same transaction.
"""

from collections.abc import Iterable

from signer.core.agreement.claim import Claim
from signer.core.agreement.machine import Take, complete_start, read_standing
from signer.core.agreement.notices import Heard, HeardNotice, StartedNotice, Taken
from signer.journal.codec import decode_entry
from signer.journal.database import Tables
from signer.journal.decide import Session
from signer.journal.followed import waiting_of
from signer.journal.following import record_of, write_void
from signer.journal.members import MAX_NUMBER, Piece, followed_logs, read_edge, verify_piece
from signer.journal.verdicts import Verdicts


def roll_forward(session: Session, tail: Piece) -> int:
    """Append what our log lacks (1); our size then. A piece behind a gap, or of what we have, adds nothing.

    Raises Refusal `member-log-contradicts`.
    """
    if tail.start <= session.frontier.size < tail.head.size:
        verify_piece(session.frontier, tail)
        for record in tail.beyond(session.frontier.size):
            entry = decode_entry(record)
            session.now = max(session.now, entry.clock)
            session.write(entry)
    return session.frontier.size


def is_imported(tables: Tables, heard: Heard, me: bytes, own_size: int) -> bool:
    """Whether that member, who named that head of its log, is imported (2)."""
    read = {each.member: each.size for each in followed_logs(tables)} | {me: own_size}
    rows = tables.execute("SELECT other, size FROM member_heard WHERE member = ?", (heard.member,))
    wanted = dict(rows.fetchall()) | {heard.member: heard.size}
    return all(read.get(log, 0) >= size for log, size in wanted.items())


def complete(session: Session, imported: Iterable[Heard], verdicts: Verdicts) -> bool:
    """Record that the start is complete (3); False, and nothing, while some entry was not looked at."""
    heard, standing = tuple(sorted(imported)), _standing(session)
    if not all(claim.name in verdicts for claims in standing.values() for claim in claims):
        return False
    for member, claims in standing.items():
        vouched = [claim for claim in claims if verdicts[claim.name].objection is None]
        _take_standing(session, member, vouched)
    held = _held_by(session, tuple(each.member for each in heard))
    earlier = (
        own for own in record_of(session).pending() if own.incarnation != session.incarnation
    )
    for void in complete_start(earlier, held):
        write_void(session, void)
    session.write(StartedNotice(session.now, session.incarnation, heard))
    return True


def _standing(session: Session) -> dict[bytes, list[Claim]]:
    """What waits at the other members, by log key."""
    logs = (each.member for each in followed_logs(session.tables))
    return {
        member: [each.claim for each in waiting_of(session.tables, member, MAX_NUMBER)]
        for member in logs
    }


def _take_standing(session: Session, member: bytes, claims: Iterable[Claim]) -> None:
    ours, edge = record_of(session), read_edge(session.tables, member)
    steps = [step for claim in claims for step in read_standing(ours, claim)]
    taken = tuple(Taken(step.claim, step.granted) for step in steps if isinstance(step, Take))
    if taken:
        heard = Heard(member, edge.size, edge.root())
        session.write(HeardNotice(session.now, heard, taken, ()))


def _held_by(session: Session, members: tuple[bytes, ...]) -> frozenset[int]:
    """Numbers of our pending entries that one of these members holds."""
    query = "SELECT 1 FROM member_holds WHERE member = ? AND number = ? AND leaf = ?"
    held = set()
    for claim in (own.claim for own in record_of(session).pending()):
        rows = ((member, claim.number, claim.leaf) for member in members)
        if any(session.tables.execute(query, row).fetchone() is not None for row in rows):
            held.add(claim.number)
    return frozenset(held)
