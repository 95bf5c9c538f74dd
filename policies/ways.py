"""Ways: the conjunctions of which one must hold, the least ones only (disjunctive normal form).

1. A way that contains another is absorbed by it. Sets of predicates are bit masks.
2. At most 1,000 ways, of the whole and of each part of it, and a bounded number of steps to find them:
   a short text with large thresholds is refused, not computed.
3. A way is dead when its own limits contradict each other for every spend that could exist.
"""

from typing import Generic, TypeVar

from policies.expression import Expression, Leaf
from policies.predicates import Predicate
from policies.predicates.caller import Caller
from policies.predicates.destination_types import DestinationTypes
from policies.predicates.destinations_in import DestinationsIn
from policies.predicates.destinations_not_in import DestinationsNotIn
from policies.predicates.fee_rate_between import FeeRateBetween
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.predicates.path import Path
from policies.predicates.payment_at_least import PaymentAtLeast
from policies.predicates.payment_at_most import PaymentAtMost
from policies.predicates.spend_at_most import SpendAtMost
from policies.predicates.within import Within
from signer.bitcoin.script import DUST_LIMIT, ScriptType, script_type
from signer.core.spend import Kind

MAX_WAYS = 1_000
MAX_STEPS = 2_000_000
"""Unions, comparisons and members over a whole policy: a few seconds at worst."""

P = TypeVar("P")


class TooManyWays(Exception):
    """More ways than are allowed, or than can be found in bounded time."""


class Normalizer(Generic[P]):
    """Turns expressions of one policy into masks of least ways."""

    def __init__(self) -> None:
        self._bits: dict[P, int] = {}
        self._known: list[P] = []
        self._steps = 0

    def masks(self, expression: Expression[P]) -> list[int]:
        """The least ways of the expression. Raises TooManyWays."""
        if isinstance(expression, Leaf):
            return [1 << self._bit(expression.predicate)]
        parts = sorted((self.masks(part) for part in expression.parts), key=len)  # cheapest first
        if expression.needed == 1:
            return self.least({mask for ways in parts for mask in ways})
        # reached[j]: the ways in which at least j of the parts seen so far hold
        needed, spare = expression.needed, len(parts) - expression.needed
        reached: list[list[int]] = [[0]] + [[] for _ in range(needed)]
        for seen, ways in enumerate(parts, 1):
            for count in range(min(needed, seen), max(0, seen - spare - 1), -1):
                joined = self._joined(reached[count - 1], ways)
                reached[count] = self.least(joined.union(reached[count]))
        return reached[needed]

    def least(self, masks: set[int]) -> list[int]:
        """The masks that contain no other, smallest first. Raises TooManyWays."""
        least: list[int] = []
        smaller, size = 0, 0
        for mask in sorted(masks, key=lambda each: (each.bit_count(), each)):
            if mask.bit_count() > size:  # only a smaller mask can be contained in this one
                smaller, size = len(least), mask.bit_count()
            self._spend(smaller + 1)
            if any(other & mask == other for other in least[:smaller]):
                continue
            least.append(mask)
            if len(least) > MAX_WAYS:
                raise TooManyWays
        return least

    def predicates(self, mask: int) -> frozenset[P]:
        """The predicates of a way. Raises TooManyWays."""
        self._spend(mask.bit_count())
        members = list[P]()
        while mask:
            lowest = mask & -mask
            members.append(self._known[lowest.bit_length() - 1])
            mask ^= lowest
        return frozenset(members)

    def _bit(self, predicate: P) -> int:
        bit = self._bits.setdefault(predicate, len(self._known))
        if bit == len(self._known):
            self._known.append(predicate)
        return bit

    def _joined(self, some: list[int], others: list[int]) -> set[int]:
        self._spend(8 + len(some) * len(others))
        return {one | other for one in some for other in others}

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise TooManyWays


_MOVES_COINS = (Kind.WITHDRAWAL, Kind.ROTATION)
"""These pay at least a dust limit to somebody; the others only a fee."""


def is_dead(way: frozenset[Predicate], kind: Kind) -> bool:
    """Whether no spend of that kind, with a new payment if it has payments, can ever go this way."""
    return (
        _amounts_conflict(way, kind) or _destinations_conflict(way) or _circumstances_conflict(way)
    )


def _amounts_conflict(way: frozenset[Predicate], kind: Kind) -> bool:
    least, most = [min(DUST_LIMIT.values()) if kind in _MOVES_COINS else 0], list[int]()
    slowest, fastest = [0], list[int]()
    for each in way:
        if isinstance(each, PaymentAtLeast):
            least.append(each.limit)
        elif isinstance(each, PaymentAtMost | SpendAtMost | OutflowAtMost):
            most.append(each.limit)
        elif isinstance(each, FeeRateBetween):
            slowest.append(each.least)
            fastest.append(each.most)
    return max(least) > min(most, default=max(least)) or max(slowest) > min(
        fastest, default=max(slowest)
    )


def _destinations_conflict(way: frozenset[Predicate]) -> bool:
    forms = set[ScriptType](DUST_LIMIT)
    listed: frozenset[bytes] | None = None
    refused = set[bytes]()
    for each in way:
        if isinstance(each, DestinationTypes):
            forms &= each.types
        elif isinstance(each, DestinationsIn):
            scripts = each.listed.scripts
            listed = scripts if listed is None else listed & scripts
        elif isinstance(each, DestinationsNotIn):
            refused |= each.listed.scripts
    if listed is not None:
        forms &= {script_type(script) for script in listed - refused}
    return not forms


def _circumstances_conflict(way: frozenset[Predicate]) -> bool:
    paths = {each.name for each in way if isinstance(each, Path)}
    callers = [each.names for each in way if isinstance(each, Caller)]
    windows = [each for each in way if isinstance(each, Within)]
    if len(paths) > 1 or (callers and not frozenset.intersection(*callers)):
        return True
    if not windows:
        return False
    days = set.intersection(*(set(each.days) for each in windows))
    return not days or max(each.start for each in windows) >= min(each.end for each in windows)
