"""Three members that agree (J6), through many deaths of any of them: while they sign, grant, count grants,
start, and take back what a restored journal lost.

1. A member that dies is unreachable for the rest of the act; then it starts from the files that it left.
2. Whatever happened, an honest relayer that asks and carries on gets every withdrawal signed by all.
3. Two transactions that pay one withdrawal and have the signatures of two members share an input.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, count
from pathlib import Path
from random import Random

from google.protobuf.message import Message

from carrier.member import Unreachable
from carrier.round import Answer, Carrier
from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.network import REGTEST
from signer.bitcoin.psbt.reader import parse_psbt
from signer.core.agreement.messages import Granted, read_message
from signer.core.errors import Refusal
from tests.core.spends import Coin
from tests.crash.alone import HEAD, lay
from tests.crash.fate import Disk, Fate, Killed
from tests.crash.outside import Known, counted_twice
from tests.kernel import federated
from tests.kernel.federated import Member, Team, Witnessed
from tests.kernel.room import attested, construct_request, sign_request

NAMES = "abc"
LEAST = 100_000
ROUNDS = 8
TIMEOUT = 121
Act = tuple[Callable[[str], None], Callable[[str], None]]
"""What happens before that member is watched, and while it is."""


@dataclass
class Line:
    """A member over a connection that breaks when it dies. What it says is heard by all."""

    kernel: Witnessed
    known: Known

    @property
    def name(self) -> str:
        return self.kernel.name

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        try:
            said = self.kernel.ask(request, answer)
        except Killed:
            raise Unreachable(self.name) from None
        if not getattr(request, "log_key", b""):
            self._hear(said)
        return said

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        try:
            yield from self.kernel.ask_all(request, answer)
        except Killed:
            raise Unreachable(self.name) from None

    def _hear(self, said: Message) -> None:
        if isinstance(said, au.GetHeadResponse):
            self.known.heads.append(said.head)
        if isinstance(said, au.WitnessResponse):
            every = frozenset(federated.log_key_of(number) for number in range(len(NAMES)))
            messages = (read_message(each, REGTEST.genesis_hash, every) for each in said.messages)
            self.known.grants |= {each.leaf for each in messages if isinstance(each, Granted)}


@dataclass
class Together:
    """The members, and what was asked of them. `fate` must be installed."""

    folder: Path
    fate: Fate
    random: Random
    wrong: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _lives: "count[int]" = field(default_factory=count)
    _asked: list[pb.SignPsbtRequest] = field(default_factory=list)
    _signed: dict[bytes, tuple[pb.SignPsbtRequest, set[str]]] = field(default_factory=dict)
    """By txid: who signed it."""
    _backups: dict[str, Path] = field(default_factory=dict)
    _disks: dict[str, Disk] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.team: Team = federated.team(self.folder)
        for member in self.team.members:
            member.head_name = HEAD
        self.known = {name: Known() for name in NAMES}
        for name in NAMES:
            self._backups[name] = self.team.save(name)
        self.team.start()
        self._carry_until_ready()
        self.new("a")

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

    def live(self, act: str, who: str, point: str, nth: int) -> Counter[str]:
        """Do that, the member dying there; look at what is left, restart, look again. What it passed."""
        prepare, do = self.acts[act]
        prepare(who)
        disk = self._disks.setdefault(who, Disk(self._member(who).folder))
        self.fate.watch(self.team[who].log_key, disk, point, nth)
        do(who)
        passed, left = self.fate.passed, self.fate.left
        self.fate.who = b""
        if left is not None:
            self._stop(who)
            self._rise(who, left)
            if act != "restored":  # which has not back yet what it lost
                self._compare(who)
            self.team.start(who)
        self._settle(who)
        if act == "restored":
            self._compare(who)
        return passed

    def end(self) -> list[str]:
        """Stop; all that was wrong."""
        for name in NAMES:
            self._stop(name)
            self._compare(name)
        return self.wrong

    # --- acts

    def new(self, _: str) -> None:
        """A withdrawal from a coin of its own, asked of all."""
        name = self.random.choice(NAMES)
        request = self._build(name, (self._coin(),), next(self._numbers))
        if request is not None:
            self._asked.append(request)
            self._sign_everywhere(request)

    def rivals(self, _: str) -> None:
        """A withdrawal from one coin at one member and from another at another; then one that spends both."""
        number, coins = next(self._numbers), (self._coin(), self._coin())
        for name, coin in zip(self.random.sample(NAMES, 2), coins, strict=True):
            request = self._build(name, (coin,), number)
            if request is not None:
                self._sign(name, request)
        self._carry(2)
        request = self._build(self._alive()[0], coins, number)
        if request is not None:
            self._asked.append(request)
            self._sign_everywhere(request)

    def _begin_and_leave(self, who: str) -> None:
        request = self._build(who, (self._coin(),), next(self._numbers))
        assert request is not None
        self._asked.append(request)
        self._sign(who, request)

    def _retry_late(self, who: str) -> None:
        """After the time that an entry waits for grants: it is void, and a retry makes a new one."""
        for member in self.team.members:
            member.clock.moment += TIMEOUT
        request = self._asked[-1]
        self._sign(who, request)
        self._sign_everywhere(request)

    def _restart(self, who: str) -> None:
        """It has asked nobody for grants yet when it stops."""
        self._begin_and_leave(who)
        self._stop(who)
        self._backups[who] = self.team.save(who)
        self.team.start(who)

    def _restore(self, who: str) -> None:
        """Its directory becomes an earlier one, with or without the newest head file; the others have read
        all that it recorded."""
        self._carry(2)
        self._stop(who)
        head = (self._member(who).folder / HEAD).read_bytes()
        self.team.restore(who, self._backups[who])
        if self.random.random() < 0.5:
            (self._member(who).folder / HEAD).write_bytes(head)
        self.team.start(who)

    def _return(self, who: str) -> None:
        self._carry(10)
        self._sign(who, self._asked[-1])

    def _nothing(self, _: str) -> None:
        """Needs no preparation."""

    # --- parts

    def _coin(self) -> Coin:
        salt = next(self._numbers)
        return Coin(salt=salt, index=salt % 10)

    def _build(self, name: str, coins: tuple[Coin, ...], number: int) -> pb.SignPsbtRequest | None:
        """None if the member died."""
        paid = ((number, LEAST + number),)
        pins = [t.OutPoint(txid=each.outpoint.txid, vout=each.outpoint.vout) for each in coins]
        try:
            asked = construct_request(coins, paid, required_inputs=pins)
            built = self.team[name].construct(asked)
        except Killed:
            return None
        now = self._member(name).clock.now()
        return sign_request(built, attested(coins, paid, now=now))

    def _sign(self, name: str, request: pb.SignPsbtRequest) -> bool:
        """Whether it signed."""
        try:
            answer = self.team[name].sign(request)
        except Killed:
            return False
        except Refusal as refusal:
            self.known[name].hear_refusal(refusal)
            return False
        self.wrong += self.known[name].hear(request, answer)
        if answer.signatures:
            self._signed.setdefault(answer.txid, (request, set()))[1].add(name)
        return bool(answer.signatures)

    def _sign_everywhere(self, request: pb.SignPsbtRequest) -> list[str]:
        """Who signed it."""
        signed = []
        for name in self.random.sample(NAMES, len(NAMES)):
            for _ in range(3):
                if self._sign(name, request):
                    signed.append(name)
                    break
                self._carry(1)
        return signed

    def _alive(self) -> list[str]:
        return [
            name
            for name in NAMES
            if not (self.fate.is_dead and self.team[name].log_key == self.fate.who)
        ]

    def _carry(self, rounds: int) -> list[str]:
        """What did not go well in the last of so many rounds."""
        lines = [Line(self.team[name], self.known[name]) for name in self._alive()]
        carrier = Carrier(lines)
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

    def _settle(self, who: str) -> None:
        """The honest relayer goes on; then everything is looked at."""
        self._carry_until_ready()
        signed = self._sign_everywhere(self._asked[-1])
        if sorted(signed) != list(NAMES):
            self.wrong.append(f"signed by {signed} alone")
        served = self.team[who]
        self.wrong += self.known[who].not_repeated_by(served)
        self.wrong += counted_twice(served.journal, self._member(who).folder / "journal.sqlite")
        self.wrong += self._paid_twice()

    def _paid_twice(self) -> list[str]:
        """3."""
        complete = [
            (request.payments[0].withdrawal_id, _inputs(request))
            for request, names in self._signed.values()
            if len(names) > 1
        ]
        return [
            f"paid twice: {one[0].hex()}"
            for one, other in combinations(complete, 2)
            if one[0] == other[0] and not one[1] & other[1]
        ]

    def _member(self, name: str) -> Member:
        return next(each for each in self.team.members if each.name == name)

    def _stop(self, who: str) -> None:
        self.team.stop(who)
        if who in self._disks:
            self._disks.pop(who).close()

    def _rise(self, who: str, files: dict[str, bytes]) -> None:
        """Its directory as the dead left it."""
        member = self._member(who)
        member.folder = self.folder / f"life {next(self._lives)} of {who}"
        lay(member.folder, files)

    def _compare(self, who: str) -> None:
        """Its record with what it said and did."""
        member = self._member(who)
        touched = self.fate.keys_touched.get(federated.log_key_of(member.number), set())
        place = member.folder / "journal.sqlite"
        self.wrong += self.known[who].contradicted_by(place, touched)


def _inputs(request: pb.SignPsbtRequest) -> frozenset[object]:
    psbt = parse_psbt(request.psbt)
    return frozenset(each.previous for each in psbt.transaction.inputs)
