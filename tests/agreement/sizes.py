"""How far the rules were searched: federations whose histories are exhausted, and those that are drawn from.

1. Of each federation every member may be asked for every transaction of its coins and withdrawals; where it
   is searched for what is bricked and terms differ, one for one.
2. A row that is exhausted says how many states that takes; another number is a violation, too: the machine or
   the search changed, and docs/agreement.md is to follow.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tests.agreement import liveness, stakes
from tests.agreement.brief import Brief
from tests.agreement.federation import Federation, Tx, all_transactions
from tests.agreement.search import Fault, Found, explore, wander
from tests.agreement.symmetry import Symmetry
from tests.agreement.world import Bounds, Request, State, World

TWO_OF_THREE = Federation(2, 3, 2)
TWO_OF_FOUR = Federation(2, 4, 3, dishonest=1)
THREE_OF_FOUR = Federation(3, 4, 3, dishonest=1)


FEW = 3
"""Transactions of one history that is drawn."""


class Size(NamedTuple):
    """What is exhausted: up to names, with all moves (`World`) or those that matter (`Brief`)."""

    federation: Federation
    bounds: Bounds
    states: int
    is_brief: bool = True
    for_bricked: bool = False
    """Instead of double payments."""

    def __str__(self) -> str:
        """As in 2-of-3 q=2 f=0, 2 coins, 2 withdrawals; 2 proposals, 1 crashes."""
        given = self.bounds._asdict().items()
        return f"{self.federation}; " + ", ".join(f"{most} {what}" for what, most in given if most)


class Walk(NamedTuple):
    """What histories are drawn from."""

    federation: Federation
    bounds: Bounds


def _each(bounds: Bounds, states: int, *, is_brief: bool = True) -> Iterator[Size]:
    """The three federations have one number: each has three honest members, needs one other's grant, and
    imports from two (where nothing is buried). Of 2-of-4 one honest signature is enough: what is not found
    there is nowhere."""
    for federation in (TWO_OF_THREE, TWO_OF_FOUR, THREE_OF_FOUR):
        yield Size(federation, bounds, states, is_brief)


EXHAUSTED = (
    *_each(Bounds(2), 284),
    *_each(Bounds(3), 4_472),
    *_each(Bounds(2, crashes=1), 4_354),
    *_each(Bounds(1, crashes=1, restores=1), 1_555),
    Size(TWO_OF_THREE, Bounds(2, buried=1, sweeps=1), 7_961),
    Size(TWO_OF_FOUR, Bounds(2, buried=1, sweeps=1), 38_002),
    Size(THREE_OF_FOUR, Bounds(2, buried=1, sweeps=1), 7_961),
    *_each(Bounds(1, crashes=1, restores=1), 11_890, is_brief=False),
    *_each(Bounds(2), 17_165, is_brief=False),
    *_each(Bounds(2, restores=1), 32_286),
    Size(TWO_OF_FOUR, Bounds(4), 38_699),
    Size(TWO_OF_FOUR, Bounds(3, crashes=1), 98_389),
    Size(TWO_OF_FOUR, Bounds(2, crashes=1, restores=1), 336_733),
    Size(TWO_OF_FOUR._replace(coins=3), Bounds(2, crashes=1), 17_050),
    Size(TWO_OF_FOUR, Bounds(1, crashes=1, lies=1), 21_574, is_brief=False, for_bricked=True),
)


def _twins(federation: Federation, coins: int = 2) -> Federation:
    return federation._replace(equal=True, coins=coins)


EQUAL = (
    Size(_twins(TWO_OF_THREE), Bounds(2, buried=1, sweeps=1), 22_337),
    Size(_twins(TWO_OF_FOUR), Bounds(2, buried=1, sweeps=1), 25_426),
    Size(_twins(THREE_OF_FOUR), Bounds(2, buried=1, sweeps=1), 15_369),
    Size(_twins(TWO_OF_FOUR), Bounds(2, buried=2), 11_631),
    Size(_twins(TWO_OF_FOUR, 1), Bounds(2, crashes=1, buried=1), 13_461),
    Size(_twins(TWO_OF_FOUR, 1), Bounds(2, restores=1, buried=1), 20_715),
    Size(_twins(TWO_OF_THREE), Bounds(2, restores=1, buried=1), 178_300),
    *(
        Size(_twins(federation, 1), bounds, states, is_brief=False, for_bricked=True)
        for federation, bounds, states in (
            (TWO_OF_THREE, Bounds(2, buried=1), 9_514),
            (TWO_OF_FOUR, Bounds(2, buried=1), 9_796),
            (THREE_OF_FOUR, Bounds(2, buried=1), 6_634),
            (TWO_OF_FOUR, Bounds(1, buried=1, lies=1), 3_670),
            (TWO_OF_FOUR, Bounds(0, crashes=1, buried=1, lies=2), 6_709),
        )
    ),
)
WALKS = tuple(
    Walk(federation, Bounds(6, crashes=2, restores=1, buried=2, sweeps=1, lies=lies))
    for federation, lies in (
        (TWO_OF_THREE._replace(coins=3), 0),
        (TWO_OF_FOUR._replace(coins=3), 2),
        (THREE_OF_FOUR._replace(coins=3), 2),
        (Federation(2, 4, 3, coins=3), 0),
        (Federation(3, 4, 3, coins=3), 0),
        (Federation(3, 5, 3, coins=3), 0),
        (Federation(3, 5, 4, dishonest=2, coins=3), 2),
        (_twins(TWO_OF_THREE), 0),
        (_twins(TWO_OF_FOUR), 2),
        (_twins(THREE_OF_FOUR), 2),
        (_twins(Federation(2, 4, 3)), 0),
        (_twins(TWO_OF_FOUR._replace(withdrawals=3)), 2),
    )
)


def world_of(federation: Federation, bounds: Bounds) -> World:
    """Everybody may be asked for everything."""
    every = all_transactions(federation)
    requests: list[Request] = [(me, tx) for me in range(federation.honest) for tx in every]
    return World(federation, bounds, requests)


def bricked(of: World) -> Fault:
    """See `liveness`."""

    def fault(state: State) -> str | None:
        members = tuple(of.deeds.members[number] for number in state[:-1])
        return liveness.bricked(of.federation, members, of.rests[state[-1]].buried)

    return fault


def unsafe(of: World) -> Fault:
    """Double payments, and transactions with two labels."""
    if not of.federation.equal:
        return of.double_payment

    def fault(state: State) -> str | None:
        members = (of.deeds.members[number] for number in state[:-1])
        return of.double_payment(state) or stakes.relabelled(members)

    return fault


def _any(faults: tuple[Fault, ...]) -> Fault:
    return lambda state: next((wrong for fault in faults if (wrong := fault(state))), None)


def exhaust(size: Size) -> Found:
    """All states. One member may be restored: which one makes no difference."""
    if size.for_bricked and not size.federation.equal:
        world = World(size.federation, size.bounds, [(0, Tx(0b01, 0b01))])
        return explore(world, bricked(world))
    world = world_of(size.federation, size.bounds)
    forgetful = frozenset(range(min(size.bounds.restores, 1)))
    histories = Brief(world, forgetful) if size.is_brief else world
    faults = (unsafe(world), *([bricked(world)] if size.for_bricked else []))
    found = explore(histories, _any(faults), Symmetry(histories).one_of)
    liveness.forget()
    return found


def draw(walk: Walk, random: Random) -> Found:
    """A history: no double payment at any moment, nothing bricked at its end. Everybody may be asked for a
    few transactions, drawn with it: so they get into each other's way."""
    every = all_transactions(walk.federation)
    few = random.sample(every, min(FEW, len(every)))
    requests = [(me, tx) for me in range(walk.federation.honest) for tx in few]
    world = World(walk.federation, walk.bounds, requests)
    found = wander(world, unsafe(world), bricked(world), random)
    liveness.forget()
    return found
