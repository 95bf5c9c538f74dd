"""A member's process ends, its record may be lost, and the next one starts: what it imports.

1. A start reads the log of each member that answers up to the head that it then names, also of one that
   forked (anew, apart from the copy that contradicts), and of the others as far as these have read them.
2. Of a dishonest member, which may show everybody another log, it takes what the members that answer hold,
   and waits for nothing else of it.
"""

from collections.abc import Iterable

from signer.core.agreement import machine
from signer.core.agreement.claim import Stage
from signer.core.agreement.machine import OwnEntry
from tests.agreement.federation import Federation, Proposed, claim_of, key_of, number_of
from tests.agreement.member import (
    AGREED,
    VOID,
    Known,
    Member,
    Memory,
    after,
    own_entries,
    void_entries,
)


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
        forked=0,
        read=nothing,
        settled=frozenset(),
        lost=member.lost or member.log,
    )


def sizes_known(member: Member, imported: tuple[Member, ...]) -> range:
    """How far the member's lost log may be known to those it imports from: as far as they acted on it. Who
    holds an entry need not have read that it is agreed."""
    log = member.lost or member.log
    acted = [
        place + 1
        for place, (entry, said) in enumerate(log)
        for each in imported
        if (member.me, entry) in _acted_on(each, said)
    ]
    return range(max(acted, default=0) if member.lost else len(log), len(log) + 1)


def _acted_on(member: Member, said: str) -> frozenset[Known]:
    """The entries of which it has read that."""
    if said == AGREED:
        return member.read
    return member.heard_void if said == VOID else member.taken


def started(
    member: Member, imported: tuple[Member, ...], third: tuple[Member, ...], size: int
) -> Member:
    """Its start is complete, with the logs of these members read, of others as far as these have read them,
    and its own rolled forward to `size`."""
    if member.lost:
        gap = member.has_gap or size < len(member.lost)
        member = member._replace(log=member.lost[:size], lost=(), has_gap=gap)
    whole = (each for each in third if not member.forked >> each.me & 1)
    read = (*imported, *(as_read_by(each, imported) for each in whole))
    for other in read:
        for entry in void_entries(other.log):
            voided = machine.read_void(Memory(member), key_of(other.me), number_of(entry))
            member = after(member, voided)
        for entry in standing(member, other):
            claim = claim_of(other.me, entry)
            member = after(member, machine.read_standing(Memory(member), claim))
        own = own_entries(other.log).items()
        agreed = (entry for entry, stage in own if stage is Stage.AGREED and entry.tx.equal)
        member = member._replace(read=member.read.union((other.me, entry) for entry in agreed))
    member = _hear_of(member, imported, frozenset({member.me, *(each.me for each in read)}))
    held = frozenset(
        number_of(entry) for other in imported for me, entry in other.taken if me == member.me
    )
    voids = machine.complete_start(_waiting(member), held_elsewhere=held)
    return after(member, voids)._replace(is_started=True)


def _hear_of(member: Member, imported: tuple[Member, ...], read: frozenset[int]) -> Member:
    """What these hold for members whose logs were not read: they forked, or are dishonest (2)."""
    known = {each for other in imported for each in other.taken if each[0] not in read}
    for origin, entry in sorted(known):
        claim = claim_of(origin, entry)
        member = after(member, machine.read_standing(Memory(member), claim))
    return member


def is_readable(member: Member, other: Member) -> bool:
    """Whether the start can read all that it must if it is to import that member: what it read of a log that
    forked is nothing of that (2)."""
    del member, other
    return True


def standing(member: Member, other: Member) -> Iterable[Proposed]:
    """Entries of that log that are not void: what a start takes."""
    del member
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


def importers(federation: Federation) -> int:
    """Others whose recollections a start waits for."""
    return federation.quorums.importers
