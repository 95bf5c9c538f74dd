"""Three members that agree (J6), through many deaths of any of them: while they sign, grant, count grants,
start, and take back what a restored journal lost.

1. A member that dies is unreachable for the rest of the act; then it starts from the files that it left.
2. Whatever happened, an honest relayer that asks and carries on gets every withdrawal signed by all.
3. Two transactions that pay one withdrawal and have the signatures of two members share an input.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations, count
from pathlib import Path
from random import Random

from carrier.round import Carrier
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.errors import Refusal
from tests.core.spends import Coin
from tests.crash.hooks import Killed
from tests.crash.lines import Line
from tests.crash.lives import HEAD, Life, restore, save
from tests.crash.outside import Known, counted_twice
from tests.kernel.room import attested, construct_request, sign_request

LEAST = 100_000
ROUNDS = 8
TIMEOUT = 121
Act = tuple[Callable[[Life], None], Callable[[Life], None]]
"""What happens before that member is watched, and while it is."""


@dataclass
class Together:
    """The members, and what was asked of them."""

    lives: tuple[Life, ...]
    random: Random
    folder: Path
    """For backups."""
    disasters: "tuple[Callable[[Together], None], ...]" = ()
    """What befalls them beside deaths."""
    wrong: list[str] = field(default_factory=list)
    elsewhere: set[bytes] = field(default_factory=set)
    """Decisions that are on the record of a clone."""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _copies: "count[int]" = field(default_factory=count)
    _asked: list[pb.SignPsbtRequest] = field(default_factory=list)
    signed: dict[bytes, tuple[pb.SignPsbtRequest, set[str]]] = field(default_factory=dict)
    """By txid: who signed it."""
    _backups: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {each.name: Known() for each in self.lives}
        self._life = {each.name: each for each in self.lives}
        for each in self.lives:
            self._save(each)
            each.start()
        self._carry_until_ready()
        self.new(self.lives[0])

    @property
    def acts(self) -> dict[str, Act]:
        """What may end in a death."""
        return {
            "new": (self._nothing, self.new),
            "rivals": (self._nothing, self.rivals),
            "overdue": (self._begin_and_leave, self._retry_late),
            "restart": (self._restart, self._return),
            "restored": (self._restore, self._return),
        }

    def live(self, act: str, life: Life, point: str, nth: int) -> Counter[str]:
        """Do that, the member dying there; look at what is left, restart, look again. What it passed."""
        prepare, do = self.acts[act]
        prepare(life)
        life.watch(point, nth)
        do(life)
        passed = life.watched()
        if life.is_dead:
            life.bury()
            if act != "restored":  # which has not back yet what it lost
                self._compare(life)
            life.start()
        self._settle(life)
        if act == "restored":
            self._compare(life)
        return passed

    def befall(self, disaster: "Callable[[Together], None]") -> None:
        """Whatever it leaves is for the disaster to look at."""
        disaster(self)

    def end(self) -> list[str]:
        """Stop; all that was wrong."""
        for each in self.lives:
            each.stop()
            self._compare(each)
        return self.wrong

    # --- acts

    def new(self, _: Life) -> None:
        """A withdrawal from a coin of its own, asked of all."""
        request = self._build(self.random.choice(self.lives), (self._coin(),), next(self._numbers))
        if request is not None:
            self._asked.append(request)
            self._sign_everywhere(request)

    def rivals(self, _: Life) -> None:
        """A withdrawal from one coin at one member and from another at another; then one that spends both."""
        number, coins = next(self._numbers), (self._coin(), self._coin())
        for life, coin in zip(self.random.sample(self.lives, 2), coins, strict=True):
            request = self._build(life, (coin,), number)
            if request is not None:
                self._sign(life, request)
        self._carry(2)
        request = self._build(self._alive()[0], coins, number)
        if request is not None:
            self._asked.append(request)
            self._sign_everywhere(request)

    def _begin_and_leave(self, life: Life) -> None:
        request = self._build(life, (self._coin(),), next(self._numbers))
        assert request is not None
        self._asked.append(request)
        self._sign(life, request)

    def _retry_late(self, life: Life) -> None:
        """After the time that an entry waits for grants: it is void, and a retry makes a new one."""
        for each in self.lives:
            each.pass_by(TIMEOUT)
        request = self._asked[-1]
        self._sign(life, request)
        self._sign_everywhere(request)

    def _restart(self, life: Life) -> None:
        """It has asked nobody for grants yet when it stops."""
        self._begin_and_leave(life)
        life.stop()
        self._save(life)
        life.start()

    def _restore(self, life: Life) -> None:
        """Its directory becomes an earlier one, with or without the newest head file; the others have read
        all that it recorded."""
        self._carry(2)
        life.stop()
        head = (life.folder / HEAD).read_bytes()
        restore(life, self._backups[life.name])
        if self.random.random() < 0.5:
            (life.folder / HEAD).write_bytes(head)
        life.start()

    def _return(self, life: Life) -> None:
        self._carry(10)
        self._sign(life, self._asked[-1])

    def _nothing(self, _: Life) -> None:
        """Needs no preparation."""

    # --- parts

    def two_of_one_withdrawal(self, life: Life) -> tuple[pb.SignPsbtRequest, pb.SignPsbtRequest]:
        """From a coin each."""
        number = next(self._numbers)
        one, other = (self._build(life, (self._coin(),), number) for _ in range(2))
        assert one is not None
        assert other is not None
        return one, other

    def _coin(self) -> Coin:
        salt = next(self._numbers)
        return Coin(salt=salt, index=salt % 10)

    def _build(self, life: Life, coins: tuple[Coin, ...], number: int) -> pb.SignPsbtRequest | None:
        """None if the member died."""
        paid = ((number, LEAST + number),)
        pins = [t.OutPoint(txid=each.outpoint.txid, vout=each.outpoint.vout) for each in coins]
        try:
            built = life.construct(construct_request(coins, paid, required_inputs=pins))
        except Killed:
            return None
        return sign_request(built, attested(coins, paid, now=life.now()))

    def _sign(self, life: Life, request: pb.SignPsbtRequest) -> bool:
        """Whether it signed."""
        known = self.known[life.name]
        try:
            answer = life.sign(request)
        except Killed:
            return False
        except Refusal as refusal:
            known.hear_refusal(refusal)
            return False
        self.wrong += known.hear(request, answer)
        if answer.signatures:
            self.signed.setdefault(answer.txid, (request, set()))[1].add(life.name)
        return bool(answer.signatures)

    def _sign_everywhere(self, request: pb.SignPsbtRequest) -> list[str]:
        """Who signed it."""
        signed = []
        for life in self.random.sample(self.lives, len(self.lives)):
            for _ in range(3):
                if self._sign(life, request):
                    signed.append(life.name)
                    break
                self._carry(1)
        return signed

    def _alive(self) -> list[Life]:
        return [each for each in self.lives if not each.is_dead]

    def _carry(self, rounds: int) -> list[str]:
        """What did not go well in the last of so many rounds."""
        carrier = Carrier([Line(each, self.known[each.name]) for each in self._alive()])
        report = carrier.carry()
        for _ in range(rounds - 1):
            report = carrier.carry()
        return [*report.failures, *(each for told in report.waiting.values() for each in told)]

    def _carry_until_ready(self) -> None:
        troubles = ["not begun"]
        for _ in range(ROUNDS):
            troubles = self._carry(1)
            if not troubles:
                return
        self.wrong += [f"never ready: {each}" for each in troubles]

    def _settle(self, life: Life) -> None:
        """The honest relayer goes on; then everything is looked at."""
        self._carry_until_ready()
        signed = self._sign_everywhere(self._asked[-1])
        if len(signed) != len(self.lives):
            self.wrong.append(f"signed by {signed} alone")
        self.wrong += self.known[life.name].not_repeated_by(life)
        self.wrong += counted_twice(life.place)
        self.wrong += self.paid_twice()

    def paid_twice(self) -> list[str]:
        """3."""
        complete = [
            (request.payments[0].withdrawal_id, _inputs(request))
            for request, names in self.signed.values()
            if len(names) > 1
        ]
        return [
            f"paid twice: {one[0].hex()}"
            for one, other in combinations(complete, 2)
            if one[0] == other[0] and not one[1] & other[1]
        ]

    def _save(self, life: Life) -> None:
        """It does not run."""
        self._backups[life.name] = self.folder / f"backup {next(self._copies)} of {life.name}"
        save(life, self._backups[life.name])

    def _compare(self, life: Life) -> None:
        """Its record with what it said and did."""
        self.wrong += self.known[life.name].contradicted_by(
            life.place, life.touched - self.elsewhere
        )


def _inputs(request: pb.SignPsbtRequest) -> frozenset[object]:
    psbt = parse_psbt(request.psbt)
    return frozenset(each.previous for each in psbt.transaction.inputs)
