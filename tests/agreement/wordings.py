"""Weaker wordings of the rules: each is one function put in another's place, and is found out by the search.

The smallest federation and the fewest requests that show it are named with it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NamedTuple
from unittest.mock import patch

from signer.core.agreement import claim, machine, rules
from signer.core.agreement.claim import Claim, Pin, Stage
from signer.core.agreement.machine import Agree, Record, Step, Void
from tests.agreement import conduct, liveness, stakes, starting, world
from tests.agreement.federation import Federation, Proposed, Tx
from tests.agreement.member import Grant, Member, own_entries
from tests.agreement.search import Fault, Found, explore
from tests.agreement.sizes import TWO_OF_FOUR, TWO_OF_THREE, bricked
from tests.agreement.world import Bounds, Request, World

W0_FROM_C0, W0_FROM_C1, W0_FROM_BOTH = Tx(0b01, 0b01), Tx(0b10, 0b01), Tx(0b11, 0b01)
W1_FROM_C0, W1_FROM_BOTH = Tx(0b01, 0b10), Tx(0b11, 0b10)
BOTH_FROM_C0 = Tx(0b01, 0b11)


class Wording(NamedTuple):
    """A weaker one."""

    name: str
    place: ModuleType
    instead_of: str
    """The function."""
    other: object
    """What stands there instead."""
    federation: Federation
    bounds: Bounds
    requests: tuple[Request, ...]
    fault: Callable[[World], Fault]
    """What comes of it."""


def double_payment(of: World) -> Fault:
    """See World."""
    return of.double_payment


def stuck(of: World) -> Fault:
    """See `stakes`."""
    return lambda state: stakes.stuck(of.deeds.members[number] for number in state[:-1])


@contextmanager
def in_force(wording: Wording) -> Iterator[None]:
    """While it stands."""
    _forget()
    with patch.object(wording.place, wording.instead_of, wording.other):
        yield
    _forget()


def _forget() -> None:
    """What was worked out under another wording."""
    liveness.forget()


def search(wording: Wording, most: int = 2_000_000) -> Found:
    """What it leads to. Without `in_force`: what the rules themselves lead to, of the same requests."""
    of = World(wording.federation, wording.bounds, wording.requests)
    return explore(of, wording.fault(of), most=most)


# The weaker functions.


def _void_anything(record: Record, number: int) -> tuple[Step, ...]:
    own = record.own(number)
    return () if own is None else (Void(number, machine.TIMED_OUT),)


def _sign_unrecorded(
    signer: Member, entry: Proposed, granted_by: frozenset[bytes]
) -> Member | None:
    then = _AGREED(signer, entry, granted_by)
    return None if then is None else then._replace(log=signer.log)


def _count_late_grants(
    record: Record, number: int, granted_by: frozenset[bytes]
) -> tuple[Step, ...]:
    own = record.own(number)
    if own is not None:
        return _HEAR_GRANTS(record, number, granted_by)
    enough = record.is_started and rules.is_agreed(granted_by, record.me, 3)
    return (Agree(number, tuple(sorted(granted_by))),) if enough else ()


def _nothing_stands(reader: Member, other: Member) -> dict[Proposed, Stage]:
    del reader, other
    return {}


def _not_of_forked(reader: Member, other: Member) -> dict[Proposed, Stage]:
    return {} if reader.forked >> other.me & 1 else own_entries(other.log)


def _not_beside_forked(reader: Member, other: Member) -> bool:
    """What others read of a log that forked is waited for, in vain."""
    del other
    return not reader.forked


def _void_at_start(
    pending: Iterable[machine.OwnEntry], held_elsewhere: frozenset[int]
) -> tuple[Void, ...]:
    del held_elsewhere
    return _COMPLETE_START(pending, frozenset())


def _only_agreed_stands(reader: Member, other: Member) -> dict[Proposed, Stage]:
    del reader
    found = own_entries(other.log).items()
    return {entry: stage for entry, stage in found if stage is Stage.AGREED}


def _one_importer_less(federation: Federation) -> int:
    return federation.quorums.importers - 1


def _shallow(buried: tuple[Tx, ...], complete: tuple[Tx, ...]) -> tuple[Tx, ...]:
    sweeps = tuple(Tx(1 << coin, 0) for coin in range(2))  # in a block that is reorganised away
    return buried + complete + sweeps


def _grant_unrecorded(granter: Member, grant: Grant) -> Member | None:
    then = _JUDGED(granter, grant)
    return None if then is None else then._replace(taken=granter.taken)


def _without_rule_2(new: Claim, held: Claim, struck: frozenset[Pin] = frozenset()) -> bool:
    return _CONTRADICTS(new, held, struck | {pin for pin in held.pins if pin[1] not in new.spends})


def _without_rule_3(new: Claim, held: Claim, struck: frozenset[Pin] = frozenset()) -> bool:
    return _CONTRADICTS(new, held, struck | {pin for pin in held.pins if pin[0] not in new.paid})


def _without_rule_4(new: Claim, held: Claim, struck: frozenset[Pin] = frozenset()) -> bool:
    return _CONTRADICTS(new._replace(new_pins=frozenset()), held, struck)


def _always(*given: object) -> bool:
    del given
    return True


def _adopted_are_new(chosen: int, held: int) -> int:
    del held
    return chosen


def _give_up_nothing(known: Member) -> tuple[int, int, int]:
    own, _, held = _PINS_KNOWN(known)
    return own, 0, held


def _forks_release(holder: Member, origin: Member) -> Member | None:
    kept = frozenset(each for each in holder.taken if each[0] != origin.me)
    return None if kept == holder.taken else holder._replace(taken=kept)


_AGREED, _JUDGED, _PINS_KNOWN = conduct.agreed, conduct.judged, conduct.pins_known
_COMPLETE_START = machine.complete_start
_HEAR_GRANTS, _CONTRADICTS, _JUDGE = machine.hear_grants, claim.contradicts, rules.judge

_ONCE, _TWICE = Bounds(2), Bounds(2, restores=1)
_TWO = ((0, W0_FROM_C0), (1, W0_FROM_C1))


def _paid_twice(
    name: str,
    where: tuple[ModuleType, str],
    other: object,
    bounds: Bounds = _ONCE,
    requests: tuple[Request, ...] = _TWO,
) -> Wording:
    return Wording(name, *where, other, TWO_OF_FOUR, bounds, requests, double_payment)


WORDINGS = (
    _paid_twice("agreed entries may be voided", (machine, "time_out"), _void_anything),
    _paid_twice("agreed is recorded after signing", (conduct, "agreed"), _sign_unrecorded),
    _paid_twice("late grants count for a void entry", (machine, "hear_grants"), _count_late_grants),
    _paid_twice("no import at the start", (starting, "standing"), _nothing_stands, _TWICE),
    _paid_twice("pending entries are not imported", (starting, "standing"), _only_agreed_stands, _TWICE),
    _paid_twice("import from one too few", (starting, "importers"), _one_importer_less, _TWICE),
    _paid_twice("shallow release", (world, "deep_enough"), _shallow, Bounds(2, sweeps=1)),
    _paid_twice("a grant leaves before it is on record", (conduct, "judged"), _grant_unrecorded),
    _paid_twice("pins need not be spent", (rules, "contradicts"), _without_rule_2),
    _paid_twice("agreed to in spite of what is held", (machine, "_stands"), _always, _TWICE),
    _paid_twice("held entries are void at a start", (machine, "complete_start"), _void_at_start, _TWICE),
    Wording("a start reads nothing of who forked", starting, "standing", _not_of_forked,
        TWO_OF_FOUR._replace(torn=1), _TWICE, _TWO, double_payment),
    Wording("what others read of who forked is waited for", starting, "is_readable", _not_beside_forked,
        TWO_OF_FOUR, Bounds(0, crashes=1, lies=2), ((0, W0_FROM_C0),), bricked),
    _paid_twice("a fork releases what is held", (conduct, "heard_fork"), _forks_release, _TWICE),
    Wording("pins may be spent unpaid", rules, "contradicts", _without_rule_3, TWO_OF_THREE,
        _ONCE, ((0, W0_FROM_C0), (1, W1_FROM_BOTH)), stuck),
    Wording("new pins on coins that are signed away", rules, "contradicts", _without_rule_4, TWO_OF_THREE,
        _ONCE, ((0, W1_FROM_BOTH), (1, W0_FROM_C0)), stuck),
    Wording("pins of what may be voided count as relied on", conduct, "pins_known", _give_up_nothing,
        TWO_OF_THREE, Bounds(3), ((0, W1_FROM_BOTH), (1, W0_FROM_C0), (1, W0_FROM_BOTH)), stuck),
    Wording("adopted pins count as new", conduct, "newly_pinned", _adopted_are_new, TWO_OF_THREE,
        _ONCE, ((0, W0_FROM_C0), (0, W1_FROM_C0)), bricked),
)  # fmt: skip
