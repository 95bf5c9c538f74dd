"""`spend_at_most(amount)`: payments, or what moves to another vault, and the fee together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_amount
from policies.predicates.fee_at_most import FeeAtMost
from policies.predicates.payment_at_most import PaymentAtMost
from signer.bitcoin.units import Sats
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class SpendAtMost:
    """A cap on what one transaction takes out of the vault."""

    NAME: ClassVar = "spend_at_most"
    SIGNATURE: ClassVar = "(amount)"
    CODES: ClassVar[tuple[str, ...]] = ("spend-too-large",)
    WAITABLE: ClassVar = False

    limit: Sats

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`spend_at_most(2 BTC)`. Raises PolicyError."""
        return cls(arguments.amount())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"spend_at_most({format_amount(self.limit)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"it takes at most {format_amount(self.limit)} out of the vault, fee included"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too: the fee and each payment are part of what leaves."""
        return (
            isinstance(other, SpendAtMost | FeeAtMost | PaymentAtMost) and self.limit <= other.limit
        )

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when more leaves the vault."""
        outflow = question.spend.outflow
        if outflow > self.limit:
            yield Objection(
                "spend-too-large",
                "too much would leave the vault at once, fee included",
                f"{outflow} sat",
                f"at most {self.limit} sat",
                change=f"payments, or what is moved, and fee of at most {self.limit} sat",
            )
