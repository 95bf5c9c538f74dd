"""States that differ only in which member, coin or withdrawal is which are one.

The rules name none of them, and prefer one to another in one place only: by rank a pending entry gives way
to one of lower rank. That is one way to be voided among others (any pending entry may time out at any moment
here), so nothing is reached by it that is not reached without.
"""

from collections.abc import Iterator
from functools import cache
from itertools import permutations, product
from typing import NamedTuple, Protocol

from tests.agreement.federation import Federation, Proposed, Tx, bits, on_chain, pin, pins_of
from tests.agreement.member import Grant, Known, Log, Member, Word
from tests.agreement.world import Rest, State, World

NEVER = 1 << 62
"""No member has that number."""


class Renaming(NamedTuple):
    """What each is called instead."""

    members: tuple[int, ...]
    coins: tuple[int, ...]
    withdrawals: tuple[int, ...]


def renamings(federation: Federation, forgetful: frozenset[int]) -> Iterator[Renaming]:
    """All that leave the forgetful among themselves."""
    names = (federation.honest, federation.coins, federation.withdrawals)
    for each in product(*(permutations(range(count)) for count in names)):
        renaming = Renaming(*each)
        dishonest = range(federation.honest, federation.members)
        renaming = renaming._replace(members=(*renaming.members, *dishonest))
        if {renaming.members[place] for place in forgetful} == forgetful:
            yield renaming


class Nameless(Protocol):
    """`World` or `Brief`."""

    @property
    def world(self) -> World:
        """Where members have their numbers."""

    @property
    def forgetful(self) -> frozenset[int]:
        """Who may be restored."""

    def is_fixed(self, state: State) -> bool:
        """Whether the order of a log tells nothing in that state."""

    def in_order(self, number: int) -> int:
        """The member with its log in one order."""


class Symmetry:
    """The states of a world up to renaming.

    Of all names that a state could have it gets those under which it is the least tuple of numbers. Its first
    number decides mostly, so only the renamings that make that one least are tried (`_foremost`).
    """

    def __init__(self, histories: Nameless) -> None:
        self._histories = histories
        self._world = histories.world
        self._among = tuple(renamings(self._world.federation, histories.forgetful))
        self._orders = [
            sorted(range(self._world.federation.honest), key=each.members.__getitem__)
            for each in self._among
        ]
        self._orbits: tuple[dict[int, tuple[int, ...]], ...] = ({}, {})
        self._after = _products(self._among)
        self._foremost = cache(self._renamed_foremost)
        self._rest = cache(self._renamed_rest)

    def one_of(self, state: State) -> State:
        """The same for all that are equal up to renaming."""
        fixed = int(self._histories.is_fixed(state))
        images = [self._images(number, fixed) for number in state[:-1]]
        fronts = [self._foremost(number, fixed) for number in state[:-1]]
        least = min(number for number, _ in fronts)
        return min(
            (*[images[place][by] for place in self._orders[by]], self._rest(state[-1], by))
            for number, ways in fronts
            if number == least
            for by in ways
        )

    def _images(self, number: int, fixed: int) -> tuple[int, ...]:
        """What the member is under each renaming. Those of one are those of all that it is renamed to."""
        orbit = self._orbits[fixed]
        if number not in orbit:
            deeds = self._world.deeds
            renamed = [deeds.number(_member(deeds.members[number], by)) for by in self._among]
            if fixed:
                renamed = [self._histories.in_order(each) for each in renamed]
            for then, products in zip(renamed, self._after, strict=True):
                orbit.setdefault(then, tuple(renamed[by] for by in products))
            orbit.setdefault(number, tuple(renamed))
        return orbit[number]

    def _renamed_foremost(self, number: int, fixed: int) -> tuple[int, tuple[int, ...]]:
        """The least that the member can be as the first of its state, and the renamings to that."""
        me, images = self._world.deeds.members[number].me, self._images(number, fixed)
        ways = [by for by, order in enumerate(self._orders) if order[0] == me]
        least = min((images[by] for by in ways), default=NEVER)
        return least, tuple(by for by in ways if images[by] == least)

    def _renamed_rest(self, number: int, by: int) -> int:
        rest = self._world.rests[number]
        buried = sorted(on_chain(renamed_tx(tx, self._among[by])) for tx in rest.buried)
        return self._world.rest(Rest(rest.left, tuple(buried)))


def _products(among: tuple[Renaming, ...]) -> list[list[int]]:
    """For each renaming, what it makes of each when it comes first."""
    places = {each: number for number, each in enumerate(among)}
    return [[places[_then(first, second)] for second in among] for first in among]


def _then(first: Renaming, second: Renaming) -> Renaming:
    return Renaming(
        *(tuple(new[each] for each in old) for old, new in zip(first, second, strict=True))
    )


def _member(member: Member, by: Renaming) -> Member:
    grants = (
        Grant(by.members[each.origin], _proposed(each.entry, by), each.incarnation)
        for each in member.granted
    )
    return member._replace(
        me=by.members[member.me],
        log=_log(member.log, by),
        taken=_entries(member.taken, by),
        heard_void=_entries(member.heard_void, by),
        struck=_pins(member.struck, by),
        closed=_mask(member.closed, by.withdrawals),
        granted=frozenset(grants),
        signed=frozenset(renamed_tx(tx, by) for tx in member.signed),
        lost=_log(member.lost, by),
        shunned=_mask(member.shunned, by.members),
        read=_entries(member.read, by),
        settled=frozenset(
            (by.withdrawals[each], on_chain(renamed_tx(killer, by)))
            for each, killer in member.settled
        ),
        forked=_mask(member.forked, by.members),
    )


def _log(log: Log, by: Renaming) -> Log:
    return tuple(Word(_proposed(entry, by), said) for entry, said in log)


def _entries(entries: frozenset[Known], by: Renaming) -> frozenset[Known]:
    return frozenset((by.members[origin], _proposed(entry, by)) for origin, entry in entries)


@cache
def _proposed(entry: Proposed, by: Renaming) -> Proposed:
    pins = (_pins(entry.new, by), _pins(entry.relied, by))
    return Proposed(renamed_tx(entry.tx, by), *pins, entry.incarnation, entry.again)


def renamed_tx(tx: Tx, by: Renaming) -> Tx:
    """A transaction under other names."""
    return Tx(_mask(tx.spends, by.coins), _mask(tx.pays, by.withdrawals), tx.equal)


def _pins(mask: int, by: Renaming) -> int:
    return sum(pin(by.withdrawals[each], by.coins[coin]) for each, coin in pins_of(mask))


def _mask(mask: int, names: tuple[int, ...]) -> int:
    return sum(1 << names[each] for each in bits(mask))
