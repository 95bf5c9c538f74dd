"""`outflow_at_most(window, amount)`: what leaves the vault in a rolling window, this spend included.

1. The window is half-open, (now - window, now]; all kinds and rules of the vault count (J3).
2. A spend counts what it newly charges: a retry or a bump that charges nothing always passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_amount, format_duration
from policies.predicates.phrases import or_waiting
from signer.bitcoin.units import Sats
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class OutflowAtMost:
    """A velocity limit."""

    NAME: ClassVar = "outflow_at_most"
    SIGNATURE: ClassVar = "(window, amount)"
    CODES: ClassVar[tuple[str, ...]] = ("outflow-exceeded",)
    WAITABLE: ClassVar = False

    window: int
    """Seconds."""
    limit: Sats

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`outflow_at_most(24h, 10 BTC)`. Raises PolicyError."""
        return cls(arguments.duration(), arguments.amount())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"outflow_at_most({format_duration(self.window)}, {format_amount(self.limit)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return (
            f"with it at most {format_amount(self.limit)} leave the vault within any "
            f"{format_duration(self.window)}, fees included"
        )

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        if not isinstance(other, OutflowAtMost):
            return False
        return self.window >= other.window and self.limit <= other.limit

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when the window is too full."""
        charge, vault = question.binding.charge, question.spend.vault.fingerprint
        if charge == 0:
            return
        spent = question.view.outflow_since(vault, question.now - self.window)
        if spent + charge > self.limit:
            not_before = self._not_before(question, spent + charge - self.limit)
            yield Objection(
                "outflow-exceeded",
                f"too much would leave the vault within {format_duration(self.window)}",
                f"{spent} sat spent, {charge} sat more",
                f"at most {self.limit} sat",
                not_before,
                f"at most {max(0, self.limit - spent)} sat more" + or_waiting(not_before),
            )

    def _not_before(self, question: Question, excess: int) -> int | None:
        """When enough earlier charges have left the window; None if that is never."""
        start = question.now - self.window
        for moment, charge, _ in question.view.charges_since(
            question.spend.vault.fingerprint, start
        ):
            excess -= charge
            if excess <= 0:
                return moment + self.window
        return None
