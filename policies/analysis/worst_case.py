"""The most sats that can be signed away, for each set of compromised parties (docs/policy-analysis.md).

1. It bounds what all honest kernels together sign within h consecutive seconds, fees included. What is
   signed may wait: signatures hoarded over a time leave at once, so the bound of that time is what one block
   may take.
2. Of one vault, each honest kernel charges at most B(h) by the ways that are open (`bounds`, `exposure`). A
   transaction takes k signatures, of which f may be compromised kernels': k - f honest ones, out of n - f.
   So at most B(h) * (n - f) / (k - f) is signed away; f is 0 unless kernels are among the compromised.
3. Clocks that err by at most e seconds make of h seconds at most h + 2e.
4. Compromised kernels that open a path by themselves ask no policy: unbounded. So is what follows when
   compromised officers can replace the policy within the time.
5. Before a human must act: what the unattended ways allow has no end; it is given as a rate, per 24 hours.
Every figure is an upper bound, not promised tight.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.analysis.adversary import Adversary, Demand, Keyrings, adversaries
from policies.analysis.bounds import most_charged
from policies.analysis.exposure import Exposure, Opening, exposures, keyrings_of, openings
from policies.analysis.false_chain import false_chain
from policies.analysis.normal import NormalForm, forms_of
from policies.literals import format_duration
from policies.loaded import LoadedPolicy
from policies.vault_entry import VaultEntry
from signer.core.spend import Kind

A_DAY = 86_400
HORIZONS = (3_600, A_DAY, 7 * A_DAY)
"""Seconds."""
HORIZON_NAMES = ("1h", "24h", "7d")
MAX_REASONS = 8
"""Ways without a window that are named."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What one adversary can have signed away from one vault."""

    adversary: Adversary
    within: tuple[int | None, ...]
    """Sats, for each of HORIZONS; None is unbounded."""
    unattended: int | None
    """Sats in each 24 hours for ever, without a human having to act; None is unbounded."""
    fees_only: bool
    """Whether all of it is fees; also where there is none."""
    unbounded_by: tuple[str, ...]
    """Why, for each thing that is unbounded."""
    moves_to: tuple[str, ...] = ()
    """The vaults of the policy to which it may be moved: counted in full, though the federation's still."""

    @property
    def is_unbounded(self) -> bool:
        """Whether some figure is."""
        return None in self.within or self.unattended is None

    def exceeds(self, other: "Loss") -> bool:
        """Whether it is worse in anything."""
        figures = zip(
            (*self.within, self.unattended), (*other.within, other.unattended), strict=True
        )
        return (other.fees_only and not self.fees_only) or any(
            theirs is not None and (mine is None or mine > theirs) for mine, theirs in figures
        )


@dataclass(frozen=True, slots=True)
class VaultCase:
    """The losses of a vault, smaller adversaries first."""

    vault_id: str
    members: int
    threshold: int
    tolerated: int
    witness_quorum: int
    """Members that grant each entry before it is signed; 0 without witnesses."""
    may_be_silent: int
    losses: tuple[Loss, ...]
    false_chain: tuple[str, ...] = ()
    """What it costs to show a false chain, for each rule that trusts our own headers."""

    @property
    def telling(self) -> tuple[Loss, ...]:
        """Of single parties, and of those sets that lose more than each set that is one step smaller."""
        known = {loss.adversary: loss for loss in self.losses}
        return tuple(
            loss
            for loss in self.losses
            if len(loss.adversary.parties) == 1
            or all(loss.exceeds(known[weaker]) for weaker in loss.adversary.weaker())
        )


@dataclass(frozen=True, slots=True)
class WorstCase:
    """Of a whole policy."""

    vaults: tuple[VaultCase, ...]
    """While the policy is in force."""
    after_expiry: tuple[VaultCase, ...]
    """By the fallback alone; empty for a policy that does not expire."""
    clock_error: int
    """Seconds."""


def worst_case(policy: LoadedPolicy, clock_error: int) -> WorstCase:
    """The figures; clocks err by at most that many seconds."""
    form, fallback = forms_of(policy)
    return WorstCase(
        vaults=tuple(_Setting(policy, form, clock_error).cases()),
        after_expiry=(
            tuple(_Setting(policy, fallback, clock_error).cases()) if policy.expires else ()
        ),
        clock_error=clock_error,
    )


class _Setting:
    """What the cases of a normal form are found with."""

    def __init__(self, policy: LoadedPolicy, form: NormalForm, clock_error: int) -> None:
        self._policy, self._form, self._clock_error = policy, form, clock_error
        self._keys: Keyrings = keyrings_of(policy)
        self._charged: dict[tuple[int, frozenset[frozenset[tuple[int, int]]]], int | None] = {}

    def cases(self) -> Iterator[VaultCase]:
        """One for each vault."""
        for entry in self._policy.vault_entries:
            known, its = exposures(self._form, entry), entry.vault
            losses = tuple(self._loss(entry, known, each) for each in adversaries())
            yield VaultCase(
                vault_id=its.vault_id,
                members=its.members,
                threshold=its.threshold,
                tolerated=its.tolerated,
                witness_quorum=its.witnesses.quorum,
                may_be_silent=its.may_be_silent,
                losses=losses,
                false_chain=false_chain(self._form, entry),
            )

    def _loss(self, entry: VaultEntry, known: tuple[Exposure, ...], adversary: Adversary) -> Loss:
        found = tuple(openings(known, self._keys, adversary))
        silent = tuple(each for each in found if not each.is_attended)
        kernels = _Kernels(entry, adversary)
        bypassed, change = tuple(kernels.bypasses()), self._change_after(adversary)
        is_bound = not bypassed and change is None
        within = tuple(
            None
            if bypassed or (change is not None and self._elapsed(seconds, adversary) >= change)
            else self._signed(seconds, found, kernels)
            for seconds in HORIZONS
        )
        return Loss(
            adversary,
            within,
            self._signed(A_DAY, silent, kernels) if is_bound else None,
            is_bound and all(each.loses_fees_only for each in found),
            (*bypassed, *_replaced(change), *_windowless(found)),
            _moves_to(found),
        )

    def _change_after(self, adversary: Adversary) -> int | None:
        """Seconds after which compromised officers have replaced the policy."""
        terms = self._policy.governance
        if terms is None:
            return None
        demand = Demand(terms.quorum, terms.officers)
        return terms.delay if self._keys.meet(frozenset({demand}), adversary) else None

    def _elapsed(self, seconds: int, adversary: Adversary) -> int:
        return seconds + 2 * self._clock_error * adversary.clock  # 3

    def _signed(self, seconds: int, found: Iterable[Opening], kernels: "_Kernels") -> int | None:
        ways = [each.exposure for each in found]
        elapsed = self._elapsed(seconds, kernels.adversary)
        asked = elapsed, frozenset(way.windows for way in ways)
        if asked not in self._charged:
            self._charged[asked] = most_charged(elapsed, asked[1])
        charged = self._charged[asked]
        return None if charged is None else kernels.of_all(charged, ways)


@dataclass(frozen=True, slots=True)
class _Kernels:
    """Rule 2."""

    entry: VaultEntry
    adversary: Adversary

    def of_all(self, charged: int, ways: list[Exposure]) -> int:
        """What is signed away when each honest kernel charges so much; no way's threshold is f or less."""
        f = self.entry.vault.tolerated if self.adversary.kernels else 0
        if not ways:
            return 0
        signers = frozenset[bytes]().union(*(way.signers for way in ways))
        threshold = min(way.threshold for way in ways)
        return -(-charged * (len(signers) - f) // (threshold - f))

    def bypasses(self) -> Iterator[str]:
        """Rule 4, of kernels."""
        f = self.entry.vault.tolerated
        for path in self.entry.vault.paths:
            if self.adversary.kernels and path.threshold <= f:
                yield (
                    f"f = {f} kernels open path {path.name} by themselves, {path.locks_text}, and ask "
                    "no policy"
                )


def _moves_to(found: tuple[Opening, ...]) -> tuple[str, ...]:
    freely = {each.exposure.route for each in found if each.is_free}
    return tuple(sorted({route.to for route in freely if route.kind is Kind.ROTATION and route.to}))


def _replaced(change: int | None) -> Iterator[str]:
    if change is not None:
        yield f"compromised officers replace this policy {format_duration(change)} after they propose it"


def _windowless(found: tuple[Opening, ...]) -> Iterator[str]:
    ways = [each.exposure.text for each in found if not each.exposure.windows]
    yield from (f"no window in {way}" for way in ways[:MAX_REASONS])
    if len(ways) > MAX_REASONS:
        yield f"no window in {len(ways) - MAX_REASONS} more"
