"""The store in a PostgreSQL database, 15 or newer: one record for several replicas of one member's kernel.

1. One writer at a time, of all replicas: a session advisory lock, taken before the transaction begins. The
   primary key of `entries` is the fence behind it: who was overtaken all the same records nothing.
2. A commit that returned survives the loss of power (`signer.journal.postgres_session`).
3. A connection that is lost is made again. If it is lost while a commit is on its way, nobody knows what
   came of it: CommitUnknown, and the writer looks.
4. Readers look at a snapshot (REPEATABLE READ READ ONLY) and wait for nobody.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from queue import Empty, SimpleQueue

import psycopg
from psycopg import errors, pq

from signer.core.errors import Objection, Refusal
from signer.journal.database import (
    CommitUnknown,
    Contradiction,
    Row,
    StoreError,
    StoreFull,
    Tables,
    Value,
)
from signer.journal.place import PostgresPlace
from signer.journal.postgres_schema import (
    change_schema,
    create_schema,
    read_version,
    schema_exists,
    verify_schema,
)
from signer.journal.postgres_session import SCHEMA, Connection, connect, unavailable
from signer.journal.room import ServerRoom, SpaceTerms

LOCK = 0x50474A31
"""The writer's advisory lock, in the journal's database."""
_TAKE = f"SELECT pg_advisory_lock({LOCK})"
_WRONG = (errors.IntegrityError, errors.DataError, errors.ProgramLimitExceeded)
"""What a statement is refused for that contradicts the tables, or holds what no column can."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise translated(error) from error


def translated(error: psycopg.Error) -> StoreError:
    """The same in the journal's words."""
    if isinstance(error, _WRONG):
        return Contradiction(_said(error))
    return (StoreFull if isinstance(error, errors.DiskFull) else StoreError)(_said(error))


def _said(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@lru_cache(4_096)
def _marked(statement: str) -> bytes:
    """With PostgreSQL's marks."""
    return statement.replace("%", "%%").replace("?", "%s").encode()


class PostgresTables:
    """A connection; the writer's or a reader's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> psycopg.Cursor[Row]:
        """See Tables."""
        with _translated():
            cursor = self._connection.cursor(binary=True)
            return cursor.execute(_marked(sql), parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """See Tables."""
        given = list(rows)
        if len(given) == 1:  # half the way of a pipeline
            self.execute(sql, given[0])
        elif given:
            with _translated():
                self._connection.cursor(binary=True).executemany(_marked(sql), given)

    def scan(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[Row]:
        """See Tables."""
        with _translated(), self._connection.cursor("scanned", binary=True) as cursor:
            yield from cursor.execute(_marked(sql), parameters)

    def rollback(self) -> None:
        """End the transaction, if one is open."""
        with suppress(psycopg.Error):
            self._connection.rollback()

    def close(self) -> None:
        """Give up the connection, and with it the lock and an open transaction."""
        self._connection.close()

    @property
    def is_idle(self) -> bool:
        """Whether another transaction can begin."""
        return self._connection.info.transaction_status is pq.TransactionStatus.IDLE


class PostgresWriter(PostgresTables):
    """The writer's connection, made again when it was lost."""

    def __init__(self, place: PostgresPlace) -> None:
        self._place = place
        super().__init__(_connected(place))

    def begin(self) -> None:
        """See WriterTables."""
        if self._is_ours_alone():
            self.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            return
        self._connection = _connected(self._place)  # it was lost while nobody used it
        self.execute(_TAKE)
        self.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")

    def commit(self) -> None:
        """See WriterTables. The turn ends with it, without another word of ours."""
        try:
            done = self._connection.execute("COMMIT; SELECT pg_advisory_unlock_all()").statusmessage
        except psycopg.Error as error:
            if self._connection.closed:
                raise CommitUnknown(_said(error)) from error
            raise translated(error) from error
        if done != "COMMIT":
            raise StoreError(f"the server answered {done} to COMMIT")

    def rollback(self) -> None:
        """See WriterTables."""
        try:
            self._connection.execute("ROLLBACK; SELECT pg_advisory_unlock_all()")
        except psycopg.Error:
            self._connection.close()

    def compact(self) -> None:
        """See WriterTables. The server does."""

    def _is_ours_alone(self) -> bool:
        """Take our turn; false if the connection is lost."""
        try:
            self.execute(_TAKE)
        except StoreError:
            if self._connection.closed:
                return False
            raise
        return True


class PostgresStore:
    """The journal in that database."""

    def __init__(self, place: PostgresPlace) -> None:
        self._place = place
        self._idle: SimpleQueue[PostgresTables] = SimpleQueue()
        self._connect = _connected
        """The first connection looks at the schema; later readers believe it."""

    def exists(self) -> bool:
        """See Store."""
        with closing(connect(self._place)) as connection:
            return schema_exists(connection)

    def create(self, fill: Callable[[Tables], None]) -> None:
        """See Store."""
        with closing(connect(self._place)) as connection:
            try:
                connection.execute("BEGIN")
                connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
                if schema_exists(connection):
                    detail = f"{self._place} has a journal; a journal is created once"
                    raise Refusal(Objection("journal-exists", detail))
                connection.execute(f"CREATE SCHEMA {SCHEMA}")
                create_schema(connection)
                fill(PostgresTables(connection))
                connection.execute("COMMIT")
            except (psycopg.Error, StoreError) as error:
                raise unavailable(self._place, error) from None

    def migrate(
        self, statements: Callable[[int], tuple[str, ...]], finish: Callable[[Tables], None]
    ) -> None:
        """See Store."""
        with closing(connect(self._place)) as connection, _translated():
            connection.execute(_TAKE)
            connection.execute("BEGIN")
            wanted = statements(read_version(connection))
            if wanted:
                change_schema(connection, wanted)
                finish(PostgresTables(connection))
                connection.execute("COMMIT")

    def set_aside(self, size: int) -> None:
        """See Store. Nothing: the server recovers before it answers, and keeps its log as it is told to."""

    def writer(self) -> PostgresWriter:
        """See Store. Other replicas may have theirs."""
        writer = PostgresWriter(self._place)
        self._connect = connect
        return writer

    @contextmanager
    def snapshot(self) -> Iterator[PostgresTables]:
        """See Store."""
        tables = self._begun()
        try:
            yield tables
        finally:
            tables.rollback()
            if tables.is_idle:
                self._idle.put(tables)
            else:
                tables.close()

    def open_readers(self, most: int) -> None:
        """See Store. A server's are connected when they are needed, again when they were lost."""

    def room(self, _: SpaceTerms) -> ServerRoom:
        """See Store."""
        return ServerRoom()

    def close(self) -> None:
        """See Store."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def _begun(self) -> PostgresTables:
        """A reader in a new transaction; an idle one if its connection still stands."""
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with suppress(Empty):
            while True:
                idle = self._idle.get_nowait()
                with suppress(StoreError):
                    idle.execute(begin)
                    return idle
                idle.close()
        tables = PostgresTables(self._connect(self._place))
        self._connect = connect
        tables.execute(begin)
        return tables


def _connected(place: PostgresPlace) -> Connection:
    """A connection to a journal of our schema. Raises Refusal."""
    connection = connect(place)
    try:
        verify_schema(connection)
    except psycopg.Error as error:
        connection.close()
        raise unavailable(place, error) from None
    except Refusal:
        connection.close()
        raise
    return connection
