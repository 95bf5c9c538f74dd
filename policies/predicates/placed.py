"""What the rules about blocks ask of the chain alike: that there is one, that it is of today, and the proofs.

1. Without a chain, or on one that is light, stale or frozen, no coin is buried.
2. A coin's place is that of its transaction, as a proof of this request shows it. A coin without a proof is
   nowhere.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from signer.core.chain_word import ChainWord, Placed
from signer.core.errors import Objection
from signer.core.proven import no_chain
from signer.core.question import Question
from signer.core.spend import SpentCoin


class PlacedCoin(NamedTuple):
    """A coin with the block that it is in."""

    coin: SpentCoin
    place: Placed


def chain_objections(chain: ChainWord | None) -> Iterator[Objection]:
    """Why the chain says nothing now (1)."""
    if chain is None:
        yield no_chain()
    else:
        yield from chain.stale


def unproven(question: Question, coins: Iterable[SpentCoin]) -> Iterator[Objection]:
    """Why nothing is known about some of these coins: the chain, or their proofs."""
    yield from chain_objections(question.chain)
    if question.chain is None:
        return
    for coin in coins:
        if coin.outpoint.txid not in question.chain.placed:
            yield Objection(
                "proof-missing",
                f"no proof shows in which block coin {coin.outpoint} is",
                "no proof",
                "one proof of inclusion for each transaction whose outputs are spent",
                change=f"a proof of inclusion of the transaction of {coin.outpoint}",
            )


def placed(question: Question, coins: Iterable[SpentCoin]) -> Iterator[PlacedCoin]:
    """Those of the coins that a proof shows."""
    if question.chain is None:
        return
    for coin in coins:
        place = question.chain.placed.get(coin.outpoint.txid)
        if place is not None:
            yield PlacedCoin(coin, place)
