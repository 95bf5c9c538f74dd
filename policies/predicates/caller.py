"""`caller(name, ...)`: one of these clients asks, by the name that the kernel's configuration gives its key.

A name is not looked up: each kernel of a federation may know other clients. Which keys a name has is the
configuration's; so this narrows what a stolen client key can do and is no authority of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class Caller:
    """Who may ask."""

    NAME: ClassVar = "caller"
    SIGNATURE: ClassVar = "(name, ...)"
    CODES: ClassVar[tuple[str, ...]] = ("caller-refused",)
    WAITABLE: ClassVar = False

    names: frozenset[str]

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`caller(relayer-1, relayer-2)`. Raises PolicyError."""
        names = {arguments.client()}
        while arguments.rest:
            names.add(arguments.client())
        return cls(frozenset(names))

    @property
    def text(self) -> str:
        """As it is written, names sorted."""
        return f"caller({self._names})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"the client that asks is {' or '.join(sorted(self.names))}"

    @property
    def _names(self) -> str:
        return ", ".join(sorted(self.names))

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, Caller) and self.names <= other.names

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for another client."""
        if question.caller not in self.names:
            yield Objection(
                "caller-refused",
                "this client may not ask under this rule",
                f"client {question.caller}",
                self._names,
                change=f"a request by {self._names}",
            )
