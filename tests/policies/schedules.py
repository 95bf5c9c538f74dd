"""A search for more than `worst-case` says: random schedules of spends over simulated time, each as large as
the kernels let it be.

1. Every honest kernel has a record of its own. A transaction counts when as many honest kernels consent as
   its path needs beside the compromised ones; which of them are asked is chosen anew each time, so that
   windows are filled by turns.
2. Compromised attestors and officers say whatever is asked; with a compromised client honest ones say what is
   due, and then only the fee is lost. Clocks of `aged` ran long ago.
   Many spends alike at one moment are asked about as the last of them.
3. Moments lie where windows end, or anywhere; compromised clocks err within their bound, each for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from policies.analysis.adversary import Adversary, Share
from policies.analysis.described import (
    Circumstances,
    DescribedRecord,
    DescribedSpend,
    move_terms,
    question_of,
    words_about,
)
from policies.analysis.worst_case import A_DAY, HORIZONS, Loss, VaultCase, worst_case
from policies.loaded import LoadedPolicy, Route
from signer.bitcoin.units import Sats
from signer.core.approve import objections
from signer.core.spend import Kind
from signer.core.vault import Vault
from tests.policies.generated import MONDAY
from tests.policies.greed import MOST_PAYMENTS, Aim, Charges, Greed

CLOCK_ERROR = 300
"""Seconds."""
LONG_AGO = MONDAY - 366 * 86_400
ATTEMPTS = 12
UNATTENDED = len(HORIZONS)


@dataclass(frozen=True)
class Beaten:
    """A bound that was exceeded."""

    policy: LoadedPolicy
    vault_id: str
    loss: Loss
    seconds: int
    signed: int

    def __str__(self) -> str:
        parties = ", ".join(self.loss.adversary.parties)
        where = f"{self.policy.name}, {self.vault_id}, {parties}"
        return f"{where}: {self.signed} sat within {self.seconds} s, not {self.loss.within}"


@dataclass
class Tally:
    """How hard was tried."""

    schedules: int = 0
    signed: int = 0
    """Transactions."""
    reached: int = 0
    """Schedules that came within 1 % of a bound above 0."""
    unbounded: int = 0
    """Draws of what has no bound: nothing to beat."""


@dataclass(frozen=True)
class Target:
    """A policy with its figures."""

    greed: Greed
    cases: tuple[VaultCase, ...]

    @property
    def policy(self) -> LoadedPolicy:
        return self.greed.policy


def target_of(policy: LoadedPolicy) -> Target:
    """To be searched many times."""
    return Target(Greed(policy), worst_case(policy, CLOCK_ERROR).vaults)


def search(random: Random, target: Target, schedules: int, tally: Tally) -> Iterator[Beaten]:
    """So many schedules, each of one vault, adversary and horizon that is bounded."""
    bounds = [
        (case.vault_id, loss, place, bound)
        for case in target.cases
        for loss in case.losses
        for place, bound in enumerate((*loss.within, loss.unattended))
        if bound is not None
    ]
    worthy = [each for each in bounds if each[-1] > 0]
    tally.unbounded += 0 if bounds else schedules
    for number in range(schedules if bounds else 0):
        vault_id, loss, place, bound = random.choice(worthy if worthy and number % 8 else bounds)
        seconds = A_DAY if place == UNATTENDED else HORIZONS[place]
        officers = Share.NONE if place == UNATTENDED else Share.QUORUM
        setting = Setting(target, vault_id, loss.adversary, officers)
        schedule = Schedule(random, setting)
        signed = schedule.play(seconds)
        tally.schedules += 1
        tally.signed += schedule.transactions
        tally.reached += bound > 0 and signed * 100 >= bound * 99
        if signed > bound:
            yield Beaten(target.policy, vault_id, loss, seconds, signed)


@dataclass(frozen=True)
class Setting:
    """Who attacks what."""

    target: Target
    vault_id: str
    adversary: Adversary
    honest_officers: Share
    """Whether they approve what is due: a human acts."""

    @property
    def vault(self) -> Vault:
        return next(each for each in self.target.policy.vaults if each.vault_id == self.vault_id)

    @property
    def routes(self) -> list[Route]:
        blocks = self.target.policy.blocks
        return sorted(
            {each.route for each in blocks if each.route.vault_id == self.vault_id}, key=str
        )


@dataclass
class Kernel:
    """An honest one."""

    member: bytes
    """Its public key in the vault."""
    charges: list[tuple[int, Sats, int]] = field(default_factory=list)
    clock: int = 0
    """Of its last decision; it never goes back."""


@dataclass(frozen=True)
class Words:
    """What is said in support of a spend."""

    attestors: frozenset[bytes]
    officers: frozenset[bytes]
    caller: str
    is_free: bool
    """Whether it is said because the thief wants it."""


class Schedule:
    """One try."""

    def __init__(self, random: Random, setting: Setting) -> None:
        self.random, self.setting, self.vault = random, setting, setting.vault
        members = sorted(
            {key for path in range(len(self.vault.paths)) for key in self._signers(path)}
        )
        f = self.vault.tolerated if setting.adversary.kernels else 0
        self.compromised = frozenset(random.sample(members, f))
        self.honest = [Kernel(each) for each in members if each not in self.compromised]
        self.part = random.choice((1, 2, self.vault.threshold))
        self.transactions = 0
        self._next_id = 1

    def play(self, seconds: int) -> int:
        """Sats that were signed away within so many seconds."""
        start = MONDAY + self.random.choice((0, 9 * 3_600, self.random.randrange(7 * 86_400)))
        routes, lost = self.setting.routes, 0
        for moment in self._moments(start, seconds):
            if routes:
                lost += self._attempt(self.random.choice(routes), moment)
        return lost

    def _moments(self, start: int, seconds: int) -> list[int]:
        """Within [start, start + seconds)."""
        windows = [each.window for each in self.setting.target.greed.windows]
        found = [0, 0, seconds - 1, seconds - 1]
        while len(found) < ATTEMPTS:
            length = self.random.choice([*windows, seconds])
            moment = self.random.choice(found) + self.random.choice((length, length - 1, -length))
            found.append(moment if 0 <= moment < seconds else self.random.randrange(seconds))
        return sorted(start + each for each in found)

    def _attempt(self, route: Route, moment: int) -> int:
        """What is lost by the largest spends of this kind that are signed."""
        words, greed = self._words(route), self.setting.target.greed
        path_index = self._path_index(route)
        asked = self._asked(path_index)
        clocks = [max(kernel.clock, moment + self._error()) for kernel in asked]
        records = tuple(
            (now, tuple(kernel.charges)) for kernel, now in zip(asked, clocks, strict=True)
        )
        aim = Aim(route, path_index, records, words.is_free, self.part)
        for spend in greed.spends(self.random, aim, self._next_id):
            for times in greed.bursts(aim, spend):
                if not any(self._refuses(spend, words, record, times) for record in records):
                    self._signed(spend, asked, clocks, times)
                    return times * aim.taken(spend)
        return 0

    def _path_index(self, route: Route) -> int:
        """A recovery path never pays: `verify` refuses it whatever a policy says."""
        moves = route.kind in (Kind.SWEEP, Kind.ROTATION)
        paths = enumerate(self.vault.paths)
        return self.random.choice([at for at, path in paths if moves or not path.is_locked])

    def _words(self, route: Route) -> Words:
        adversary, policy = self.setting.adversary, self.setting.target.policy
        caller = self.random.choice(self.setting.target.greed.callers)
        is_due = route.kind in (Kind.WITHDRAWAL, Kind.ANCHOR)
        likely = 0.3 if adversary.attestors is Share.QUORUM else 0.9
        if adversary.client and is_due and self.random.random() < likely:
            helpful = max(self.setting.honest_officers, adversary.officers)
            return Words(policy.attestors, self._share(helpful, policy.officer_keys), caller, False)
        attestors = self._share(adversary.attestors, policy.attestors)
        officers = self._share(adversary.officers, policy.officer_keys)
        return Words(attestors, officers, caller, True)

    def _share(self, share: Share, keys: frozenset[bytes]) -> frozenset[bytes]:
        if share is Share.ONE and keys:
            return frozenset({self.random.choice(sorted(keys))})
        return keys if share is Share.QUORUM else frozenset()

    def _asked(self, path_index: int) -> list[Kernel]:
        """As many honest kernels as the path needs beside the compromised ones."""
        signers = self._signers(path_index)
        able = [kernel for kernel in self.honest if kernel.member in signers]
        needed = self.vault.paths[path_index].threshold - len(self.compromised & signers)
        if self.random.random() < 0.5:  # those with the emptiest windows
            able.sort(key=lambda kernel: sum(charge for _, charge, _ in kernel.charges))
            return able[:needed]
        return self.random.sample(able, needed)

    def _signers(self, path_index: int) -> frozenset[bytes]:
        path = self.vault.paths[path_index]
        return frozenset(self.vault.places[place].xpub.pubkey for place in path.positions)

    def _error(self) -> int:
        extremes = (-CLOCK_ERROR, CLOCK_ERROR, self.random.randint(-CLOCK_ERROR, CLOCK_ERROR))
        return self.random.choice(extremes) if self.setting.adversary.clock else 0

    def _refuses(
        self, spend: DescribedSpend, words: Words, record: tuple[int, Charges], times: int
    ) -> bool:
        """Whether the last of so many alike is refused: the others meet an emptier record."""
        (now, charges), policy = record, self.setting.target.policy
        earlier = (now, Sats((times - 1) * spend.outflow), (times - 1) * len(spend.payments))
        described = DescribedRecord(
            charges=(*charges, earlier),
            attested_since=LONG_AGO,
            officers=words.officers,
            moves=() if spend.to is None else (move_terms(spend),),
        )
        said = words_about(spend, words.attestors, policy.attestors)
        question = question_of(spend, Circumstances(now, said, described, words.caller))
        return any(policy.spend_objections(question)) or any(objections(question, policy))

    def _signed(
        self, spend: DescribedSpend, asked: list[Kernel], clocks: list[int], times: int
    ) -> None:
        charge = Sats(times * spend.outflow)
        for kernel, now in zip(asked, clocks, strict=True):
            kernel.clock = now
            kernel.charges.append((now, charge, times * len(spend.payments)))
        self.transactions += times
        self._next_id += MOST_PAYMENTS
