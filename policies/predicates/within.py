"""`within(days, hours)`: the spend is decided in these hours of these days, UTC.

1. Days are one of `mon` to `sun`, a range such as `mon-fri` that does not run past Sunday, or `daily`.
2. Hours are `08:00-18:00`, half-open: 08:00:00 is inside, 18:00:00 is not. 24:00 is the end of the day, and
   no window passes midnight: several windows are an `or`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.core.errors import Objection
from signer.core.moments import DAY, format_time, weekday_of
from signer.core.question import Question

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS = {"daily": range(7)} | {
    name if first == last else f"{name}-{_NAMES[last]}": range(first, last + 1)
    for first, name in enumerate(_NAMES)
    for last in range(first, 7)
    if last - first < 6
}
_HOURS = re.compile(r"([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Within:
    """A window of the week."""

    NAME: ClassVar = "within"
    SIGNATURE: ClassVar = "(days, hours)"
    CODES: ClassVar[tuple[str, ...]] = ("outside-schedule",)
    WAITABLE: ClassVar = True

    days: range
    """Of weekdays, 0 Monday."""
    start: int
    """Minutes after midnight, inclusive."""
    end: int
    """Minutes after midnight, exclusive."""

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`within(mon-fri, 08:00-18:00)`. Raises PolicyError."""
        days = arguments.word_of(_DAYS, "day or range of days")
        start, end = arguments.literal(_minutes, "hours such as 08:00-18:00, up to 24:00")
        return cls(days, start, end)

    @property
    def text(self) -> str:
        """As it is written."""
        return f"within({self._day_text}, {_clock(self.start)}-{_clock(self.end)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"it is {self._day_text}, from {_clock(self.start)} to {_clock(self.end)} UTC"

    @property
    def _day_text(self) -> str:
        return next(text for text, days in _DAYS.items() if days == self.days)

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        if not isinstance(other, Within):
            return False
        return (
            set(self.days) <= set(other.days)
            and other.start <= self.start
            and self.end <= other.end
        )

    def objections(self, question: Question) -> Iterator[Objection]:
        """One outside the window."""
        now, seconds = question.now, question.now % DAY
        if weekday_of(now) in self.days and self.start * 60 <= seconds < self.end * 60:
            return
        opening = self._opening(now)
        yield Objection(
            "outside-schedule",
            "this is not the time for it",
            f"{_NAMES[weekday_of(now)]}, {_clock(seconds // 60)} UTC",
            f"{self._day_text}, {_clock(self.start)}-{_clock(self.end)} UTC",
            opening,
            f"waiting until {format_time(opening)}",
        )

    def _opening(self, now: int) -> int:
        """The next one after `now`."""
        today = now - now % DAY
        openings = (today + day * DAY + self.start * 60 for day in range(8))
        return next(each for each in openings if each > now and weekday_of(each) in self.days)


def _minutes(text: str) -> tuple[int, int] | None:
    """(start, end) of `08:00-18:00`; None for what is no such window."""
    match = _HOURS.fullmatch(text)
    if match is None:
        return None
    hours, minutes, end_hours, end_minutes = map(int, match.groups())
    start, end = hours * 60 + minutes, end_hours * 60 + end_minutes
    return (start, end) if start < end <= DAY // 60 else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
