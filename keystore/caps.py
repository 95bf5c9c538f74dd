"""Caps: how much a vault key signs away in one transaction and in any 24 hours, whatever the core decided.

1. They stand in the sealed header: without the passphrase nobody changes them.
2. One spend is at most a day: so whatever passes the first cap passes the second once the day is empty.
3. They hold what the policy should have held. Caps below the policy's own limits refuse honest traffic
   (`pegwarden config check` compares); a refusal by a cap is a reason to look at the core.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from signer.bitcoin.units import MAX_MONEY, Sats
from signer.core.errors import Objection, Refusal

DAY = 86_400
"""Seconds."""
LATE = 6 * 3_600
"""Seconds from the record of an entry to its first signature, at most: a ledger that was cut gets the entry's
time from the journal, and not when it was signed."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Of one vault key. Refusal `cap-out-of-range` unless 1 <= per_spend <= per_day <= MAX_MONEY (2)."""

    per_spend: Sats
    """The most that leaves by one transaction, its fee included."""
    per_day: Sats
    """The most by which, in any 24 hours, what can leave may grow."""

    def __post_init__(self) -> None:
        if not 1 <= self.per_spend <= self.per_day <= MAX_MONEY:
            raise Refusal(
                Objection(
                    "cap-out-of-range",
                    "the cap of a transaction is at least 1 sat and at most that of a day",
                    f"{self.per_spend} sat per spend, {self.per_day} sat per day",
                    f"at most {MAX_MONEY} sat",
                )
            )


class Day(Protocol):
    """What the ledger says of the last 24 hours."""

    def used(self, now: int) -> int:
        """Sats by which what can leave has grown."""

    def frees(self, needed: int, now: int) -> int:
        """The first moment at which growth of at least that many sats is older than a day."""


def late(age: int) -> Objection | None:
    """Why what is on record for that long, and not on the ledger, is not signed; None where it is."""
    if age <= LATE:
        return None
    detail = "this entry is on record for too long to be charged, and the ledger does not have it"
    return Objection("cap-entry-late", detail, f"{age} s", f"{LATE} s")


def objections(caps: Caps, leaving: Sats, grown: int, day: tuple[Day, int]) -> Iterator[Objection]:
    """Why a transaction is not signed by which that much leaves and what can leave grows by `grown`; `day` is
    the ledger and the time."""
    if leaving > caps.per_spend:
        yield Objection(
            "cap-per-spend",
            "more leaves by this transaction than the vault key signs away in one",
            f"{leaving} sat",
            f"{caps.per_spend} sat",
        )
    ledger, now = day
    excess = ledger.used(now) + grown - caps.per_day
    if grown and excess > 0:
        yield Objection(
            "cap-per-day",
            "more would leave in 24 hours than the vault key signs away in a day",
            f"{caps.per_day + excess} sat",
            f"{caps.per_day} sat",
            not_before=ledger.frees(excess, now) if grown <= caps.per_day else None,
        )
