"""Amounts and rates: integers, rounded against whoever would gain by rounding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.units import (
    MAX_MONEY,
    FeeRate,
    Sats,
    VBytes,
    Weight,
    fee_for,
    format_rate,
    rate_above,
    rate_below,
    sats_checked,
    vbytes_of,
)
from tests.bitcoin.refused import refused


def test_amounts() -> None:
    assert sats_checked(0) == 0
    assert sats_checked(2_100_000_000_000_000) == MAX_MONEY
    for amount in (-1, MAX_MONEY + 1, 2**64):
        with refused("amount-out-of-range"):
            sats_checked(amount)


@pytest.mark.parametrize(("weight", "size"), [(0, 0), (1, 1), (4, 1), (5, 2), (561, 141)])
def test_virtual_size_rounds_up(weight: int, size: int) -> None:
    assert vbytes_of(Weight(weight)) == size


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0, "0 sat/vB"),
        (1, "0.001 sat/vB"),
        (100, "0.1 sat/vB"),
        (1_000, "1 sat/vB"),
        (10_000, "10 sat/vB"),
        (12_500, "12.5 sat/vB"),
    ],
)
def test_rates_as_people_read_them(rate: int, text: str) -> None:
    assert format_rate(FeeRate(rate)) == text


@given(st.integers(0, 10**8), st.integers(1, 10**6))
def test_fee_for_is_the_least_that_is_not_below_the_rate(rate: int, size: int) -> None:
    limit, vsize = FeeRate(rate), VBytes(size)
    fee = fee_for(limit, vsize)
    assert not rate_below(fee, vsize, limit)
    assert rate_below(Sats(fee - 1), vsize, limit)


@given(st.integers(0, 10**12), st.integers(1, 10**6), st.integers(0, 10**8))
def test_a_rate_is_above_below_or_equal(fee: int, size: int, rate: int) -> None:
    above = rate_above(Sats(fee), VBytes(size), FeeRate(rate))
    below = rate_below(Sats(fee), VBytes(size), FeeRate(rate))
    assert (above, below) == (fee * 1000 > rate * size, fee * 1000 < rate * size)
    assert not (above and below)
