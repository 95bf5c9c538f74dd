"""The one writer: group commit, and nothing released before it is durable (J4).

1. Take all requests that wait, at most MAX_BATCH.
2. In one transaction record what is due (timed steps of policies, entries that wait for grants too long),
   then decide them one after another, each behind a savepoint,
   against the record plus the batch's earlier decisions, at one effective time that never lies before the
   last entry's (J7).
3. Store the signed head, commit (it is on disk when it returns). If the connection to the store is lost
   meanwhile, look whether the log has that head: what nobody has seen there is not released.
4. Release all answers. If anything in 2 or 3 fails, all of the batch are refused and nothing is signed. Where
   only the disk was full, a part of the reserve is given back first and all is done again.
5. Others may have extended the log since our last transaction (replicas on one store); what we released it
   has all the same, or the store was put back to an old copy while we ran: `state-rolled-back`.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from signer.core.errors import Fault, Objection, Refusal
from signer.core.spend import AwaitedSpend, RecordedSpend
from signer.journal.budget import CallerBudget, budget_in
from signer.journal.database import (
    CommitUnknown,
    StoreError,
    StoreFull,
    WriterTables,
)
from signer.journal.decide import Decision, Self, Session
from signer.journal.gate import Gate
from signer.journal.header_chain import ChainSetting
from signer.journal.log import LogEnd, read_checkpoint, signed_note, write_checkpoint
from signer.journal.merkle import Frontier
from signer.journal.note import LogSigner
from signer.journal.noting import Noting, note
from signer.journal.overdue import void_overdue
from signer.journal.reading import TableReading
from signer.journal.record import Place, recorded_spend
from signer.journal.room import Room, Space
from signer.journal.tiles import StoredTree
from signer.journal.work import Work, decide_work, fault_of
from signer.ports.machine import Clock
from signer.ports.recording import Noted, Passage, RefusedRequest

MAX_BATCH = 64
LOOKS = (0.0, 0.5, 2.0, 5.0)
"""Seconds before each look at what came of a commit."""


@dataclass(frozen=True, slots=True)
class WriterSetting:
    """What the writer works with besides its tables."""

    genesis_hash: bytes
    signer: LogSigner
    clock: Clock
    budget: CallerBudget
    due: Noting
    """What goes on record before anything else in a transaction."""
    released: Callable[[str], None]
    """Told each new head when it is durable, before any answer is released. Raises nothing."""
    gate: Gate
    confirm: Callable[[str, TableReading], None]
    """Raises Refusal `state-rolled-back` unless the log has that head, which we released."""
    myself: Self
    grant_timeout: int
    """Seconds after which an entry of ours that still waits for grants is void."""
    settled: Callable[[Iterable[int]], None]
    """Told which entries of ours became agreed or void, when it is durable. Raises nothing."""
    room: Room
    chain: ChainSetting | None = None


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A request that waits."""

    work: Work
    passage: Passage = Passage.ORDINARY
    answer: "Future[RecordedSpend | AwaitedSpend | Noted | None]" = field(default_factory=Future)


def unavailable(error: StoreError) -> Refusal:
    """Nothing was recorded, so nothing is signed."""
    if isinstance(error, StoreFull):
        return Refusal(Objection("journal-disk-full", f"the journal has no room left: {error}"))
    return Refusal(Objection("journal-unavailable", f"the journal does not serve: {error}"))


class Writer:
    """Owns the writing connection and the thread that uses it."""

    def __init__(self, tables: WriterTables, setting: WriterSetting) -> None:
        self._tables = tables
        self._setting = setting
        self._waiting: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._guard = threading.Lock()
        self._copied = Counter[bytes]()
        """Bytes of each other member's log since the reserve is in use."""
        self._closed = False
        self._ending = threading.Event()
        self._newest = ""
        """The head that our last transaction left."""
        self.failure = ""
        """Why the last transaction failed; empty where it did not."""
        self._thread = threading.Thread(target=self._serve, name="journal-writer", daemon=True)
        self._thread.start()

    def submit(
        self, work: Work, passage: Passage = Passage.ORDINARY
    ) -> RecordedSpend | AwaitedSpend | Noted | None:
        """Wait for the decision to be durable. Raises the Refusal, Pending or Fault that it came to."""
        ticket = _Ticket(work, passage)
        with self._guard:
            if self._closed:
                raise unavailable(StoreError("it is closed"))
            self._waiting.put(ticket)
        try:
            return ticket.answer.result()
        finally:
            del ticket  # what it raises has this frame, and would hold the request in a circle

    def count(self, caller: str, code: str) -> None:
        """Count; written with the next commit."""
        with self._guard:
            self._counts[caller, code] += 1

    def close(self) -> None:
        """Answer all that wait, then stop."""
        with self._guard:
            self._closed = True
            self._waiting.put(None)
        self._ending.set()
        self._thread.join()
        with suppress(StoreError):
            self._tables.begin()
            self._write_counts()
            self._tables.commit()
        self._tables.close()

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
            decisions, head = self._transact_in_room(tickets)  # 2, 3
        except StoreError as error:
            self._tables.rollback()
            self.failure = str(error)
            for ticket in tickets:
                ticket.answer.set_exception(unavailable(error))
        except Refusal as refusal:  # the record itself is not as it should be
            self._tables.rollback()
            self.failure = str(refusal)
            for ticket in tickets:
                ticket.answer.set_exception(Refusal(*refusal.objections))
        except Exception as error:
            self._tables.rollback()
            for ticket in tickets:
                ticket.answer.set_exception(fault_of(error))
        else:
            self.failure = ""
            for ticket, decision in zip(tickets, decisions, strict=True):  # 4
                _release(ticket, decision, head)

    def _transact_in_room(self, tickets: list[_Ticket]) -> tuple[list[Decision | Fault], str]:
        """Raises StoreFull where the reserve is used up; each try gives back a part of it."""
        while True:
            try:
                return self._transact(tickets)
            except StoreFull:
                self._tables.rollback()
                if not self._setting.room.give_back():
                    raise

    def _transact(self, tickets: list[_Ticket]) -> tuple[list[Decision | Fault], str]:
        tables, setting = self._tables, self._setting
        space = setting.room.space()
        if space is Space.RESERVE:
            tables.compact()
        tables.begin()
        checkpoint = read_checkpoint(tables)
        self._require_ours(checkpoint)
        gate = setting.gate.now()  # before the time: what shuts it may say that the time is wrong
        now = max(setting.clock.now(), checkpoint.clock)
        session = Session(
            tables,
            checkpoint.frontier,
            now,
            budget_in(space, setting.budget),
            gate=setting.gate,
            began=gate,
            myself=setting.myself,
            space=space,
            copied=Counter(self._copied if space is Space.RESERVE else {}),
            chain=setting.chain,
        )
        if session.shut(Passage.WHILE_LOCKED) is None:
            note(session, setting.due)
            void_overdue(session, setting.grant_timeout)
        decisions = [_pass(session, ticket) for ticket in tickets]
        head, counted = checkpoint.note, Counter[tuple[str, str]]()
        if session.frontier is not checkpoint.frontier:
            epoch = session.control.epoch
            head = signed_note(session.frontier, setting.genesis_hash, setting.signer, epoch)
            write_checkpoint(tables, LogEnd(session.frontier, session.now, head))
            counted = self._write_counts()
        self._commit(checkpoint.frontier, session.frontier)
        self._newest = head
        self._copied = session.copied
        with self._guard:
            self._counts += session.counts
            self._counts -= counted
        if head is not checkpoint.note:
            setting.released(head)
        setting.settled(session.settled)
        return decisions, head

    def _require_ours(self, checkpoint: LogEnd) -> None:
        """5. Raises Refusal `state-rolled-back`, once: then the gate is shut."""
        expected, self._newest = self._newest, checkpoint.note
        if expected not in ("", checkpoint.note):
            self._setting.confirm(expected, TableReading(self._tables, checkpoint.clock))

    def _commit(self, before: Frontier, after: Frontier) -> None:
        """3. Raises StoreError unless it is certain that the transaction is on record."""
        try:
            self._tables.commit()
        except CommitUnknown as lost:
            if after is before or not self._is_recorded(after):
                raise StoreError("the connection was lost before the commit") from lost

    def _is_recorded(self, frontier: Frontier) -> bool:
        """Whether the log has that tree. Raises StoreError if nobody says."""
        for pause in LOOKS:
            self._ending.wait(pause)
            with suppress(StoreError, Refusal):
                self._tables.begin()  # when it is our turn again, that commit has come or will never
                try:
                    tree = StoredTree(self._tables, read_checkpoint(self._tables).frontier)
                    return tree.root(frontier.size) == frontier.root()
                finally:
                    self._tables.rollback()
        raise StoreError(
            "the store is gone since the commit; whether that is on record a retry will say"
        )

    def _write_counts(self) -> Counter[tuple[str, str]]:
        """What is counted once the transaction is on record."""
        with self._guard:
            counts = self._counts.copy()
        if counts:
            self._tables.executemany(
                "INSERT INTO counters VALUES (?,?,?) ON CONFLICT (caller, code) DO UPDATE "
                "SET times = counters.times + excluded.times",
                [(*key, times) for key, times in counts.items()],
            )
        return counts


def _pass(session: Session, ticket: _Ticket) -> Decision | Fault:
    shut = session.shut(ticket.passage)
    return (
        decide_work(session, ticket.work) if shut is None else Decision(None, answer=Refusal(shut))
    )


def _release(ticket: _Ticket, decision: Decision | Fault, head: str) -> None:
    if isinstance(decision, Fault):
        ticket.answer.set_exception(decision)
        return
    if isinstance(decision.answer, Refusal):
        decision.answer.decision_id, decision.answer.head = decision.decision_id, head
    if decision.spend is not None:
        place = Place(decision.number, decision.decision_id, decision.waits, decision.recorded_at)
        ticket.answer.set_result(recorded_spend(decision.spend, place, head))
    elif isinstance(ticket.work, RefusedRequest):
        ticket.answer.set_result(None)
    elif decision.answer is not None:
        answer = decision.answer.with_traceback(None)  # the frames of a turn hold all its requests
        ticket.answer.set_exception(answer)
    else:
        ticket.answer.set_result(Noted(decision.noted, head))
