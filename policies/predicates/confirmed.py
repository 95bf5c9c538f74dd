"""`confirmed(n blocks)`: our own headers bury the block of each coin under at least n blocks, itself counted.

1. In `when` it is asked of every coin that is spent, of a further version too; in `coins` of the coin asked
   about.
2. Blocks are counted on the best chain, up to the highest header for which enough sources vouch.
3. A coinbase's output needs 100 blocks, whatever n is: no node relays less.
4. The chain is of today (`policies.predicates.placed`). That a coin is in a block does not say that it is
   unspent.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments
from policies.predicates.placed import placed, unproven
from signer.core.errors import Objection
from signer.core.question import Question
from signer.core.spend import SpentCoin

MATURITY = 100
"""Blocks before a coinbase's output can be spent, its own included."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A depth in blocks."""

    NAME: ClassVar = "confirmed"
    SIGNATURE: ClassVar = "(blocks)"
    CODES: ClassVar[tuple[str, ...]] = ("coin-unconfirmed",)
    WAITABLE: ClassVar = False

    blocks: int

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`confirmed(6 blocks)`. Raises PolicyError."""
        return cls(arguments.blocks())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"confirmed({self.blocks} blocks)"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return (
            "our own headers, which are of today, bury the block of each coin under at least "
            f"{self.blocks} blocks, itself counted"
        )

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too."""
        return isinstance(other, Confirmed) and self.blocks >= other.blocks

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
            needed = max(self.blocks, MATURITY) if place.is_coinbase else self.blocks
            lacking = needed - place.burial.blocks
            if lacking > 0:
                yield Objection(
                    "coin-unconfirmed",
                    f"coin {coin.outpoint} is not buried under enough blocks",
                    f"{place.burial.blocks} blocks",
                    f"at least {needed} blocks",
                    change=f"waiting for {lacking} more blocks",
                )
