"""A simulated block chain: who waits to be mined, what conflicts, blocks, reorganisations.

1. A transaction confirms once its inputs exist, unspent, in the chain that ends at the tip. An output of a
   transaction that this chain never saw (a depositor's) exists from the beginning.
2. A reorganisation takes blocks from the tip, never one that attestors called buried: that is the bridge's
   only assumption about depth.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, combinations
from random import Random

from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxOut

BASE = 1_000
"""Height below the first block."""


@dataclass
class Chain:
    """Blocks, and all transactions that anyone could broadcast."""

    blocks: list[list[Transaction]] = field(default_factory=list)
    broadcast: dict[Txid, Transaction] = field(default_factory=dict)
    """Complete transactions, in the order in which they came up."""
    final: int = BASE
    """No reorganisation takes blocks up to this height."""
    heights: dict[Txid, int] = field(default_factory=dict)
    """Of what is confirmed."""
    spenders: dict[OutPoint, Txid] = field(default_factory=dict)
    """Of outputs that confirmed transactions spend."""
    paid: Counter[TxOut] = field(default_factory=Counter)
    """How often confirmed transactions have that output."""

    @property
    def tip(self) -> int:
        return BASE + len(self.blocks)

    def publish(self, transaction: Transaction) -> None:
        self.broadcast.setdefault(transaction.txid, transaction)

    def is_mineable(self, transaction: Transaction) -> bool:
        """Rule 1."""
        return transaction.txid not in self.heights and all(
            txin.previous not in self.spenders
            and (txin.previous.txid in self.heights or txin.previous.txid not in self.broadcast)
            for txin in transaction.inputs
        )

    def mine(self, candidates: list[Transaction]) -> None:
        """A block of those of them that can be mined, in this order."""
        block = list[Transaction]()
        self.blocks.append(block)
        for each in candidates:
            if self.is_mineable(each):
                block.append(each)
                self._confirm(each, self.tip)

    def mine_some(self, random: Random, blocks: int = 1) -> None:
        """Miners choose as they like."""
        for _ in range(blocks):
            waiting = [each for each in self.broadcast.values() if self.is_mineable(each)]
            random.shuffle(waiting)
            self.mine(waiting[: random.randrange(4)])

    def reorganise(self, depth: int) -> int:
        """Blocks that are gone, at most so many (rule 2)."""
        gone = min(depth, self.tip - self.final)
        if gone:
            del self.blocks[-gone:]
            self.heights.clear()
            self.spenders.clear()
            self.paid.clear()
            for number, block in enumerate(self.blocks):
                for each in block:
                    self._confirm(each, BASE + number + 1)
        return gone

    def _confirm(self, transaction: Transaction, height: int) -> None:
        self.heights[transaction.txid] = height
        self.paid.update(transaction.outputs)
        for txin in transaction.inputs:
            self.spenders[txin.previous] = transaction.txid

    def killer_of(self, outpoint: OutPoint) -> tuple[tuple[Transaction, ...], OutPoint] | None:
        """The transactions that show that an output is gone, the confirmed one last, and the output that it
        took: the output itself, or an input of the first one of those that lead to it."""
        if outpoint in self.spenders:
            return (self.broadcast[self.spenders[outpoint]],), outpoint
        descent = list[Transaction]()
        at = outpoint.txid
        while at in self.broadcast and at not in self.heights:
            descent.insert(0, self.broadcast[at])
            for txin in descent[0].inputs:
                if txin.previous in self.spenders:
                    killer = self.broadcast[self.spenders[txin.previous]]
                    return (*descent, killer), txin.previous
            unconfirmed = (
                txin.previous.txid
                for txin in descent[0].inputs
                if txin.previous.txid not in self.heights
            )
            at = next((each for each in unconfirmed if each in self.broadcast), Txid(b""))
        return None

    def depth(self, txid: Txid) -> int:
        """Confirmations."""
        return self.tip - self.heights[txid] + 1 if txid in self.heights else 0

    def may_all_confirm(self, transactions: tuple[Transaction, ...]) -> bool:
        """Whether some chain that begins with the final blocks has all of them."""
        spent: dict[OutPoint, Txid] = {}
        settled = chain.from_iterable(self.blocks[: self.final - BASE])
        for each in (*settled, *self._with_ancestors(transactions)):
            for txin in each.inputs:
                if spent.setdefault(txin.previous, each.txid) != each.txid:
                    return False
        return True

    def _with_ancestors(self, transactions: tuple[Transaction, ...]) -> list[Transaction]:
        found: dict[Txid, Transaction] = {}
        waiting = list(transactions)
        while waiting:
            each = waiting.pop()
            if each.txid not in found:
                found[each.txid] = each
                parents = (self.broadcast.get(txin.previous.txid) for txin in each.inputs)
                waiting += [parent for parent in parents if parent is not None]
        return list(found.values())

    def can_be_paid_more_than(self, wanted: TxOut, times: int) -> bool:
        """Whether some chain from here pays that amount to that script more often than that."""
        payers = [each for each in self.broadcast.values() if wanted in each.outputs]
        return any(
            sum(each.outputs.count(wanted) for each in group) > times
            and self.may_all_confirm(group)
            for size in range(1, times + 2)
            for group in combinations(payers, size)
        )
