"""The normal form: of each route the least ways over all its blocks. Every analysis starts from it.

1. A way is a set of predicates that must all hold. Several blocks of a route are one `or`.
2. A way lies under another when each predicate of the other is implied by some predicate of its own: whoever
   goes the one way can go the other. With an equal record and evidence that is a proof
   (`Predicate.implies`).
3. A way that lies under another of its route is redundant and absent; of ways that lie under each other the
   first in the order of the text stays.
4. `implies` is asked a bounded number of times; after that a predicate is known to imply itself alone. What
   is missed then is an absorption or a proof, never the truth of one.
"""

from collections.abc import Iterable, Mapping

from policies.loaded import Block, LoadedPolicy, Route
from policies.predicates import Predicate
from policies.predicates.destination_types import DestinationTypes
from policies.predicates.destinations_in import DestinationsIn
from policies.predicates.destinations_not_in import DestinationsNotIn
from policies.predicates.fee_at_most import FeeAtMost
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.predicates.payment_at_most import PaymentAtMost
from policies.predicates.spend_at_most import SpendAtMost
from policies.ways import is_dead

MAX_ASKED = 500_000
"""Questions to `implies` in one direction of a comparison: a fraction of a second."""

ACROSS: dict[type, tuple[type, ...]] = {
    SpendAtMost: (FeeAtMost, PaymentAtMost),
    DestinationsIn: (DestinationTypes, DestinationsNotIn),
    DestinationTypes: (DestinationsNotIn,),
}
"""Of which other classes a predicate may imply some: the others are not asked."""

Way = frozenset[Predicate]
NormalForm = Mapping[Route, tuple[Way, ...]]


def normal_form(blocks: Iterable[Block]) -> NormalForm:
    """The least ways of each route, in the order in which the text first speaks of the route."""
    return {route: least_ways(ways) for route, ways in ways_by_route(blocks).items()}


def ways_by_route(blocks: Iterable[Block]) -> NormalForm:
    """The ways of each route that contain no other: enough where nothing depends on redundant ones."""
    spoken: dict[Route, dict[Way, None]] = {}
    for block in blocks:
        spoken.setdefault(block.route, {}).update(dict.fromkeys(block.ways))
    return {route: _without_larger(tuple(ways)) for route, ways in spoken.items()}


def living(ways: Iterable[Way], route: Route) -> tuple[Way, ...]:
    """Those that some spend could go. Windows kill no way here: what charges nothing, or only a fee, passes
    a window that a new payment does not."""
    return tuple(way for way in ways if not is_dead(_timeless(way), route.kind))


def _timeless(way: Way) -> Way:
    return frozenset(each for each in way if not isinstance(each, OutflowAtMost))


def least_ways(ways: Iterable[Way]) -> tuple[Way, ...]:
    """Those that lie under no other (rule 3), in their order."""
    given = _without_larger(tuple(dict.fromkeys(ways)))
    roofs, least = Roofs(given), set(given)
    for way in reversed(given):
        if any(roof in least for roof in roofs.over(way) if roof != way):
            least.remove(way)
    return tuple(way for way in given if way in least)


def _without_larger(ways: tuple[Way, ...]) -> tuple[Way, ...]:
    """Those that contain no other, in their order."""
    numbers = {each: number for number, each in enumerate({each for way in ways for each in way})}
    least, smaller = set[Way](), list[frozenset[int]]()
    for way in sorted(ways, key=len):
        own = frozenset(numbers[predicate] for predicate in way)
        if not any(other <= own for other in smaller):
            least.add(way)
            smaller.append(own)
    return tuple(way for way in ways if way in least)


class Roofs:
    """Ways under which others may lie. Their predicates have numbers: sets of numbers are compared fast."""

    def __init__(self, ways: Iterable[Way]) -> None:
        self._ways = tuple(ways)
        self._numbers: dict[Predicate, int] = {}
        self._of_class: dict[type, list[tuple[int, Predicate]]] = {}
        for predicate in dict.fromkeys(each for way in self._ways for each in in_order(way)):
            number = self._numbers[predicate] = len(self._numbers)
            self._of_class.setdefault(type(predicate), []).append((number, predicate))
        self._members = [self.numbers(way) for way in self._ways]
        self._implied: dict[Predicate, frozenset[int]] = {}
        self._asked = 0

    def over(self, way: Way) -> list[Way]:
        """Those under which the way lies, as far as that is proven."""
        reached = frozenset[int]().union(*(self.implied(each) for each in in_order(way)))
        pairs = zip(self._ways, self._members, strict=True)
        return [roof for roof, members in pairs if members <= reached]

    def numbers(self, way: Way) -> frozenset[int]:
        """Of the predicates of one of these ways."""
        return frozenset(self._numbers[predicate] for predicate in way)

    def implied(self, predicate: Predicate) -> frozenset[int]:
        """Those predicates of these ways that this one implies."""
        if predicate not in self._implied:
            self._implied[predicate] = frozenset(self._found(predicate))
        return self._implied[predicate]

    def _found(self, predicate: Predicate) -> list[int]:
        forms = (type(predicate), *ACROSS.get(type(predicate), ()))
        classes = [self._of_class.get(form, []) for form in forms]
        self._asked += sum(map(len, classes))
        if self._asked > MAX_ASKED:
            return [self._numbers[predicate]] if predicate in self._numbers else []  # 4
        return [
            number for others in classes for number, other in others if predicate.implies(other)
        ]


def in_order(way: Way) -> list[Predicate]:
    """Its predicates by their text: a set has an order of its own in each process, an analysis must not."""
    return sorted(way, key=lambda predicate: predicate.text)


def way_text(way: Way) -> str:
    """The way as it could be written."""
    return ", ".join(predicate.text for predicate in in_order(way))


def forms_of(policy: LoadedPolicy) -> tuple[NormalForm, NormalForm]:
    """(while it is in force, after `expires`)."""
    return ways_by_route(policy.blocks), ways_by_route(policy.fallback)
