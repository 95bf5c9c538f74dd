"""Numbers that a slip of the unit or of a digit makes: possible, and seldom meant."""

from collections.abc import Iterator

from policies.analysis.normal import Way, in_order
from policies.literals import format_amount, format_duration
from policies.predicates import Predicate
from policies.predicates.aged import Aged
from policies.predicates.count_at_most import CountAtMost
from policies.predicates.fee_at_most import FeeAtMost
from policies.predicates.fee_rate_between import FeeRateBetween
from policies.predicates.outflow_at_most import OutflowAtMost
from policies.predicates.payment_at_most import PaymentAtMost
from policies.predicates.spend_at_most import SpendAtMost
from policies.predicates.tip_fresh import TipFresh
from signer.bitcoin.units import COIN, Sats
from signer.core.governance import GovernanceTerms

SMALL = 10_000
"""Sats below which a cap on what is paid looks like an amount in another unit."""
LARGE = 100_000 * COIN
"""Sats above which one does."""
HIGH_FEE = Sats(COIN // 10)
HIGH_RATE = 1_000_000
"""Sat per 1000 vB: 1,000 sat/vB."""
SHORT_WINDOW = 600
SHORT_DELAY = 3_600
SHORT_TIP = 7_200
"""Seconds."""


def slips_in(way: Way) -> Iterator[tuple[str, str]]:
    """(rule, text) for each suspicious number of the way."""
    for predicate in in_order(way):
        yield from _amounts_and_rates(predicate)
        yield from _times(predicate)
    fees = [each for each in way if isinstance(each, FeeAtMost)]
    payments = [each for each in way if isinstance(each, PaymentAtMost)]
    windows = [each for each in way if isinstance(each, OutflowAtMost)]
    for payment in payments:
        for fee in fees:
            if fee.limit > payment.limit:
                yield "fee above payment", f"{fee.text} is more than {payment.text}"
        for window in windows:
            if window.limit < payment.limit:
                yield "window below payment", f"{window.text} is less than {payment.text}"


def _amounts_and_rates(predicate: Predicate) -> Iterator[tuple[str, str]]:
    match predicate:
        case PaymentAtMost(limit=limit) | SpendAtMost(limit=limit) | OutflowAtMost(limit=limit):
            if limit < SMALL:
                yield "small amount", f"{predicate.text} is less than {SMALL} sat: sat for BTC?"
            if limit > LARGE:
                yield "large amount", f"{predicate.text} is more than {LARGE // COIN} BTC"
        case FeeAtMost(limit=limit):
            if limit > HIGH_FEE:
                yield "high fee", f"{predicate.text} is more than {format_amount(HIGH_FEE)}"
        case FeeRateBetween(most=most):
            if most > HIGH_RATE:
                yield "high fee rate", f"{predicate.text} reaches above 1000 sat/vB"


def _times(predicate: Predicate) -> Iterator[tuple[str, str]]:
    if isinstance(predicate, Aged) and predicate.duration < SHORT_DELAY:
        yield "short time", f"{predicate.text} is less than an hour to act in"
    if isinstance(predicate, TipFresh) and predicate.age < SHORT_TIP:
        yield "short time", f"{predicate.text}: an honest tip is older than that now and then"
    if isinstance(predicate, OutflowAtMost | CountAtMost) and predicate.window < SHORT_WINDOW:
        yield "short time", f"the window of {predicate.text} is below ten minutes"


def slips_of_governance(terms: GovernanceTerms) -> Iterator[str]:
    """Times in which nobody can act."""
    for name, seconds in (("delay", terms.delay), ("confirm_within", terms.confirm_within)):
        if seconds < SHORT_DELAY:
            yield f"[governance] {name} is {format_duration(seconds)}: less than an hour to act in"
