"""The formula for f: with one dishonest member more a withdrawal is paid twice; and a cloned member, two
honest processes with one key, is one of the dishonest."""

import pytest

from tests.agreement.federation import Federation
from tests.agreement.search import explore
from tests.agreement.wordings import W0_FROM_C0, W0_FROM_C1
from tests.agreement.world import Bounds, Request, World

BEYOND = {
    "2-of-3": Federation(2, 3, 2, dishonest=1),
    "2-of-4": Federation(2, 4, 3, dishonest=2),
    "3-of-4": Federation(3, 4, 3, dishonest=2),
}
PAIR = (W0_FROM_C0, W0_FROM_C1)


def _asked(first: tuple[int, ...], second: tuple[int, ...]) -> list[Request]:
    """These for one transaction, those for the other."""
    one, other = ((who, tx) for who, tx in zip((first, second), PAIR, strict=True))
    return [(who, one[1]) for who in one[0]] + [(who, other[1]) for who in other[0]]


def _paid_twice(federation: Federation, bounds: Bounds, requests: list[Request]) -> str | None:
    world = World(federation, bounds, requests)
    found = explore(world, world.double_payment, most=1_500_000)
    assert found.exhausted or found.fault, str(found)
    return found.fault


@pytest.mark.parametrize("name", BEYOND)
def test_one_dishonest_member_more_than_f_pays_twice(name: str) -> None:
    federation = BEYOND[name]
    assert federation.dishonest == federation.quorums.tolerated + 1
    assert _paid_twice(federation, Bounds(2), _asked((0,), (1,)))


@pytest.mark.parametrize("name", BEYOND)
def test_at_f_nobody_is_paid_twice_over_a_restore(name: str) -> None:
    federation = BEYOND[name]._replace(dishonest=BEYOND[name].quorums.tolerated)
    assert _paid_twice(federation, Bounds(2, restores=1), _asked((0,), (1,))) is None


CLONED = {
    "one of 2-of-3": Federation(2, 3, 2, cloned=1),
    "one of 2-of-4": Federation(2, 4, 3, cloned=1),
    "one of 3-of-4": Federation(3, 4, 3, cloned=1),
    "two of 2-of-4": Federation(2, 4, 3, cloned=2),
    "two of 3-of-4": Federation(3, 4, 3, cloned=2),
}


@pytest.mark.parametrize("name", CLONED)
def test_a_clone_counts_as_one_of_the_dishonest(name: str) -> None:
    """One signature is taken to be enough: each further one needs an entry with a quorum of its own."""
    federation, last = CLONED[name], CLONED[name].members - 1
    first = federation.honest - federation.cloned
    fault = _paid_twice(federation._replace(threshold=1), Bounds(2), _asked((first,), (last,)))
    assert bool(fault) == (federation.cloned > federation.quorums.tolerated), fault
