"""Invariant: where members agree and one of them runs two replicas on one PostgreSQL, no two transactions
that could both confirm and pay one withdrawal get a quorum's signatures, every withdrawal that was asked for
can still be paid, and what is refused or waits is explained by a rule.

Relayers race as in `replicas`, asking any of the four kernels; a carrier carries between them all the time.
"""

import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random

from carrier.round import Carrier
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.core.errors import Fault, Refusal
from signer.journal.audit import verify_journal
from tests.core.spends import Coin
from tests.crash.outside import counted_twice
from tests.kernel.federated import Witnessed
from tests.kernel.room import attested, construct_request, sign_request
from tests.model.hosts import SHAPES, Member
from tests.postgres import Cluster

MEMBERS = 3
QUORUM = 2
RELAYERS = 16
LEAST = 10_000
AHEAD = 2
"""Withdrawals that are raced for at a time."""
TURN = 160
"""Requests after which others are."""
EXPLAINED = frozenset({"withdrawal-pinned", "withdrawal-held", "agreement-too-many-pending"})
LAST_ROUNDS = 6


@dataclass
class Race:
    """What relayers ask, and what came of it."""

    kernels: tuple[Witnessed, ...]
    """The last two are replicas of one member."""
    ends: float
    asked: int = 0
    numbers: set[int] = field(default_factory=set)
    """Of withdrawals that were asked for."""
    waited: int = 0
    """Answers without a signature: the entry waits for grants."""
    signed: dict[tuple[int, int], set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """By withdrawal and coin: log keys of who signed."""
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def run(self, seed: int) -> None:
        """Until the end."""
        threads = [
            threading.Thread(target=self._relay, args=(Random(seed * RELAYERS + number),))
            for number in range(RELAYERS)
        ]
        threads.append(threading.Thread(target=self._carry))
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def _carry(self) -> None:
        carrier = Carrier(self.kernels)
        while time.monotonic() < self.ends:
            carrier.carry()

    def _relay(self, random: Random) -> None:
        while time.monotonic() < self.ends:
            with self._guard:
                number = 1 + self.asked // TURN * AHEAD + random.randrange(AHEAD)
                self.asked += 1
                self.numbers.add(number)
            self.ask(random.choice(self.kernels), number, (random.randrange(2),))

    def ask(self, kernel: Witnessed, number: int, which: tuple[int, ...]) -> bool:
        """That withdrawal from these of its two coins; whether it is signed."""
        coins = tuple(Coin(salt=2 * number + each, index=number % 10) for each in which)
        try:
            answer = kernel.sign(_request(kernel, number, coins))
        except Refusal as refusal:
            with self._guard:
                self.refused[refusal.code] += 1
            return False
        except Fault as fault:
            with self._guard:
                self.wrong.append(f"fault: {fault}: {fault.__cause__}")
            return False
        with self._guard:
            self.waited += not answer.signatures
            if answer.signatures:
                self.signed[number, sum(1 << each for each in which)].add(kernel.log_key)
        return bool(answer.signatures)

    def settle(self) -> None:
        """Every withdrawal is paid: by a transaction of both coins, if need be."""
        carrier, unpaid = Carrier(self.kernels), self._unpaid()
        for which in ((0,), (1,), (0, 1)) * LAST_ROUNDS:
            for number in unpaid:
                for kernel in self.kernels:
                    self.ask(kernel, number, which)
            carrier.carry()
            unpaid = self._unpaid()
            if not unpaid:
                return
        self.wrong += [f"withdrawal {number} cannot be paid" for number in unpaid]

    def _unpaid(self) -> list[int]:
        return [
            number
            for number in sorted(self.numbers)
            if all(len(self.signed[number, which]) < QUORUM for which in (1, 2, 3))
        ]

    def paid_twice(self) -> list[str]:
        """1 and 2 are the versions of one coin each."""
        quorums = {each for each, names in self.signed.items() if len(names) >= QUORUM}
        return [
            f"withdrawal {one[0]} twice"
            for one, other in combinations(sorted(quorums), 2)
            if one[0] == other[0] and not one[1] & other[1]
        ]


def _request(kernel: Witnessed, number: int, coins: tuple[Coin, ...]) -> pb.SignPsbtRequest:
    paid = ((number, LEAST + number),)
    pins = [t.OutPoint(txid=each.outpoint.txid, vout=each.outpoint.vout) for each in coins]
    built = kernel.construct(construct_request(coins, paid, required_inputs=pins))
    return sign_request(built, attested(coins, paid))


@contextmanager
def _federation(folder: Path, cluster: Cluster) -> Iterator[tuple[tuple[Member, ...], Race]]:
    """Started, and ready."""
    policy, members = SHAPES[0].policy, []
    for number in range(MEMBERS):
        place = cluster.new_place() if number == MEMBERS - 1 else None
        members.append(Member(folder / "abc"[number], number, policy, place=place).init())
    kernels = [each.start() for each in (*members, members[-1])]
    try:
        carrier = Carrier(kernels)
        for _ in range(LAST_ROUNDS):
            carrier.carry()
        yield tuple(members), Race(tuple(kernels), 0.0)
    finally:
        for each in kernels:
            each.journal.close()


def race(cluster: Cluster, n: int, seed: int) -> list[str]:
    """So many seconds; what was wrong. Prints how much was asked and signed."""
    with tempfile.TemporaryDirectory() as name:
        with _federation(Path(name), cluster) as (members, running):
            began = time.monotonic()
            running.ends = began + n
            running.run(seed)
            seconds = time.monotonic() - began
            asked, waited, refused = running.asked, running.waited, dict(running.refused)
            running.settle()
            wrong = [*running.wrong, *running.paid_twice()]
        for each in members:
            verify_journal(each.journal)
            wrong += counted_twice(each.journal)
    unexplained = {code: times for code, times in refused.items() if code not in EXPLAINED}
    wrong += [f"{times} times {code}" for code, times in unexplained.items()]
    paid = sum(len(names) >= QUORUM for names in running.signed.values())
    print(
        f"with witnesses: {asked} requests in {seconds:.1f} s ({asked / seconds:.0f}/s), {waited} waited, "
        f"{paid} withdrawals signed by two members, refused: {refused}"
    )
    return wrong
