"""One honest member in memory: its record, and the rules of agreement over it.

1. A member is a value: what stands on its record, and what its process holds. Of its log only its own entries
   keep their order: a restore may lose everything else at once.
2. `signer.core.agreement.machine` decides; here stands what the kernel does around it: J1 before an entry is
   recorded, which grants count, what a start imports.
3. `granted` and `signed` are what ever left it. They stay with whoever carries messages, through any restore.
"""

from collections.abc import Iterable, Iterator
from functools import cache, reduce
from operator import or_
from typing import NamedTuple

from signer.core.agreement import machine, rules
from signer.core.agreement.claim import Claim, Holding, Stage
from signer.core.agreement.machine import Agree, OwnEntry, Release, Step, Take
from signer.core.agreement.rules import Bound
from tests.agreement.federation import (
    Federation,
    Proposed,
    Tx,
    bits,
    choices,
    claim_of,
    entry_of,
    key_of,
    member_of,
    number_of,
    pin,
    pin_set,
    pins_of,
    pins_with,
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


# What the member does, and what becomes of it. None: nothing.


def proposals(member: Member, tx: Tx) -> Iterator[Member]:
    """It is asked to sign: the entry is on record, for each choice of new pins that J1 allows."""
    for chosen in choices(unpinned(member, tx), tx.spends):
        then = recorded(member, tx, chosen)
        if then is not None:
            yield then


def unpinned(member: Member, tx: Tx) -> int:
    """The withdrawals paid (mask) to which it has no pin of its own."""
    own, _, _ = pins_known(member)
    return sum(1 << each for each in bits(tx.pays) if not pins_with(own, 1 << each))


def recorded(member: Member, tx: Tx, chosen: int) -> Member | None:
    """The entry is on record, with these own pins of what had none."""
    if not member.is_started or any(entry.tx == tx for entry in own_entries(member.log)):
        return None
    memory, (own, given_up, held) = Memory(member), pins_known(member)
    new = newly_pinned(chosen, held) | pins_with(given_up, tx.pays)
    entry = Proposed(tx, new, relied_on(own | held, tx.pays, new), member.incarnation)
    again = sum(word.said == PENDING and word.entry[:4] == entry[:4] for word in member.log)
    claim = claim_of(member.me, entry._replace(again=again))
    bound = memory.bound(claim)._replace(may_void=lambda _: False)
    if not rules.judge(claim, bound).granted:
        return None
    return member._replace(log=(*member.log, Word(entry_of(claim.number), PENDING)))


def newly_pinned(chosen: int, held: int) -> int:
    """Of the pins chosen, those that no other member's version has already: it relies on the others."""
    return chosen & ~held


def relied_on(known: int, pays: int, new: int) -> int:
    """Of the pins known before, those that the entry carries on."""
    return pins_with(known, pays) & ~new


def pins_known(member: Member) -> tuple[int, int, int]:
    """Own pins; those of them that it may still give up; pins held for others. Struck ones are left out."""
    own, firm = 0, 0
    for entry, stage in own_entries(member.log).items():
        own |= entry.new | entry.relied
        if stage is Stage.AGREED or entry.incarnation != member.incarnation:
            firm |= entry.new | entry.relied
    held = _all(entry.new | entry.relied for _, entry in member.taken)
    own, held = own & ~member.struck, held & ~member.struck
    return own, own & ~firm & ~held, held


def judged(member: Member, grant: Grant) -> Member | None:
    """It is shown another member's pending entry, and grants it."""
    claim = claim_of(grant.origin, grant.entry)
    steps, judgement = machine.read_pending(Memory(member), claim)
    if judgement is None or not judgement.granted or grant in member.granted:
        return None
    return after(member, steps)._replace(granted=member.granted | {grant})


def heard_agreed(member: Member, known: Known) -> Member | None:
    """It reads that another's entry is agreed."""
    steps = machine.read_standing(Memory(member), claim_of(*known))
    return after(member, steps) if steps and member.is_started else None


def heard_void(member: Member, known: Known) -> Member | None:
    """It reads that another's entry is void."""
    origin, entry = known
    steps = machine.read_void(Memory(member), key_of(origin), number_of(entry))
    return after(member, steps) if steps and member.is_started else None


def heard_fork(member: Member, origin: Member) -> Member | None:
    """It is shown two heads of the origin's log that contradict each other. What it holds for it stays."""
    del member, origin
    return None


def counts(grant: Grant, member: Member) -> bool:
    """Whether the grant is for this incarnation of the member."""
    return grant.incarnation == member.incarnation


def agreed(member: Member, entry: Proposed, granted_by: frozenset[bytes]) -> Member | None:
    """It hears all grants for its entry: agreed, and then signed."""
    steps = machine.hear_grants(Memory(member), number_of(entry), granted_by)
    return after(member, steps)._replace(signed=member.signed | {entry.tx}) if steps else None


def timed_out(member: Member, entry: Proposed) -> Member | None:
    """Its entry waited too long."""
    steps = machine.time_out(Memory(member), number_of(entry))
    return after(member, steps) if steps else None


def crashed(member: Member) -> Member:
    """Its process ends and another begins."""
    return member._replace(incarnation=member.incarnation + 1, is_started=False)


def restored(member: Member) -> Member:
    """The same over an empty record. That stands for any old one: the start rolls its log forward to what
    others know, or to more, and imports what it held."""
    nothing = frozenset[Known]()
    return crashed(member)._replace(
        log=(),
        taken=nothing,
        heard_void=nothing,
        struck=0,
        closed=0,
        lost=member.lost or member.log,
    )


def sizes_known(member: Member, imported: tuple[Member, ...]) -> range:
    """How far the member's lost log may be known to those it imports from: as far as they acted on it."""
    log = member.lost or member.log
    acted = [
        place + 1
        for place, (entry, said) in enumerate(log)
        for each in imported
        if (member.me, entry) in (each.heard_void if said == VOID else each.taken)
    ]
    return range(max(acted, default=0) if member.lost else len(log), len(log) + 1)


def started(member: Member, imported: tuple[Member, ...], size: int) -> Member:
    """Its start is complete, with these members' logs read and its own rolled forward to `size`."""
    if member.lost:
        gap = member.has_gap or size < len(member.lost)
        member = member._replace(log=member.lost[:size], lost=(), has_gap=gap)
    for other in imported:
        for entry in void_entries(other.log):
            voided = machine.read_void(Memory(member), key_of(other.me), number_of(entry))
            member = after(member, voided)
        for entry in standing(other):
            claim = claim_of(other.me, entry)
            member = after(member, machine.read_standing(Memory(member), claim))
    held = frozenset(
        number_of(entry) for other in imported for me, entry in other.taken if me == member.me
    )
    voids = machine.complete_start(_waiting(member), held_elsewhere=held)
    return after(member, voids)._replace(is_started=True)


def standing(other: Member) -> Iterable[Proposed]:
    """Entries of that log that are not void: what a start takes."""
    return own_entries(other.log)


def _waiting(member: Member) -> list[OwnEntry]:
    memory = Memory(member)
    found = [memory.own(number_of(entry)) for entry in own_entries(member.log)]
    return [own for own in found if own is not None and own.stage is Stage.PENDING]


def as_read_by(other: Member, imported: tuple[Member, ...]) -> Member:
    """A third member's log, as far as the imported ones have read it."""
    log = other.lost or other.log
    size = sizes_known(other._replace(lost=log), imported)[0] if log else 0
    return other._replace(log=log[:size], lost=())


def releases(member: Member, deep: tuple[Tx, ...]) -> Iterator[tuple[str, Member]]:
    """It is shown buried transactions: pins are struck, withdrawals closed."""
    entries = [*own_entries(member.log), *(entry for _, entry in member.taken)]
    for withdrawal in bits(_all(entry.tx.pays for entry in entries) & ~member.closed):
        if any(tx.pays >> withdrawal & 1 for tx in deep):
            closed = member._replace(closed=member.closed | 1 << withdrawal)
            yield f"closes w{withdrawal}", closed
    pins = _all(entry.new | entry.relied for entry in entries) & ~member.struck
    for withdrawal, coin in pins_of(pins):
        if any(tx.spends >> coin & 1 and not tx.pays >> withdrawal & 1 for tx in deep):
            struck = member._replace(struck=member.struck | pin(withdrawal, coin))
            yield f"strikes w{withdrawal}@c{coin}", struck


def _all(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)


def importers(federation: Federation) -> int:
    """Others whose recollections a start waits for."""
    return federation.quorums.importers
