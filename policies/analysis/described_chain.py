"""What our own headers say, only described (`signer.core.chain_word`): all coins of a spend alike.

What is not described stands in no rule's way: coins are deep, and the tip is of this moment.
"""

from dataclasses import dataclass

from policies.analysis.described_spend import DescribedSpend
from policies.literals import MAX_BLOCKS, MAX_WORK
from signer.bitcoin.burial import Burial
from signer.bitcoin.units import Height
from signer.core.chain_word import ChainWord, Placed
from signer.core.freshness import TipSeen

_PLACE = Height(MAX_BLOCKS)


@dataclass(frozen=True, slots=True)
class DescribedChain:
    """How deep all coins are, and how old the tip."""

    blocks: int = MAX_BLOCKS
    """0: their block is not on the best chain."""
    work: int = MAX_WORK
    """Expected hashes."""
    tip_age: int = 0
    """Seconds, by the median time."""

    def word(self, spend: DescribedSpend, now: int) -> ChainWord:
        """As the kernel would ask with it."""
        place = Placed(_PLACE, Burial(self.blocks, self.work), is_coinbase=False)
        return ChainWord(
            tip=TipSeen(MAX_WORK, now - self.tip_age, now),
            vouched=Height(2 * MAX_BLOCKS),
            placed={coin.outpoint.txid: place for coin in spend.coins},
        )


DEEP = DescribedChain()
