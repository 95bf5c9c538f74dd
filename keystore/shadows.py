"""What the journal brought back to a ledger: it may have been signed, and fills the days in which it may.

1. An entry is told of one of the coins that it spends. Of a coin's entries each may be the one that was
   signed, so in every day a coin counts the dearest of those of that day: an earlier one takes nothing from
   what a later one fills, nor its date.
2. So of all entries of a day no conflict-free set is dearer than what is counted: its coins differ.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest

from signer.bitcoin.transaction import OutPoint

_SHADOW = 1 << 31
"""In an output's number, of which no transaction has so many."""


def is_shadow(coin: bytes) -> bool:
    """Whether a record with that coin is of a shadow."""
    return bool(coin[32] & 0x80)


class Shadows:
    """Of the last 24 hours."""

    def __init__(self) -> None:
        self._told: dict[bytes, list[tuple[int, int]]] = {}
        """Coin -> (time, sats that leave) of its entries, but for those for which a later one, as dear,
        stands: oldest and dearest first."""
        self._order: deque[tuple[int, bytes]] = deque()
        """(time, coin) of all entries, oldest first."""
        self.count = 0
        """Sats (1)."""

    def fades(self) -> Iterator[tuple[int, int]]:
        """(time of an entry, by how many sats less is counted when it has left the day)."""
        for told in self._told.values():
            for (moment, leaving), (_, after) in zip_longest(told, told[1:], fillvalue=(0, 0)):
                yield moment, leaving - after

    def place(self, inputs: Iterable[OutPoint], leaving: int, moment: int) -> bytes | None:
        """The coin of which such an entry is to be told; None where all its days are as full without it."""
        coins = {name: self._told.get(name, []) for name in map(_name, inputs)}
        if any(when >= moment and sats >= leaving for when, sats in chain(*coins.values())):
            return None
        return max(coins, key=lambda name: (_dearest(coins[name]), name))

    def tell(self, coin: bytes, moment: int, leaving: int) -> None:
        """One more; none was told of that is later."""
        dearer = [each for each in self._told.get(coin, ()) if each[1] > leaving]
        self._put(coin, [*dearer, (moment, leaving)])
        self._order.append((moment, coin))

    def pass_(self, moment: int) -> None:
        """What is told of that time, or an earlier one, has left the day."""
        while self._order and self._order[0][0] <= moment:
            _, coin = self._order.popleft()
            self._put(coin, [each for each in self._told.get(coin, ()) if each[0] > moment])

    def _put(self, coin: bytes, told: list[tuple[int, int]]) -> None:
        self.count += _dearest(told) - _dearest(self._told.pop(coin, []))
        if told:
            self._told[coin] = told


def _name(coin: OutPoint) -> bytes:
    return coin.txid + (coin.vout | _SHADOW).to_bytes(4, "big")


def _dearest(told: list[tuple[int, int]]) -> int:
    return told[0][1] if told else 0
