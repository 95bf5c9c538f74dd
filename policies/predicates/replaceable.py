"""`replaceable()`: the transaction signals replacement (BIP-125), so that its fee can be raised later."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class Replaceable:
    """The signal of BIP-125 in at least one input."""

    NAME: ClassVar = "replaceable"
    SIGNATURE: ClassVar = "()"
    CODES: ClassVar[tuple[str, ...]] = ("not-replaceable",)
    WAITABLE: ClassVar = False

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`replaceable()`. Raises PolicyError."""
        arguments.end()
        return cls()

    @property
    def text(self) -> str:
        """As it is written."""
        return "replaceable()"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return "the transaction signals that it can be replaced (BIP-125)"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, Replaceable)

    def objections(self, question: Question) -> Iterator[Objection]:
        """One without the signal."""
        if not question.spend.is_replaceable:
            yield Objection(
                "not-replaceable",
                "the transaction does not signal replacement",
                "every nSequence from 0xfffffffe",
                "an nSequence below it",
                change="an input with an nSequence below 0xfffffffe",
            )
