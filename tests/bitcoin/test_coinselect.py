"""Coin selection: feasible whenever anything is, exact fees, deterministic, bounded waste."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.coinselect import MAX_INPUTS, Coin, Selection, Target, select
from signer.bitcoin.hashes import sha256
from signer.bitcoin.transaction import OutPoint, Txid
from signer.bitcoin.units import FeeRate, Sats, Weight, fee_for, vbytes_of

TARGET = Target(
    payments=Sats(1_000_000),
    outputs=1,
    outputs_weight=Weight(4 * 31),
    input_weight=Weight(418),
    change_weight=Weight(4 * 43),
    change_dust=Sats(330),
    fee_rate=FeeRate(5_000),
    min_fee=Sats(0),
)


def coins(*amounts: int) -> tuple[Coin, ...]:
    return tuple(
        Coin(OutPoint(Txid(sha256(b"coin %d" % number)), number % 3), Sats(amount))
        for number, amount in enumerate(amounts)
    )


def holds(target: Target, selection: Selection) -> None:
    """What every selection keeps."""
    total = sum(coin.amount for coin in selection.coins)
    assert total == target.payments + selection.fee + selection.change
    size = vbytes_of(target.weight(len(selection.coins), 1 if selection.change else 0))
    least = max(fee_for(target.fee_rate, size), target.min_fee)
    if selection.change:
        assert selection.change >= target.least_change >= target.change_dust
        assert selection.fee == least
    else:
        with_change = target.need(len(selection.coins), 1) - target.payments
        assert least <= selection.fee < with_change + target.least_change
    assert list(selection.coins) == sorted(selection.coins, key=lambda coin: coin.outpoint)
    assert len({coin.outpoint for coin in selection.coins}) == len(selection.coins)


def feasible(target: Target, offered: tuple[Coin, ...], required: frozenset[OutPoint]) -> bool:
    """By trying all subsets."""
    for size in range(len(offered) + 1):
        for subset in combinations(offered, size):
            total = sum(coin.amount for coin in subset)
            if required <= {coin.outpoint for coin in subset} and total >= target.need(size, 0):
                return True
    return False


def test_a_changeless_selection_is_found():
    exact = TARGET.need(2, 0)
    offered = coins(5_000_000, 300_000, exact - 300_000 + 40, 900_000)
    selection = select(TARGET, offered)
    assert selection is not None
    holds(TARGET, selection)
    assert selection.change == 0
    assert {coin.amount for coin in selection.coins} == {300_000, exact - 300_000 + 40}
    assert selection.fee == exact + 40 - TARGET.payments


def test_one_coin_with_change_takes_the_smallest_that_suffices():
    selection = select(TARGET, coins(9_000_000, 2_000_000, 3_000_000, 10_000))
    assert selection is not None
    holds(TARGET, selection)
    assert [coin.amount for coin in selection.coins] == [2_000_000]
    assert selection.change == 2_000_000 - TARGET.need(1, 1)


def test_change_below_its_cost_goes_to_the_fee():
    least = TARGET.need(1, 1) + TARGET.least_change
    kept = select(TARGET, coins(least))
    dropped = select(TARGET, coins(least - 1))
    assert kept is not None
    assert dropped is not None
    assert (kept.change, dropped.change) == (TARGET.least_change, 0)
    assert dropped.fee == kept.fee + TARGET.least_change - 1
    # At 1 sat/vB spending the change costs less than the dust limit, which then decides.
    cheap = replace(TARGET, fee_rate=FeeRate(1_000))
    assert (TARGET.least_change, cheap.least_change) == (525, 330)


def test_insufficient_by_one_satoshi():
    assert select(TARGET, coins(TARGET.need(1, 0))) is not None
    assert select(TARGET, coins(TARGET.need(1, 0) - 1)) is None
    assert select(TARGET, ()) is None


def test_required_coins_are_always_spent():
    offered = coins(2_000_000, 600, 700, 3_000_000)
    required = frozenset({offered[1].outpoint, offered[2].outpoint})
    selection = select(TARGET, offered, required)
    assert selection is not None
    holds(TARGET, selection)
    assert sorted(coin.amount for coin in selection.coins) == [600, 700, 2_000_000]
    alone = frozenset({offered[0].outpoint})
    only = select(TARGET, offered, alone)
    assert only is not None
    assert [coin.amount for coin in only.coins] == [2_000_000]


def test_a_minimum_fee_is_paid_exactly():
    target = replace(TARGET, min_fee=Sats(50_000))
    selection = select(target, coins(2_000_000))
    assert selection is not None
    holds(target, selection)
    assert (selection.fee, selection.change) == (50_000, 950_000)


def test_weight_limits_the_number_of_inputs():
    """11-of-15: a standard transaction has room for fewer than 300 such inputs."""
    heavy = replace(TARGET, input_weight=Weight(1_490), payments=Sats(2_720_000))
    offered = coins(*([12_000] * 400))
    assert select(heavy, offered) is None
    room = select(replace(heavy, payments=Sats(2_700_000)), offered)
    assert room is not None
    assert heavy.weight(len(room.coins), 1) <= 400_000


def test_at_most_500_inputs():
    target = replace(TARGET, payments=Sats(5_004_500), fee_rate=FeeRate(100))
    few = select(target, coins(*([10_020] * MAX_INPUTS)))
    assert few is not None
    assert len(few.coins) == MAX_INPUTS
    more = replace(target, payments=Sats(5_010_000))
    assert select(more, coins(*([10_020] * 600))) is None


def test_the_tries_are_bounded():
    """Amounts without any exact match: the search gives up and the fallback answers."""
    amounts = [2_000_000 + 2 * number for number in range(400)]
    target = replace(TARGET, payments=Sats(150_000_000), fee_rate=FeeRate(100))
    selection = select(target, coins(*amounts))
    assert selection is not None
    holds(target, selection)


AMOUNTS = st.lists(
    st.one_of(st.integers(300, 3_000), st.integers(1, 2_000_000), st.sampled_from([250_000])),
    max_size=8,
)
TARGETS = st.builds(
    lambda payments, outputs, rate, minimum: replace(
        TARGET,
        payments=Sats(payments),
        outputs=outputs,
        outputs_weight=Weight(124 * outputs),
        fee_rate=FeeRate(rate),
        min_fee=Sats(minimum),
    ),
    st.integers(600, 2_500_000),
    st.integers(1, 300),
    st.sampled_from([100, 1_000, 10_000, 33_333, 1_000_000]),
    st.sampled_from([0, 0, 20_000]),
)


@given(TARGETS, AMOUNTS, st.integers(0, 3), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_any_offer(target, amounts, needed, random):
    """Invariants: found if and only if some subset suffices; exact; the order does not matter."""
    offered = coins(*amounts)
    required = frozenset(coin.outpoint for coin in offered[:needed])
    selection = select(target, offered, required)
    assert (selection is not None) == feasible(target, offered, required)
    shuffled = list(offered)
    random.shuffle(shuffled)
    assert select(target, tuple(shuffled), required) == selection
    if selection is not None:
        holds(target, selection)
        assert required <= {coin.outpoint for coin in selection.coins}


@given(TARGETS, AMOUNTS)
@settings(max_examples=150, deadline=None)
def test_no_subset_without_change_wastes_less(target, amounts):
    """On few coins the search is complete."""
    offered = coins(*amounts)
    selection = select(target, offered)
    for size in range(1, len(offered) + 1):
        for subset in combinations(offered, size):
            total = sum(coin.amount for coin in subset)
            if target.need(size, 0) <= total < target.need(size, 1) + target.least_change:
                assert selection is not None
                assert selection.waste <= total - target.payments


def test_repeated_amounts_are_searched_once():
    """1,000 equal coins do not use up the tries."""
    exact = TARGET.need(3, 0)
    offered = coins(*([700_000] * 300), exact - 700_000 - 100_000, 100_000)
    selection = select(TARGET, offered)
    assert selection is not None
    holds(TARGET, selection)


@pytest.mark.parametrize("inputs", [1, 252, 253])
def test_weight_counts_the_counts(inputs):
    """CompactSize of the number of inputs and outputs grows at 253."""
    fixed = TARGET.weight(inputs, 1) - inputs * 418 - 4 * 31 - 4 * 43
    assert fixed == 4 * (4 + (1 if inputs < 253 else 3) + 1 + 4) + 2
