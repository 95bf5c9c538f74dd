"""A member's kernel as a whole process, with its configuration, certificates and port (`tests.crash.doomed`).

1. Processes are forked by one that has imported everything: a start costs what the kernel's own start costs.
2. A death is SIGKILL: by the process itself at its point, or by us at any moment.
"""

import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from google.protobuf.message import Message

from carrier.member import Credentials, Member, Refused, Unreachable
from carrier.seen import Answer
from clients.bitcoind import free_port
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.core.errors import Objection, Refusal
from signer.journal.place import Place
from tests.crash.doomed import Order, live
from tests.crash.furniture import configuration, furnish
from tests.crash.hooks import Killed
from tests.crash.lives import copy_running
from tests.kernel import federated, room
from tests.known_scrypt import DERIVED

ANY_MOMENT = "any moment"
"""The point of those that we kill."""
LONGEST = 0.05
"""Seconds after which we do."""
PATIENCE = 30.0
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.crash.doomed", "tests.crash.houses"])


def nothing() -> None:
    """A kernel as it is."""


@dataclass
class House:
    """See Life."""

    member: room.Member | federated.Member
    random: Random
    notes: Path
    """A folder for what is not the member's."""
    off: float = 0.0
    """Seconds that its wall clock is ahead."""
    waited: float = 0.0
    """Seconds that have passed beyond the true ones."""
    log_key: bytes = b""
    deaths: int = 0
    plant: Callable[[], None] = nothing
    """See Order."""
    _port: int = field(default_factory=free_port)
    _process: BaseProcess | None = None
    _pipe: Connection | None = None
    _member: Member | None = None
    _order: tuple[str, int] = ("", 0)
    _killer: threading.Timer | None = None

    @property
    def name(self) -> str:
        return "abcdefgh"[self.member.number]

    @property
    def place(self) -> Place:
        if isinstance(self.member, federated.Member):
            return self.member.folder / "journal.sqlite"
        return self.member.journal

    @property
    def folder(self) -> Path:
        return self.member.folder

    def furnish(self) -> "House":
        """What `pegwarden serve` reads."""
        furnish(self.folder, self.member.policy)
        text = configuration(self.name, self._port, self.place)
        (self.folder / self._config_name).write_text(text)
        return self

    @property
    def _config_name(self) -> str:
        """Two processes may share a folder."""
        return f"{self._port}.toml"

    @property
    def _log(self) -> Path:
        return self.notes / f"log of {self._port}"

    # --- life and death

    @property
    def is_dead(self) -> bool:
        return self._process is not None and not self._process.is_alive()

    @property
    def touched(self) -> set[bytes]:
        path = self.notes / f"touched by {self._port}"
        told = path.read_bytes() if path.exists() else b""
        return {told[at : at + 32] for at in range(0, len(told), 32)}

    def start(self) -> None:
        ours, theirs = FORKS.Pipe()
        drawn = self.random.getrandbits(32)
        order = Order(
            self.folder / self._config_name,
            self.notes / f"touched by {self._port}",
            self._log,
            *self._order,
            drawn,
            self.off,
            self.waited,
            DERIVED,
            self.plant,
        )
        self._process = FORKS.Process(target=live, args=(theirs, order), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe = ours
        try:
            DERIVED.update(self._heard())
        except (EOFError, ConnectionError):
            self._process.join(PATIENCE)
            if self._process.exitcode == -signal.SIGKILL:
                raise Killed from None
            raise self._why() from None
        self._connect()

    def _connect(self) -> None:
        names = ("ca.pem", "relayer.pem", "relayer.key")
        files = Credentials(*(self.folder / each for each in names))
        self._member = Member(self.name, f"127.0.0.1:{self._port}", files)
        self._member.wait_ready(PATIENCE)
        if not self.log_key:
            self.log_key = self._member.ask(pb.GetInfoRequest(), pb.GetInfoResponse).log_key

    def _why(self) -> Exception:
        """Why it does not serve: its last words, which name a code where it is a refusal."""
        words = " ".join(self._log.read_text().split())[-500:]
        return Refusal(Objection("journal-unavailable", words))

    def _heard(self) -> dict[tuple[bytes, bytes], bytes]:
        assert self._pipe is not None
        if not self._pipe.poll(PATIENCE):
            raise TimeoutError(f"{self.name} says nothing")
        told: dict[tuple[bytes, bytes], bytes] = self._pipe.recv()
        return told

    def stop(self) -> None:
        with ExitStack() as undo:
            undo.callback(self.end)
            assert self._process is not None
            if self._process.is_alive():
                self._process.terminate()
                self._process.join(PATIENCE)
                if self._process.exitcode != 0:
                    raise AssertionError(f"{self.name} stopped with {self._process.exitcode}")

    def end(self) -> None:
        """Whatever it does."""
        for each in (self._member, self._pipe):
            if each is not None:
                each.close()
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process, self._member, self._pipe = None, None, None

    def watch(self, point: str, nth: int) -> None:
        self._order = (point, nth)
        if self._process is None:
            return
        if point == ANY_MOMENT:
            self._killer = threading.Timer(self.random.uniform(0, LONGEST), self._process.kill)
            self._killer.start()
        else:
            self._tell("watch", point, nth)

    def watched(self) -> Counter[str]:
        if self._killer is not None:
            self._killer.join()
            self._killer = None
            assert self._process is not None
            self._process.join(PATIENCE)
            self._order = ("", 0)
            return Counter({ANY_MOMENT: 1})
        self._order = ("", 0)
        passed = None if self.is_dead else self._tell("watch", "", 0)
        return Counter({ANY_MOMENT: 1}) + passed if isinstance(passed, Counter) else Counter()

    def _tell(self, *order: object) -> object:
        """Its answer; None where it has died."""
        assert self._pipe is not None
        with suppress(EOFError, OSError):
            self._pipe.send(order)
            return self._heard()
        assert self._process is not None
        self._process.join(PATIENCE)
        return None

    def bury(self) -> None:
        self.deaths += 1
        self.end()

    def twin(self, folder: Path) -> "House":
        member = self.member
        if not isinstance(self.place, Path):
            shutil.copytree(self.folder, folder / f"twin {self.deaths}", dirs_exist_ok=True)
            member = replace(member, folder=folder / f"twin {self.deaths}")
        return House(member, self.random, self.notes).furnish()

    def clone(self, folder: Path) -> "House":
        copy_running(self.folder, folder)
        return House(replace(self.member, folder=folder), self.random, self.notes).furnish()

    def limit_files(self, size: int | None) -> None:
        """No file may grow beyond that; None: any."""
        self._tell("largest", size)

    # --- time

    def now(self) -> int:
        return int(time.time() + self.waited)

    def pass_by(self, seconds: int) -> None:
        self.waited += seconds
        self._set_clocks()

    def step(self, seconds: int) -> None:
        self.off += seconds
        self._set_clocks()

    def _set_clocks(self) -> None:
        if self._process is not None:
            self._tell("clocks", self.off, self.waited)

    # --- asked

    def construct(
        self, request: pb.ConstructWithdrawalTxRequest
    ) -> pb.ConstructWithdrawalTxResponse:
        return self._told(request, pb.ConstructWithdrawalTxResponse)

    def sign(self, request: pb.SignPsbtRequest) -> pb.SignPsbtResponse:
        return self._told(request, pb.SignPsbtResponse)

    def _told(self, request: Message, answer: type[Answer]) -> Answer:
        try:
            return self.ask(request, answer)
        except Refused as refused:
            raise refusal_of(refused.refusal) from None

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        assert self._member is not None
        try:
            return self._member.ask(request, answer)
        except Unreachable as silent:
            raise self._death(silent) from None

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        assert self._member is not None
        try:
            yield from self._member.ask_all(request, answer)
        except Unreachable as silent:
            raise self._death(silent) from None

    def _death(self, silent: Unreachable) -> BaseException:
        assert self._process is not None
        self._process.join(PATIENCE)
        return Killed() if self.is_dead else silent


def refusal_of(said: t.Refusal) -> Refusal:
    """As it is raised within a kernel."""
    refusal = Refusal(*(Objection(each.code, each.detail) for each in said.objections))
    refusal.decision_id = said.decision_id
    return refusal
