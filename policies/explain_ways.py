"""The ways to consent, told: what must be true, who must agree, what is waited for.

1. Blocks of one route are one `or`: its ways are the least ones of all its blocks together, and their numbers
   are those of ExplainPsbt's trace.
2. What stands in every way is told once, before them.
3. Who must agree is read from the ways, so no nesting can hide a way with a smaller quorum.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.loaded import LoadedPolicy, Route
from policies.predicates import Predicate
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.trace import in_order
from policies.ways import is_dead


@dataclass(frozen=True, slots=True)
class ToldWay:
    """One way."""

    number: int
    """From 1, in its route."""
    rules: tuple[int, ...]
    """The `[[allow]]` blocks that have it, by number."""
    predicates: tuple[Predicate, ...]
    """All that must hold."""
    own: tuple[Predicate, ...]
    """Of these, what does not stand in every way: something, or the way would absorb the others."""
    is_dead: bool
    """Whether its limits exclude each other: no spend goes this way."""

    @property
    def who(self) -> tuple[str, ...]:
        """Who must agree."""
        return tuple(_agreement(self.predicates))

    @property
    def waits(self) -> tuple[str, ...]:
        """What time alone brings: clocks and schedules."""
        return tuple(
            each.english
            for each in self.predicates
            if each.WAITABLE and not isinstance(each, Approved)
        )


@dataclass(frozen=True, slots=True)
class ToldRoute:
    """All ways of one kind, vault and destination vault."""

    route: Route
    always: tuple[Predicate, ...]
    """What stands in every way, where there are several."""
    ways: tuple[ToldWay, ...]


def told_routes(policy: LoadedPolicy) -> Iterator[ToldRoute]:
    """Every route of which a block speaks, in the order of the file."""
    for route in dict.fromkeys(block.route for block in policy.blocks):
        yield _told(policy, route)


def _told(policy: LoadedPolicy, route: Route) -> ToldRoute:
    ways = policy.ways_of(route)
    rules: dict[frozenset[Predicate], list[int]] = {}
    for block in policy.blocks_of(route):
        for way in block.ways:
            rules.setdefault(way, []).append(block.number)
    shared = frozenset.intersection(*ways) if len(ways) > 1 else frozenset()
    told = (
        ToldWay(
            number=number,
            rules=tuple(rules[way]),
            predicates=tuple(in_order(way)),
            own=tuple(in_order(way - shared)),
            is_dead=is_dead(way, route.kind),
        )
        for number, way in enumerate(ways, 1)
    )
    return ToldRoute(route, tuple(in_order(shared)), tuple(told))


def _agreement(predicates: Iterable[Predicate]) -> Iterator[str]:
    for each in predicates:
        if isinstance(each, Attested):
            yield f"{each.who} attest"
        elif isinstance(each, Approved):
            yield f"{each.who} approve"


def way_lines(told: ToldRoute) -> Iterator[str]:
    """The route in numbered English."""
    heading = str(told.route)
    count = "one way" if len(told.ways) == 1 else f"any one of {len(told.ways)} ways"
    yield f"{heading[0].upper()}{heading[1:]}: {count}."
    if told.always:
        yield "  In every way:"
        yield from _numbered(told.always)
    for way in told.ways:
        yield f"  {heading_of(way)}, when{' also' if told.always else ''}:"
        yield from _numbered(way.own)
        if way.is_dead:
            yield "    Dead: its limits exclude each other, so that no spend goes this way."
        yield f"    Who must agree: {'; and '.join(way.who)}."
        yield from (f"    Time: {each}." for each in way.waits)


def heading_of(way: ToldWay) -> str:
    """`Way 2 (rules 1, 3)`."""
    rules = f"rule{'s' if len(way.rules) > 1 else ''} {', '.join(map(str, way.rules))}"
    return f"Way {way.number} ({rules})"


def _numbered(predicates: tuple[Predicate, ...]) -> Iterator[str]:
    for number, predicate in enumerate(predicates, 1):
        yield f"    {number}. {predicate.english}"
