"""`path(name)`: the coins are spent by that path of the vault's script.

The path is what the transaction's locks make it, never what the request says. Withdrawals and anchors
leave by `primary` alone (`recovery-may-not-pay`), so their rules can name no other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class Path:
    """A choice of the spending path."""

    NAME: ClassVar = "path"
    SIGNATURE: ClassVar = "(name)"
    CODES: ClassVar[tuple[str, ...]] = ("path-refused",)
    WAITABLE: ClassVar = False

    name: str

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`path(primary)`. Raises PolicyError."""
        return cls(arguments.path().name)

    @property
    def text(self) -> str:
        """As it is written."""
        return f"path({self.name})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"the coins are spent by the vault's {self.name} path"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, Path) and self.name == other.name

    def objections(self, question: Question) -> Iterator[Objection]:
        """One when it is another path."""
        path = question.spend.path.name
        if path != self.name:
            yield Objection(
                "path-refused",
                "this path may not be used here",
                path,
                self.name,
                change=f"the {self.name} path",
            )
