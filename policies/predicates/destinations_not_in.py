"""`destinations_not_in(list)`: no payment goes to a script of the list."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import AddressList, Arguments
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class DestinationsNotIn:
    """A list of refused destinations."""

    NAME: ClassVar = "destinations_not_in"
    SIGNATURE: ClassVar = "(list)"
    CODES: ClassVar[tuple[str, ...]] = ("destination-listed",)
    WAITABLE: ClassVar = False

    listed: AddressList

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`destinations_not_in(sanctioned)`. Raises PolicyError."""
        return cls(arguments.address_list())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"destinations_not_in({self.listed.name})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"no payment goes to one of the {len(self.listed.scripts)} addresses in {self.listed.name}"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, DestinationsNotIn) and other.listed.scripts <= self.listed.scripts

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each payment to the list."""
        for payment in question.spend.payments:
            if payment.script_pubkey in self.listed.scripts:
                yield Objection(
                    "destination-listed",
                    f"output {payment.vout} pays to a destination that the rule refuses",
                    f"script {payment.script_pubkey.hex()}",
                    f"list {self.listed.name}",
                    change=f"a destination outside list {self.listed.name}",
                )
