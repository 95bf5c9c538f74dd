"""Invariant: two replicas of one member's kernel on one PostgreSQL, asked by relayers that race for the same
coins and withdrawals, sign no withdrawal for two transactions that could both confirm, refuse only what a
rule explains, and leave a journal that verifies.

`n` is seconds, and as many again where members agree (tests/soak/replicas_witnessed.py). Each relayer asks
one of the replicas, chosen anew each time, to pay a withdrawal of its turn from one of two coins. Of each
withdrawal one version is signed, by both replicas, the other refused.
"""

import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pegwarden.v1 import kernel_pb2 as pb
from signer.core.errors import Fault, Refusal
from signer.journal.audit import verify_journal
from tests.core.spends import Coin
from tests.crash.outside import counted_twice
from tests.kernel.room import (
    Member,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)
from tests.postgres import Cluster, programs
from tests.soak import replicas_witnessed

FULL = 60
RELAYERS = 16
LEAST = 10_000
EXPLAINED = frozenset({"withdrawal-pinned"})
AHEAD = 4
"""Withdrawals that are raced for at a time."""
ROOMY = "and(attested(2, watchers), fee_at_most(0.01 BTC), outflow_at_most(24h, 20000000 BTC))"


@dataclass
class Race:
    """What relayers ask of the replicas, and what came of it."""

    replicas: tuple[Running, Running]
    ends: float
    asked: int = 0
    signed: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """By withdrawal: txids."""
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def run(self, seed: int) -> None:
        threads = [
            threading.Thread(target=self._relay, args=(Random(seed * RELAYERS + number),))
            for number in range(RELAYERS)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    def _relay(self, random: Random) -> None:
        while time.monotonic() < self.ends:
            with self._guard:
                number = 1 + self.asked // RELAYERS * AHEAD + random.randrange(AHEAD)
                self.asked += 1
            kernel = random.choice(self.replicas)
            try:
                answer = kernel.sign(_request(kernel, number, random.randrange(2)))
            except Refusal as refusal:
                with self._guard:
                    self.refused[refusal.code] += 1
            except Fault as fault:
                with self._guard:
                    self.wrong.append(f"fault: {fault}")
            else:
                with self._guard:
                    self.signed[number].add(answer.txid)


def _request(kernel: Running, number: int, which: int) -> pb.SignPsbtRequest:
    """That withdrawal from one of its two coins."""
    coin, paid = Coin(salt=2 * number + which, index=number % 10), ((number, LEAST + number),)
    return sign_request(kernel.construct(construct_request((coin,), paid)), attested((coin,), paid))


def run(n: int, seed: int) -> list[str]:
    """What was wrong. Prints how much was asked and signed."""
    binaries = programs()
    if binaries is None:
        return ["PostgreSQL 15 or newer is not installed"]
    cluster = Cluster(binaries)
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = cluster.new_place()
            member = Member(Path(folder) / "member", 0, policy_text(when=ROOMY), place=place).init()
            replicas = member.start(), member.start()
            began = time.monotonic()
            race = Race(replicas, began + n)
            race.run(seed)
            seconds = time.monotonic() - began
            wrong = [*race.wrong, *counted_twice(place)]
            for each in replicas:
                each.stop()
            report = verify_journal(place)
        witnessed = replicas_witnessed.race(cluster, n, seed)
    finally:
        cluster.remove()
    wrong += [f"withdrawal {each} twice" for each, found in race.signed.items() if len(found) > 1]
    wrong += [f"{race.refused[code]} times {code}" for code in race.refused.keys() - EXPLAINED]
    print(
        f"{race.asked} requests in {seconds:.1f} s ({race.asked / seconds:.0f}/s), {len(race.signed)} "
        f"withdrawals signed, refused: {dict(race.refused)}, {report.entries} entries"
    )
    return [*wrong, *witnessed]
