"""`buried(work)`: it costs at least so many hashes to replace the blocks from each coin's on.

1. As `confirmed`, counted in work: what the block and those on it took to find, whatever their number. Where
   difficulty falls, blocks are cheaper and their number says less.
2. Work is that of the best chain up to the highest header for which enough sources vouch; the chain is of
   today (`policies.predicates.placed`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.literals import format_work
from policies.predicates.placed import placed, unproven
from signer.core.errors import Objection
from signer.core.question import Question
from signer.core.spend import SpentCoin


@dataclass(frozen=True, slots=True)
class Buried:
    """A depth in work."""

    NAME: ClassVar = "buried"
    SIGNATURE: ClassVar = "(work)"
    CODES: ClassVar[tuple[str, ...]] = ("coin-unburied",)
    WAITABLE: ClassVar = False

    work: int
    """Expected hashes."""

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`buried(5 ZH)`. Raises PolicyError."""
        return cls(arguments.work())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"buried({format_work(self.work)})"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return (
            "our own headers, which are of today, bury the block of each coin under work of at least "
            f"{format_work(self.work)} (expected hashes), its own counted"
        )

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, Buried) and self.work >= other.work

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each coin that is not deep enough, or of which nothing is known."""
        yield from self._about(question, question.spend.coins)

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        """One when that coin is not deep enough, or nothing is known of it."""
        yield from self._about(question, (coin,))

    def _about(self, question: Question, coins: Iterable[SpentCoin]) -> Iterator[Objection]:
        asked = tuple(coins)
        yield from unproven(question, asked)
        for coin, place in placed(question, asked):
            if place.burial.work < self.work:
                yield Objection(
                    "coin-unburied",
                    f"coin {coin.outpoint} is not buried under enough work",
                    format_work(place.burial.work),
                    f"at least {format_work(self.work)}",
                    change="waiting for more blocks",
                )
