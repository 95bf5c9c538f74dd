"""The journal that the kernel uses: signer.ports.Journal on SQLite.

Rule 1: `open_journal` answers only for a journal that begins with the expected entry and that no other
        process has open; the lock is held until `close`.
Rule 2: readers look at a snapshot through connections that cannot write, and never wait for the writer.
Rule 3: a head by our own log key that this log never released comes from another history of it: the file is
        an old copy. From then on nothing is recorded until the process starts again.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from sqlite3 import Connection

from signer.bitcoin.errors import Malformed
from signer.core.errors import Fault, Objection, Refusal, malformed
from signer.core.spend import RecordedSpend
from signer.journal.decide import DEFAULT_BUDGET, CallerBudget
from signer.journal.log import read_checkpoint
from signer.journal.note import LogSigner, origin_of, verify_head
from signer.journal.noting import Noting
from signer.journal.reading import SqliteReading
from signer.journal.store import connect_reader, connect_writer, exclusive, verify_beginning
from signer.journal.writer import Writer, WriterSetting
from signer.ports import Clock, Deliberation, Noted, RefusedRequest


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


class SqliteJournal:
    """An open journal. Thread-safe."""

    def __init__(self, path: Path, setting: JournalSetting) -> None:
        self._path = path
        self._clock = setting.clock
        self._rolled_back: Objection | None = None
        self._readers: SimpleQueue[Connection] = SimpleQueue()
        with ExitStack() as opening:
            opening.enter_context(exclusive(path))
            connection = connect_writer(path)
            opening.callback(connection.close)
            self._genesis = verify_beginning(
                connection, setting.expected_first_leaf, setting.signer.log_key
            )
            self._writer = Writer(
                connection,
                WriterSetting(
                    self._genesis.genesis_hash,
                    setting.signer,
                    setting.clock,
                    setting.budget,
                    setting.due,
                ),
            )
            self._opened = opening.pop_all()

    def record(self, deliberation: Deliberation) -> RecordedSpend:
        """See signer.ports.Journal."""
        self._require_own_history()
        recorded = self._writer.submit(deliberation)
        if not isinstance(recorded, RecordedSpend):
            raise Fault("a deliberation ended without a decision")
        return recorded

    def record_refusal(self, refused: RefusedRequest) -> None:
        """See signer.ports.Journal."""
        self._writer.submit(refused)

    def note(self, decide: Noting) -> Noted:
        """See signer.ports.Journal."""
        self._require_own_history()
        noted = self._writer.submit(decide)
        if not isinstance(noted, Noted):
            raise Fault("a note ended without an answer")
        return noted

    def count(self, caller: str, code: str) -> None:
        """See signer.ports.Journal."""
        self._writer.count(caller, code)

    def confirm_head(self, head: str) -> None:
        """See signer.ports.Journal."""
        try:
            said = verify_head(head, self._genesis.log_key)
        except Malformed as error:
            raise malformed("head-malformed", error.detail) from None
        if said.origin != origin_of(self._genesis.genesis_hash, self._genesis.log_key):
            raise malformed("head-malformed", "the head of another log")
        with self.reading() as reading:
            root = reading.released_root(said.size)
        if root != said.root:
            self._rolled_back = Objection(
                "state-rolled-back",
                "our log key signed a head that is not of this log's history: the journal is an old copy",
                f"{said.size} entries with root {said.root.hex()}",
                "no such head was released" if root is None else f"root {root.hex()}",
            )
            raise Refusal(self._rolled_back)

    @contextmanager
    def reading(self) -> Iterator[SqliteReading]:
        """See signer.ports.Journal."""
        try:
            connection = self._readers.get_nowait()
        except Empty:
            connection = connect_reader(self._path)
        try:
            connection.execute("BEGIN")
            now = max(self._clock.now(), read_checkpoint(connection).clock)
            yield SqliteReading(connection, now)
        finally:
            connection.rollback()
            self._readers.put(connection)

    def close(self) -> None:
        """Answer all who wait, then close the file and release its lock."""
        self._writer.close()
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                break
        self._opened.close()

    def _require_own_history(self) -> None:
        if self._rolled_back is not None:
            raise Refusal(self._rolled_back)


def open_journal(
    path: Path,
    *,
    signer: LogSigner,
    clock: Clock,
    expected_first_leaf: bytes,
    due: Noting = lambda _, __: (),
) -> SqliteJournal:
    """Open it for a kernel.

    Raises Refusal `journal-missing`, `journal-foreign`, `journal-schema-unknown`, `journal-tampered`,
    `journal-locked` or `journal-unavailable`.
    """
    return SqliteJournal(path, JournalSetting(signer, clock, expected_first_leaf, due=due))
