"""Withdrawals of equal terms: what ends them goes by labels (docs/releases.md). Weaker wordings of that are
found out, and of the same requests the rules themselves lead to no fault."""

import pytest

from tests.agreement.federation import Tx
from tests.agreement.sizes import TWO_OF_THREE, bricked
from tests.agreement.wordings import in_force, search
from tests.agreement.wordings_equal import (
    TWINS,
    W0_FROM_C0,
    W1_FROM_C0,
    WORDINGS_EQUAL,
    Wording,
)
from tests.agreement.world import Bounds, State, World

W0_FROM_C1, W1_FROM_C2 = Tx(0b010, 0b01, equal=True), Tx(0b100, 0b10, equal=True)


@pytest.mark.parametrize("wording", WORDINGS_EQUAL, ids=[each.name for each in WORDINGS_EQUAL])
def test_a_weaker_wording_is_found_out_and_the_rules_lead_to_no_fault(wording: Wording) -> None:
    with in_force(wording):
        found = search(wording)
    assert found.fault is not None, str(found)
    assert found.history
    farther = search(wording, most=found.states * 5 // 4)
    assert farther.fault is None, str(farther)


ASKED_OF_TWO = ((0, W1_FROM_C0), (1, W0_FROM_C0), (2, W0_FROM_C0))
LEFT_WAITING = (
    "0 records c0>w1",
    "1 records c0>w0",
    "2 grants 1's c0>w0",
    "1 agrees and signs c0>w0",
    "2 records c0>w0",
    "1 grants 2's c0>w0",
    "2 agrees and signs c0>w0",
    "1 restarts",
    "1 starts, imports 0, 2, its log has 2 words",
    "0 restarts",
    "0 starts, imports 1, 2, its log has 1 words",
    "c0>1 is buried",
)
"""ADR 0010: all honest. What one told nobody is taken at a restart, and after another cannot be voided."""


TWO_HISTORIES = (
    "0 grants dishonest 3's c0>w1 (new w1@c0",
    "1 grants dishonest 3's c0>w1 (new w1@c0",
    "0 reads that dishonest 3's c0>w1 is void",
    "1 reads that dishonest 3's c0>w1 is void",
    "0 records c0>w0",
    "2 grants 0's c0>w0",
    "0 agrees and signs c0>w0",
    "c0>1 is buried",
    "2 reads that dishonest 3's c0>w1 is agreed",
)
"""Those who granted a dishonest member's entry have let it go; another is told that it is agreed."""
PAID_ONCE_MORE = (
    "2 closes w1 by c0>1",
    "2 strikes w0@c0 by c0>1",
    "2 records c1>w0",
    "1 grants 2's c1>w0",
    "2 agrees and signs c1>w0",
    "0 closes w0 by c0>1",
    "0 records c2>w1",
    "1 grants 0's c2>w1",
    "0 agrees and signs c2>w1",
)


def _after(world: World, moves: tuple[str, ...]) -> State:
    state = world.first()
    for move in moves:
        (state,) = {then for words, then in world.moves(state) if words.startswith(move)}
    return state


def _named(name: str) -> Wording:
    (wording,) = (each for each in WORDINGS_EQUAL if each.name == name)
    return wording


def _left_waiting(*more: str) -> str | None:
    federation = TWO_OF_THREE._replace(coins=1, equal=True)
    world = World(federation, Bounds(3, crashes=2, buried=1), ASKED_OF_TWO)
    return bricked(world)(_after(world, (*LEFT_WAITING, *more)))


def test_what_waits_for_ever_under_another_label_bricks_nothing() -> None:
    with in_force(_named("a payment strikes nothing")):
        assert _left_waiting()
    assert _left_waiting() is None
    with in_force(_named("any label closes")):
        assert _left_waiting("0 closes w1 by c0>1")


def test_a_dishonest_member_with_two_histories_gets_nothing_closed() -> None:
    requests = ((0, W0_FROM_C0), (0, W1_FROM_C0), (2, W0_FROM_C1), (0, W1_FROM_C2))
    world = World(TWINS._replace(coins=3), Bounds(3, buried=1, lies=2), requests)
    shown = _after(world, TWO_HISTORIES)
    assert not any(words.startswith("2 closes") for words, _ in world.moves(shown))
    with in_force(_named("one other member's word closes")):
        world = World(TWINS._replace(coins=3), Bounds(3, buried=1, lies=2), requests)
        assert world.double_payment(_after(world, (*TWO_HISTORIES, *PAID_ONCE_MORE)))
