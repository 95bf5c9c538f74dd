"""`fee_rate_between(least, most)`: fee over worst-case virtual size, both limits included."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.bitcoin.units import FeeRate, format_rate, rate_above, rate_below
from signer.core.approve import Question
from signer.core.errors import Objection


@dataclass(frozen=True, slots=True)
class FeeRateBetween:
    """A floor, so that it confirms, and a cap, so that fees do not drain the vault."""

    NAME: ClassVar = "fee_rate_between"
    SIGNATURE: ClassVar = "(rate, rate)"
    CODES: ClassVar[tuple[str, ...]] = ("fee-rate-out-of-range",)

    least: FeeRate
    most: FeeRate

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`fee_rate_between(1 sat/vB, 200 sat/vB)`. Raises PolicyError, `policy-unsatisfiable`."""
        least, most = arguments.rate(), arguments.rate()
        if least > most:
            raise arguments.error(
                "policy-unsatisfiable", "the first rate is above the second", arguments.offset
            )
        return cls(least, most)

    @property
    def text(self) -> str:
        """As it is written."""
        return f"fee_rate_between({format_rate(self.least)}, {format_rate(self.most)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"the fee rate is {format_rate(self.least)} to {format_rate(self.most)}"

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when the rate is outside."""
        fee, size = question.spend.fee, question.spend.vsize
        if rate_below(fee, size, self.least) or rate_above(fee, size, self.most):
            yield Objection(
                "fee-rate-out-of-range",
                "the fee rate is out of range",
                f"{fee} sat over {size} vB",
                f"{format_rate(self.least)} to {format_rate(self.most)}",
            )
