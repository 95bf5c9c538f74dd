"""The one writer: group commit, and nothing released before it is durable (J4).

1. Take all requests that wait, at most MAX_BATCH.
2. In one transaction record what is due, then decide them one after another, each behind a savepoint,
   against the record plus the batch's earlier decisions, at one effective time that never lies before the
   last entry's (J7).
3. Store the signed head, commit (synchronous=FULL: the commit is on disk when it returns).
4. Release all answers. If anything in 2 or 3 fails, all of the batch are refused and nothing is signed.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from signer.core.errors import Fault, Objection, Refusal
from signer.core.spend import RecordedSpend
from signer.journal.decide import CallerBudget, Decision, Session, deliberate, record_refusal
from signer.journal.log import Checkpoint, read_checkpoint, signed_note, write_checkpoint
from signer.journal.note import LogSigner
from signer.journal.noting import Noting, note, note_first
from signer.journal.record import recorded_spend
from signer.ports import Clock, Deliberation, Noted, RefusedRequest

MAX_BATCH = 64


@dataclass(frozen=True, slots=True)
class WriterSetting:
    """What the writer works with besides its connection."""

    genesis_hash: bytes
    signer: LogSigner
    clock: Clock
    budget: CallerBudget
    due: Noting
    """What goes on record before anything else in a transaction."""


Work = Deliberation | RefusedRequest | Noting


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A request that waits."""

    work: Work
    answer: "Future[RecordedSpend | Noted | None]" = field(default_factory=Future)


def unavailable(why: str) -> Refusal:
    """Nothing was recorded, so nothing is signed."""
    return Refusal(Objection("journal-unavailable", f"the journal cannot record: {why}"))


class Writer:
    """Owns the writing connection and the thread that uses it."""

    def __init__(self, connection: sqlite3.Connection, setting: WriterSetting) -> None:
        self._connection = connection
        self._setting = setting
        self._waiting: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._guard = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> RecordedSpend | Noted | None:
        """Wait for the decision to be durable. Raises the Refusal, Pending or Fault that it came to."""
        ticket = _Ticket(work)
        with self._guard:
            if self._closed:
                raise unavailable("it is closed")
            self._waiting.put(ticket)
        return ticket.answer.result()

    def count(self, caller: str, code: str) -> None:
        """Count; written with the next commit."""
        with self._guard:
            self._counts[caller, code] += 1

    def close(self) -> None:
        """Answer all that wait, then stop."""
        with self._guard:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        with suppress(sqlite3.Error):
            self._write_counts()
        self._connection.close()

    def _serve(self) -> None:
        while (first := self._waiting.get()) is not None:
            tickets = [first]  # 1
            with suppress(Empty):
                while len(tickets) < MAX_BATCH:
                    further = self._waiting.get_nowait()
                    if further is None:
                        self._waiting.put(None)
                        break
                    tickets.append(further)
            self._serve_batch(tickets)

    def _serve_batch(self, tickets: list[_Ticket]) -> None:
        try:
            decisions, head = self._transact(tickets)  # 2, 3
        except sqlite3.Error as error:
            self._rollback()
            for ticket in tickets:
                ticket.answer.set_exception(unavailable(str(error)))
        except Refusal as refusal:  # the record itself is not as it should be
            self._rollback()
            for ticket in tickets:
                ticket.answer.set_exception(Refusal(*refusal.objections))
        except Exception as error:
            self._rollback()
            for ticket in tickets:
                ticket.answer.set_exception(_fault(error))
        else:
            for ticket, decision in zip(tickets, decisions, strict=True):  # 4
                _release(ticket, decision, head)

    def _transact(self, tickets: list[_Ticket]) -> tuple[list[Decision | Fault], str]:
        connection, setting = self._connection, self._setting
        connection.execute("BEGIN IMMEDIATE")
        checkpoint = read_checkpoint(connection)
        now = max(setting.clock.now(), checkpoint.clock)
        session = Session(connection, checkpoint.frontier, now, setting.budget)
        note(session, setting.due)
        decisions = [_decide(session, ticket.work) for ticket in tickets]
        head = checkpoint.note
        if session.frontier is not checkpoint.frontier:
            head = signed_note(session.frontier, setting.genesis_hash, setting.signer)
            write_checkpoint(connection, Checkpoint(session.frontier, now, head))
            self._write_counts()
        connection.execute("COMMIT")
        with self._guard:
            self._counts.update(session.counts)
        return decisions, head

    def _rollback(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _write_counts(self) -> None:
        with self._guard:
            counts, self._counts = self._counts, Counter()
        try:
            self._connection.executemany(
                "INSERT INTO counters VALUES (?,?,?) "
                "ON CONFLICT DO UPDATE SET times = times + excluded.times",
                [(*key, times) for key, times in counts.items()],
            )
        except sqlite3.Error:
            with self._guard:
                self._counts.update(counts)
            raise


def _decide(session: Session, work: Work) -> Decision | Fault:
    if isinstance(work, RefusedRequest):
        return _attempt(session, partial(record_refusal, refused=work))
    if not isinstance(work, Deliberation):
        return _attempt(session, partial(note, noting=work))
    first = _attempt(session, partial(note_first, deliberation=work))
    if isinstance(first, Fault) or first.answer is not None:
        return first
    return _attempt(session, partial(deliberate, deliberation=work))


def _attempt(session: Session, step: Callable[[Session], Decision]) -> Decision | Fault:
    """What the step comes to. One that raises leaves nothing behind."""
    before = session.frontier
    session.connection.execute("SAVEPOINT step")
    try:
        decision = step(session)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise  # the disk, not this decision: the whole batch fails
        session.connection.execute("ROLLBACK TO step")
        session.frontier = before
        return Decision(None, answer=error) if isinstance(error, Refusal) else _fault(error)
    session.connection.execute("RELEASE step")
    return decision


def _fault(error: Exception) -> Fault:
    if isinstance(error, Fault):
        return error
    fault = Fault(f"the decision failed: {type(error).__name__}")
    fault.__cause__ = error
    return fault


def _release(ticket: _Ticket, decision: Decision | Fault, head: str) -> None:
    if isinstance(decision, Fault):
        ticket.answer.set_exception(decision)
        return
    if isinstance(decision.answer, Refusal):
        decision.answer.decision_id = decision.decision_id
    if decision.spend is not None:
        ticket.answer.set_result(recorded_spend(decision.spend, decision.decision_id, head))
    elif isinstance(ticket.work, RefusedRequest):
        ticket.answer.set_result(None)
    elif decision.answer is not None:
        ticket.answer.set_exception(decision.answer)
    else:
        ticket.answer.set_result(Noted(decision.noted, head))
