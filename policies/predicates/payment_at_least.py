"""`payment_at_least(amount)`: no payment is below that amount (small ones take another rule)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_amount
from signer.bitcoin.units import Sats
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class PaymentAtLeast:
    """A floor under each payment."""

    NAME: ClassVar = "payment_at_least"
    SIGNATURE: ClassVar = "(amount)"
    CODES: ClassVar[tuple[str, ...]] = ("payment-too-small",)
    WAITABLE: ClassVar = False

    limit: Sats

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`payment_at_least(0.01 BTC)`. Raises PolicyError."""
        return cls(arguments.amount())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"payment_at_least({format_amount(self.limit)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"each payment is at least {format_amount(self.limit)}"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, PaymentAtLeast) and self.limit >= other.limit

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each smaller payment."""
        for payment in question.spend.payments:
            if payment.amount < self.limit:
                yield Objection(
                    "payment-too-small",
                    f"output {payment.vout} pays too little",
                    f"{payment.amount} sat",
                    f"at least {self.limit} sat",
                    change=f"a payment of at least {self.limit} sat",
                )
