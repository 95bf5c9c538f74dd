"""What a thief would try to have signed under a policy: described spends at the very limits that it names.

Whatever a policy compares with is tried at its limit: amounts, fees at several weights, destinations,
callers; and of the outflow windows what is left of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

from policies.analysis.described import DescribedSpend
from policies.expression import predicates
from policies.loaded import LoadedPolicy, Route
from policies.predicates import Predicate
from policies.predicates.caller import Caller
from policies.predicates.destinations_in import DestinationsIn
from policies.predicates.fee_at_most import FeeAtMost
from policies.predicates.fee_rate_between import FeeRateBetween
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.predicates.payment_at_least import PaymentAtLeast
from policies.predicates.payment_at_most import PaymentAtMost
from policies.predicates.spend_at_most import SpendAtMost
from policies.predicates.weight_at_most import WeightAtMost
from signer.bitcoin.units import COIN, Sats, Weight, vbytes_of
from signer.core.opreturn import Anchor
from signer.core.payment import Payment
from signer.core.spend import Kind
from signer.core.vault import Vault

SCRIPTS = (b"\x00\x14" + b"\x66" * 20, b"\x51\x20" + b"\x67" * 32)
WEIGHTS = (800, 4_000, 40_000, 390_000)
TRIED = 6
"""Spends, the largest first."""
MOST_PAYMENTS = 8
Charges = tuple[tuple[int, Sats, int], ...]


@dataclass(frozen=True)
class Fee:
    """A fee, and the size that makes its rate."""

    sats: int
    weight: Weight


@dataclass(frozen=True)
class Aim:
    """By which way out, and what the kernels asked have charged at what time."""

    route: Route
    path_index: int
    records: tuple[tuple[int, Charges], ...]
    """(now, charges) of each."""
    is_free: bool
    """Else the amounts are owed, and only the fee is taken."""
    part: int = 1
    """Of each window at most one such part is filled at once: so pairs of kernels take turns."""

    def taken(self, spend: DescribedSpend) -> int:
        """What a thief has of it."""
        return spend.outflow if self.is_free else spend.fee


@dataclass(frozen=True)
class Greed:
    """What is worth trying under that policy."""

    policy: LoadedPolicy

    @cached_property
    def predicates(self) -> tuple[Predicate, ...]:
        return tuple(each for block in self.policy.blocks for each in predicates(block.expression))

    @cached_property
    def windows(self) -> tuple[OutflowAtMost, ...]:
        return tuple(each for each in self.predicates if isinstance(each, OutflowAtMost))

    @cached_property
    def callers(self) -> tuple[str, ...]:
        named = [each.names for each in self.predicates if isinstance(each, Caller)]
        return ("", *sorted(frozenset[str]().union(*named)))

    @cached_property
    def scripts(self) -> tuple[bytes, ...]:
        listed = [
            each.listed.scripts for each in self.predicates if isinstance(each, DestinationsIn)
        ]
        return (*SCRIPTS, *(min(each) for each in listed))

    @cached_property
    def amounts(self) -> tuple[int, ...]:
        limited = (PaymentAtMost, PaymentAtLeast, SpendAtMost, OutflowAtMost)
        return tuple(each.limit for each in self.predicates if isinstance(each, limited))

    def spends(self, random: Random, aim: Aim, first_id: int) -> Iterator[DescribedSpend]:
        """Some, those that take most first. Withdrawals are numbered from `first_id`."""
        found = [
            self._spend(random, aim, first_id, fee, amount)
            for fee in self._fees(random)
            for amount in self._amounts(random, aim, fee)
        ]
        found.sort(key=lambda spend: -aim.taken(spend))
        yield from found[:TRIED]
        yield from random.sample(found, min(2, len(found)))

    def bursts(self, aim: Aim, spend: DescribedSpend) -> list[int]:
        """How many such spends to try at once: what fits into the windows, more first; one at last."""
        most = max(1, spend.outflow)
        fit = {self._room(aim, window) // most for window in self.windows}
        return [*sorted((each for each in fit if each > 1), reverse=True), 1]

    def _room(self, aim: Aim, window: OutflowAtMost) -> int:
        """What is left of that window on every record asked."""
        spent = (
            sum(charge for when, charge, _ in charges if when > now - window.window)
            for now, charges in aim.records
        )
        left = window.limit - max(spent, default=0)
        return max(0, min(left, window.limit // aim.part))

    def _amounts(self, random: Random, aim: Aim, fee: Fee) -> Iterator[int]:
        if aim.route.kind in (Kind.ANCHOR, Kind.SWEEP):
            yield 0
            return
        if not aim.is_free:
            yield min((*self.amounts, 1_000))
            yield 1_000
            return
        room = sorted((self._room(aim, window) for window in self.windows), reverse=True)
        yield from (each - fee.sats for each in room if each > fee.sats)
        if aim.part > 1:
            return
        for limit in {random.choice((*self.amounts, 1_000 * COIN)) for _ in range(2)}:
            yield limit
            yield max(1, limit - fee.sats)

    def _fees(self, random: Random) -> tuple[Fee, ...]:
        weights = [each.limit for each in self.predicates if isinstance(each, WeightAtMost)]
        weight = random.choice((*WEIGHTS, *weights))
        size = vbytes_of(Weight(weight))
        rates = [each for each in self.predicates if isinstance(each, FeeRateBetween)]
        caps = [each.limit for each in self.predicates if isinstance(each, FeeAtMost)]
        limits = {*caps, *(each.most * size // 1_000 for each in rates), 1_000 * COIN}
        floors = {-(-each.least * size // 1_000) for each in rates}
        fees = {min(limits), random.choice(sorted(limits)), random.choice(sorted(floors or {0}))}
        return tuple(Fee(each, Weight(weight)) for each in fees)

    def _spend(
        self, random: Random, aim: Aim, first_id: int, fee: Fee, amount: int
    ) -> DescribedSpend:
        kind, vault = aim.route.kind, self._vault(aim.route.vault_id)
        return DescribedSpend(
            vault=vault,
            kind=kind,
            payments=self._payments(random, first_id, amount) if kind is Kind.WITHDRAWAL else (),
            fee=Sats(fee.sats),
            weight=fee.weight,
            path_index=aim.path_index,
            anchor=self._anchor() if kind is Kind.ANCHOR else None,
            to=None if aim.route.to is None else self._vault(aim.route.to),
            moved=Sats(amount if kind is Kind.ROTATION else 0),
        )

    def _payments(self, random: Random, first_id: int, amount: int) -> tuple[Payment, ...]:
        """The amount in one payment, or in as many as the largest limit of one makes of it."""
        most = [each.limit for each in self.predicates if isinstance(each, PaymentAtMost)]
        part = random.choice((amount, *most)) or amount
        script = random.choice(self.scripts)
        parts = [part] * min(MOST_PAYMENTS, amount // part) if part < amount else [amount]
        return tuple(
            Payment((first_id + vout).to_bytes(32, "big"), vout, Sats(each), script)
            for vout, each in enumerate(parts)
        )

    def _anchor(self) -> Anchor | None:
        if not self.policy.rollups:
            return None
        rollup = self.policy.rollups[0]
        return Anchor(rollup.magic, rollup.first_batch + 1, b"\x07" * 32, b"\xee" * 32)

    def _vault(self, vault_id: str) -> Vault:
        return next(each for each in self.policy.vaults if each.vault_id == vault_id)
