"""`weight_at_most(weight)`: the transaction weighs at most that, its witnesses at their largest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.bitcoin.units import Weight
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class WeightAtMost:
    """A limit on size, in weight units (BIP-141)."""

    NAME: ClassVar = "weight_at_most"
    SIGNATURE: ClassVar = "(weight)"
    CODES: ClassVar[tuple[str, ...]] = ("weight-too-high",)
    WAITABLE: ClassVar = False

    limit: Weight

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`weight_at_most(100000 WU)`. Raises PolicyError."""
        return cls(arguments.weight())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"weight_at_most({self.limit} WU)"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"the transaction weighs at most {self.limit} WU"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, WeightAtMost) and self.limit <= other.limit

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when it is heavier."""
        weight = question.spend.weight
        if weight > self.limit:
            yield Objection(
                "weight-too-high",
                "the transaction is too heavy",
                f"{weight} WU",
                f"at most {self.limit} WU",
                change=f"a weight of at most {self.limit} WU",
            )
