"""What the journal asks of a database. SQLite and PostgreSQL both answer; all else is store-neutral.

1. One SQL text for both: marks are `?`, one for each value; a conflict names its columns; no scalar `max`,
   no rowid, no hints; sums are CAST AS BIGINT; a compared listing says its ORDER BY.
2. One writer at a time: `begin` waits for its turn, `commit` returns when the disk has it.
3. A statement that fails raises Contradiction (a key that must be unique, a value of the wrong kind: this
   decision is wrong) or another StoreError (the store is: nothing was recorded).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from signer.journal.room import Room, SpaceTerms

Row = tuple[Any, ...]
"""Cells are int, bytes, str or None, as the statement says; no type checker reads SQL."""
Value = int | bytes | str | None


class StoreError(Exception):
    """The database did not do what it was asked."""


class StoreFull(StoreError):
    """There is no room for it on the disk."""


class Contradiction(StoreError):
    """What was to be written contradicts what stands there."""


class CommitUnknown(StoreError):
    """The connection was lost while a commit was on its way: it is on record, or it is not."""


class Rows(Protocol):
    """The answer to a query; to be read before the transaction ends."""

    def fetchone(self) -> Row | None:
        """The next row."""

    def fetchall(self) -> list[Row]:
        """All rows that are left."""

    def __iter__(self) -> Iterator[Row]: ...


def the_row(rows: Rows) -> Row:
    """The row that an aggregate or an entry on record always has."""
    row = rows.fetchone()
    if row is None:
        raise StoreError("a row is missing that must be there")
    return row


class Tables(Protocol):
    """The tables, within a transaction."""

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
        """One statement. Raises StoreError."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """The statement once for each row. Raises StoreError."""

    def scan(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[Row]:
        """The rows of a query, however many, one by one; one scan at a time. Raises StoreError."""


class WriterTables(Tables, Protocol):
    """The one that writes."""

    def begin(self) -> None:
        """Wait for our turn and begin a transaction. Raises StoreError."""

    def commit(self) -> None:
        """End it; durable when this returns. Raises StoreError: it is not on record; or CommitUnknown."""

    def rollback(self) -> None:
        """End it, if one is open, as if it had not been. Raises nothing."""

    def compact(self) -> None:
        """Between transactions, while room is short: let what is committed take no more of it than it must.
        Raises nothing."""

    def close(self) -> None:
        """Give up the turn and the connection."""


class Store(Protocol):
    """A journal's database."""

    def exists(self) -> bool:
        """Whether there is something at its place. Raises Refusal `journal-unavailable`."""

    def create(self, fill: Callable[[Tables], None]) -> None:
        """A new journal with what `fill` writes into empty tables, complete or not at all.

        Raises Refusal `journal-exists` or `journal-unavailable`.
        """

    def migrate(
        self, statements: Callable[[int], tuple[str, ...]], finish: Callable[[Tables], None]
    ) -> None:
        """In one transaction, with nobody else writing: what `statements` answers to the number of the
        journal's schema, then `finish`; the schema must be ours then. Nothing is written where it answers
        nothing. Raises Refusal or StoreError; then nothing has changed."""

    def set_aside(self, size: int) -> None:
        """Keep a copy of what is there, which is behind a head of that size, before anything touches it.
        Raises Refusal `journal-unavailable`."""

    def writer(self) -> WriterTables:
        """To write with, until it is closed; schema verified. Raises Refusal."""

    def snapshot(self) -> AbstractContextManager[Tables]:
        """A consistent look that cannot write and waits for nobody; schema verified. Raises Refusal."""

    def open_readers(self, most: int) -> None:
        """Open that many for `snapshot` now and, where the journal is a file, none later: who finds all of
        them busy waits, and raises StoreError in the end. Raises Refusal."""

    def room(self, terms: SpaceTerms) -> Room:
        """The space that is left for it."""

    def close(self) -> None:
        """Let go of idle readers."""
