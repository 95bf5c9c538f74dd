"""`tip_fresh(duration)`: the best chain's tip is at most so old, by the median time of eleven headers.

1. It narrows what the configuration allows (`signer.core.freshness`), which holds beside it: a chain that is
   light, stale or frozen is not fresh, whatever the rule says.
2. The median of an honest tip is about an hour old, and older than four hours once in six years.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_duration
from policies.predicates.placed import chain_objections
from signer.core.errors import Objection
from signer.core.freshness import tip_age
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class TipFresh:
    """A chain of today."""

    NAME: ClassVar = "tip_fresh"
    SIGNATURE: ClassVar = "(duration)"
    CODES: ClassVar[tuple[str, ...]] = ("tip-not-fresh",)
    WAITABLE: ClassVar = False

    age: int
    """Seconds."""

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`tip_fresh(2h)`. Raises PolicyError."""
        return cls(arguments.duration())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"tip_fresh({format_duration(self.age)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return (
            f"the last eleven of our own headers are at most {format_duration(self.age)} old, by their "
            "median time"
        )

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, TipFresh) and self.age <= other.age

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when the tip is older, or when the chain says nothing."""
        yield from chain_objections(question.chain)
        if question.chain is None:
            return
        age = tip_age(question.chain.tip, question.now)
        if age > self.age:
            yield Objection(
                "tip-not-fresh",
                "the tip of our own headers is too old for this",
                f"{age}s",
                f"at most {format_duration(self.age)}",
                change="newer headers",
            )
