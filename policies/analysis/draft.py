"""Drafts: spends of a route at the limits of a way, to be put to policies that may differ about them.

1. A draft asks as few words as its way does, and goes to the way's limit in everything else: what another
   policy refuses of the way, it most likely refuses of the draft. A second draft is as modest as the way
   lets it be.
2. Critical values are the limits of all predicates given and their neighbours. A variation puts one of them
   in the place of the draft's own.
Drafts are guesses: whoever uses one asks both policies.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from policies.analysis.destinations import destination_for, destinations
from policies.analysis.normal import Way, in_order
from policies.literals import MAX_DURATION
from policies.loaded import Route
from policies.predicates import Predicate
from policies.predicates.aged import Aged
from policies.predicates.anchor_extends import AnchorExtends
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.predicates.buried import Buried
from policies.predicates.caller import Caller
from policies.predicates.confirmed import Confirmed
from policies.predicates.count_at_most import CountAtMost
from policies.predicates.fee_at_most import FeeAtMost
from policies.predicates.fee_rate_between import FeeRateBetween
from policies.predicates.inputs_at_most import InputsAtMost
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.predicates.outputs_at_most import OutputsAtMost
from policies.predicates.path import Path
from policies.predicates.payment_at_least import PaymentAtLeast
from policies.predicates.payment_at_most import PaymentAtMost
from policies.predicates.replaceable import Replaceable
from policies.predicates.spend_at_most import SpendAtMost
from policies.predicates.tip_fresh import TipFresh
from policies.predicates.weight_at_most import WeightAtMost
from policies.predicates.within import Within
from signer.bitcoin.units import MAX_MONEY, FeeRate, VBytes, Weight, fee_for, vbytes_of
from signer.core.moments import DAY, weekday_of
from signer.core.spend import Kind

A_MONDAY = 1_799_625_600
"""00:00 UTC."""
_MODEST = 1_000
"""Sats, above every dust limit."""
_USUAL_WEIGHT = 800


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be described."""

    route: Route
    amount: int = _MODEST
    """Sats paid or moved."""
    fee: int = _MODEST
    script: bytes = b""
    """Where a payment goes."""
    weight: int = _USUAL_WEIGHT
    inputs: int = 1
    outputs: int = 1
    path: str = "primary"
    is_replaceable: bool = True
    caller: str = "somebody"
    now: int = A_MONDAY
    attestors: frozenset[bytes] = frozenset()
    officers: frozenset[bytes] = frozenset()
    waited: int = 0
    """Seconds since the words were complete."""
    charged: tuple[int, int, int] = (0, 0, 0)
    """(seconds ago, sats, withdrawals): what is on record."""
    extends: bool = True
    """Whether an anchor follows a batch that it may follow."""
    is_bump: bool = False
    """Whether its payment is on record."""
    blocks: int = 0
    """Under which every coin is buried."""
    work: int = 0
    """The same in expected hashes."""
    tip_age: int = MAX_DURATION
    """Seconds, of the tip of our own headers."""

    @property
    def vsize(self) -> VBytes:
        """Of the weight."""
        return vbytes_of(Weight(self.weight))


def drafts(route: Route, way: Way, all_of: Iterable[Predicate]) -> Iterator[Draft]:
    """Of one way, with the variations at the critical values of `all_of`."""
    predicates = list(all_of)
    bold, modest = (_base(route, way, predicates, bold=each) for each in (True, False))
    bump = replace(bold, is_bump=True, amount=max(bold.amount, _floor(way)))
    bases = (bold, modest, bump)
    yield from bases
    for base in bases:
        for predicate in predicates:
            yield from _variations(base, predicate)


def _base(route: Route, way: Way, predicates: list[Predicate], *, bold: bool) -> Draft:
    """Rule 1."""
    draft = Draft(route, now=_moment(way, predicates), script=destination_for(way, predicates))
    for predicate in in_order(way):
        draft = _with_words(draft, predicate)
    for each in way:
        if isinstance(each, WeightAtMost):
            draft = replace(draft, weight=each.limit if bold else min(draft.weight, each.limit))
    fee = _fee(way, draft.vsize, bold=bold)
    return replace(draft, fee=fee, amount=_amount(way, fee, bold=bold))


def _with_words(draft: Draft, predicate: Predicate) -> Draft:
    """Who agrees, who asks, which path, and since when."""
    match predicate:
        case Attested(needed=needed, group=group):
            return replace(draft, attestors=_joined(draft.attestors, group.keys, needed))
        case Approved(needed=needed, group=group):
            return replace(draft, officers=_joined(draft.officers, group.keys, needed))
        case Caller(names=names):
            return replace(draft, caller=min(names))
        case Path(name=name):
            return replace(draft, path=name)
        case Aged(duration=duration):
            return replace(draft, waited=max(draft.waited, duration))
        case InputsAtMost(limit=limit):
            return replace(draft, inputs=max(1, min(limit, draft.inputs)))
        case Confirmed(blocks=blocks):
            return replace(draft, blocks=max(draft.blocks, blocks))
        case Buried(work=work):
            return replace(draft, work=max(draft.work, work))
        case TipFresh(age=age):
            return replace(draft, tip_age=min(draft.tip_age, age))
    return draft


def _joined(have: frozenset[bytes], keys: frozenset[bytes], needed: int) -> frozenset[bytes]:
    """As few more of the keys as make up the number."""
    missing = max(0, needed - len(have & keys))
    return have | frozenset(sorted(keys - have)[:missing])


def _fee(way: Way, vsize: VBytes, *, bold: bool) -> int:
    rates = [each for each in way if isinstance(each, FeeRateBetween)]
    caps = [each.most * vsize // 1000 for each in rates]
    caps += [
        each.limit for each in way if isinstance(each, FeeAtMost | SpendAtMost | OutflowAtMost)
    ]
    floor = max((fee_for(each.least, vsize) for each in rates), default=0)
    if not bold:
        return max(floor, min(_MODEST, *caps, MAX_MONEY))
    return min(caps, default=max(floor, 10 * _MODEST))


def _amount(way: Way, fee: int, *, bold: bool) -> int:
    caps = [each.limit - fee for each in way if isinstance(each, SpendAtMost | OutflowAtMost)]
    caps += [each.limit for each in way if isinstance(each, PaymentAtMost)]
    return min(caps, default=MAX_MONEY // 2) if bold else max(_floor(way), _MODEST)


def _floor(way: Way) -> int:
    return max((each.limit for each in way if isinstance(each, PaymentAtLeast)), default=0)


def _moment(way: Way, predicates: list[Predicate]) -> int:
    """When every `within` of the way holds, if ever."""
    asked = [each for each in way if isinstance(each, Within)]
    moments = (A_MONDAY, *_edges(predicates))
    open_at = (each for each in moments if all(_is_open(window, each) for window in asked))
    return next(open_at, A_MONDAY)


def _is_open(window: Within, moment: int) -> bool:
    is_day = weekday_of(moment) in window.days
    return is_day and window.start * 60 <= moment % DAY < window.end * 60


def _edges(predicates: Iterable[Predicate]) -> Iterator[int]:
    """The moments of one week at which a `within` begins, ends, and has just ended."""
    for each in predicates:
        if isinstance(each, Within):
            for day in range(7):
                midnight = A_MONDAY + day * DAY
                yield from (midnight + 60 * each.start, midnight + 60 * each.end - 1)
                yield midnight + 60 * each.end


def _variations(draft: Draft, predicate: Predicate) -> Iterator[Draft]:
    """Rule 2."""
    yield from _other_amounts(draft, predicate)
    yield from _other_sizes(draft, predicate)
    yield from _other_circumstances(draft, predicate)
    yield from (replace(draft, script=script) for script in destinations(predicate))


def _other_amounts(draft: Draft, predicate: Predicate) -> Iterator[Draft]:
    match predicate:
        case PaymentAtMost(limit=limit) | PaymentAtLeast(limit=limit):
            yield from (replace(draft, amount=each) for each in (limit - 1, limit, limit + 1))
        case SpendAtMost(limit=limit):
            yield from _sums(draft, limit)
        case OutflowAtMost(window=window, limit=limit):
            yield from _sums(draft, limit)
            yield from _recent(draft, window, limit - draft.fee - draft.amount)
        case CountAtMost(window=window, limit=limit):
            for begun, ago in ((limit - 1, 0), (limit, 0), (limit, window - 1), (limit, window)):
                yield replace(draft, charged=(ago, 0, begun))
        case FeeAtMost(limit=limit):
            for fee in (limit, limit + 1):
                yield replace(draft, fee=fee)
                heavier = -(-draft.weight * fee // max(1, draft.fee)) + 4
                yield replace(draft, fee=fee, weight=heavier)  # at the draft's rate
        case FeeRateBetween(least=least, most=most):
            yield from _rates(draft, least, most)


def _other_sizes(draft: Draft, predicate: Predicate) -> Iterator[Draft]:
    match predicate:
        case WeightAtMost(limit=limit):
            yield from (replace(draft, weight=each) for each in (limit, limit + 1))
        case InputsAtMost(limit=limit):
            yield from (replace(draft, inputs=each) for each in (limit, limit + 1))
        case OutputsAtMost(limit=limit):
            yield from (replace(draft, outputs=each) for each in (limit, limit + 1))


def _other_circumstances(draft: Draft, predicate: Predicate) -> Iterator[Draft]:
    match predicate:
        case Aged(duration=duration):
            yield from (replace(draft, waited=each) for each in (duration - 1, duration))
        case Within():
            yield from (replace(draft, now=each) for each in _edges((predicate,)))
        case Caller(names=names):
            yield from (replace(draft, caller=each) for each in ("somebody", *sorted(names)))
        case Path(name=name):
            yield from (replace(draft, path=each) for each in ("primary", "recovery", name))
        case AnchorExtends():
            yield replace(draft, extends=False)
        case Replaceable():
            yield replace(draft, is_replaceable=False)
        case Confirmed(blocks=blocks):
            yield from (replace(draft, blocks=each) for each in (blocks - 1, blocks))
        case Buried(work=work):
            yield from (replace(draft, work=each) for each in (work - 1, work))
        case TipFresh(age=age):
            yield from (replace(draft, tip_age=each) for each in (age, age + 1))


def _sums(draft: Draft, limit: int) -> Iterator[Draft]:
    """Amount and fee together at the limit and one past it."""
    pays = draft.route.kind in (Kind.WITHDRAWAL, Kind.ROTATION)
    for total in (limit, limit + 1):
        if pays:
            yield replace(draft, amount=total - draft.fee)
        else:
            yield replace(draft, fee=total)


def _recent(draft: Draft, window: int, room: int) -> Iterator[Draft]:
    """With so much on record that the window is just full, or one past it."""
    for charge, ago in ((room, 0), (room + 1, 0), (room + 1, window - 1), (room + 1, window)):
        yield replace(draft, charged=(ago, charge, 0))


def _rates(draft: Draft, least: FeeRate, most: FeeRate) -> Iterator[Draft]:
    floor, cap = fee_for(least, draft.vsize), most * draft.vsize // 1000
    yield from (replace(draft, fee=each) for each in (floor - 1, floor, cap, cap + 1))
