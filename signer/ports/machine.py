"""The clocks that the kernel needs: effective time, and the machine's it is taken from (design J7)."""

from typing import Protocol


class Clock(Protocol):
    """Effective time (design J7)."""

    def now(self) -> int:
        """Unix seconds; never goes back."""


class MachineClock(Protocol):
    """What effective time is taken from at the start, and after the officers' unlock."""

    def wall(self) -> int:
        """What this machine's clock shows, Unix seconds."""

    def accept(self, moment: int) -> None:
        """The officers stated that time (Unix seconds): effective time goes on from there."""


class NoMachine:
    """Where no machine's clock is asked: no text that states the time is believed."""

    def wall(self) -> int:
        """See MachineClock."""
        return 0

    def accept(self, moment: int) -> None:
        """See MachineClock."""
