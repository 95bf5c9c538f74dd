"""Which coins of one vault pay for some outputs: exact and deterministic, no randomness, no floats.

1. All coins have one script form, so n inputs cost what n says: `need(n, 0)` without a change
   output, `need(n, 1)` with one. Both hold the exact fee of the worst-case weight or `min_fee`.
2. Change is made when it comes to `least_change`: the dust limit, or what spending it will cost at
   LONG_TERM_RATE if that is more. Less is left to the fee, which bounds what is given away.
3. Waste is the fee paid, plus that later cost when there is change. Core's metric also gives a
   credit for spending many coins while fees are low; ours does not: a coin spent serves no other
   withdrawal until the transaction confirms.
4. Branch and bound, largest coins first, at most MAX_TRIES steps, looks for the least waste without
   change. Else, or if it wastes less: the fewest coins that suffice, the last of them as small as
   possible, so that large coins stay for large withdrawals.
5. Whenever any selection suffices one is found: no n coins sum to more than the n largest.
6. Ties fall to the larger amount, then the lower outpoint: the order of the offer does not matter.
"""

from dataclasses import dataclass

from signer.bitcoin.codec import compact_size
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT, OutPoint
from signer.bitcoin.units import FeeRate, Sats, Weight, fee_for, vbytes_of

MAX_INPUTS = 500
MAX_TRIES = 20_000
"""About 15 ms: a selection must not hold up others (design section 13)."""
LONG_TERM_RATE = FeeRate(10_000)
"""10 sat/vB, Core's default of `-consolidatefeerate`."""


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin that may be spent."""

    outpoint: OutPoint
    amount: Sats


@dataclass(frozen=True, slots=True)
class Target:
    """What has to be paid, and what it weighs."""

    payments: Sats
    """Sum of the outputs other than change."""
    outputs: int
    """Their number."""
    outputs_weight: Weight
    input_weight: Weight
    """Worst case, each."""
    change_weight: Weight
    change_dust: Sats
    fee_rate: FeeRate
    min_fee: Sats

    def weight(self, inputs: int, changes: int) -> Weight:
        """Worst-case weight with that many inputs and change outputs (BIP-141)."""
        counts = len(compact_size(inputs)) + len(compact_size(self.outputs + changes))
        fixed = 4 * (4 + counts + 4) + 2
        return Weight(
            fixed + inputs * self.input_weight + self.outputs_weight + changes * self.change_weight
        )

    def need(self, inputs: int, changes: int) -> int:
        """Payments and the least fee: what that many inputs must bring, change itself aside."""
        fee = fee_for(self.fee_rate, vbytes_of(self.weight(inputs, changes)))
        return self.payments + max(fee, self.min_fee)

    @property
    def change_cost(self) -> Sats:
        """What spending the change will cost at the long-term rate, or at today's if lower."""
        return fee_for(min(self.fee_rate, LONG_TERM_RATE), vbytes_of(self.input_weight))

    @property
    def least_change(self) -> Sats:
        """The smallest change worth making (rule 2)."""
        return max(self.change_dust, self.change_cost)


@dataclass(frozen=True, slots=True)
class Selection:
    """Coins that pay for the target."""

    coins: tuple[Coin, ...]
    """Ascending by outpoint."""
    change: Sats
    """0: no change output."""
    fee: Sats
    waste: Sats


def select(
    target: Target, coins: tuple[Coin, ...], required: frozenset[OutPoint] = frozenset()
) -> Selection | None:
    """The selection, with all required coins in it; None when no selection suffices.

    Outpoints are distinct and contain all the required ones: the caller has seen to that.
    """
    ordered = sorted(coins, key=lambda coin: (-coin.amount, coin.outpoint))
    fixed = [coin for coin in ordered if coin.outpoint in required]
    free = [coin for coin in ordered if coin.outpoint not in required]
    search = _Search(target, fixed, free)
    fewest = search.fewest_coins()
    if fewest is None:
        return None
    changeless = search.branch_and_bound()
    if changeless is None or fewest.waste < changeless.waste:
        return fewest
    return changeless


class _Search:
    """The two searches, and the needs by number of free coins taken."""

    def __init__(self, target: Target, fixed: list[Coin], free: list[Coin]) -> None:
        self.target, self.fixed, self.free = target, fixed, free
        self.base: int = sum(coin.amount for coin in fixed)
        limit = min(len(fixed) + len(free), MAX_INPUTS)
        counts = [
            count
            for count in range(len(fixed), limit + 1)
            if target.weight(count, 1) <= MAX_STANDARD_WEIGHT
        ]
        self.need = [target.need(count, 0) for count in counts]
        self.most = [target.need(count, 1) + target.least_change - 1 for count in counts]
        """The largest sum that leaves no change worth making."""

    def fewest_coins(self) -> Selection | None:
        """The fewest coins, the last one as small as possible (rules 4 and 5)."""
        total = self.base
        for taken, need in enumerate(self.need):
            if total >= need:
                return self._smaller_last(taken, total)
            if taken < len(self.free):
                total += self.free[taken].amount
        return None

    def _smaller_last(self, taken: int, total: int) -> Selection:
        if taken == 0:
            return self._selection([])
        total -= self.free[taken - 1].amount
        enough = [
            place
            for place in range(taken - 1, len(self.free))
            if total + self.free[place].amount >= self.need[taken]
        ]
        last = self.free[enough[-1]].amount
        first_of_equals = next(place for place in enough if self.free[place].amount == last)
        return self._selection([*range(taken - 1), first_of_equals])

    def branch_and_bound(self) -> Selection | None:
        """The changeless selection of the least sum that MAX_TRIES steps find."""
        amounts = [coin.amount for coin in self.free]
        rest = _suffix_sums(amounts)
        chosen: list[int] = []
        best: list[int] | None = None
        total, place = self.base, 0
        best_total = max(self.most, default=0) + 1
        for _ in range(MAX_TRIES):
            taken = len(chosen)
            fits = taken < len(self.need) and total <= self.most[taken] and total < best_total
            if fits and total >= self.need[taken]:
                best, best_total = chosen.copy(), total
            elif fits and total + rest[place] >= self.need[taken]:
                omitted_equal = (
                    place > 0
                    and amounts[place] == amounts[place - 1]
                    and (not chosen or chosen[-1] != place - 1)
                )
                if not omitted_equal:
                    chosen.append(place)
                    total += amounts[place]
                place += 1
                continue
            if not chosen:
                break
            place = chosen.pop()
            total -= amounts[place]
            place += 1
        return None if best is None else self._selection(best)

    def _selection(self, places: list[int]) -> Selection:
        coins = self.fixed + [self.free[place] for place in places]
        taken = len(places)
        total: int = sum(coin.amount for coin in coins)
        change, later = 0, 0
        if total > self.most[taken]:
            change = total - self.target.need(len(coins), 1)
            later = self.target.change_cost
        fee = total - change - self.target.payments
        ordered = tuple(sorted(coins, key=lambda coin: coin.outpoint))
        return Selection(ordered, Sats(change), Sats(fee), Sats(fee + later))


def _suffix_sums(amounts: list[Sats]) -> list[int]:
    sums = [0]
    for amount in reversed(amounts):
        sums.append(sums[-1] + amount)
    return sums[::-1]
