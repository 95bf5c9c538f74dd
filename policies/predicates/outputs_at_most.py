"""`outputs_at_most(n)`: the transaction has at most n outputs, change included."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class OutputsAtMost:
    """A limit on outputs."""

    NAME: ClassVar = "outputs_at_most"
    SIGNATURE: ClassVar = "(n)"
    CODES: ClassVar[tuple[str, ...]] = ("too-many-outputs",)
    WAITABLE: ClassVar = False

    limit: int

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`outputs_at_most(50)`. Raises PolicyError."""
        return cls(arguments.count())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"outputs_at_most({self.limit})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"the transaction has at most {self.limit} outputs, change included"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, OutputsAtMost) and self.limit <= other.limit

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when there are more."""
        count = question.spend.output_count
        if count > self.limit:
            yield Objection(
                "too-many-outputs",
                "too many outputs",
                f"{count}",
                f"at most {self.limit}",
                change=f"at most {self.limit} outputs",
            )
