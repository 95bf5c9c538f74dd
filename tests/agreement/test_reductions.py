"""`Brief` and `Symmetry` visit fewer states than there are, and lose nothing: what each history comes to is
reached with them, too, and a weaker wording that the whole search finds out is found out."""

import pytest

from tests.agreement.brief import Brief
from tests.agreement.federation import Federation
from tests.agreement.outline import outlines, reached
from tests.agreement.search import explore
from tests.agreement.sizes import TWO_OF_FOUR, TWO_OF_THREE, world_of
from tests.agreement.symmetry import Symmetry
from tests.agreement.wordings import WORDINGS, Wording, double_payment, in_force
from tests.agreement.wordings_equal import WORDINGS_EQUAL
from tests.agreement.world import Bounds, World

ALIKE = [
    (TWO_OF_FOUR._replace(withdrawals=1), Bounds(2)),
    (TWO_OF_THREE._replace(withdrawals=1), Bounds(1, crashes=1, restores=1)),
    (TWO_OF_FOUR._replace(coins=1, equal=True), Bounds(1, crashes=1, buried=1)),
]
NOT_BRIEF = (
    "a fork releases what is held",
    "a start reads nothing of who forked",
    "late grants count for a void entry",
)
"""`Brief` shows nobody a fork and brings no grant for what is void: under the rules both only bind."""
SIGNED_TWICE = [
    each
    for each in (*WORDINGS, *WORDINGS_EQUAL)
    if each.fault is double_payment and each.name not in NOT_BRIEF
]


@pytest.mark.parametrize(
    ("federation", "bounds"), ALIKE, ids=["entries", "crash and restore", "equal terms"]
)
def test_the_reductions_lose_nothing_that_a_history_comes_to(
    federation: Federation, bounds: Bounds
) -> None:
    world = world_of(federation, bounds)
    whole = reached(world, lambda state: state)
    nameless = Symmetry(world).one_of
    assert reached(world, nameless) == {nameless(state) for state in whole}
    brief = Brief(world, frozenset(range(bounds.restores)))
    few = reached(brief, Symmetry(brief).one_of)
    assert len(few) < len(whole) / 20
    assert outlines(world, few) == outlines(world, whole)
    assert outlines(world, reached(brief, lambda state: state)) == outlines(world, whole)


def test_a_lost_possibility_shows_in_the_outlines() -> None:
    world = world_of(TWO_OF_FOUR._replace(withdrawals=1), Bounds(1))
    whole = reached(world, lambda state: state)
    unsigned = {
        state for state in whole if not any(world.deeds.members[each].signed for each in state[:-1])
    }
    assert outlines(world, unsigned) < outlines(world, whole)


@pytest.mark.parametrize("wording", SIGNED_TWICE, ids=[each.name for each in SIGNED_TWICE])
def test_the_brief_search_finds_the_same_wordings_out(wording: Wording) -> None:
    with in_force(wording):
        world = World(wording.federation, wording.bounds, wording.requests)
        brief = Brief(world, world.forgetful)
        found = explore(brief, world.double_payment)
    assert found.fault is not None, str(found)
    world = World(wording.federation, wording.bounds, wording.requests)
    found = explore(Brief(world, world.forgetful), world.double_payment)
    assert found.exhausted, str(found)
