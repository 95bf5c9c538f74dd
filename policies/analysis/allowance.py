"""The most that the policy of one kernel lets leave a vault: what the caps of its key are compared with.

1. Every way is open: honest attestors, officers and clients go all of them.
2. In a day: B(24 h) of `bounds`, by the windows alone.
3. By one transaction whose payments are all new: by the way that lets the most leave. Its windows and
   `spend_at_most` bound it; where only a fee leaves, `fee_at_most` too.
4. What moves to the spared vault does not leave (the successor in a key's header); its fees are left out.
5. While the policy is in force. The fallback after `expires` pays nobody; its moves are looked at by hand.
Upper bounds, of one kernel; `worst_case` is about all of them together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.analysis.bounds import Window, most_charged
from policies.analysis.normal import Way, living, ways_by_route
from policies.loaded import LoadedPolicy, Route
from policies.predicates.fee_at_most import FeeAtMost
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.predicates.spend_at_most import SpendAtMost
from signer.core.spend import Kind
from signer.core.vault import Vault

A_DAY = 86_400
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Sats; None where nothing bounds them."""

    per_spend: int | None
    per_day: int | None


def allowance(policy: LoadedPolicy, vault: Vault, spared: bytes = b"") -> Allowance:
    """Of a vault of that policy; `spared` is the fingerprint of another (4), empty for none."""
    names = {each.vault_id for each in policy.vaults if each.fingerprint == spared}
    open_ways = [
        (route, way)
        for route, way in _ways(policy, vault.vault_id)
        if route.kind is not Kind.ROTATION or route.to not in names
    ]
    return Allowance(
        _greatest(_by_one(route, way) for route, way in open_ways),
        most_charged(A_DAY, (_windows(way) for _, way in open_ways)),
    )


def _ways(policy: LoadedPolicy, vault_id: str) -> Iterator[tuple[Route, Way]]:
    for route, ways in ways_by_route(policy.blocks).items():
        if route.vault_id == vault_id:
            yield from ((route, way) for way in living(ways, route))


def _windows(way: Way) -> frozenset[Window]:
    return frozenset(
        Window(each.window, each.limit) for each in way if isinstance(each, OutflowAtMost)
    )


def _by_one(route: Route, way: Way) -> int | None:
    """Rule 3."""
    bounds = [each.limit for each in way if isinstance(each, OutflowAtMost | SpendAtMost)]
    if route.kind in (Kind.ANCHOR, Kind.SWEEP):
        bounds += [each.limit for each in way if isinstance(each, FeeAtMost)]
    return min(bounds, default=None)


def _greatest(figures: Iterable[int | None]) -> int | None:
    """None where one has no bound, 0 where there are none."""
    most = 0
    for each in figures:
        if each is None:
            return None
        most = max(most, each)
    return most
