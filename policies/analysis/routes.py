"""The rules of two policies compared, route by route (rules 1, 2 and 4 of `diff`)."""

from collections.abc import Iterator

from policies.analysis.difference import RouteDifference
from policies.analysis.normal import NormalForm, Roofs, Way, living, ways_by_route
from policies.analysis.witness import Search, Side, Steps, Witness
from policies.loaded import LoadedPolicy, Route
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.ways import is_dead
from signer.core.governance import Verdict

Who = frozenset[tuple[str, int, frozenset[bytes]]]
"""Of a way: (predicate, count, keys) of each `attested` and `approved`."""


def route_differences(old: LoadedPolicy, new: LoadedPolicy) -> Iterator[RouteDifference]:
    """Of every route that is not proven equal, or that touches who agrees."""
    before, after = ways_by_route(old.blocks), ways_by_route(new.blocks)
    steps = Steps()
    for route in dict.fromkeys((*before, *after)):
        one, other = _alive(before, route), _alive(after, route)
        roofs, floors = _roofs(other, one), _roofs(one, other)
        allowed_now = [way for way in other if not roofs[way]]
        refused_now = [way for way in one if not floors[way]]
        touches = tuple(_touches(route, one, roofs))
        if not (allowed_now or refused_now or touches):
            continue
        was, now = Side(old, one), Side(new, other)
        lost = gained = None
        if _are_comparable(route, old, new):
            lost = Search(was, now, steps).witness(route, refused_now)
            gained = Search(now, was, steps).witness(route, allowed_now)
        verdict = _verdict(bool(refused_now), bool(allowed_now), (lost, gained))
        yield RouteDifference(route, verdict, touches, lost, gained)


def _alive(form: NormalForm, route: Route) -> tuple[Way, ...]:
    return living(form.get(route, ()), route)


def _roofs(ways: tuple[Way, ...], over: tuple[Way, ...]) -> dict[Way, list[Way]]:
    """Of each way the others under which it is proven to lie."""
    known = Roofs(over)
    return {way: known.over(way) for way in ways}


def _verdict(
    may_lose: bool, may_gain: bool, found: tuple[Witness | None, Witness | None]
) -> Verdict:
    if may_lose and may_gain:
        return Verdict.UNPROVEN if None in found else Verdict.MIXED
    if may_lose:
        return Verdict.TIGHTER
    return Verdict.LOOSER if may_gain else Verdict.EQUAL


def _are_comparable(route: Route, old: LoadedPolicy, new: LoadedPolicy) -> bool:
    """Whether both register the same vaults of that route: a spend is of a vault."""
    names = {route.vault_id, route.to} - {None}
    before = [each for each in old.vault_definitions if each.vault_id in names]
    after = [each for each in new.vault_definitions if each.vault_id in names]
    return len(before) == len(names) and sorted(before, key=str) == sorted(after, key=str)


def _touches(route: Route, old: tuple[Way, ...], roofs: dict[Way, list[Way]]) -> Iterator[str]:
    """Rule 4: each new way asks whom an old way asked under which it lies, and every approval that an old
    way could use has a way that could use it. `roofs` are of the new ways."""
    known = {_who(way) for way in old}
    for way, over in roofs.items():
        if _who(way) not in ({_who(roof) for roof in over} or known):
            yield f"who agrees: {_named(way)}"
            break
    left = {_approvals(way) for way in roofs if not is_dead(way, route.kind)}
    for way in old:
        if _approvals(way) and _approvals(way) not in left and not is_dead(way, route.kind):
            yield f"no rule could use such an approval any more: {_named(way)}"
            break


def _who(way: Way) -> Who:
    return frozenset(
        (each.NAME, each.needed, each.group.keys)
        for each in way
        if isinstance(each, Attested | Approved)
    )


def _approvals(way: Way) -> Who:
    return frozenset(each for each in _who(way) if each[0] == Approved.NAME)


def _named(way: Way) -> str:
    return " and ".join(sorted(each.who for each in way if isinstance(each, Attested | Approved)))
