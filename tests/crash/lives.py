"""A member's kernel that is started, watched, dies and is started again: in this process, or as a whole one
(`tests.crash.houses`). What is done with it and looked at afterwards is the same.

1. Whoever asks the dead gets Killed; whoever asks the living an answer, or a Refusal.
2. The dead leave a directory; `bury` makes it the member's, as a machine that comes up again finds it.
"""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Protocol

from google.protobuf.message import Message

from carrier.seen import Answer
from pegwarden.v1 import kernel_pb2 as pb
from signer.clock import EffectiveClock, Machine
from signer.core.errors import Objection
from signer.journal.gate import Gate
from signer.journal.place import Place
from signer.ports.recording import Passage
from tests.core.spends import NOW
from tests.crash.fate import Disk, Fate
from tests.kernel import federated, room

HEAD = "journal.sqlite.head"


class Life(Protocol):
    """One member."""

    deaths: int
    """How often it died."""

    @property
    def name(self) -> str:
        """As carriers know it."""

    @property
    def log_key(self) -> bytes:
        """Its own."""

    @property
    def place(self) -> Place:
        """Its journal's."""

    @property
    def folder(self) -> Path:
        """Its directory."""

    @property
    def is_dead(self) -> bool:
        """Whether it died since it was started."""

    @property
    def touched(self) -> set[bytes]:
        """Decision ids of all that its vault key was used for."""

    def start(self) -> None:
        """Raises Killed where it dies meanwhile, and Refusal."""

    def stop(self) -> None:
        """In order; the dead are just let go."""

    def watch(self, point: str, nth: int) -> None:
        """From now on, or from the start if it does not run. Empty: nobody dies."""

    def watched(self) -> Counter[str]:
        """What was passed meanwhile; the watch ends."""

    def bury(self) -> None:
        """2. It is stopped then."""

    def twin(self, folder: Path) -> "Life":
        """Another process of the same member with the same journal."""

    def clone(self, folder: Path) -> "Life":
        """A copy of the member as it is now, while it serves: with a journal of its own, in a file."""

    def now(self) -> int:
        """The true time, Unix seconds."""

    def pass_by(self, seconds: int) -> None:
        """So much time passes, for all clocks."""

    def step(self, seconds: int) -> None:
        """The machine's wall clock, and nothing else, is set forward, or back."""

    def construct(
        self, request: pb.ConstructWithdrawalTxRequest
    ) -> pb.ConstructWithdrawalTxResponse:
        """ConstructWithdrawalTx."""

    def sign(self, request: pb.SignPsbtRequest) -> pb.SignPsbtResponse:
        """SignPsbt."""

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        """As a carrier."""

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        """As a carrier."""


@dataclass
class Host:
    """A machine's clocks, and the door that they shut: the journal's, once it is open."""

    time: float = NOW
    uptime: float = 5_000.0
    off: float = 0.0
    """Of the wall clock, seconds."""
    gate: Gate = field(default_factory=Gate)

    def shut(self, objection: Objection, passage: Passage) -> None:
        self.gate.shut(objection, passage)

    def reopen(self, code: str) -> None:
        self.gate.reopen(code)

    def clock(self) -> EffectiveClock:
        """Of a process on this machine."""
        wall = Machine(lambda: self.time + self.off, lambda: self.uptime)
        return EffectiveClock(self, machine=wall)


@dataclass
class Simulated:
    """In this process. `fate` must be installed."""

    member: room.Member | federated.Member
    fate: Fate
    grave: Path
    """Where the directories of the dead are laid."""
    host: Host = field(default_factory=Host)
    log_key: bytes = b""
    deaths: int = 0
    _disk: Disk | None = None
    _running: room.Running | None = None
    _lives: "count[int]" = field(default_factory=count)

    @property
    def name(self) -> str:
        return "abcdefgh"[self.member.number]

    @property
    def running(self) -> room.Running:
        """The kernel."""
        assert self._running is not None
        return self._running

    @property
    def place(self) -> Place:
        if isinstance(self.member, federated.Member):
            return self.member.folder / "journal.sqlite"
        return self.member.journal

    @property
    def folder(self) -> Path:
        return self.member.folder

    @property
    def is_dead(self) -> bool:
        return self.fate.is_dead and self.fate.who == self.log_key

    @property
    def touched(self) -> set[bytes]:
        return self.fate.keys_touched.get(self.log_key, set())

    def start(self) -> None:
        if isinstance(self.member, federated.Member):  # whose clock tests set
            self._running = self.member.start()
            self.log_key = self.running.keystore.log_key
            return
        clock = self.host.clock()
        self.member.clock = clock  # type: ignore[assignment]  # a clock all the same
        self._running = self.member.start()
        journal, self.log_key = self.running.journal, self.running.keystore.log_key
        self.host.gate = journal.gate
        with journal.reading() as reading:
            clock.begin(reading.last_entry())
        clock.judge_alone(journal.heads.seen)

    def stop(self) -> None:
        self.running.stop()
        if self._disk is not None:
            self._disk.close()
            self._disk = None

    def watch(self, point: str, nth: int) -> None:
        if self._disk is None and isinstance(self.place, Path):
            self._disk = Disk(self.member.folder)
        self.fate.watch(self.log_key, self._disk, point, nth)

    def watched(self) -> Counter[str]:
        passed = self.fate.passed
        if not self.fate.is_dead:
            self.fate.who = b""
        return passed

    def bury(self) -> None:
        left, self.fate.who = self.fate.left, b""
        assert left is not None
        self.deaths += 1
        self.stop()
        self.member.folder = self.grave / f"life {next(self._lives)} of {self.name}"
        lay(self.member.folder, left)

    def twin(self, folder: Path) -> "Simulated":
        return Simulated(replace(self.member), self.fate, folder, self.host)

    def clone(self, folder: Path) -> "Simulated":
        copy_running(self.folder, folder)
        return Simulated(replace(self.member, folder=folder), self.fate, folder, self.host)

    def now(self) -> int:
        return int(self.host.time)

    def pass_by(self, seconds: int) -> None:
        self.host.time += seconds
        self.host.uptime += seconds
        if isinstance(self.member, federated.Member):
            self.member.clock.moment += seconds

    def step(self, seconds: int) -> None:
        self.host.off += seconds

    def construct(
        self, request: pb.ConstructWithdrawalTxRequest
    ) -> pb.ConstructWithdrawalTxResponse:
        return self.running.construct(request)

    def sign(self, request: pb.SignPsbtRequest) -> pb.SignPsbtResponse:
        return self.running.sign(request)

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        return self._witnessed.ask(request, answer)

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        return self._witnessed.ask_all(request, answer)

    @property
    def _witnessed(self) -> federated.Witnessed:
        assert isinstance(self.running, federated.Witnessed)
        return self.running


def lay(folder: Path, files: dict[str, bytes]) -> None:
    """A member's directory of these files."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)


def copy_running(source: Path, target: Path) -> None:
    """A member's directory while it serves; its journal as SQLite's own tool copies it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("journal.sqlite*"))
    shutil.copyfile(source / HEAD, target / HEAD)
    copy_database(source / "journal.sqlite", target / "journal.sqlite")


def copy_database(source: Path, target: Path) -> None:
    """One file over the other, whoever has them open."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def save(life: Life, kept: Path) -> None:
    """A copy of a stopped member's directory, as a backup keeps it."""
    shutil.copytree(life.folder, kept, ignore=shutil.ignore_patterns("*.reserve"))


def restore(life: Life, kept: Path) -> None:
    """The directory of a stopped member is that backup again."""
    for each in life.folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink()
    shutil.copytree(kept, life.folder, dirs_exist_ok=True)
