"""What an adversary can take by each way, and what then bounds it (docs/policy-analysis.md has the
argument).

1. Whose compromised keys alone meet every `attested` and `approved` of a way goes that way as they like:
   payments to themselves, all of a rotation, any fee of a sweep or an anchor.
2. Else an honest word is asked for, and honest words are for what is due. Then a compromised client can lose
   the fees of withdrawals and anchors, again and again; a sweep or rotation pays once at most the fee that
   was stated.
3. `outflow_at_most` alone bounds what leaves. Every other predicate is taken as met: who is patient and
   chooses the amounts, the callers, the coins and the hour meets it.
4. A way is attended if it asks for an officer who is not compromised: a human must act before it opens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.analysis.adversary import Adversary, Demand, Keyrings
from policies.analysis.bounds import Window, Windows
from policies.analysis.normal import NormalForm, Way, living, way_text
from policies.loaded import LoadedPolicy, Route
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.predicates.path import Path
from policies.vault_entry import VaultEntry
from signer.bitcoin.descriptor import SpendingPath
from signer.core.spend import Kind
from signer.core.vault import Vault


@dataclass(frozen=True, slots=True)
class Exposure:
    """A way, as far as the worst case depends on it."""

    route: Route
    attested: frozenset[Demand]
    approved: frozenset[Demand]
    windows: Windows
    signers: frozenset[bytes]
    """Public keys of the members whose kernels may sign it."""
    threshold: int
    """The fewest that must."""
    text: str

    @property
    def is_fee_only(self) -> bool:
        """Whether nothing but a fee leaves by it, whoever agrees."""
        return self.route.kind in (Kind.ANCHOR, Kind.SWEEP)


@dataclass(frozen=True, slots=True)
class Opening:
    """A way that an adversary can go."""

    exposure: Exposure
    is_free: bool
    """Rule 1; else rule 2."""
    is_attended: bool

    @property
    def loses_fees_only(self) -> bool:
        """Whether no more than fees are lost."""
        return self.exposure.is_fee_only or not self.is_free


def exposures(form: NormalForm, entry: VaultEntry) -> tuple[Exposure, ...]:
    """Of every way out of the vault."""
    vault = entry.vault
    return tuple(
        _exposure(vault, route, way)
        for route, ways in form.items()
        if route.vault_id == vault.vault_id
        for way in living(ways, route)
    )


def _exposure(vault: Vault, route: Route, way: Way) -> Exposure:
    paths = tuple(_paths(vault, route, way))
    signers = {vault.places[place].xpub.pubkey for path in paths for place in path.positions}
    return Exposure(
        route=route,
        attested=frozenset(
            Demand(each.needed, each.group.keys) for each in way if isinstance(each, Attested)
        ),
        approved=frozenset(
            Demand(each.needed, each.group.keys) for each in way if isinstance(each, Approved)
        ),
        windows=frozenset(
            Window(each.window, each.limit) for each in way if isinstance(each, OutflowAtMost)
        ),
        signers=frozenset(signers),
        threshold=min(path.threshold for path in paths),
        text=f"{route}: {way_text(way)}",
    )


def _paths(vault: Vault, route: Route, way: Way) -> Iterator[SpendingPath]:
    """The spending paths by which the way may leave."""
    names = {each.name for each in way if isinstance(each, Path)}
    for path in vault.paths:
        if path.is_locked and route.kind not in (Kind.SWEEP, Kind.ROTATION):
            continue
        if not names or path.name in names:
            yield path


def keyrings_of(policy: LoadedPolicy) -> Keyrings:
    """Whose word counts in the policy."""
    return Keyrings(policy.attestors, policy.officer_keys)


def openings(known: Iterable[Exposure], keys: Keyrings, adversary: Adversary) -> Iterator[Opening]:
    """The ways that the adversary can go."""
    for each in known:
        without_officers = keys.meet(each.approved, adversary)
        is_free = keys.meet(each.attested | each.approved, adversary)
        if is_free or (adversary.client and each.route.kind in (Kind.WITHDRAWAL, Kind.ANCHOR)):
            yield Opening(each, is_free, not without_officers)
