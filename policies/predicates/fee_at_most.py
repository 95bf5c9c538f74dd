"""`fee_at_most(amount)`: the whole transaction pays at most that fee."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_amount
from signer.bitcoin.units import Sats
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class FeeAtMost:
    """A cap on the absolute fee."""

    NAME: ClassVar = "fee_at_most"
    SIGNATURE: ClassVar = "(amount)"
    CODES: ClassVar[tuple[str, ...]] = ("fee-too-high",)
    WAITABLE: ClassVar = False

    limit: Sats

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`fee_at_most(0.002 BTC)`. Raises PolicyError."""
        return cls(arguments.amount())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"fee_at_most({format_amount(self.limit)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"the fee is at most {format_amount(self.limit)}"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, FeeAtMost) and self.limit <= other.limit

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when the fee is higher."""
        fee = question.spend.fee
        if fee > self.limit:
            yield Objection(
                "fee-too-high",
                "the fee is too high",
                f"{fee} sat",
                f"at most {self.limit} sat",
                change=f"a fee of at most {self.limit} sat",
            )
