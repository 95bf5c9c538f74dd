"""One member without witnesses, through many deaths and disasters: each act may end in a death, each death in
a restart; then everything is looked at (`tests.crash.outside`)."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pegwarden.v1 import kernel_pb2 as pb
from signer.core.errors import Refusal
from tests.core.spends import Coin
from tests.crash.hooks import Killed
from tests.crash.lives import Life
from tests.crash.outside import Known, counted_twice
from tests.kernel.room import attested, construct_request, sign_request

LEAST = 100_000
CROWD = 3


@dataclass
class Alone:
    """The member, and what was asked of it."""

    life: Life
    random: Random
    folder: Path
    """For copies of its own."""
    disasters: "tuple[Callable[[Alone], None], ...]" = ()
    """What befalls it beside deaths."""
    known: Known = field(default_factory=Known)
    asked: list[pb.SignPsbtRequest] = field(default_factory=list)
    """Requests that must be signed, sooner or later."""
    wrong: list[str] = field(default_factory=list)
    _coins: list[Coin] = field(default_factory=list)
    _fee: int = 2_000

    def __post_init__(self) -> None:
        self.life.start()
        self.new()

    @property
    def lives(self) -> tuple[Life, ...]:
        """Who may die."""
        return (self.life,)

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
            "restart": self.restart,
        }

    def live(self, act: str, life: Life, point: str, nth: int) -> Counter[str]:
        """Do that and die there; then look at what is left, restart, and look again. What was passed."""
        if act == "restart":
            life.stop()
        life.watch(point, nth)
        try:
            self.acts[act]()
        except Killed:
            assert life.is_dead
        passed = life.watched()
        if life.is_dead:
            life.bury()
            self.compare()
            life.start()
        self.settle()
        return passed

    def befall(self, disaster: "Callable[[Alone], None]") -> None:
        """Then everything is looked at."""
        disaster(self)
        self.settle()

    def end(self) -> list[str]:
        """Stop; all that was wrong."""
        self.life.stop()
        self.compare()
        return self.wrong

    # --- acts

    def new(self) -> None:
        """A withdrawal from a coin of its own."""
        self.ask(self.draft())

    def retry(self) -> None:
        """What was asked before."""
        self.ask(self.random.choice(self.asked))

    def dearer(self) -> None:
        """The newest withdrawal again, with a higher fee."""
        number = len(self._coins)
        self._fee += 500
        self.ask(self._build(self._coins[-1], number))

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
        requests = [self.draft() for _ in range(CROWD)]
        killed: list[Killed] = []

        def ask(request: pb.SignPsbtRequest) -> None:
            try:
                self.ask(request)
            except Killed as death:
                killed.append(death)

        threads = [threading.Thread(target=ask, args=(each,)) for each in requests]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if killed:
            raise killed[0]

    def restart(self) -> None:
        """It comes up, and signs what it signed."""
        self.life.start()
        self.retry()

    # --- parts

    def draft(self) -> pb.SignPsbtRequest:
        """A further withdrawal. It counts as asked for once it is built: a member may die of that alone."""
        number = len(self._coins) + 1
        coin = Coin(salt=number, index=number % 10)
        request = self._build(coin, number)
        self._coins.append(coin)
        self.asked.append(request)
        return request

    def _build(self, coin: Coin, number: int) -> pb.SignPsbtRequest:
        paid = ((number, LEAST + number),)
        asked = construct_request((coin,), paid)
        asked.fee_rate_sat_per_kvb = self._fee
        built = self.life.construct(asked)
        head = self.known.heads[-1] if self.known.heads else ""
        return sign_request(built, attested((coin,), paid, now=self.life.now()), head)

    def ask(self, request: pb.SignPsbtRequest) -> None:
        """Hear the answer."""
        if request not in self.asked:
            self.asked.append(request)
        self.wrong += self.known.hear(request, self.life.sign(request))

    def must_sign(self) -> bool:
        """A further withdrawal; wrong if it is refused."""
        return self.ask_unless_refused(self.draft())

    def ask_unless_refused(self, request: pb.SignPsbtRequest, *codes: str) -> bool:
        """Whether it is signed. It may be refused with these."""
        try:
            self.ask(request)
        except Refusal as refusal:
            self.known.hear_refusal(refusal)
            if refusal.code not in codes:
                self.wrong.append(f"refused with {refusal}, not {codes}")
            return False
        return True

    def _refused(self, request: pb.SignPsbtRequest, code: str) -> None:
        try:
            self.life.sign(request)
        except Refusal as refusal:
            self.known.hear_refusal(refusal)
            if code and refusal.code != code:
                self.wrong.append(f"refused with {refusal.code}, not {code}")
        else:
            self.wrong.append("signed what must be refused")

    def settle(self) -> None:
        """Whatever was asked and is not signed yet is asked again; then everything is looked at."""
        for request in self.asked[-CROWD:]:
            try:
                self.ask(request)
            except Refusal as refusal:
                self.wrong.append(f"a retry is refused: {refusal}")
        self.wrong += self.known.not_repeated_by(self.life)
        self.wrong += counted_twice(self.life.place)

    def compare(self) -> None:
        """The record with what the member said and did."""
        self.wrong += self.known.contradicted_by(self.life.place, self.life.touched)
