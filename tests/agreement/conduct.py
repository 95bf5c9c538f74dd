"""What an honest member does, and what becomes of it (None: nothing). Starts are in `starting`.

1. `signer.core.agreement.machine` decides; here stands what the kernel does around it: J1 before an entry is
   recorded, and which grants count.
2. Of a member that forked nothing is granted or read any more. What is held for it stays.
"""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_

from signer.core.agreement import machine, rules
from signer.core.agreement.claim import Stage
from tests.agreement.federation import (
    Proposed,
    Tx,
    bits,
    choices,
    claim_of,
    entry_of,
    key_of,
    number_of,
    on_chain,
    pins_of,
    pins_with,
)
from tests.agreement.member import PENDING, Grant, Known, Member, Memory, Word, after, own_entries


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
    same = (on_chain(entry.tx) == on_chain(tx) for entry in own_entries(member.log))
    if not member.is_started or any(same):
        return None
    memory, (own, given_up, held) = Memory(member), pins_known(member)
    if tx.equal and leaves_twins(pins_with(own, ~member.closed), tx):
        return None
    new = newly_pinned(chosen, held) | pins_with(given_up, tx.pays)
    entry = Proposed(tx, new, relied_on(own | held, tx.pays, new), member.incarnation)
    again = sum(word.said == PENDING and word.entry[:4] == entry[:4] for word in member.log)
    claim = claim_of(member.me, entry._replace(again=again))
    bound = memory.bound(claim)._replace(may_void=lambda _: False)
    if not rules.judge(claim, bound).granted:
        return None
    return member._replace(log=(*member.log, Word(entry_of(claim.number), PENDING)))


def leaves_twins(own: int, tx: Tx) -> bool:
    """Whether it pays not all that are equal, open and pinned here. (Rule 4 of `signer.core.pins`: it spends
    their pins; by rule 3 then it pays them.)"""
    return any(not tx.pays >> withdrawal & 1 for withdrawal, _ in pins_of(own))


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
    if _has_forked(member, grant.origin):
        return None
    claim = claim_of(grant.origin, grant.entry)
    steps, judgement = machine.read_pending(Memory(member), claim)
    if judgement is None or not judgement.granted or grant in member.granted:
        return None
    return after(member, steps)._replace(granted=member.granted | {grant})


def heard_agreed(member: Member, known: Known) -> Member | None:
    """It reads that another's entry is agreed."""
    if not member.is_started or _has_forked(member, known[0]) or known in member.heard_void:
        return None
    then = after(member, machine.read_standing(Memory(member), claim_of(*known)))
    then = then._replace(read=then.read | {known}) if known[1].tx.equal else then
    return then if then != member else None


def heard_void(member: Member, known: Known) -> Member | None:
    """It reads that another's entry is void."""
    origin, entry = known
    steps = machine.read_void(Memory(member), key_of(origin), number_of(entry))
    reads = member.is_started and not _has_forked(member, origin) and known not in member.read
    return after(member, steps) if steps and reads else None


def heard_fork(member: Member, origin: Member) -> Member | None:
    """It is shown two heads of the origin's log that contradict each other. What it holds for it stays."""
    if not origin.has_gap or _has_forked(member, origin.me):
        return None
    return member._replace(forked=member.forked | 1 << origin.me)


def _has_forked(member: Member, origin: int) -> bool:
    return bool(member.forked >> origin & 1)


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


def _all(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
