"""A member that is restored to an old copy reads of the others' logs what those did who never stopped: hours
count that have passed by its own wall clock and by the other members'."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from carrier.member import Refused
from signer.core.agreement.notices import VoidNotice
from signer.journal import pace
from signer.journal.codec import encode_entry
from tests.core.spends import NOW
from tests.kernel import federated
from tests.kernel.clocks import WallClock
from tests.kernel.federated import Witnessed
from tests.kernel.test_dishonest_member import forged, recollect, records_of, told

HOURS, AN_HOUR, AT_ONCE = 8, 30, 100
"""Entries that a log may grow by, here."""


@dataclass
class Restored(WallClock):
    """Effective time stands at the journal's last entry until the members' clocks were judged."""

    passed: int = 0
    """By the members' clocks and ours."""

    def now(self) -> int:
        return self.moment if self.judged else 0

    def others_time(self) -> int:
        return NOW + self.passed


def written(clock: int) -> VoidNotice:
    """An entry that nobody needs."""
    return VoidNotice(clock, 1, bytes(32), "timed-out")


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs may grow by a few entries."""
    size = len(encode_entry(written(NOW)))
    monkeypatch.setattr(pace, "BURST", (1 << 14) + AT_ONCE * size)
    monkeypatch.setattr(pace, "PER_HOUR", AN_HOUR * size)


CASES = {
    "as fast as it may": (HOURS, 0, True),
    "by a wrong clock of ours": (0, 0, False),
    "by a clock of its own that is ahead": (0, HOURS, False),
    "faster": (HOURS, HOURS, False),
}


@pytest.mark.parametrize(("passed", "more", "is_read"), CASES.values(), ids=CASES)
def test_who_is_restored_reads_what_was_written_since(
    tmp_path: Path, slow: None, passed: int, more: int, is_read: bool
) -> None:
    """A's log grew for hours since C's copy, as fast as it may; or by as much again."""
    team = federated.started(tmp_path)
    a = team["a"]
    team.stop("c")
    team.members[2].clock = Restored(NOW + HOURS * 3_600, passed=passed * 3_600)
    team.start("c")
    c = team["c"]
    log = forged(a, *entries(a, HOURS, more))
    recollect(a, c, log.head)
    team.carry("b", "c", rounds=2)
    if is_read:
        assert told(c, log).followed_size == len(log.records)
        assert c.head().waiting_for == []
    else:
        with pytest.raises(Refused, match="member-log-too-fast"):
            told(c, log)
        assert c.head().waiting_for != []
    team.stop()


def entries(kernel: Witnessed, hours: int, more: int) -> list[VoidNotice]:
    """What fills the pace of so many hours; and as much as of more hours behind it."""
    size = len(encode_entry(written(NOW)))
    first = AT_ONCE + ((1 << 14) - sum(map(len, records_of(kernel)))) // size
    clocks = [NOW] * (first - AN_HOUR)
    clocks += [NOW + hour * 3_600 for hour in range(1, hours + 1) for _ in range(AN_HOUR)]
    return [written(clock) for clock in (*clocks, *[NOW + hours * 3_600] * (more * AN_HOUR))]
