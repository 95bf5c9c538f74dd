"""`fee_rate_between(least, most)`: fee over worst-case virtual size, both limits included."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.bitcoin.units import FeeRate, fee_for, format_rate, rate_above, rate_below
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class FeeRateBetween:
    """A floor, so that it confirms, and a cap, so that fees do not drain the vault."""

    NAME: ClassVar = "fee_rate_between"
    SIGNATURE: ClassVar = "(rate, rate)"
    CODES: ClassVar[tuple[str, ...]] = ("fee-rate-out-of-range",)
    WAITABLE: ClassVar = False

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

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        if not isinstance(other, FeeRateBetween):
            return False
        return other.least <= self.least and self.most <= other.most

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when the rate is outside."""
        fee, size = question.spend.fee, question.spend.vsize
        is_low = rate_below(fee, size, self.least)
        if is_low or rate_above(fee, size, self.most):
            nearest = fee_for(self.least, size) if is_low else self.most * size // 1000
            yield Objection(
                "fee-rate-out-of-range",
                "the fee rate is out of range",
                f"{fee} sat over {size} vB",
                f"{format_rate(self.least)} to {format_rate(self.most)}",
                change=f"a fee of at {'least' if is_low else 'most'} {nearest} sat",
            )
