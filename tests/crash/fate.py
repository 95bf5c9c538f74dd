"""A death at a point: what a process that dies there leaves, and nothing that it did afterwards.

1. One member is watched. When its thread passes the point for the n-th time the files are taken as they are,
   and everything in that process ends (`Killed`): no answer leaves any more, nothing is signed.
2. A file is read through a descriptor that stays open: closing one would let go of SQLite's locks on it. The
   `-shm` file is left out: a process that opens the journal alone makes it anew.
3. The files are those of one instant: a thread that dies outside the writer's turn waits until that is over.
4. Whatever the process held is closed by `Running.stop`, on files that nobody looks at again.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keystore import sealed
from keystore.file_keystore import FileKeystore
from signer.core.spend import RecordedSpend, SignedSpend
from signer.handle import Handler
from signer.journal.decide import Session
from signer.journal.entry import Entry
from signer.journal.sqlite_store import SqliteTables
from signer.journal.writer import Writer
from tests.crash.points import BEGIN, CALL, STEPS, commit_points, statement_point

WAL = "journal.sqlite-wal"
_LEFT_OUT = ("-shm", ".lock")
_DERIVED: dict[tuple[bytes, bytes], bytes] = {}


class KnownScrypt:
    """Derives a key once: members start thousands of times here."""

    def __init__(self, **cost: Any) -> None:
        self._cost = cost

    def derive(self, passphrase: bytes) -> bytes:
        asked = (self._cost["salt"], bytes(passphrase))
        if asked not in _DERIVED:
            _DERIVED[asked] = Scrypt(**self._cost).derive(passphrase)
        return bytes(bytearray(_DERIVED[asked]))  # a copy: who gets it wipes it


class Killed(BaseException):
    """The process is dead."""


@dataclass
class Disk:
    """The files of a member that runs."""

    folder: Path
    _open: dict[str, int] = field(default_factory=dict)

    def files(self) -> dict[str, bytes]:
        """Name and content of each, now."""
        found = {}
        for path in sorted(self.folder.iterdir()):
            if path.is_file() and not path.name.endswith(_LEFT_OUT):
                if path.name not in self._open:
                    self._open[path.name] = os.open(path, os.O_RDONLY)
                descriptor = self._open[path.name]
                found[path.name] = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        return found

    def close(self) -> None:
        """After the member has stopped."""
        for descriptor in self._open.values():
            os.close(descriptor)


class _Here(threading.local):
    """What this thread does."""

    who: bytes = b""
    """Log key of the member that it works for."""
    is_writer = False
    kind = ""
    """Of the last entry of the transaction."""
    holds = False
    """The writer's turn is not over."""


@dataclass
class Fate:
    """Who dies, and where. Thread-safe."""

    random: Random = field(default_factory=partial(Random, 0))
    who: bytes = b""
    """Log key of the member that is watched."""
    point: str = ""
    """Empty: passes are counted, nobody dies."""
    nth: int = 1
    passed: Counter[str] = field(default_factory=Counter)
    left: dict[str, bytes] | None = None
    """The files that the dead left."""
    keys_touched: dict[bytes, set[bytes]] = field(default_factory=dict)
    """By log key: decision ids of what was signed with the vault's key."""
    _disk: Disk | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.RLock = field(default_factory=threading.RLock)
    _here: _Here = field(default_factory=_Here)

    def watch(self, who: bytes, disk: Disk, point: str = "", nth: int = 1) -> None:
        """From now on."""
        self.who, self._disk, self.point, self.nth = who, disk, point, nth
        self.passed, self.left, self._turn = Counter(), None, threading.RLock()

    @property
    def is_dead(self) -> bool:
        """Whether the watched one has died."""
        return self.left is not None

    def passing(self, point: str, torn: dict[str, bytes] | None = None) -> None:
        """A thread is here. `torn`: the files before the commit that is done now. Raises Killed."""
        if not self.who or self._here.who != self.who:
            return
        self.require_life()
        with self._guard:
            self.passed[point] += 1
            is_it = point == self.point and self.passed[point] == self.nth
        if is_it:
            with self._turn:
                assert self._disk is not None
                files = self._disk.files()
                self.left = files if torn is None else self._tear(torn, files)
            raise Killed(point)

    def require_life(self) -> None:
        """Raises Killed in the threads of the dead."""
        if self.is_dead and self._here.who == self.who:
            raise Killed

    def _tear(self, before: dict[str, bytes], after: dict[str, bytes]) -> dict[str, bytes]:
        """The files of before, but the WAL with the first bytes of what the commit wrote."""
        old, new = before.get(WAL, b""), after[WAL]
        same = next(
            (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
            min(len(old), len(new)),
        )
        written = self.random.randint(same, len(new))
        return before | {WAL: new[:written] + old[written:]}

    # What replaces the kernel's functions while a test runs.

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
            outer, self._here.who = self._here.who, handler.kernel.journal._myself.log_key  # type: ignore[attr-defined]
            try:
                return self._step(CALL, original)(handler, *request)  # type: ignore[no-any-return]
            finally:
                self._here.who = outer

        return handle

    def _serve_batch(self, original: Callable[..., None]) -> Callable[..., None]:
        """The writer's thread lives on, for the files' sake; whoever waits for it learns of the death."""

        def serve_batch(writer: Writer, tickets: list[Any]) -> None:
            self._here.who, self._here.is_writer = writer._setting.signer.log_key, True  # type: ignore[attr-defined]
            try:
                self.require_life()
                original(writer, tickets)
            except Killed:
                for ticket in tickets:
                    _end(ticket.answer)

        return serve_batch

    def _begin(self, original: Callable[..., None]) -> Callable[..., None]:
        def begin(tables: SqliteTables) -> None:
            if self._here.is_writer and self._here.who == self.who:
                self._turn.acquire()
                self._here.holds = True
            original(tables)
            self._here.kind = ""
            if self._here.is_writer:
                self.passing(f"after {BEGIN}")

        return begin

    def _commit(self, original: Callable[..., None]) -> Callable[..., None]:
        def commit(tables: SqliteTables) -> None:
            if not self._here.is_writer or self._here.who != self.who:
                return original(tables)
            before, torn, after = commit_points(self._here.kind or "counts")
            self.passing(before)
            assert self._disk is not None
            old = self._disk.files() if self.point == torn else {}
            original(tables)
            self.passing(torn, old)
            self.passing(after)
            return self._let_go()

        return commit

    def _rollback(self, original: Callable[..., None]) -> Callable[..., None]:
        def rollback(tables: SqliteTables) -> None:
            original(tables)
            self._let_go()

        return rollback

    def _let_go(self) -> None:
        if self._here.holds:
            self._here.holds = False
            self._turn.release()

    def _executed(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(tables: SqliteTables, sql: str, *parameters: Any) -> Any:
            rows = original(tables, sql, *parameters)
            if self._here.is_writer and (point := statement_point(sql)):
                self.passing(point)
            return rows

        return execute

    def _write(self, original: Callable[..., bytes]) -> Callable[..., bytes]:
        def write(session: Session, entry: Entry) -> bytes:
            self._here.kind = type(entry).__name__.removesuffix("Entry").removesuffix("Notice")
            return original(session, entry)

        return write

    def _sign(self, original: Callable[..., SignedSpend]) -> Callable[..., SignedSpend]:
        def sign(keystore: FileKeystore, recorded: RecordedSpend) -> SignedSpend:
            self.require_life()
            touched = self.keys_touched.setdefault(keystore.log_key, set())
            touched.add(recorded.decision_id)
            return original(keystore, recorded)

        return sign

    @contextmanager
    def installed(self) -> Iterator["Fate"]:
        """Kernels that run meanwhile can die."""
        around: list[tuple[Any, str, Callable[..., Any]]] = [
            (FileKeystore, "sign", self._sign),
            *((step.owner, step.attribute, partial(self._step, step.name)) for step in STEPS),
            (Handler, "handle", self._handle),
            (Writer, "_serve_batch", self._serve_batch),
            (SqliteTables, "begin", self._begin),
            (SqliteTables, "commit", self._commit),
            (SqliteTables, "rollback", self._rollback),
            (SqliteTables, "execute", self._executed),
            (SqliteTables, "executemany", self._executed),
            (Session, "write", self._write),
        ]
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
