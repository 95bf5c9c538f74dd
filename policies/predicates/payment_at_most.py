"""`payment_at_most(amount)`: no payment is above that amount."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_amount
from signer.bitcoin.units import Sats
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class PaymentAtMost:
    """A cap on each payment."""

    NAME: ClassVar = "payment_at_most"
    SIGNATURE: ClassVar = "(amount)"
    CODES: ClassVar[tuple[str, ...]] = ("payment-too-large",)
    WAITABLE: ClassVar = False

    limit: Sats

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`payment_at_most(1 BTC)`. Raises PolicyError."""
        return cls(arguments.amount())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"payment_at_most({format_amount(self.limit)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"each payment is at most {format_amount(self.limit)}"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, PaymentAtMost) and self.limit <= other.limit

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each larger payment."""
        for payment in question.spend.payments:
            if payment.amount > self.limit:
                yield Objection(
                    "payment-too-large",
                    f"output {payment.vout} pays too much",
                    f"{payment.amount} sat",
                    f"at most {self.limit} sat",
                    change=f"a payment of at most {self.limit} sat",
                )
