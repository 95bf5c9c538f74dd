"""The rules of agreement, searched exhaustively within stated bounds (`World`), and weaker wordings of them:
each of these is found out, and of the same requests the rules themselves lead to no fault."""

from random import Random

import pytest

from tests.agreement.federation import Federation
from tests.agreement.search import explore
from tests.agreement.sizes import THREE_OF_FOUR, Walk, draw
from tests.agreement.wordings import (
    TWO_OF_FOUR,
    TWO_OF_THREE,
    W0_FROM_C0,
    WORDINGS,
    Wording,
    bricked,
    in_force,
    search,
)
from tests.agreement.world import Bounds, World


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
    ("federation", "bounds"),
    [
        (TWO_OF_THREE, Bounds(1, crashes=1, restores=1)),
        (TWO_OF_FOUR, Bounds(1, crashes=1)),
        (THREE_OF_FOUR, Bounds(1, crashes=1)),
    ],
    ids=["2-of-3", "2-of-4", "3-of-4"],
)
def test_an_honest_withdrawal_is_never_bricked(federation: Federation, bounds: Bounds) -> None:
    world = World(federation, bounds, ((0, W0_FROM_C0),))
    found = explore(world, bricked(world), most=500_000)
    assert found.exhausted, str(found)


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("agreed entries may be voided", range(300, 400)),  # one in hundreds shows it
        ("late grants count for a void entry", range(100)),
    ],
)
def test_histories_that_are_drawn_find_a_weaker_wording_out(name: str, seeds: range) -> None:
    (wording,) = (each for each in WORDINGS if each.name == name)
    walk = Walk(TWO_OF_FOUR, Bounds(6, crashes=1, restores=1))
    with in_force(wording):
        assert any(draw(walk, Random(seed)).fault for seed in seeds)
    assert not any(draw(walk, Random(seed)).fault for seed in seeds)
