"""What stands in for the kernel's functions while a test runs, so that whoever watches is told where each
thread is. Two kinds of death hang on it: in process (`fate`) and of a whole process (`doomed`).

1. `passing` is told of each point by the thread that passes it; it may not return.
2. Every key that is touched is told before it is touched.
3. Sealed keys are opened with derived keys that are known already: members start thousands of times here.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, Self
from unittest.mock import patch

from keystore import sealed
from keystore.file_keystore import FileKeystore
from signer.core.spend import RecordedSpend, SignedSpend
from signer.handle import Handler
from signer.journal.decide import Session
from signer.journal.entry import Entry
from signer.journal.sqlite_tables import SqliteTables
from signer.journal.writer import Writer
from tests.crash.points import BEGIN, CALL, STEPS, commit_points, statement_point
from tests.known_scrypt import KnownScrypt

try:
    from signer.journal.postgres_store import PostgresTables, PostgresWriter

    STORES: tuple[tuple[type, type], ...] = (
        (SqliteTables, SqliteTables),
        (PostgresWriter, PostgresTables),
    )
except ImportError:  # the extra `postgres` is not installed
    STORES = ((SqliteTables, SqliteTables),)
"""The class of the writer's transactions, and that of its statements."""


class Killed(BaseException):
    """The process is dead."""


class Here(threading.local):
    """What this thread does."""

    who: bytes = b""
    """Log key of the member that it works for."""
    is_writer = False
    kind = ""
    """Of the last entry of the transaction."""
    holds = False
    """The writer's turn is not over."""


@dataclass
class Hooks:
    """Who watches. What is not overridden does nothing."""

    here: Here = field(default_factory=Here)

    def passing(self, point: str, torn_from: dict[str, bytes] | None = None) -> None:
        """A thread is here (1). `torn_from`: the files before the commit that is done now."""
        raise NotImplementedError

    def is_watched(self) -> bool:
        """Whether what this thread does matters."""
        return True

    def files_before(self, point: str) -> dict[str, bytes]:
        """The files as they are, if the commit that comes is to be torn at that point."""
        return {}

    def touching(self, log_key: bytes, decision_id: bytes) -> None:
        """The vault's key is about to be used (2)."""
        raise NotImplementedError

    def require_life(self) -> None:
        """Raises Killed in the threads of the dead."""

    def turn_begins(self) -> None:
        """The writer's transaction is about to begin."""

    def turn_ends(self) -> None:
        """It is over."""

    def _step(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def step(*arguments: Any, **named: Any) -> Any:
            self.passing(f"before {name}")
            try:
                return original(*arguments, **named)
            finally:
                self.passing(f"after {name}")

        return step

    def _handle(self, original: Callable[..., bytes]) -> Callable[..., bytes]:
        def handle(handler: Handler, *request: Any) -> bytes:
            journal: Any = handler.kernel.journal
            outer, self.here.who = self.here.who, journal._myself.log_key
            try:
                return self._step(CALL, original)(handler, *request)  # type: ignore[no-any-return]
            finally:
                self.here.who = outer

        return handle

    def _serve_batch(self, original: Callable[..., None]) -> Callable[..., None]:
        """The writer's thread lives on, for the files' sake; whoever waits for it learns of the death."""

        def serve_batch(writer: Writer, tickets: list[Any]) -> None:
            signer: Any = writer._setting.signer
            self.here.who, self.here.is_writer = signer.log_key, True
            try:
                self.require_life()
                original(writer, tickets)
            except Killed:
                for ticket in tickets:
                    _end(ticket.answer)

        return serve_batch

    def _begin(self, original: Callable[..., None]) -> Callable[..., None]:
        def begin(tables: Any) -> None:
            is_watched = self.here.is_writer and self.is_watched()
            if is_watched:
                self.turn_begins()
            original(tables)
            self.here.kind = ""
            if is_watched:
                self.passing(f"after {BEGIN}")

        return begin

    def _commit(self, original: Callable[..., None]) -> Callable[..., None]:
        def commit(tables: Any) -> None:
            if not self.here.is_writer or not self.is_watched():
                return original(tables)
            before, torn, after = commit_points(self.here.kind or "counts")
            self.passing(before)
            old = self.files_before(torn)
            original(tables)
            if isinstance(tables, SqliteTables):
                self.passing(torn, old)
            self.passing(after)
            return self.turn_ends()

        return commit

    def _rollback(self, original: Callable[..., None]) -> Callable[..., None]:
        def rollback(tables: Any) -> None:
            original(tables)
            self.turn_ends()

        return rollback

    def _executed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(tables: Any, sql: str, *parameters: Any) -> Any:
            rows = original(tables, sql, *parameters)
            if self.here.is_writer and (point := statement_point(sql)):
                self.passing(point)
            return rows

        return execute

    def _write(self, original: Callable[..., bytes]) -> Callable[..., bytes]:
        def write(session: Session, entry: Entry) -> bytes:
            self.here.kind = type(entry).__name__.removesuffix("Entry").removesuffix("Notice")
            return original(session, entry)

        return write

    def _sign(self, original: Callable[..., SignedSpend]) -> Callable[..., SignedSpend]:
        def sign(keystore: FileKeystore, recorded: RecordedSpend) -> SignedSpend:
            self.require_life()
            self.touching(keystore.log_key, recorded.decision_id)
            return original(keystore, recorded)

        return sign

    def _around(self) -> Iterator[tuple[Any, str, Callable[..., Any]]]:
        yield FileKeystore, "sign", self._sign
        for each in STEPS:
            yield each.owner, each.attribute, partial(self._step, each.name)
        yield Handler, "handle", self._handle
        yield Writer, "_serve_batch", self._serve_batch
        yield Session, "write", self._write
        for writer, tables in STORES:
            yield writer, "begin", self._begin
            yield writer, "commit", self._commit
            yield writer, "rollback", self._rollback
            yield tables, "execute", self._executed
            yield tables, "executemany", self._executed

    @contextmanager
    def installed(self) -> Iterator[Self]:
        """Kernels that run meanwhile are watched."""
        around = list(self._around())
        kept = [(owner, name, getattr(owner, name)) for owner, name, _ in around]
        for owner, name, replaced in around:
            setattr(owner, name, replaced(getattr(owner, name)))
        try:
            with patch.object(sealed, "Scrypt", KnownScrypt):
                yield self
        finally:
            for owner, name, original in reversed(kept):
                setattr(owner, name, original)


def _end(answer: "Future[Any]") -> None:
    if not answer.done():
        answer.set_exception(Killed())
