"""What must hold of every policy, every spend and every record: one function for each property, which answers
with the counterexamples that it found. Used by tests/policies/test_properties.py and the campaign `policy`.

1. Normal form: a block consents exactly when all predicates of one of its ways do; so does a route of its
   least ways.
2. Monotony: more attestors, more officers, an older clock, deeper coins or a newer tip never turn a yes into
   a no; nor does a lower
   amount or a lower fee that crosses no floor (`payment_at_least`, the first rate of `fee_rate_between`).
3. Diff: what is called tighter allows nothing new, what is called looser forbids nothing old, equal is both;
   what is called different comes with a witness that is one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random

from policies.analysis.diff import PolicyDifference, compare
from policies.analysis.normal import normal_form
from policies.analysis.witness import Witness, question_about
from policies.expression import predicates
from policies.loaded import LoadedPolicy, route_of
from policies.predicates.fee_rate_between import FeeRateBetween
from policies.predicates.payment_at_least import PaymentAtLeast
from signer.bitcoin.units import Sats, rate_below
from signer.core.approve import objections, settle
from signer.core.governance import Verdict
from signer.core.question import Question
from tests.policies.generated import (
    OFFICERS,
    WATCHERS,
    Case,
    blocks_drawn,
    cases,
    edited,
    policy_of,
)


@dataclass(frozen=True)
class Edit:
    """A policy, another one, and how they are said to differ."""

    old: LoadedPolicy
    new: LoadedPolicy
    difference: PolicyDifference


def consents(policy: LoadedPolicy, question: Question) -> bool:
    """As the kernel asks: universal rules too."""
    return not any(objections(settle(question, policy), policy))


def normal_form_violations(policy: LoadedPolicy, asked: Iterator[Case]) -> Iterator[str]:
    """Property 1."""
    form = normal_form(policy.blocks)
    for case in asked:
        question = case.question
        route = route_of(question.spend)
        blocks = [block for block in policy.blocks if block.route == route]
        direct = [not block.unmet(question) for block in blocks]
        for block, consented in zip(blocks, direct, strict=True):
            if consented is not _by_ways(block.ways, question):
                yield f"block {block.number} is not its ways: {case}"
        if any(direct) is not _by_ways(form.get(route, ()), question):
            yield f"{route} is not its normal form: {case}"


def _by_ways(ways: tuple[frozenset[object], ...], question: Question) -> bool:
    return any(not any(any(each.objections(question)) for each in way) for way in ways)


def monotony_violations(
    random: Random, policy: LoadedPolicy, asked: Iterator[Case]
) -> Iterator[str]:
    """Property 2."""
    for case in asked:
        if not consents(policy, case.question):
            continue
        for name, change in _GIVING.items():
            other = change(random, case)
            if not consents(policy, other.question):
                yield f"{name} turned a yes into a no: {case}, {other}"
        for name, lower in _LOWERING.items():
            other = lower(random, case)
            if not _crosses_a_floor(policy, case, other) and not consents(policy, other.question):
                yield f"{name} turned a yes into a no: {case}, {other}"


def _more_attestors(random: Random, case: Case) -> Case:
    return replace(case, keys=case.keys | {random.choice(WATCHERS)})


def _more_coin_words(_: Random, case: Case) -> Case:
    return replace(case, coin_keys=case.coin_keys | set(WATCHERS))


def _more_officers(random: Random, case: Case) -> Case:
    officers = case.record.officers | {random.choice(OFFICERS)}
    return replace(case, record=replace(case.record, officers=officers))


def _another_statement(random: Random, case: Case) -> Case:
    return replace(case, rivals=case.rivals | {random.choice(WATCHERS)})


def _older_clock(random: Random, case: Case) -> Case:
    since = case.now if case.record.attested_since is None else case.record.attested_since
    older = since - random.choice((0, 1, 3_600, 86_400))
    return replace(case, record=replace(case.record, attested_since=older))


def _deeper_coins(random: Random, case: Case) -> Case:
    chain = case.chain
    deeper = replace(chain, blocks=chain.blocks + random.choice((1, 3)), work=chain.work + 10**21)
    return replace(case, chain=deeper)


def _newer_tip(random: Random, case: Case) -> Case:
    age = random.randint(0, case.chain.tip_age)
    return replace(case, chain=replace(case.chain, tip_age=age))


_GIVING: dict[str, Callable[[Random, Case], Case]] = {
    "another attestor": _more_attestors,
    "more words about the coins": _more_coin_words,
    "another officer": _more_officers,
    "another statement": _another_statement,
    "an older clock": _older_clock,
    "deeper coins": _deeper_coins,
    "a newer tip": _newer_tip,
}


def _lower_amount(random: Random, case: Case) -> Case:
    """Of a payment without a version on record: J1 forbids another amount of the others."""
    payments = list(case.spend.payments)
    fresh = [
        place
        for place, each in enumerate(payments)
        if each.withdrawal_id not in case.record.withdrawals and each.amount > 1
    ]
    if not fresh:
        return case
    place = random.choice(fresh)
    less = Sats(random.choice((payments[place].amount - 1, payments[place].amount // 2)))
    payments[place] = replace(payments[place], amount=less)
    return replace(case, spend=replace(case.spend, payments=tuple(payments)))


def _lower_fee(random: Random, case: Case) -> Case:
    fee = case.spend.fee
    less = Sats(max(0, random.choice((fee - 1, fee // 2, 0))))
    return replace(case, spend=replace(case.spend, fee=less))


def _lower_move(random: Random, case: Case) -> Case:
    moved = Sats(random.choice((case.spend.moved, case.spend.moved // 2)))
    return replace(case, spend=replace(case.spend, moved=moved))


_LOWERING: dict[str, Callable[[Random, Case], Case]] = {
    "a lower amount": _lower_amount,
    "a lower fee": _lower_fee,
    "a lower amount of a rotation": _lower_move,
}


def _crosses_a_floor(policy: LoadedPolicy, before: Case, after: Case) -> bool:
    for block in policy.blocks:
        for each in predicates(block.expression):
            if isinstance(each, PaymentAtLeast) and any(
                new.amount < each.limit <= old.amount
                for old, new in zip(before.spend.payments, after.spend.payments, strict=True)
            ):
                return True
            if isinstance(each, FeeRateBetween):
                low = [
                    rate_below(of.spend.fee, of.spend.vsize, each.least) for of in (before, after)
                ]
                if low == [False, True]:
                    return True
    return False


def diff_violations(edit: Edit, asked: Iterator[Case]) -> Iterator[str]:
    """Property 3."""
    old, new, difference = edit.old, edit.new, edit.difference
    for each in difference.routes:
        yield from _false_witness(each.allowed_now, new, old)
        yield from _false_witness(each.refused_now, old, new)
    for case in asked:
        question = case.question
        before, after = consents(old, question), consents(new, question)
        if before is after:
            continue
        said = _said_of(difference, question)
        if after and said & {Verdict.EQUAL, Verdict.TIGHTER}:
            yield f"allowed now, though {sorted(said)}: {case}"
        if before and said & {Verdict.EQUAL, Verdict.LOOSER}:
            yield f"refused now, though {sorted(said)}: {case}"


def _said_of(difference: PolicyDifference, question: Question) -> set[Verdict]:
    """Of the whole and of the route. The whole may be called looser only because it touches who agrees."""
    routes = {each.route: each.verdict for each in difference.routes}
    whole = {difference.verdict} - {Verdict.LOOSER}
    return {routes.get(route_of(question.spend), Verdict.EQUAL), *whole}


def _false_witness(witness: Witness | None, yes: LoadedPolicy, no: LoadedPolicy) -> Iterator[str]:
    if witness is None:
        return
    question = question_about(witness.draft, yes, no)
    if question is None or not consents(yes, question) or consents(no, question):
        yield f"no witness: {witness}"


def policies_drawn(random: Random, count: int) -> Iterator[LoadedPolicy]:
    """So many."""
    return (policy_of(blocks_drawn(random)) for _ in range(count))


def edits_drawn(random: Random, count: int) -> Iterator[Edit]:
    """So many, each of a policy and its next version: one or two small edits, or none."""
    for _ in range(count):
        blocks = other = blocks_drawn(random, random.randint(2, 4))
        for _ in range(random.choice((0, 1, 1, 2))):
            other = edited(random, other)
        old, new = policy_of(blocks), policy_of(other, version=2)
        yield Edit(old, new, compare(old, new))


def some_cases(random: Random, policy: LoadedPolicy, count: int) -> Iterator[Case]:
    """So many spends to ask it about."""
    return islice(cases(random, policy), count)
