"""States that differ only in which member, coin or withdrawal is which are one.

The rules name none of them, and prefer one to another in one place only: by rank a pending entry gives way
to one of lower rank. That is one way to be voided among others (any pending entry may time out at any moment
here), so nothing is reached by it that is not reached without.
"""

from collections.abc import Iterator
from functools import cache
from itertools import permutations, product
from typing import NamedTuple, Protocol

from tests.agreement.federation import Federation, Proposed, Tx, bits, pin, pins_of
from tests.agreement.member import Grant, Known, Log, Member, Word
from tests.agreement.world import Rest, State, World


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
    """The states of a world up to renaming."""

    def __init__(self, histories: Nameless) -> None:
        self._histories = histories
        self._world = histories.world
        self._among = tuple(renamings(self._world.federation, histories.forgetful))
        self._orders = [
            (number, sorted(range(self._world.federation.honest), key=each.members.__getitem__))
            for number, each in enumerate(self._among)
        ]
        self._member = cache(self._renamed_member)
        self._rest = cache(self._renamed_rest)

    def one_of(self, state: State) -> State:
        """The same for all that are equal up to renaming."""
        member, rest, last = self._member, self._rest, state[-1]
        fixed = self._histories.is_fixed(state)
        return min(
            (*[member(state[place], number, fixed) for place in order], rest(last, number))
            for number, order in self._orders
        )

    def _renamed_member(self, number: int, by: int, fixed: int) -> int:
        deeds = self._world.deeds
        renamed = deeds.number(_member(deeds.members[number], self._among[by]))
        return self._histories.in_order(renamed) if fixed else renamed

    def _renamed_rest(self, number: int, by: int) -> int:
        rest = self._world.rests[number]
        buried = sorted(_tx(tx, self._among[by]) for tx in rest.buried)
        return self._world.rest(Rest(rest.left, tuple(buried)))


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
        signed=frozenset(_tx(tx, by) for tx in member.signed),
        lost=_log(member.lost, by),
        shunned=_mask(member.shunned, by.members),
    )


def _log(log: Log, by: Renaming) -> Log:
    return tuple(Word(_proposed(entry, by), said) for entry, said in log)


def _entries(entries: frozenset[Known], by: Renaming) -> frozenset[Known]:
    return frozenset((by.members[origin], _proposed(entry, by)) for origin, entry in entries)


@cache
def _proposed(entry: Proposed, by: Renaming) -> Proposed:
    pins = (_pins(entry.new, by), _pins(entry.relied, by))
    return Proposed(_tx(entry.tx, by), *pins, entry.incarnation, entry.again)


def _tx(tx: Tx, by: Renaming) -> Tx:
    return Tx(_mask(tx.spends, by.coins), _mask(tx.pays, by.withdrawals))


def _pins(mask: int, by: Renaming) -> int:
    return sum(pin(by.withdrawals[each], by.coins[coin]) for each, coin in pins_of(mask))


def _mask(mask: int, names: tuple[int, ...]) -> int:
    return sum(1 << names[each] for each in bits(mask))
