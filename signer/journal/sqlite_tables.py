"""A connection to tables in SQLite, and tables in memory.

1. What SQLite says is a Contradiction or another StoreError.
2. A neutral statement is rendered as SQLite's: STRICT, and the key is the place of a row.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

from signer.journal.database import Contradiction, Row, StoreError, StoreFull, Tables, Value
from signer.journal.schema import TABLES, VERSION

APPLICATION_ID = 0x50474A31
"""`PGJ1` in the SQLite header."""


_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
"""What SQLite calls a full disk: of the file and its log, and of the index beside these."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error) from error


def translated(error: sqlite3.Error) -> StoreError:
    """The same in the journal's words."""
    if isinstance(error, sqlite3.IntegrityError):
        return Contradiction(str(error))
    name = getattr(error, "sqlite_errorname", "")  # the module's own errors have none
    return StoreFull(str(error)) if name in _FULL else StoreError(str(error))


class SqliteRows:
    """The rows of a cursor."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def fetchone(self) -> Row | None:
        """See Rows."""
        try:  # not `_translated`: this is what everything passes
            row: Row | None = self._cursor.fetchone()
        except sqlite3.Error as error:
            raise translated(error) from error
        return row

    def fetchall(self) -> list[Row]:
        """See Rows."""
        with _translated():
            return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Row]:
        with _translated():
            for row in self._cursor:  # noqa: UP028 (`yield from` would close the cursor after its database)
                yield row


class SqliteTables:
    """A connection; the writer's, a reader's, or to a database in memory."""

    def __init__(self, connection: sqlite3.Connection, undo: ExitStack | None = None) -> None:
        self._connection = connection
        self._undo = undo or ExitStack()

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> SqliteRows:
        """See Tables."""
        try:  # not `_translated`: this is what everything passes
            return SqliteRows(self._connection.execute(sql, parameters))
        except sqlite3.Error as error:
            raise translated(error) from error

    def executemany(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """See Tables."""
        with _translated():
            self._connection.executemany(sql, rows)

    def scan(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[Row]:
        """See Tables."""
        yield from self.execute(sql, parameters)

    def begin(self) -> None:
        """See WriterTables."""
        self.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """See WriterTables."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """See WriterTables."""
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def compact(self) -> None:
        """See WriterTables. Its WAL is written over again, once the pages stand in the file."""
        with suppress(StoreError):
            self.execute("PRAGMA wal_checkpoint").fetchall()

    def close(self) -> None:
        """See WriterTables."""
        self._connection.close()
        self._undo.close()


@contextmanager
def scratch_tables() -> Iterator[SqliteTables]:
    """A journal's tables, empty, to fold entries into: in memory, what is too much in a nameless file."""
    tables = SqliteTables(sqlite3.connect("file:", uri=True, isolation_level=None))
    try:
        create_schema(tables)
        yield tables
    finally:
        tables.close()


def create_schema(tables: Tables) -> None:
    """All tables, empty."""
    for statement in TABLES:
        tables.execute(rendered(statement))
    tables.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    tables.execute(f"PRAGMA user_version = {VERSION}")


def rendered(statement: str) -> str:
    """The neutral statement as SQLite's."""
    if not statement.startswith("CREATE TABLE"):
        return statement
    keyed = "INTEGER PRIMARY KEY" in statement  # the number is the place in the tree of rows
    return statement + (" STRICT" if keyed else " STRICT, WITHOUT ROWID")
