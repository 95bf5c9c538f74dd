"""One piece of work in the writer's transaction, behind a savepoint.

1. What raises leaves nothing behind; a Refusal is its answer, anything else a Fault.
2. Where the store itself fails the whole transaction does.
3. Clocks start only while effective time is known to be right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from signer.core.errors import Fault, Refusal
from signer.journal.database import Contradiction, StoreError
from signer.journal.decide import Decision, Session, deliberate, record_refusal
from signer.journal.noting import Noting, note, note_first
from signer.ports.recording import Deliberation, Passage, RefusedRequest


@dataclass(frozen=True, slots=True)
class Turn:
    """Anything else that is done in the writer's transaction."""

    work: Callable[[Session], None]


Work = Deliberation | RefusedRequest | Noting | Turn


def decide_work(session: Session, work: Work) -> Decision | Fault:
    """What the work comes to, on record where it is worth an entry. Replay does it again with this."""
    if isinstance(work, RefusedRequest):
        return _attempt(session, partial(record_refusal, refused=work))
    if isinstance(work, Turn):
        return _attempt(session, partial(_take_turn, turn=work))
    if not isinstance(work, Deliberation):
        return _attempt(session, partial(note, noting=work))
    if work.notices is not None and session.shut(Passage.TIMELY) is None:  # 3
        first = _attempt(session, partial(note_first, deliberation=work, noting=work.notices))
        if isinstance(first, Fault) or first.answer is not None:
            return first
    return _attempt(session, partial(deliberate, deliberation=work))


def _take_turn(session: Session, turn: Turn) -> Decision:
    turn.work(session)
    return Decision(None)


def _attempt(session: Session, step: Callable[[Session], Decision]) -> Decision | Fault:
    """What the step comes to. One that raises leaves nothing behind."""
    before, settled = session.frontier, len(session.settled)
    session.tables.execute("SAVEPOINT step")
    try:
        decision = step(session)
    except Exception as error:
        if isinstance(error, StoreError) and not isinstance(error, Contradiction):
            raise  # the disk, not this decision: the whole batch fails
        session.tables.execute("ROLLBACK TO step")
        session.frontier = before
        del session.settled[settled:]
        return Decision(None, answer=error) if isinstance(error, Refusal) else fault_of(error)
    session.tables.execute("RELEASE step")
    return decision


def fault_of(error: Exception) -> Fault:
    """The fault that an unexpected exception is."""
    if isinstance(error, Fault):
        return error
    fault = Fault(f"the decision failed: {type(error).__name__}")
    fault.__cause__ = error
    return fault
