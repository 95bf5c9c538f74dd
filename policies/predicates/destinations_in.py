"""`destinations_in(list)`: every payment goes to a script of the list."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import AddressList, Arguments
from policies.predicates.destination_types import DestinationTypes
from policies.predicates.destinations_not_in import DestinationsNotIn
from signer.bitcoin.script import script_type
from signer.core.errors import Objection
from signer.core.question import Question


@dataclass(frozen=True, slots=True)
class DestinationsIn:
    """A list of permitted destinations."""

    NAME: ClassVar = "destinations_in"
    SIGNATURE: ClassVar = "(list)"
    CODES: ClassVar[tuple[str, ...]] = ("destination-not-listed",)
    WAITABLE: ClassVar = False

    listed: AddressList

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`destinations_in(exchange)`. Raises PolicyError."""
        return cls(arguments.address_list())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"destinations_in({self.listed.name})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"each payment goes to one of the {len(self.listed.scripts)} addresses in {self.listed.name}"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        if isinstance(other, DestinationTypes):
            return all(script_type(script) in other.types for script in self.listed.scripts)
        if isinstance(other, DestinationsNotIn):
            return self.listed.scripts.isdisjoint(other.listed.scripts)
        return isinstance(other, DestinationsIn) and self.listed.scripts <= other.listed.scripts

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each payment to elsewhere."""
        for payment in question.spend.payments:
            if payment.script_pubkey not in self.listed.scripts:
                yield Objection(
                    "destination-not-listed",
                    f"output {payment.vout} pays to a destination that is not on the list",
                    f"script {payment.script_pubkey.hex()}",
                    f"list {self.listed.name}",
                    change=f"a destination of list {self.listed.name}",
                )
