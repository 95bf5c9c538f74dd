"""A tip that is old, and a feed that does not move."""

from dataclasses import replace

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
    """A feed that ended: nobody brings headers of today."""
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


def test_a_slow_chain() -> None:
    """Six headers of any date make a median fresh; a day's worth of headers nobody makes for us alone."""
    paced = replace(BOUNDS, pace=172_800)
    forged = TipSeen(0xFF, NOW, NOW, NOW - 172_801)
    with pytest.raises(VerificationError) as caught:
        verify_fresh(forged, NOW, paced)
    assert caught.value.code == "header-chain-slow"
    assert caught.value.objections[0].observed == "172801 s"
    verify_fresh(replace(forged, day_time=NOW - 172_800), NOW, paced)
    verify_fresh(replace(forged, day_time=None), NOW, paced)  # nobody asked
    verify_fresh(forged, NOW, BOUNDS)  # where no pace is asked


def test_age_is_never_negative() -> None:
    assert [tip_age(TipSeen(0xFF, NOW + ahead, NOW), NOW) for ahead in (7_200, 1, 0, -1)] == [
        0,
        0,
        0,
        1,
    ]
