"""How fast a member's log may grow for us to keep a copy of it: who writes junk fills nobody else's disk.

1. Each entry's bytes are owed, and PER_HOUR of them are paid with each hour of the log's own clock, which
   counts as far as ours goes; at a start, when effective time stands at our last entry, as far as our wall
   clock and the other members' go. Who owes more than BURST is not read on until time has passed.
2. What is owed follows from the entries and from nothing else: whatever pieces they come in, who reads a log
   later reads at least as far as who read it before. So a start can read all that others took.
3. An honest member stays under it (`signer.journal.growth`).
"""

from collections.abc import Iterable
from typing import NamedTuple

from signer.core.errors import LimitExceeded, Objection
from signer.journal.database import Tables

PER_HOUR = 256 << 20
BURST = 4 << 30
AHEAD = 3_600
"""Seconds by which a member's clock may be ahead of ours."""


class Pace(NamedTuple):
    """Of one log."""

    moment: int
    """Of its newest entry."""
    owed: int
    """Bytes, times 3,600."""


def read_pace(tables: Tables, member: bytes) -> Pace | None:
    """Of what was read of that log; None for nothing."""
    query = "SELECT moment, owed FROM member_logs WHERE member = ?"
    row = tables.execute(query, (member,)).fetchone()
    return None if row is None else Pace(*row)


def keep_pace(tables: Tables, member: bytes, pace: Pace) -> None:
    """Remember it."""
    query = "UPDATE member_logs SET moment = ?, owed = ? WHERE member = ?"
    tables.execute(query, (pace.moment, pace.owed, member))


def gone_on(pace: Pace | None, entries: Iterable[tuple[int, int]], now: int) -> Pace:
    """After these entries (clock, bytes). Raises LimitExceeded `member-log-too-fast`."""
    for clock, size in entries:
        moment = min(clock, now + AHEAD)
        before = pace or Pace(moment, 0)
        passed = max(0, moment - before.moment)
        owed = max(0, before.owed - passed * PER_HOUR) + size * 3_600
        if owed > BURST * 3_600:
            raise LimitExceeded(
                Objection(
                    "member-log-too-fast",
                    "that member's log grows faster than any honest one",
                    f"{owed // 3_600} bytes",
                    f"{BURST} bytes, and {PER_HOUR} more with each hour",
                )
            )
        pace = Pace(before.moment + passed, owed)
    return pace or Pace(0, 0)
