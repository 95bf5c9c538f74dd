"""Notices within the writer's transaction: clocks, officers' acts, policies and their steps.

1. What is due (timed steps of policies) is recorded first in each transaction, before anyone is answered.
2. A deliberation's notices are recorded before its decision and stay whatever that is, so a clock starts with
   a refused request too. A transaction on record starts nothing: a retry writes no entry.
3. A note is recorded as a whole or not at all.
4. A notice is recorded only at the transaction's time, and if its bytes can be read again.
5. What an officer may write is bounded: approvals per hour, about one subject, and of moves not used yet;
   and the policies that a caller proposes in an hour. Rejections and holds have bounds of their own: a
   stolen key's approvals must not use up its owner's no. Lifts need the quorum, clocks one of attestors.
6. While the reserve of the disk is in use no policy is proposed and no deposit attested: decisions need it.
7. A caller attests deposits at the pace of the log (`signer.journal.growth`).
"""

from collections.abc import Callable, Iterable

from signer.core.acts import (
    CONTROL_ACTS,
    ApproveMove,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    read_act,
    subject_of,
)
from signer.core.deposits import DepositNotice
from signer.core.errors import Fault, LimitExceeded, Objection
from signer.core.notices import Notice, OfficerNotice, PolicyNotice
from signer.journal.codec import decode_entry, encode_entry
from signer.journal.database import Row, Value, the_row
from signer.journal.decide import Decision, Session, no_room
from signer.journal.growth import HOUR, LIMIT, require_share, wait_of
from signer.journal.room import Space
from signer.ports.reading import Reading
from signer.ports.recording import Deliberation

Noting = Callable[[Reading, int], Iterable[Notice]]
"""(reading, effective time) -> what to record. A generator sees in its reading what it has said so far."""

OFFICER_ACTS = 100
"""Acts of one officer per hour."""
OFFICER_REPEATS = 20
"""Acts of one officer about one subject, lifts apart."""
OFFICER_HOLDS = 100
"""Holds of one officer that ended within the hour or later."""
OFFICER_MOVES = 8
"""Moves that one officer approved and that are neither used nor expired: few enough that eight officers
cannot crowd out what others approved (`signer.core.approve.MAX_ALTERNATIVES`)."""

PROPOSALS = 20
"""Policies that one caller proposes per hour."""
PROPOSAL_BYTES = 4 << 20
"""Their entries' bytes; one always fits."""


def note(session: Session, noting: Noting) -> Decision:
    """Record what `noting` answers. Raises the Refusal that it raises, or LimitExceeded (5)."""
    leaves = []
    for notice in noting(session.reading(), session.now):
        if isinstance(notice, OfficerNotice):
            _require_budget(session, notice)
        elif isinstance(notice, PolicyNotice):
            _require_few_proposals(session, notice)
        elif isinstance(notice, DepositNotice):
            _require_room(session, notice)
        leaves.append(_write(session, notice))
    return Decision(None, noted=tuple(leaves))


def note_first(session: Session, deliberation: Deliberation, noting: Noting) -> Decision:
    """Record what that deliberation says before its decision (2)."""
    txid = deliberation.spend.transaction.txid
    on_record = session.tables.execute("SELECT 1 FROM versions WHERE txid = ?", (txid,))
    if on_record.fetchone() is not None:
        return Decision(None)
    return note(session, noting)


def _write(session: Session, notice: Notice) -> bytes:
    if notice.clock != session.now:
        raise Fault("a notice of another time than it is recorded at")
    decode_entry(encode_entry(notice))  # Malformed, so a fault, for what nobody could read again
    return session.write(notice)


def _require_budget(session: Session, notice: OfficerNotice) -> None:
    """Raises LimitExceeded `officer-budget-exhausted` (5)."""
    officer, now = notice.signed.officer, session.now
    stated = read_act(notice.signed.text)
    if isinstance(stated.act, (RejectWithdrawal, *CONTROL_ACTS)):
        return  # bounded by what they are about: a stolen key must not silence its owner's no
    if isinstance(stated.act, HoldWithdrawal | HoldDestination):
        _require_few_holds(session, officer)
        return
    acts, oldest = _counted(
        session,
        "SELECT count(*), min(moment) FROM (SELECT moment FROM acts WHERE officer = ? "
        "AND moment > ? ORDER BY moment DESC LIMIT ?) AS latest",
        (officer, now - HOUR, OFFICER_ACTS),
    )
    if acts >= OFFICER_ACTS:
        raise _exhausted(f"{OFFICER_ACTS} acts in an hour", oldest + HOUR)
    if not isinstance(stated.act, LiftHolds):
        subject = subject_of(stated.act, stated.network.genesis_hash)
        about = "SELECT count(*) FROM acts WHERE subject = ? AND officer = ?"
        (repeats,) = _counted(session, about, (subject, officer))
        if repeats >= OFFICER_REPEATS:
            raise _exhausted(f"{OFFICER_REPEATS} acts about one subject")
    if isinstance(stated.act, ApproveMove):
        unused = (
            "SELECT count(*), min(expiry) FROM moves WHERE officer = ? AND expiry > ? "
            "AND NOT EXISTS (SELECT 1 FROM nonces WHERE nonces.nonce = moves.nonce)"
        )
        moves, earliest = _counted(session, unused, (officer, now))
        if moves >= OFFICER_MOVES:
            raise _exhausted(f"{OFFICER_MOVES} approved moves that are not used yet", earliest)


def _require_few_holds(session: Session, officer: bytes) -> None:
    """Raises LimitExceeded `officer-budget-exhausted` (5). A hold of the last hour ends in it or later."""
    (held,) = _counted(
        session,
        "SELECT count(*) FROM holds WHERE officer = ? AND lifted IN (0, 1) AND until > ?",
        (officer, session.now - HOUR),
    )
    if held >= OFFICER_HOLDS:
        raise _exhausted(f"{OFFICER_HOLDS} holds in an hour")


def _require_few_proposals(session: Session, notice: PolicyNotice) -> None:
    """Raises LimitExceeded `officer-budget-exhausted` (5), Refusal `journal-disk-full` (6)."""
    if session.space is Space.RESERVE:
        raise no_room("policies are recorded when there is room")
    wait = wait_of(session.tables, notice.caller, session.now)
    if wait is not None:
        raise _exhausted(f"of the log's growth {LIMIT}", wait.not_before)
    proposed, size, oldest = _counted(
        session,
        "SELECT count(*), CAST(coalesce(sum(length(record)), 0) AS BIGINT), min(moment) FROM policies "
        "JOIN entries ON number = entry WHERE caller = ? AND moment > ?",
        (notice.caller, session.now - HOUR),
    )
    if proposed >= PROPOSALS or (proposed and size + len(notice.policy) > PROPOSAL_BYTES):
        limit = f"{PROPOSALS} policies or {PROPOSAL_BYTES} bytes proposed in an hour"
        raise _exhausted(limit, oldest + HOUR)


def _require_room(session: Session, notice: DepositNotice) -> None:
    """Raises LimitExceeded `version-budget-exhausted` (7), Refusal `journal-disk-full` (6)."""
    if session.space is Space.RESERVE:
        raise no_room("deposits are attested when there is room")
    require_share(session.tables, notice.caller, session.now)


def _counted(session: Session, query: str, about: tuple[Value, ...]) -> Row:
    return the_row(session.tables.execute(query, about))


def _exhausted(limit: str, not_before: int | None = None) -> LimitExceeded:
    detail = "too many acts of this officer, or too many proposals of this caller"
    return LimitExceeded(
        Objection("officer-budget-exhausted", detail, limit=limit, not_before=not_before)
    )
