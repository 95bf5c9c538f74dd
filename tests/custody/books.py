"""What may never be, of all that was signed. Knows true amounts and the time; no ledger and no core.

1. No transaction with our signature lets more leave than the cap of a spend.
2. In any 24 hours, of what was signed then from coins for which nothing was charged before, no conflict-free
   set lets more leave than the cap of a day. When it was recorded plays no part.
3. Of all that was ever signed no conflict-free set lets more leave than a day's cap for each day begun.
Conflict-free sets, of which all may confirm, are tried one by one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from keystore.caps import DAY, Caps
from tests.custody.coins import BATCH


class Signed(NamedTuple):
    """A transaction that has our signature."""

    coins: frozenset[int]
    leaves: int
    moment: int
    """When it had it first."""


def most(signed: Iterable[Signed]) -> int:
    """The most that leaves by transactions of which no two spend one coin."""
    batches: dict[int, dict[frozenset[int], int]] = {}
    for each in signed:
        dearest = batches.setdefault(min(each.coins) // BATCH, {})
        dearest[each.coins] = max(each.leaves, dearest.get(each.coins, 0))
    return sum(_best(dearest) for dearest in batches.values())


def _best(dearest: Mapping[frozenset[int], int]) -> int:
    """Every conflict-free set of one batch is tried."""
    sets = list(dearest)

    def from_(place: int, spent: frozenset[int]) -> int:
        if place == len(sets):
            return 0
        without = from_(place + 1, spent)
        if sets[place] & spent:
            return without
        return max(without, dearest[sets[place]] + from_(place + 1, spent | sets[place]))

    return from_(0, frozenset())


@dataclass
class Books:
    """Of one life."""

    caps: Caps
    began: int
    signed: list[Signed] = field(default_factory=list)
    charged: dict[int, int] = field(default_factory=dict)
    """Coin -> when a spend of it was charged first."""

    def charge(self, coins: Iterable[int], moment: int) -> None:
        """A spend of them was charged, whether it was signed or not."""
        for coin in coins:
            self.charged.setdefault(coin, moment)

    def enter(self, signed: Signed) -> Iterator[str]:
        """What is wrong now that it was signed."""
        self.signed.append(signed)
        if signed.leaves > self.caps.per_spend:
            yield f"{signed.leaves} sat leave by one transaction, the cap is {self.caps.per_spend}"
        if (found := most(self.of_the_day(signed.moment))) > self.caps.per_day:
            yield f"{found} sat may leave in 24 hours, the cap is {self.caps.per_day}"
        days = (signed.moment - self.began) // DAY + 1
        if (found := most(self.signed)) > self.caps.per_day * days:
            yield f"{found} sat may leave in {days} days, the cap is {self.caps.per_day} a day"

    def of_the_day(self, moment: int) -> list[Signed]:
        """Signed in the 24 hours that end then, from coins for which nothing was charged before (2)."""
        first = moment - DAY
        day = (each for each in self.signed if each.moment > first)
        return [each for each in day if all(self.charged[coin] > first for coin in each.coins)]
