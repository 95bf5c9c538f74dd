"""The bound on the work that a policy may ask for, to the step."""

from itertools import combinations, islice

import pytest

from policies.expression import Leaf, Threshold
from policies.ways import MAX_STEPS, Normalizer, TooManyWays

SINGLES = [1 << bit for bit in range(900)]


def with_pairs(count: int) -> set[int]:
    """900 ways of one predicate, and that many ways of two that they absorb."""
    return {*SINGLES, *(one | other for one, other in islice(combinations(SINGLES, 2), count))}


def test_absorbing_is_counted() -> None:
    """One step for each single way, 901 for each pair that is held against the singles."""
    most = (MAX_STEPS - 900) // 901
    assert Normalizer[int]().least(with_pairs(most)) == SINGLES
    with pytest.raises(TooManyWays):
        Normalizer[int]().least(with_pairs(most + 1))


def test_naming_the_predicates_is_counted() -> None:
    normalizer = Normalizer[int]()
    leaves = tuple(Leaf(number) for number in range(1_000))
    assert len(normalizer.masks(Threshold(1, leaves))) == 1_000
    everything = (1 << 1_000) - 1
    for _ in range(MAX_STEPS // 1_000 - 1):
        assert len(normalizer.predicates(everything)) == 1_000
    with pytest.raises(TooManyWays):
        normalizer.predicates(1)
