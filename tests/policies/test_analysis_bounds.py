"""The bound arithmetic: exact where it is exact, never below what a greedy spender reaches."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.analysis import bounds
from policies.analysis.bounds import Window, Windows, most_charged

HOUR, DAY = 3_600, 86_400


def way(*windows: tuple[int, int]) -> Windows:
    return frozenset(Window(*each) for each in windows)


@pytest.mark.parametrize(
    ("seconds", "ways", "most"),
    [
        (DAY, [way((DAY, 10))], 10),
        (DAY + 1, [way((DAY, 10))], 20),
        (1, [way((DAY, 10))], 10),
        (7 * DAY, [way((DAY, 10))], 70),
        (DAY, [way((HOUR, 1), (DAY, 10))], 10),
        (DAY, [way((HOUR, 1), (DAY, 100))], 24),
        (HOUR, [way((HOUR, 1), (DAY, 100))], 1),
        (DAY, [way((DAY, 10)), way((7 * DAY, 100))], 100),
        (7 * DAY, [way((DAY, 10)), way((7 * DAY, 100))], 160),
        (DAY, [way((DAY, 10)), way((DAY, 20))], 20),
        (DAY, [], 0),
        (DAY, [way((DAY, 10)), way()], None),
    ],
)
def test_known_bounds(seconds: int, ways: list[Windows], most: int | None) -> None:
    assert most_charged(seconds, ways) == most


def test_where_the_last_spend_takes_too_many_steps_classes_are_added() -> None:
    assert most_charged(7 * DAY, [way((1, 3))]) == 7 * DAY * 3
    several = [way((1, 3), (2, 5)), way((DAY, 10))]
    assert most_charged(7 * DAY, several) == 7 * DAY // 2 * 5 + 70


def test_the_class_bound_is_never_below_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: the same ways, counted both ways."""
    ways = [way((HOUR, 3), (DAY, 20)), way((DAY, 30)), way((2 * HOUR, 4))]
    exact = most_charged(2 * DAY, ways)
    monkeypatch.setattr(bounds, "MAX_STEPS", 0)
    loose = most_charged(2 * DAY, ways)
    assert exact is not None
    assert loose is not None
    assert exact <= loose


LIMITS = st.lists(
    st.frozensets(
        st.builds(Window, st.integers(1, 12), st.integers(0, 20)), min_size=1, max_size=3
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=200, deadline=None)
@given(LIMITS, st.integers(1, 30), st.integers(0, 1_000), st.booleans())
def test_no_spender_beats_the_bound(
    ways: list[Windows], seconds: int, seed: int, loose: bool
) -> None:
    """At each second anything may be charged that some way allows; the sum stays below the bound."""
    random = Random(seed)
    distinct = bounds._distinct(ways)
    assert distinct is not None
    most = bounds._by_class(seconds, distinct) if loose else most_charged(seconds, ways)
    assert most is not None
    charges: list[tuple[int, int]] = []
    for now in range(seconds):
        for _ in range(random.randrange(3)):
            windows = random.choice(ways)
            room = min(
                limit - sum(charge for when, charge in charges if when > now - length)
                for length, limit in windows
            )
            if room > 0:
                charges.append((now, random.choice((room, random.randint(1, room)))))
    assert sum(charge for _, charge in charges) <= most
