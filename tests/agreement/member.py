"""One honest member in memory: its record, and what the rules of agreement read of it.

1. A member is a value: what stands on its record, and what its process holds. Of its log only its own entries
   keep their order: a restore may lose everything else at once.
2. `granted` and `signed` are what ever left it. They stay with whoever carries messages, through any restore.
3. `signer.core.agreement.machine` decides, over `Memory`; its steps go on record by `after` and nothing else.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from signer.core.agreement import rules
from signer.core.agreement.claim import Claim, Holding, Stage
from signer.core.agreement.machine import Agree, OwnEntry, Release, Step, Take
from signer.core.agreement.rules import Bound
from tests.agreement.federation import (
    Proposed,
    Tx,
    bits,
    claim_of,
    entry_of,
    key_of,
    member_of,
    pin_set,
    terms,
)

PENDING, AGREED, VOID = "is pending", "is agreed", "is void"


class Word(NamedTuple):
    """An entry of the member's own log: what becomes of a proposal."""

    entry: Proposed
    said: str


Log = tuple[Word, ...]
Known = tuple[int, Proposed]
"""A member and an entry of its log."""


class Grant(NamedTuple):
    """Given to an entry, for one incarnation of its origin."""

    origin: int
    entry: Proposed
    incarnation: int


class Member(NamedTuple):
    """An honest one."""

    me: int
    quorum: int
    """q."""
    log: Log = ()
    taken: frozenset[Known] = frozenset()
    """Others' entries that bind it."""
    heard_void: frozenset[Known] = frozenset()
    struck: int = 0
    """Pins (mask)."""
    closed: int = 0
    """Withdrawals (mask)."""
    incarnation: int = 0
    is_started: bool = True
    granted: frozenset[Grant] = frozenset()
    signed: frozenset[Tx] = frozenset()
    lost: Log = ()
    """The log before a restore, until the start rolls forward what others know of it."""
    shunned: int = 0
    """Members (mask) that acted on what it then lost for good: its log contradicts their copy."""
    has_gap: bool = False
    """Whether it lost anything for good: a head that it signed is not of its log any more."""
    forked: int = 0
    """Members (mask) of which it was shown two heads that contradict each other."""
    origins: int = 1
    """So many others must show an agreed label (f + 1)."""
    read: frozenset[Known] = frozenset()
    """Others' entries of which it has read that they are agreed (of equal terms only)."""
    settled: frozenset[tuple[int, Tx]] = frozenset()
    """What is closed, and by which transaction on chain (of equal terms only)."""


@cache
def own_entries(log: Log) -> dict[Proposed, Stage]:
    """Those that are not void."""
    found: dict[Proposed, Stage] = {}
    for entry, said in log:
        if said == VOID:
            found.pop(entry)
        else:
            found[entry] = Stage.PENDING if said == PENDING else Stage.AGREED
    return found


@cache
def void_entries(log: Log) -> frozenset[Proposed]:
    """Those that are."""
    return frozenset(entry for entry, said in log if said == VOID)


class Memory:
    """`machine.Record` over a member."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self._own = own_entries(member.log)

    @property
    def me(self) -> bytes:
        """Its log key."""
        return key_of(self.member.me)

    @property
    def is_started(self) -> bool:
        """Whether its import is complete."""
        return self.member.is_started

    def bound(self, claim: Claim) -> Bound:
        """All that binds it."""
        return Bound(
            holdings=tuple(self._holdings()),
            struck=pin_set(self.member.struck),
            closed=frozenset(terms(each).withdrawal_id for each in bits(self.member.closed)),
            may_void=self._may_void,
        )

    def own(self, number: int) -> OwnEntry | None:
        """Of its entries that are not void."""
        entry = entry_of(number)
        if entry not in self._own:
            return None
        claim, recorded_in = claim_of(self.member.me, entry), bytes([entry.incarnation])
        return OwnEntry(claim, self._own[entry], recorded_in, self.member.quorum)

    def is_taken(self, origin: bytes, number: int) -> bool:
        """Whether it holds that entry's claim."""
        return (member_of(origin), entry_of(number)) in self.member.taken

    def _holdings(self) -> Iterator[Holding]:
        for entry, stage in self._own.items():
            yield Holding(claim_of(self.member.me, entry), stage)
        for origin, entry in sorted(self.member.taken):
            yield Holding(claim_of(origin, entry), Stage.HELD)

    def _may_void(self, claim: Claim) -> bool:
        recorded_in = bytes([entry_of(claim.number).incarnation])
        now = bytes([self.member.incarnation])
        return rules.may_void(recorded_in, now, held_elsewhere=True)  # else the start voided it


def after(member: Member, steps: Iterable[Step]) -> Member:
    """With the machine's steps on record."""
    for step in steps:
        if isinstance(step, Take):
            known = member_of(step.claim.origin), entry_of(step.claim.number)
            member = member._replace(taken=member.taken | {known})
        elif isinstance(step, Release):
            known = member_of(step.origin), entry_of(step.number)
            heard = member.heard_void | {known}
            member = member._replace(taken=member.taken - {known}, heard_void=heard)
        else:
            said = AGREED if isinstance(step, Agree) else VOID
            word = Word(entry_of(step.number), said)
            member = member._replace(log=(*member.log, word))
    return member
