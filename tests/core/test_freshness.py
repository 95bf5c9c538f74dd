"""A tip that is old, and a feed that does not move."""

import pytest

from signer.core.errors import VerificationError
from signer.core.freshness import FreshnessBounds, TipSeen, tip_age, verify_fresh

BOUNDS = FreshnessBounds(least_work=0xFF, age=14_400, silence=7_200)
NOW = 1_700_000_000


def refusal(seen: TipSeen, now: int = NOW) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        verify_fresh(seen, now, BOUNDS)
    return caught.value


def test_a_stale_tip() -> None:
    """A chain made for us alone moves, but slowly: its median time stays behind."""
    found = refusal(TipSeen(0xFF, NOW - 14_401, NOW))
    assert found.code == "header-tip-stale"
    assert (found.objections[0].observed, found.objections[0].limit) == ("14401 s", "14400 s")
    verify_fresh(TipSeen(0xFF, NOW - 14_400, NOW), NOW, BOUNDS)


def test_a_frozen_feed() -> None:
    """Headers dated ahead do not hide that nothing comes: this is counted by our own clock."""
    found = refusal(TipSeen(0xFF, NOW, NOW - 7_201))
    assert found.code == "header-feed-frozen"
    assert (found.objections[0].observed, found.objections[0].limit) == ("7201 s", "7200 s")
    verify_fresh(TipSeen(0xFF, NOW, NOW - 7_200), NOW, BOUNDS)


def test_a_light_chain() -> None:
    """Cheap headers from genesis on are good headers, and not Bitcoin."""
    found = refusal(TipSeen(0xFE, NOW, NOW))
    assert found.code == "header-chain-light"
    assert (found.objections[0].observed, found.objections[0].limit) == ("fe", "ff")
    verify_fresh(TipSeen(0xFF, NOW, NOW), NOW, BOUNDS)


def test_age_is_never_negative() -> None:
    assert [tip_age(TipSeen(0xFF, NOW + ahead, NOW), NOW) for ahead in (7_200, 1, 0, -1)] == [
        0,
        0,
        0,
        1,
    ]
