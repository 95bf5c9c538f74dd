"""The bench: the kernel that does it again, and what it is given."""

from collections.abc import Callable
from dataclasses import dataclass

from signer.kernel import Kernel
from signer.replay.journal import ReplayJournal


@dataclass(slots=True)
class StatedClock:
    """signer.ports.MachineClock that shows what the officers' text states: what it showed is not kept."""

    moment: int = 0

    def wall(self) -> int:
        """See MachineClock."""
        return self.moment

    def accept(self, moment: int) -> None:
        """See MachineClock."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The kernel that does it again."""

    kernel: Kernel
    journal: ReplayJournal
    clock: StatedClock


Deed = Callable[[Bench], None]
"""Raises what the caller would have been told."""


@dataclass(frozen=True, slots=True)
class Unrepeatable:
    """Why nothing can be done again."""

    reason: str
