"""The rules of agreement, searched exhaustively within stated bounds (`World`), and weaker wordings of them:
each of these is found out, and of the same requests the rules themselves lead to no fault."""

import pytest

from tests.agreement.federation import Federation
from tests.agreement.search import explore
from tests.agreement.wordings import (
    TWO_OF_FOUR,
    TWO_OF_THREE,
    W0_FROM_C0,
    W0_FROM_C1,
    WORDINGS,
    Wording,
    bricked,
    in_force,
    search,
)
from tests.agreement.world import Bounds, World

TWO_ENTRIES = ((0, W0_FROM_C0), (1, W0_FROM_C1))


@pytest.mark.parametrize("wording", WORDINGS, ids=[each.name for each in WORDINGS])
def test_a_weaker_wording_is_found_out(wording: Wording) -> None:
    with in_force(wording):
        found = search(wording)
    assert found.fault is not None, str(found)
    assert found.history


@pytest.mark.parametrize("wording", WORDINGS, ids=[each.name for each in WORDINGS])
def test_the_rules_themselves_lead_to_no_fault(wording: Wording) -> None:
    found = search(wording)
    assert found.fault is None, str(found)


@pytest.mark.parametrize(
    "federation",
    [Federation(2, 3, 2, dishonest=1), Federation(2, 4, 3, dishonest=2)],
    ids=["2-of-3", "2-of-4"],
)
def test_one_dishonest_member_more_than_f_pays_twice(federation: Federation) -> None:
    world = World(federation, Bounds(2), TWO_ENTRIES)
    found = explore(world, world.double_payment, most=500_000)
    assert found.fault is not None, str(found)


def test_an_honest_withdrawal_is_never_bricked_by_a_crash() -> None:
    world = World(TWO_OF_THREE, Bounds(1, crashes=1, restores=1), ((0, W0_FROM_C0),))
    found = explore(world, bricked(world), most=500_000)
    assert found.exhausted, str(found)


def test_at_f_nobody_is_paid_twice_over_a_restore() -> None:
    world = World(TWO_OF_FOUR, Bounds(2, restores=1), TWO_ENTRIES)
    found = explore(world, world.double_payment, most=2_000_000)
    assert found.exhausted, str(found)
