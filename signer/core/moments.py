"""Moments as text: Unix seconds and `2026-11-28T12:00:00Z`, UTC, the proleptic Gregorian calendar.

Here because the pure packages import no clock, and the standard library's calendar sits beside one.
"""

import re
from typing import NamedTuple

DAY = 86_400
_TEXT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
_CYCLE = 146_097
"""Days of 400 years."""
_EPOCH = 719_468
"""Days from 0000-03-01 to 1970-01-01."""


class Civil(NamedTuple):
    """A date."""

    year: int
    month: int
    """1 to 12."""
    day: int
    """1 to 31."""


def civil_of(days: int) -> Civil:
    """The date so many days after 1970-01-01. Years are counted from 1 March: the leap day comes last."""
    cycle, of_cycle = divmod(days + _EPOCH, _CYCLE)
    year = (of_cycle - of_cycle // 1_460 + of_cycle // 36_524 - of_cycle // 146_096) // 365
    of_year = of_cycle - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    day = of_year - (153 * shifted + 2) // 5 + 1
    return Civil(year + 400 * cycle + (month <= 2), month, day)


def days_of(date: Civil) -> int:
    """Days after 1970-01-01; the inverse of `civil_of` for dates that exist."""
    year = date.year - (date.month <= 2)
    cycle, of_cycle = divmod(year, 400)
    shifted = date.month - 3 if date.month > 2 else date.month + 9
    of_year = (153 * shifted + 2) // 5 + date.day - 1
    return cycle * _CYCLE + of_cycle * 365 + of_cycle // 4 - of_cycle // 100 + of_year - _EPOCH


def format_time(moment: int) -> str:
    """Unix seconds as `2026-11-28T12:00:00Z`."""
    days, seconds = divmod(moment, DAY)
    date = civil_of(days)
    clock = f"{seconds // 3_600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}T{clock}Z"


def read_time(text: str) -> int | None:
    """The inverse; None for what is no such text or no date that exists."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hours, minutes, seconds = map(int, match.groups())
    moment = days_of(Civil(year, month, day)) * DAY + hours * 3_600 + minutes * 60 + seconds
    return moment if format_time(moment) == text else None


def weekday_of(moment: int) -> int:
    """0 Monday to 6 Sunday."""
    return (moment // DAY + 3) % 7
