"""The second gate, dumber than the first: no policy; two caps, its own amounts, ledger and clock.

1. Before the journal records a spend, the writer asks for `objections`; before a child key exists the gate
   asks again and charges. So what is refused here is refused before it is agreed, but for a race.
2. Nothing passes before the ledger has caught up with the journal.
3. Time begins where the ledger or the journal ended, or at the kernel's effective time (J7), whichever is
   latest, and goes as the boot clock does: a machine's date that is set forward meanwhile empties no day. If
   effective time goes ahead of it (downtime; the officers stated the time) it follows: else all that is
   signed from then on would be that much older at the next start.
4. A core that says that less leaves contradicts us, and nothing is signed: its word is what the journal would
   bring back to a ledger that was cut.
5. What the ledger has no account for is signed within LATE seconds of its entry, by effective time, or never:
   what a cut took is charged again as late as it may have been signed, which is that, or now. Nor what costs
   nothing only because of an account that has grown since: it may never have been signed before.
It stops a core that decides wrongly, not code that runs in this process: that has the keys.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import astuple
from threading import Lock
from typing import NamedTuple

from keystore.caps import DAY, LATE, late, objections
from keystore.header import Binding, Limits
from keystore.leaving import leaves
from keystore.ledger import Charged, Ledger
from signer.bitcoin.transaction import OutPoint
from signer.bitcoin.units import Sats
from signer.core.errors import Fault, Objection, Refusal
from signer.core.spend import RecordedSpend, VerifiedSpend

_TREE_SIZE = re.compile(r"[^\n]+\n(0|[1-9][0-9]{0,18})\n")
"""The first lines of a checkpoint."""


def since_boot() -> float:
    """Seconds, suspension included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Since(NamedTuple):
    """From where a ledger needs the journal."""

    number: int
    """Of the entry."""
    moment: int
    """Where the ledger ended, Unix seconds: what may count in the day before is needed, too."""
    successor: bytes
    """See `Limits`."""


class SecondGate:
    """Of one vault key. Thread-safe."""

    def __init__(
        self,
        binding: Binding,
        limits: Limits,
        ledger: Ledger,
        passed: Callable[[], float] = since_boot,
    ) -> None:
        self._binding = binding
        self._limits = limits
        self._ledger = ledger
        self._passed = passed
        self._start: float | None = None
        """Unix seconds when `passed` was 0."""
        self._ahead: float = 0
        """Seconds of the kernel's effective time."""
        self._guard = Lock()

    def behind(self) -> Since | None:
        """What `catch_up` needs of the journal; None once it had it (2)."""
        with self._guard:
            if self._start is not None:
                return None
            return Since(self._ledger.size, self._ledger.moment, self._limits.successor)

    def catch_up(self, recorded: Iterable[Charged], size: int, now: int = 0) -> None:
        """Once, at that effective time (5). See `Ledger.catch_up`."""
        with self._guard:
            if self._start is not None:
                return
            lag = max(0, self._ledger.moment - now)
            latest = (_at_the_latest(each, now + lag, lag) for each in recorded)
            of_the_day = (each for each in latest if each.moment > now + lag - DAY)
            self._ledger.catch_up(of_the_day, size)
            self._start = max(self._ledger.moment, now) - self._passed()

    def follow(self, now: int) -> None:
        """That is the kernel's effective time (3)."""
        with self._guard:
            if self._start is not None:
                passed = self._passed()
                self._start = max(self._start, now - passed)
                self._ahead = self._start + passed - now

    def objections(
        self, spend: VerifiedSpend, now: int, recorded_at: int | None = None
    ) -> tuple[Objection, ...]:
        """Why it would not be signed (1); moments are by the caller's clock, which says `now`."""
        inputs, leaving = self._reckon(spend)
        age = 0 if recorded_at is None else now - recorded_at
        with self._guard:
            own = self._now()
            return tuple(_later(each, now - own) for each in self._ask(inputs, leaving, own, age))

    def charge(self, recorded: RecordedSpend) -> None:
        """Ask again and charge (1). Raises Refusal `cap-entry-late`, `cap-per-spend`, `cap-per-day` or
        `cap-ledger-broken`."""
        inputs, leaving = self._reckon(recorded.spend)
        size = _size_of(recorded.head)
        with self._guard:
            now = self._now()
            age = int(now - self._ahead) - recorded.recorded_at
            if found := self._ask(inputs, leaving, now, age):
                raise Refusal(*found)
            self._ledger.charge(Charged(inputs, leaving, now), size)

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def _reckon(self, spend: VerifiedSpend) -> tuple[tuple[OutPoint, ...], Sats]:
        inputs = tuple(txin.previous for txin in spend.transaction.inputs)
        leaving = leaves(spend, self._binding, self._limits.successor)
        if _said(spend, self._limits.successor) < leaving:  # 4
            raise Fault("more leaves than the core says")
        return inputs, leaving

    def _ask(
        self, inputs: tuple[OutPoint, ...], leaving: Sats, now: int, age: int
    ) -> tuple[Objection, ...]:
        grown = self._ledger.growth(inputs, leaving)
        is_paid = not grown and self._ledger.grown_at(inputs) <= now - age + LATE
        found = tuple(objections(self._limits.caps, leaving, grown, (self._ledger, now)))
        too_late = None if is_paid else late(age)  # 5
        return found if too_late is None else (too_late, *found)

    def _now(self) -> int:
        if self._start is None:
            detail = "the vault key's ledger has not caught up with the journal"
            raise Refusal(Objection("state-rolled-back", detail))
        return int(self._start + self._passed())


def _said(spend: VerifiedSpend, successor: bytes) -> int:
    """What leaves, as the core's entry in the journal says it (signer/charged.py)."""
    stayed = 0 if spend.change is None else spend.change.amount
    stayed += sum(each.amount for each in spend.rotations if each.to.fingerprint == successor)
    return sum(coin.prevout.amount for coin in spend.coins) - stayed


def _at_the_latest(recorded: Charged, now: int, lag: int) -> Charged:
    """As late as it may have been signed (5), by our time, behind which effective time lags."""
    inputs, leaving, moment = recorded
    return Charged(inputs, leaving, max(moment, min(now, moment + LATE + lag)))


def _later(objection: Objection, seconds: int) -> Objection:
    """By another clock, which is that far ahead of ours."""
    code, detail, observed, limit, moment, change = astuple(objection)
    if moment is not None:
        moment += seconds
    return Objection(code, detail, observed, limit, moment, change)


def _size_of(head: str) -> int:
    """Of the tree of a checkpoint."""
    found = _TREE_SIZE.match(head)
    if found is None:
        raise Fault("the spend comes with no head")
    return int(found[1])
