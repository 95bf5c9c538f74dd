"""The journal that the kernel uses: signer.ports.Journal on a store.

Rule 1: `open_journal` answers only for a journal that begins with the expected entry.
Rule 2: readers look at a snapshot through connections that cannot write, and never wait for the writer.
Rule 3: a head by our own log key that this log does not have comes from another history of it: the journal
        is an old copy, and nothing but a new epoch is recorded (`signer.journal.heads`).
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from signer.bitcoin.checkpoint import seed
from signer.core.errors import Fault, Objection
from signer.core.spend import AwaitedSpend, RecordedSpend
from signer.journal.budget import DEFAULT_BUDGET, CallerBudget
from signer.journal.database import StoreError, Tables, WriterTables
from signer.journal.decide import Self, Session
from signer.journal.gate import Gate
from signer.journal.head_file import HeadFile
from signer.journal.header_chain import ChainSetting
from signer.journal.header_dispute import end_dispute
from signer.journal.header_keeper import HeaderKeeper, OnChanged
from signer.journal.header_record import begin_headers
from signer.journal.heads import HeadSetting, KnownHeads
from signer.journal.log import read_checkpoint
from signer.journal.note import LogSigner, origin_of
from signer.journal.noting import Noting
from signer.journal.place import Place
from signer.journal.reading import TableReading
from signer.journal.room import UNRESERVED, SpaceTerms
from signer.journal.settlements import Settlements
from signer.journal.store import read_genesis, store_at, verify_beginning
from signer.journal.work import Turn
from signer.journal.writer import Writer, WriterSetting, unavailable
from signer.ports.machine import Clock
from signer.ports.recording import Deliberation, Noted, Passage, RefusedRequest

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class JournalSetting:
    """What a kernel opens its journal with."""

    signer: LogSigner
    clock: Clock
    expected_first_leaf: bytes
    """Leaf hash of the genesis entry that our vault key is bound to."""
    budget: CallerBudget = DEFAULT_BUDGET
    due: Noting = lambda _, __: ()
    """Asked first in each transaction: timed steps of policies."""
    head_file: Path | None = None
    """Where the newest head is kept outside the journal."""
    gate: Gate = field(default_factory=Gate)
    grant_timeout: int = 120
    """Seconds after which an entry of ours that still waits for grants is void (J6)."""
    incarnation: bytes = field(default_factory=partial(secrets.token_bytes, 16))
    space: SpaceTerms = UNRESERVED
    """What is kept for recording while the disk is nearly full."""
    chain: ChainSetting | None = None
    """Of the network whose headers it keeps; None: it keeps none."""
    on_changed: OnChanged | None = None


class Journal:
    """An open journal. Thread-safe."""

    def __init__(self, place: Place, setting: JournalSetting) -> None:
        self._store = store_at(place)
        self._clock, self._chain = setting.clock, setting.chain
        self._myself = Self(setting.signer.log_key, setting.incarnation)
        self._settlements = Settlements()
        self.gate = setting.gate
        self._room = self._store.room(setting.space)
        with ExitStack() as opening:
            opening.callback(self._room.close)
            self._keep_what_is_behind(setting)
            tables = self._store.writer()
            opening.callback(tables.close)
            self._begin(tables, setting, opening)
            self._writer = Writer(
                tables,
                WriterSetting(
                    self._genesis.genesis_hash,
                    setting.signer,
                    setting.clock,
                    setting.budget,
                    setting.due,
                    self.heads.keep,
                    self.gate,
                    self.heads.confirm,
                    self._myself,
                    setting.grant_timeout,
                    self._settlements.tell,
                    self._room,
                    setting.chain,
                ),
            )
            self.headers = None
            if setting.chain is not None:
                self.headers = HeaderKeeper(self.in_turn, setting.chain, setting.on_changed)
            opening.pop_all()  # `close` closes them

    @property
    def genesis_hash(self) -> bytes:
        """Of the block chain."""
        return self._genesis.genesis_hash

    @property
    def incarnation(self) -> bytes:
        """16 bytes, drawn when the journal was opened: what this process records is told from what earlier
        ones did (J6)."""
        return self._myself.incarnation

    def record(self, deliberation: Deliberation) -> RecordedSpend | AwaitedSpend:
        """See signer.ports.Journal."""
        waits = deliberation.witnesses.quorum > 0  # for the end of a start, which it says itself
        recorded = self._writer.submit(deliberation, Passage.ORDINARY if waits else Passage.TIMELY)
        if not isinstance(recorded, RecordedSpend | AwaitedSpend):
            raise Fault("a deliberation ended without a decision")
        return recorded

    def wait_settled(self, number: int, seconds: float) -> bool:
        """See signer.ports.Journal."""
        with self._settlements.expected(number) as settled:
            with self.reading() as reading:
                waits = reading.is_waiting(number)
            return not waits or settled.wait(seconds)

    def record_refusal(self, refused: RefusedRequest) -> None:
        """See signer.ports.Journal."""
        self._writer.submit(refused)

    def note(self, decide: Noting, passage: Passage = Passage.ORDINARY) -> Noted:
        """See signer.ports.Journal."""
        noted = self._writer.submit(decide, passage)
        if not isinstance(noted, Noted):
            raise Fault("a note ended without an answer")
        return noted

    def in_turn(
        self, work: Callable[[Session], Answer], passage: Passage = Passage.ORDINARY
    ) -> Answer:
        """What `work` answers in the writer's turn, once all that it recorded is durable. Raises the Refusal
        that it raises, and nothing is recorded; Refusal `journal-unavailable` or Fault."""
        answers: list[Answer] = []
        self._writer.submit(Turn(lambda session: answers.append(work(session))), passage)
        return answers[-1]

    def count(self, caller: str, code: str) -> None:
        """See signer.ports.Journal."""
        self._writer.count(caller, code)

    def confirm_head(self, head: str) -> None:
        """See signer.ports.Journal."""
        with self.reading() as reading:
            self.heads.confirm(head, reading)

    def settle_heads(self) -> None:
        """See signer.ports.Journal."""
        with self.reading() as reading:
            self.heads.settle(reading)

    def contrary_head(self) -> tuple[int, bytes] | None:
        """See signer.ports.Journal."""
        head = self.heads.contrary
        return None if head is None else (head.size, head.root)

    def tick(self) -> None:
        """Keep the effective time in the head file."""
        self.heads.tick(self._clock.now())

    def failures(self) -> tuple[str, ...]:
        """What the disk, or the database, did not do when it was asked last, and what it lacks; for the
        operator."""
        recording = self._writer.failure and f"the journal cannot record: {self._writer.failure}"
        found = (recording, self.heads.failure, self._room.shortage())
        return tuple(each for each in found if each)

    def stopped_by(self) -> tuple[Objection, ...]:
        """See signer.ports.Journal."""
        return self.gate.reasons()

    @contextmanager
    def reading(self) -> Iterator[TableReading]:
        """See signer.ports.Journal."""
        try:
            with self._store.snapshot() as tables:
                now = max(self._clock.now(), read_checkpoint(tables).clock)
                yield TableReading(tables, now, chain=self._chain)
        except StoreError as error:
            raise unavailable(error) from None

    @contextmanager
    def tables(self) -> Iterator[Tables]:
        """A consistent look at the tables themselves, for what is not the view's: other members' logs."""
        with self._store.snapshot() as tables:
            yield tables

    def open_all(self, readers: int) -> None:
        """Open now whatever serving opens, with so many readers at a time: a kernel in its room opens no file
        (docs/room.md). Raises Refusal `journal-unavailable`."""
        self._store.open_readers(readers)
        self.in_turn(self._hold, Passage.WHILE_OLD)  # it changes nothing

    def _hold(self, session: Session) -> None:
        """The reserve, and a commit that changes nothing: at its first SQLite opens its log's folder."""
        try:
            self._room.hold()
        except OSError as error:
            raise unavailable(StoreError(f"its reserve: {error.strerror}")) from None
        session.tables.execute("INSERT INTO counters VALUES (?,?,?)", ("", "", 0))
        session.tables.execute("DELETE FROM counters WHERE caller = ?", ("",))

    def close(self) -> None:
        """Answer all who wait, then let go of the store."""
        self._writer.close()
        self._room.close()
        self.heads.close()
        self._store.close()

    def _keep_what_is_behind(self, setting: JournalSetting) -> None:
        """A log that lost its end (a cut WAL) is copied before it is opened to be written, which would
        recover what is left of it."""
        if setting.head_file is None or not setting.head_file.exists():
            return
        with closing(HeadFile(setting.head_file)) as file, self._store.snapshot() as tables:
            log_key = setting.signer.log_key
            found = file.found(log_key, origin_of(read_genesis(tables).genesis_hash, log_key))
            size = read_checkpoint(tables).frontier.size
        if found is not None and found[1].size > size:
            self._store.set_aside(found[1].size)

    def _begin(self, tables: WriterTables, setting: JournalSetting, opening: ExitStack) -> None:
        """Rule 1, in the writer's turn: another replica may be writing."""
        try:
            tables.begin()
            self._genesis = verify_beginning(
                tables, setting.expected_first_leaf, setting.signer.log_key
            )
            self.heads = self._known_heads(setting)
            opening.callback(self.heads.close)
            self.heads.begin(TableReading(tables, 0))
            self._room.space()  # the reserve is put aside before it is needed
            self._begin_headers(tables)
        except StoreError as error:
            raise unavailable(error) from None
        finally:
            tables.rollback()

    def _begin_headers(self, tables: WriterTables) -> None:
        """Raises Refusal `chain-record-differs`."""
        chain = self._chain
        if chain is None:
            return
        is_new = begin_headers(tables, seed(chain.rules, chain.checkpoint))
        if end_dispute(tables, chain.bounds.follow) or is_new:
            tables.commit()

    def _known_heads(self, setting: JournalSetting) -> KnownHeads:
        path = setting.head_file
        file = None if path is None else HeadFile(path)
        return KnownHeads(HeadSetting(setting.signer, self._genesis.genesis_hash, self.gate, file))


def open_journal(
    place: Place,
    *,
    signer: LogSigner,
    clock: Clock,
    expected_first_leaf: bytes,
    due: Noting = lambda _, __: (),
    head_file: Path | None = None,
) -> Journal:
    """Open it for a kernel.

    Raises Refusal `journal-missing`, `journal-foreign`, `journal-schema-unknown`, `journal-tampered`,
    `journal-locked`, `journal-unavailable` or `head-file-unreadable`.
    """
    setting = JournalSetting(signer, clock, expected_first_leaf, due=due, head_file=head_file)
    return Journal(place, setting)
