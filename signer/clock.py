"""Effective time (design J7): what every window, expiry and delay is counted by.

1. It advances as the machine's boot clock does, suspension included: a step of the wall clock while the
   kernel runs moves no window and revives no attestation.
2. At the start it is the last entry's, or the later time that the officers' last unlock stated. It moves to
   wall time if that lies at most MAX_DIFFERENCE before and `max_downtime` after the time at which the journal
   was last served; with witnesses only once the median of their wall clocks is within MAX_DIFFERENCE of ours.
3. Else the clock has stepped: nothing is signed until the officers' quorum has stated the time, or until a
   start at which the wall clock passes. What they state before the clock is judged waits for that, and counts
   only if wall time does not pass. Wall time counts then as far as it fits what they stated; else time
   goes on from that, and can only lag: a text that was signed hours ago does not vouch for the hours since.
4. It never goes back behind an entry, because the journal takes the last one's where that is later: after a
   step forward that was set right time stands still until the wall clock has caught up.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from signer.core.errors import Objection
from signer.core.moments import format_time
from signer.ports.recording import Passage

MAX_DIFFERENCE = 120
"""Seconds between two clocks that show the same time."""
MAX_DOWNTIME = 86_400
"""Seconds, where the configuration does not say it."""


def _wall() -> float:
    return time.time()


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine's clocks."""

    wall: Callable[[], float] = _wall
    passed: Callable[[], float] = _since_boot
    """Seconds since some moment, suspension included; never goes back and never steps."""


MACHINE = Machine()


class Gate(Protocol):
    """What a step shuts."""

    def shut(self, objection: Objection, passage: Passage) -> None:
        """Until `reopen` only such work passes."""

    def reopen(self, code: str) -> None:
        """That reason is gone."""


class EffectiveClock:
    """Thread-safe. Before `begin` it says 0: then the journal's last entry gives the time."""

    def __init__(
        self, gate: Gate, max_downtime: int = MAX_DOWNTIME, machine: Machine = MACHINE
    ) -> None:
        self._gate = gate
        self._max_downtime = max_downtime
        self._machine = machine
        self._start: float | None = None
        """Unix seconds of effective time when `passed` was 0."""
        self._guard = threading.Lock()
        self._heard: dict[bytes, float] = {}
        """Of each member, its wall clock when our `passed` was 0."""
        self._is_judged = False
        self._stated: float | None = None
        """What the officers stated before: the time when our `passed` was 0."""

    def now(self) -> int:
        """Unix seconds (rule 4)."""
        start = self._start
        return 0 if start is None else int(start + self._machine.passed())

    def wall(self) -> int:
        """What the machine's clock shows, Unix seconds."""
        return int(self._machine.wall())

    def begin(self, last: int) -> None:
        """Go on from that time."""
        self._start = last - self._machine.passed()

    def judge_alone(self, seen: int) -> None:
        """Without witnesses: rule 2 against the time of the beginning, or the later time `seen` at which the
        head file says that a kernel with this journal ran."""
        last = max(self.now(), seen)
        self._is_judged = True
        if -MAX_DIFFERENCE <= self.wall() - last <= self._max_downtime:
            self._follow_wall()
            return
        limit = f"{MAX_DIFFERENCE} s before to {self._max_downtime} s after"
        self._step("the time at which this journal was last served", last, limit)

    def heard(self, member: bytes, wall: int) -> None:
        """A witness has just said what its wall clock shows."""
        with self._guard:
            self._heard[member] = wall - self._machine.passed()

    def others_time(self) -> int:
        """Unix seconds until which others may have written: effective time, or later where both our wall
        clock and the members' median are. A majority of liars alone, or a wrong clock of ours alone, moves it
        no further."""
        with self._guard:
            said = sorted(self._heard.values())
        median = said[len(said) // 2] + self._machine.passed() if said else 0
        return max(self.now(), min(self.wall(), int(median)))

    def judge_by_witnesses(self) -> None:
        """Rule 2 against the witnesses that were heard; of an even number both in the middle must agree."""
        with self._guard:
            self._is_judged, passed = True, self._machine.passed()
            said = sorted(self._heard.values())
            middle = said[(len(said) - 1) // 2 : len(said) // 2 + 1] if said else []
            ours = self._machine.wall() - passed
            contrary = [each for each in middle if abs(each - ours) > MAX_DIFFERENCE]
            if middle and not contrary:
                self._follow_wall()
            elif self._stated is not None:
                self._go_on_from(int(self._stated + passed))
            else:
                theirs = contrary[0] + passed if contrary else self.now()
                self._step("the witnesses' median", int(theirs), f"within {MAX_DIFFERENCE} s")

    def accept(self, moment: int) -> None:
        """Rule 3: the officers' quorum states that time, Unix seconds."""
        with self._guard:
            if self._is_judged:
                self._go_on_from(moment)
            else:
                self._stated = moment - self._machine.passed()

    def _go_on_from(self, moment: int) -> None:
        wall = self._machine.wall()
        start = wall if abs(wall - moment) <= MAX_DIFFERENCE else moment
        self._start = start - self._machine.passed()
        self._gate.reopen("clock-stepped")

    def _follow_wall(self) -> None:
        self._start = self._machine.wall() - self._machine.passed()
        self._gate.reopen("clock-stepped")

    def _step(self, what: str, moment: int, limit: str) -> None:
        objection = Objection(
            "clock-stepped",
            f"this machine's clock does not fit {what}",
            format_time(self.wall()),
            f"{limit}: {format_time(moment)}",
        )
        self._gate.shut(objection, Passage.WHILE_LOCKED)
