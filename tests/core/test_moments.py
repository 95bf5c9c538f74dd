"""Moments as text, beside the standard library's calendar."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.core.moments import DAY, Civil, civil_of, days_of, format_time, read_time, weekday_of

LAST = 253_402_300_799
"""9999-12-31T23:59:59Z."""
moments = st.integers(0, LAST)


@given(moments)
def test_a_moment_reads_as_the_standard_library_writes_it(moment: int) -> None:
    known = datetime.fromtimestamp(moment, UTC)
    assert format_time(moment) == known.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    assert read_time(format_time(moment)) == moment
    assert weekday_of(moment) == known.weekday()


@given(st.dates())
def test_dates_and_days_are_inverse(day: date) -> None:
    civil = Civil(day.year, day.month, day.day)
    assert days_of(civil) == (day - date(1970, 1, 1)).days
    assert civil_of(days_of(civil)) == civil


def test_every_day_of_a_cycle_of_400_years_is_its_date() -> None:
    epoch = date(1970, 1, 1).toordinal()
    known = (date.fromordinal(epoch + days) for days in range(146_097))
    assert [civil_of(days) for days in range(146_097)] == [
        (day.year, day.month, day.day) for day in known
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-04-30T24:00:00Z",
        "2026-04-30T23:60:00Z",
        "2026-04-30T23:59:60Z",
        "2026-04-30T23:59:59",
        "2026-04-30 23:59:59Z",
        "2026-4-30T23:59:59Z",
        "\u0662026-04-30T23:59:59Z",
        "",
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert read_time(text) is None


def test_the_29th_of_february_exists_in_leap_years_alone() -> None:
    before = read_time("2028-02-28T00:00:00Z")
    assert before is not None
    assert read_time("2028-02-29T00:00:00Z") == before + DAY
    assert read_time("2000-02-29T00:00:00Z") is not None
    assert read_time("1900-02-29T00:00:00Z") is None


def test_days_begin_on_a_monday() -> None:
    assert weekday_of(read_time("2026-11-23T00:00:00Z")) == 0
    assert weekday_of(read_time("2026-11-22T23:59:59Z")) == 6
