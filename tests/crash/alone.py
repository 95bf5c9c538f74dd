"""One member without witnesses, through many deaths: each act may end in one, each death in a restart."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from pegwarden.v1 import kernel_pb2 as pb
from signer.core.errors import Refusal
from tests.core.spends import Coin
from tests.crash.fate import Disk, Fate, Killed
from tests.crash.outside import Known, counted_twice
from tests.kernel.room import Member, Running, attested, construct_request, sign_request

HEAD = "journal.sqlite.head"
LEAST = 100_000
CROWD = 3


@dataclass
class Alone:
    """The member, its kernel, and what was asked of it. `fate` must be installed."""

    folder: Path
    fate: Fate
    random: Random
    known: Known = field(default_factory=Known)
    asked: list[pb.SignPsbtRequest] = field(default_factory=list)
    """Requests that must be signed, sooner or later."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _lives: "count[int]" = field(default_factory=count)
    _coins: list[Coin] = field(default_factory=list)
    _fee: int = 2_000
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.member = Member(self.folder / "first", 0, head_name=HEAD).init()
        self._start()
        self.new()

    @property
    def acts(self) -> dict[str, Callable[[], None]]:
        """What may end in a death."""
        return {
            "new": self.new,
            "retry": self.retry,
            "dearer": self.dearer,
            "rival": self.rival,
            "stray": self.stray,
            "crowd": self.crowd,
        }

    def live(self, act: str, _: str, point: str, nth: int) -> Counter[str]:
        """Do that and die there; then look at what is left, restart, and look again. What was passed."""
        log_key = self.kernel.keystore.log_key
        self.fate.watch(log_key, self._disk, point, nth)
        try:
            self.acts[act]()
        except Killed:
            assert self.fate.is_dead
        passed, left = self.fate.passed, self.fate.left
        self.fate.who = b""
        if left is not None:
            self._stop()
            self._rise(left)
            self._compare()
            self._start()
        self._settle()
        return passed

    def end(self) -> list[str]:
        """Stop; all that was wrong."""
        self._stop()
        self._compare()
        return self.wrong

    # --- acts

    def new(self) -> None:
        """A withdrawal from a coin of its own."""
        self._ask(self._draft())

    def retry(self) -> None:
        """What was asked before."""
        self._ask(self.random.choice(self.asked))

    def dearer(self) -> None:
        """The newest withdrawal again, with a higher fee."""
        number = len(self._coins)
        self._fee += 500
        self._ask(self._build(self._coins[-1], number))

    def rival(self) -> None:
        """The newest withdrawal from another coin: refused, on record."""
        coin = Coin(salt=1_000_000 + self.random.randrange(1 << 30))
        self._refused(self._build(coin, len(self._coins)), "withdrawal-pinned")

    def stray(self) -> None:
        """A request that calls the change its payment: refused before the writer is asked."""
        request = pb.SignPsbtRequest.FromString(self.asked[-1].SerializeToString())
        request.payments[0].vout ^= 1
        self._refused(request, "")

    def crowd(self) -> None:
        """Some at once."""
        requests = [self._draft() for _ in range(CROWD)]
        killed: list[Killed] = []

        def ask(request: pb.SignPsbtRequest) -> None:
            try:
                self._ask(request)
            except Killed as death:
                killed.append(death)

        threads = [threading.Thread(target=ask, args=(each,)) for each in requests]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if killed:
            raise killed[0]

    # --- parts

    def _draft(self) -> pb.SignPsbtRequest:
        number = next(self._numbers)
        self._coins.append(Coin(salt=number, index=number % 10))
        return self._build(self._coins[-1], number)

    def _build(self, coin: Coin, number: int) -> pb.SignPsbtRequest:
        paid = ((number, LEAST + number),)
        asked = construct_request((coin,), paid)
        asked.fee_rate_sat_per_kvb = self._fee
        built = self.kernel.construct(asked)
        head = self.known.heads[-1] if self.known.heads else ""
        return sign_request(built, attested((coin,), paid), head)

    def _ask(self, request: pb.SignPsbtRequest) -> None:
        if request not in self.asked:
            self.asked.append(request)
        self.wrong += self.known.hear(request, self.kernel.sign(request))

    def _refused(self, request: pb.SignPsbtRequest, code: str) -> None:
        try:
            self.kernel.sign(request)
        except Refusal as refusal:
            self.known.hear_refusal(refusal)
            if code and refusal.code != code:
                self.wrong.append(f"refused with {refusal.code}, not {code}")
        else:
            self.wrong.append("signed what must be refused")

    def _settle(self) -> None:
        """Whatever was asked and is not signed yet is asked again; then everything is looked at."""
        for request in self.asked[-CROWD:]:
            try:
                self._ask(request)
            except Refusal as refusal:
                self.wrong.append(f"a retry is refused: {refusal}")
        self.wrong += self.known.not_repeated_by(self.kernel)
        place = self.member.folder / "journal.sqlite"
        self.wrong += counted_twice(self.kernel.journal, place)

    def _compare(self) -> None:
        """The record with what the member said and did."""
        touched = self.fate.keys_touched.get(self.kernel.keystore.log_key, set())
        self.wrong += self.known.contradicted_by(self.member.folder / "journal.sqlite", touched)

    def _start(self) -> None:
        self.kernel: Running = self.member.start()
        self._disk = Disk(self.member.folder)

    def _stop(self) -> None:
        self.kernel.stop()
        self._disk.close()

    def _rise(self, files: dict[str, bytes]) -> None:
        """The directory as the dead left it."""
        self.member.folder = self.folder / f"life {next(self._lives)}"
        lay(self.member.folder, files)


def lay(folder: Path, files: dict[str, bytes]) -> None:
    """A member's directory of these files."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
