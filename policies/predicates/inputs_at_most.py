"""`inputs_at_most(n)`: the transaction spends at most n coins."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class InputsAtMost:
    """A limit on inputs."""

    NAME: ClassVar = "inputs_at_most"
    SIGNATURE: ClassVar = "(n)"
    CODES: ClassVar[tuple[str, ...]] = ("too-many-inputs",)
    WAITABLE: ClassVar = False

    limit: int

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`inputs_at_most(100)`. Raises PolicyError."""
        return cls(arguments.count())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"inputs_at_most({self.limit})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"the transaction has at most {self.limit} inputs"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, InputsAtMost) and self.limit <= other.limit

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when there are more."""
        count = question.spend.input_count
        if count > self.limit:
            yield Objection(
                "too-many-inputs",
                "too many inputs",
                f"{count}",
                f"at most {self.limit}",
                change=f"at most {self.limit} inputs",
            )
