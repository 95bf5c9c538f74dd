"""`count_at_most(window, n)`: withdrawals first signed in a rolling window, these included.

1. The window is half-open, (now - window, now]; all kinds and rules of the vault count (J3).
2. A withdrawal on record counts no second time: a spend without a new one always passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_duration
from policies.predicates.phrases import or_waiting
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class CountAtMost:
    """A limit on how many withdrawals begin."""

    NAME: ClassVar = "count_at_most"
    SIGNATURE: ClassVar = "(window, n)"
    CODES: ClassVar[tuple[str, ...]] = ("count-exceeded",)
    WAITABLE: ClassVar = False

    window: int
    """Seconds."""
    limit: int

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`count_at_most(1h, 20)`. Raises PolicyError."""
        return cls(arguments.duration(), arguments.count())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"count_at_most({format_duration(self.window)}, {self.limit})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return (
            f"with it at most {self.limit} withdrawals begin within any "
            f"{format_duration(self.window)}"
        )

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        if not isinstance(other, CountAtMost):
            return False
        return self.window >= other.window and self.limit <= other.limit

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when the window is too full."""
        fresh, vault = len(question.binding.new), question.spend.vault.fingerprint
        if fresh == 0:
            return
        begun = question.view.withdrawals_since(vault, question.now - self.window)
        if begun + fresh > self.limit:
            not_before = self._not_before(question, begun + fresh - self.limit)
            yield Objection(
                "count-exceeded",
                f"too many withdrawals would begin within {format_duration(self.window)}",
                f"{begun} begun, {fresh} more",
                f"at most {self.limit}",
                not_before,
                f"at most {max(0, self.limit - begun)} withdrawals more" + or_waiting(not_before),
            )

    def _not_before(self, question: Question, excess: int) -> int | None:
        """When enough earlier withdrawals have left the window; None if that is never."""
        start = question.now - self.window
        for moment, _, count in question.view.charges_since(
            question.spend.vault.fingerprint, start
        ):
            excess -= count
            if excess <= 0:
                return moment + self.window
        return None
