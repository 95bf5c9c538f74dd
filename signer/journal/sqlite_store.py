"""The store in one file.

Rule 1: a journal is created once; an existing file is never overwritten.
Rule 2: one kernel at a time: an exclusive lock on `<path>.lock`, held while the writer is open. (A lock on
        the file itself could release SQLite's own.) Readers need no lock.
Rule 3: WAL with synchronous=FULL: a commit that returned survives the loss of power.
Rule 4: a file whose schema is not ours to the letter is not opened, and left as found.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import quote

from signer.core.errors import Objection, Refusal
from signer.journal.database import StoreError, Tables
from signer.journal.room import FileRoom, SpaceTerms
from signer.journal.schema import VERSION, foreign, verify_version
from signer.journal.sqlite_tables import APPLICATION_ID, SqliteTables, create_schema, rendered

BUSY_MILLISECONDS = 5_000


class SqliteStore:
    """The journal in that file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: SimpleQueue[SqliteTables] = SimpleQueue()
        self._is_complete = False
        """Whether no more readers may be opened."""

    def exists(self) -> bool:
        """See Store."""
        return self._path.exists()

    def create(self, fill: Callable[[Tables], None]) -> None:
        """See Store."""
        path = self._path
        if path.exists():
            raise Refusal(Objection("journal-exists", f"{path} exists; a journal is created once"))
        draft = path.with_name(path.name + ".new")
        try:
            draft.unlink(missing_ok=True)
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            tables = SqliteTables(_connect(draft, "rw"))
            try:
                tables.execute("PRAGMA journal_mode = WAL")
                tables.begin()
                create_schema(tables)
                fill(tables)
                tables.commit()
            finally:
                tables.close()
            os.link(draft, path)  # unlike rename it fails where a file stands
            _sync_directory(path.parent)
        except (OSError, sqlite3.Error, StoreError) as error:
            raise _unavailable(path, error) from None
        finally:
            draft.unlink(missing_ok=True)

    def migrate(
        self, statements: Callable[[int], tuple[str, ...]], finish: Callable[[Tables], None]
    ) -> None:
        """See Store."""
        path = self._path
        with exclusive(path):
            with closing(_opened(path, "ro", _require_application)) as connection:
                wanted = statements(_pragma(connection, "user_version"))
            if wanted:
                tables = SqliteTables(_opened(path, "rw", _require_application))
                try:
                    tables.begin()
                    for statement in wanted:
                        tables.execute(rendered(statement))
                    tables.execute(f"PRAGMA user_version = {VERSION}")
                    _verify_schema(tables._connection)
                    finish(tables)
                    tables.commit()
                finally:
                    tables.rollback()
                    tables.close()

    def set_aside(self, size: int) -> None:
        """See Store. The file and SQLite's beside it, byte for byte, into a folder; once for that head."""
        path = self._path
        folder = path.with_name(f"{path.name}.behind-{size}")
        draft = folder.with_name(folder.name + ".new")
        if folder.exists():
            return
        try:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
                if each.exists():
                    shutil.copyfile(each, draft / each.name)
            draft.rename(folder)
        except OSError as error:
            raise _unavailable(path, error) from None

    def writer(self) -> SqliteTables:
        """See Store. Raises `journal-locked` while another has it."""
        with ExitStack() as opening:
            opening.enter_context(exclusive(self._path))
            return SqliteTables(_open(self._path, "rw"), opening.pop_all())

    def open_readers(self, most: int) -> None:
        """See Store."""
        for _ in range(most):
            self._idle.put(SqliteTables(_open(self._path, "ro")))
        self._is_complete = True

    @contextmanager
    def snapshot(self) -> Iterator[SqliteTables]:
        """See Store."""
        tables = self._reader()
        try:
            tables.execute("BEGIN")
            yield tables
        finally:
            tables.rollback()
            self._idle.put(tables)

    def _reader(self) -> SqliteTables:
        try:
            if self._is_complete:
                return self._idle.get(timeout=BUSY_MILLISECONDS / 1_000)
            return self._idle.get_nowait()
        except Empty:
            if self._is_complete:
                raise StoreError("all readers are busy") from None
        return SqliteTables(_open(self._path, "ro"))

    def room(self, terms: SpaceTerms) -> FileRoom:
        """See Store. What the disk still gives is taken for the files that SQLite opens."""
        room = FileRoom(self._path, terms)
        room.make_room()
        return room

    def close(self) -> None:
        """See Store."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Nobody else writes this journal meanwhile. Raises `journal-locked`, `journal-unavailable`."""
    try:
        descriptor = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unavailable(path, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refusal(
            Objection("journal-locked", f"another process has {path} open; stop it first")
        ) from None
    finally:
        os.close(descriptor)


def _verify_schema(connection: sqlite3.Connection) -> None:
    """Raises Refusal `journal-foreign`, `journal-schema-unknown` or `journal-tampered`."""
    _require_application(connection)
    verify_version(_pragma(connection, "user_version"))
    fresh = sqlite3.connect(":memory:")
    try:
        create_schema(SqliteTables(fresh))
        if _schema(connection) != _schema(fresh):
            raise Refusal(Objection("journal-tampered", "the schema is not the one we created"))
    finally:
        fresh.close()


def _require_application(connection: sqlite3.Connection) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise foreign("the file is not a Pegwarden journal")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str, str | None]]:
    query = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
    return connection.execute(query).fetchall()


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return _opened(path, mode, _verify_schema)


def _opened(
    path: Path, mode: str, verify: Callable[[sqlite3.Connection], None]
) -> sqlite3.Connection:
    if not path.is_file():
        raise Refusal(Objection("journal-missing", f"there is no journal at {path}"))
    with ExitStack() as undo:
        try:
            connection = _connect(path, mode)
            undo.callback(connection.close)
            verify(connection)
        except sqlite3.Error as error:
            if error.sqlite_errorname in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                raise foreign(f"{path} is no journal") from None
            raise _unavailable(path, error) from None
        undo.pop_all()
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{_uri(path)}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")  # sorting and savepoints need no other disk
    if mode == "rw":
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _uri(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}"


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(path: Path, error: Exception) -> Refusal:
    return Refusal(Objection("journal-unavailable", f"{path} cannot be used: {error}"))
