"""A coin's transaction in a block, its proof, and a record of headers for it."""

from dataclasses import replace
from random import Random

from signer.bitcoin.burial import Burial
from signer.bitcoin.tail import Link
from signer.bitcoin.transaction import Transaction, TxIn
from signer.bitcoin.units import Height
from signer.core.chain_word import ChainWord, chain_word
from signer.core.errors import unverified
from signer.core.freshness import TipSeen
from signer.core.proven import InclusionClaim
from signer.core.proven_coins import prove
from tests.bitcoin.blocks import NOWHERE, Block, coinbase, random_block
from tests.bitcoin.mined import MemoryRecord
from tests.core.spends import NOW, Case, Coin

HEIGHT = Height(7)
FIRST = coinbase(Random(3))


def block_of(*coins: Coin) -> Block:
    """With the transactions that made these coins, and two more."""
    others = random_block(Random(4), 3).transactions[1:]
    return Block((FIRST, *(coin.previous for coin in coins), *others))


def claim_of(block: Block, position: int) -> InclusionClaim:
    return InclusionClaim(block.header.hash, block.proof(position))


def case_of(coin: Coin, good: Case) -> Case:
    """The good case, which spends that coin."""
    return replace(good, inputs=(coin.draft(), *good.inputs[1:]))


class SeenRecord(MemoryRecord):
    """Headers of which all blocks are buried alike."""

    depth = Burial(3, 600)
    stale = ""

    def tip_seen(self) -> TipSeen:
        return TipSeen(9_000, NOW - 60, NOW - 30)

    def vouched(self) -> Height:
        return Height(9)

    def burial(self, block_hash: bytes) -> Burial:
        return self.depth if block_hash in self.links else Burial(0, 0)

    def require_fresh(self, now: int) -> None:
        if self.stale:
            raise unverified(self.stale, "as the test says")


def record_of(*blocks: Block) -> SeenRecord:
    links = [Link(each.header.hash, HEIGHT, 10, each.raw_header) for each in blocks]
    return SeenRecord({each.hash: each for each in links}, links)


def word_of(coin: Coin, case: Case, stale: str = "") -> ChainWord:
    """What such a record says about the coin."""
    block, spend = block_of(coin), case.verify()
    record = record_of(block)
    record.stale = stale
    return chain_word(prove((claim_of(block, 1),), spend, record), record, NOW)


def minted(coin: Coin) -> Transaction:
    """A coinbase with the outputs of the coin's transaction."""
    return replace(coin.previous, inputs=(TxIn(NOWHERE, b"\x04abcd", 0xFFFFFFFF),))
