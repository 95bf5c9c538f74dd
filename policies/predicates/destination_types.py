"""`destination_types(type, ...)`: every payment goes to a script of one of these standard forms."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.predicates.destinations_not_in import DestinationsNotIn
from signer.bitcoin.script import DUST_LIMIT, ScriptType, script_type
from signer.core.errors import Objection
from signer.core.question import Question

# The forms that a payment may have at all (design section 7) are those with a dust limit of ours.
_PAYABLE = {form.value: form for form in DUST_LIMIT}


@dataclass(frozen=True, slots=True)
class DestinationTypes:
    """A choice of script types."""

    NAME: ClassVar = "destination_types"
    SIGNATURE: ClassVar = "(type, ...)"
    CODES: ClassVar[tuple[str, ...]] = ("destination-type-refused",)
    WAITABLE: ClassVar = False

    types: frozenset[ScriptType]

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`destination_types(p2wpkh, p2wsh, p2tr)`. Raises PolicyError."""
        types = {arguments.word_of(_PAYABLE, "type")}
        while arguments.rest:
            types.add(arguments.word_of(_PAYABLE, "type"))
        return cls(frozenset(types))

    @property
    def text(self) -> str:
        """As it is written, types sorted."""
        return f"destination_types({self._names})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"each payment goes to an address of type {self._names}"

    @property
    def _names(self) -> str:
        return ", ".join(sorted(self.types))

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        if isinstance(other, DestinationsNotIn):
            return all(script_type(script) not in self.types for script in other.listed.scripts)
        return isinstance(other, DestinationTypes) and self.types <= other.types

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each payment to another type."""
        for payment in question.spend.payments:
            form = script_type(payment.script_pubkey)
            if form not in self.types:
                yield Objection(
                    "destination-type-refused",
                    f"output {payment.vout} pays to a script of another type",
                    form.value,
                    self._names,
                    change=f"an address of type {self._names}",
                )
