"""The file: who may open it, how, and what must be true before it is used.

Rule 1: a journal is created once, with its genesis entry; an existing file is never overwritten.
Rule 2: one kernel at a time: an exclusive lock on `<path>.lock`, held while the journal is open. (A lock on
        the file itself could release SQLite's own.) Readers need no lock.
Rule 3: WAL with synchronous=FULL: a commit that returned survives the loss of power.
Rule 4: a journal that begins with another entry, or whose head is not its log key's, is not opened.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Refusal
from signer.journal.codec import decode_entry
from signer.journal.entry import GenesisEntry
from signer.journal.log import Checkpoint, append, read_checkpoint, signed_note, write_checkpoint
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import LogSigner, origin_of, verify_head
from signer.journal.schema import create_schema, verify_schema

BUSY_MILLISECONDS = 5_000


def create_journal(path: Path, genesis: GenesisEntry, signer: LogSigner) -> bytes:
    """Create the file with its first entry, complete or not at all; the entry's leaf hash.

    Raises Refusal `journal-exists` or `journal-unavailable`.
    """
    if path.exists():
        raise Refusal(Objection("journal-exists", f"{path} exists; a journal is created once"))
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        connection = _connect(draft, "rw")
        try:
            leaf = _write_genesis(connection, genesis, signer)
        finally:
            connection.close()
        os.link(draft, path)  # unlike rename it fails where a file stands
        draft.unlink()
        _sync_directory(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise _unavailable(path, error) from None
    return leaf


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


def connect_writer(path: Path) -> sqlite3.Connection:
    """The writing connection, schema verified."""
    return _open(path, "rw")


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, schema verified."""
    return _open(path, "ro")


def verify_beginning(
    connection: sqlite3.Connection, expected_first_leaf: bytes, log_key: bytes
) -> GenesisEntry:
    """The genesis entry, if it is the expected one and the head is its log key's.

    Raises Refusal `journal-foreign` or `journal-tampered`.
    """
    genesis = read_genesis(connection)
    leaf = connection.execute("SELECT leaf FROM entries WHERE number = 0").fetchone()[0]
    if leaf != expected_first_leaf or genesis.log_key != log_key:
        raise Refusal(
            Objection(
                "journal-foreign",
                "the journal begins with another entry than the one our key is bound to",
                leaf.hex(),
                expected_first_leaf.hex(),
            )
        )
    verify_checkpoint(connection, read_checkpoint(connection), genesis)
    return genesis


def read_genesis(connection: sqlite3.Connection) -> GenesisEntry:
    """The first entry, its leaf hash verified. Raises `journal-foreign`, `journal-tampered`."""
    row = connection.execute("SELECT leaf, record FROM entries WHERE number = 0").fetchone()
    if row is None:
        raise Refusal(Objection("journal-foreign", "the journal is empty"))
    leaf, record = row
    with suppress(Malformed):
        genesis = decode_entry(record)
        if isinstance(genesis, GenesisEntry) and leaf_hash(record) == leaf:
            return genesis
    raise Refusal(
        Objection("journal-tampered", "entry 0 is not a genesis entry with its leaf hash")
    )


def verify_checkpoint(
    connection: sqlite3.Connection, checkpoint: Checkpoint, genesis: GenesisEntry
) -> None:
    """The head is the log key's and says what the checkpoint says. Raises `journal-tampered`."""
    (entries,) = connection.execute("SELECT max(number) + 1 FROM entries").fetchone()
    try:
        head = verify_head(checkpoint.note, genesis.log_key)
    except Malformed as error:
        raise Refusal(Objection("journal-tampered", f"head: {error.detail}")) from None
    newest = connection.execute("SELECT * FROM roots ORDER BY size DESC LIMIT 1").fetchone()
    frontier = checkpoint.frontier
    ours = (origin_of(genesis.genesis_hash, genesis.log_key), frontier.size, frontier.root())
    if (head.origin, head.size, head.root) != ours or entries != head.size or newest != ours[1:]:
        raise Refusal(
            Objection(
                "journal-tampered",
                "the signed head does not fit the entries",
                f"{entries} entries",
                f"{head.size} entries",
            )
        )


def _open(path: Path, mode: str) -> sqlite3.Connection:
    if not path.is_file():
        raise Refusal(Objection("journal-missing", f"there is no journal at {path}"))
    with ExitStack() as undo:
        try:
            connection = _connect(path, mode)
            undo.callback(connection.close)
            verify_schema(connection)
        except sqlite3.Error as error:
            if error.sqlite_errorname in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
                raise Refusal(Objection("journal-foreign", f"{path} is no journal")) from None
            raise _unavailable(path, error) from None
        undo.pop_all()
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    connection.execute("PRAGMA trusted_schema = OFF")
    if mode == "rw":
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _write_genesis(
    connection: sqlite3.Connection, genesis: GenesisEntry, signer: LogSigner
) -> bytes:
    connection.execute("PRAGMA journal_mode = WAL")
    create_schema(connection)
    connection.execute("BEGIN IMMEDIATE")
    frontier, leaf = append(connection, Frontier(), genesis)
    note = signed_note(frontier, genesis.genesis_hash, signer)
    write_checkpoint(connection, Checkpoint(frontier, genesis.clock, note))
    connection.execute("COMMIT")
    return leaf


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(path: Path, error: Exception) -> Refusal:
    return Refusal(Objection("journal-unavailable", f"{path} cannot be used: {error}"))
