"""`implies` is a partial order, and sound: what passes the one rule passes the other.

Invariant: for rules a and b with a.implies(b), no question that has no objection under a has one under b.
"""

from dataclasses import replace
from itertools import product

import pytest

from policies.arguments import AddressList, Group, Rollup
from policies.predicates import SPEND_PREDICATES, Predicate
from policies.predicates.aged import Aged, clock_of
from policies.predicates.anchor_extends import AnchorExtends
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.predicates.buried import Buried
from policies.predicates.caller import Caller
from policies.predicates.confirmed import Confirmed
from policies.predicates.count_at_most import CountAtMost
from policies.predicates.destination_types import DestinationTypes
from policies.predicates.destinations_in import DestinationsIn
from policies.predicates.destinations_not_in import DestinationsNotIn
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
from signer.bitcoin.burial import Burial
from signer.bitcoin.script import ScriptType
from signer.bitcoin.units import FeeRate, Height, Sats, Weight
from signer.core.chain_word import ChainWord, Placed
from signer.core.errors import Objection
from signer.core.evidence import StatementKind
from signer.core.freshness import TipSeen
from signer.core.question import Question
from tests.policies.world import (
    CLOCK,
    NOW,
    P2PKH,
    P2WPKH,
    WATCHERS,
    FixedView,
    anchor,
    anchor_terms,
    approvals,
    authorized,
    coin,
    final,
    later,
    on_record,
    payment,
    question,
    root,
    rotation,
    spend,
    sweep,
    terms_of,
)

THREE = Group("three", frozenset(WATCHERS))
TWO = Group("two", frozenset(WATCHERS[:2]))
OTHER = Group("other", frozenset((*WATCHERS[1:], bytes(32))))
HERE, THERE = AddressList("here", frozenset((P2WPKH,))), AddressList("there", frozenset((P2PKH,)))
BOTH = AddressList("both", frozenset((P2WPKH, P2PKH)))
PAID = StatementKind.WITHDRAWAL
OLD = clock_of([frozenset((Attested(2, THREE, PAID),))])
YOUNG = clock_of([frozenset((Attested(1, THREE, PAID),))])
STRICT = Rollup("main", b"PGWD", 1, "contiguous")
LAX = replace(STRICT, name="renamed", sequence="increasing")
GAMES = Rollup("games", b"GAME", 1_000, "increasing")
EVERY_TYPE = frozenset(
    (ScriptType.P2PKH, ScriptType.P2SH, ScriptType.P2WPKH, ScriptType.P2WSH, ScriptType.P2TR)
)
SEGWIT = frozenset((ScriptType.P2WPKH, ScriptType.P2TR))

# (rule, another one that it implies and that does not imply it)
TIGHTER: list[tuple[Predicate, Predicate]] = [
    (FeeAtMost(Sats(1_999)), FeeAtMost(Sats(2_000))),
    (FeeRateBetween(FeeRate(2), FeeRate(3)), FeeRateBetween(FeeRate(1), FeeRate(3))),
    (FeeRateBetween(FeeRate(2), FeeRate(3)), FeeRateBetween(FeeRate(2), FeeRate(4))),
    (PaymentAtMost(Sats(5)), PaymentAtMost(Sats(6))),
    (PaymentAtLeast(Sats(6)), PaymentAtLeast(Sats(5))),
    (SpendAtMost(Sats(5)), SpendAtMost(Sats(6))),
    (SpendAtMost(Sats(5)), FeeAtMost(Sats(5))),
    (SpendAtMost(Sats(5)), PaymentAtMost(Sats(5))),
    (OutflowAtMost(3_600, Sats(5)), OutflowAtMost(3_600, Sats(6))),
    (OutflowAtMost(3_601, Sats(5)), OutflowAtMost(3_600, Sats(5))),
    (CountAtMost(3_600, 1), CountAtMost(3_600, 2)),
    (CountAtMost(3_601, 1), CountAtMost(3_600, 1)),
    (DestinationsIn(HERE), DestinationsIn(BOTH)),
    (DestinationsIn(HERE), DestinationTypes(SEGWIT)),
    (DestinationsIn(HERE), DestinationsNotIn(THERE)),
    (DestinationsNotIn(BOTH), DestinationsNotIn(HERE)),
    (DestinationTypes(SEGWIT), DestinationTypes(EVERY_TYPE)),
    (DestinationTypes(SEGWIT), DestinationsNotIn(THERE)),
    (InputsAtMost(1), InputsAtMost(2)),
    (OutputsAtMost(1), OutputsAtMost(2)),
    (WeightAtMost(Weight(1)), WeightAtMost(Weight(2))),
    (Caller(frozenset(("a",))), Caller(frozenset(("a", "b")))),
    (Within(range(1, 2), 480, 540), Within(range(5), 480, 540)),
    (Within(range(5), 481, 540), Within(range(5), 480, 540)),
    (Within(range(5), 480, 539), Within(range(5), 480, 540)),
    (Aged(7, OLD), Aged(6, OLD)),
    (AnchorExtends((STRICT,)), AnchorExtends((LAX,))),
    (AnchorExtends((STRICT,)), AnchorExtends((STRICT, GAMES))),
    (Attested(3, THREE, PAID), Attested(2, THREE, PAID)),
    (Attested(2, TWO, PAID), Attested(2, THREE, PAID)),
    (Attested(3, THREE, PAID), Attested(2, TWO, PAID)),
    (Approved(3, THREE), Approved(2, THREE)),
    (Approved(2, TWO), Approved(2, THREE)),
    (Approved(3, THREE), Approved(2, TWO)),
    (Confirmed(4), Confirmed(3)),
    (Buried(2), Buried(1)),
    (TipFresh(3_599), TipFresh(3_600)),
]
# (rule, another one; neither implies the other)
APART: list[tuple[Predicate, Predicate]] = [
    (FeeRateBetween(FeeRate(1), FeeRate(3)), FeeRateBetween(FeeRate(2), FeeRate(4))),
    (SpendAtMost(Sats(6)), FeeAtMost(Sats(5))),
    (SpendAtMost(Sats(6)), PaymentAtMost(Sats(5))),
    (SpendAtMost(Sats(5)), OutflowAtMost(1, Sats(5))),
    (OutflowAtMost(3_600, Sats(5)), OutflowAtMost(3_601, Sats(6))),
    (CountAtMost(3_600, 1), CountAtMost(3_601, 2)),
    (DestinationsIn(HERE), DestinationsIn(THERE)),
    (DestinationsIn(BOTH), DestinationTypes(SEGWIT)),
    (DestinationsIn(BOTH), DestinationsNotIn(THERE)),
    (DestinationTypes(EVERY_TYPE), DestinationsNotIn(THERE)),
    (DestinationsNotIn(HERE), DestinationsNotIn(THERE)),
    (Within(range(1), 0, 60), Within(range(1, 2), 0, 60)),
    (Aged(7, OLD), Aged(6, YOUNG)),
    (AnchorExtends((STRICT,)), AnchorExtends((replace(STRICT, first_batch=2),))),
    (AnchorExtends((STRICT,)), AnchorExtends((replace(STRICT, magic=b"NOPE"),))),
    (Path("primary"), Path("recovery")),
    (Attested(2, THREE, PAID), Attested(2, OTHER, PAID)),
    (Attested(3, THREE, PAID), Attested(2, THREE, StatementKind.COIN)),
    (Attested(2, THREE, PAID), Approved(2, THREE)),
    (Approved(2, TWO), Approved(2, OTHER)),
    (Replaceable(), InputsAtMost(1)),
    (Confirmed(6), Buried(1)),
    (Confirmed(6), TipFresh(1)),
]
# (rule, another one; each implies the other: only names differ)
EQUAL: list[tuple[Predicate, Predicate]] = [
    (Attested(2, THREE, PAID), Attested(2, replace(THREE, name="same"), PAID)),
    (Approved(2, THREE), Approved(2, replace(THREE, name="same"))),
    (DestinationsIn(HERE), DestinationsIn(replace(HERE, name="same"))),
    (DestinationsNotIn(HERE), DestinationsNotIn(replace(HERE, name="same"))),
    (AnchorExtends((LAX, GAMES)), AnchorExtends((GAMES, replace(LAX, name="same")))),
    (Aged(5, OLD), Aged(5, clock_of([frozenset((Attested(2, replace(THREE, name="x"), PAID),))]))),
    (Path("primary"), Path("primary")),
    (Replaceable(), Replaceable()),
]
# limits at which the questions below change their answer
NEAR: list[Predicate] = [
    Attested(1, THREE, PAID),
    Approved(1, OTHER),
    FeeAtMost(Sats(2_000)),
    FeeRateBetween(FeeRate(0), FeeRate(10_000)),
    FeeRateBetween(FeeRate(10_000), FeeRate(20_000)),
    PaymentAtMost(Sats(50_000_000)),
    PaymentAtLeast(Sats(50_000_000)),
    SpendAtMost(Sats(50_002_000)),
    SpendAtMost(Sats(2_000)),
    OutflowAtMost(3_600, Sats(50_002_000)),
    OutflowAtMost(7_200, Sats(50_002_000)),
    OutflowAtMost(7_200, Sats(60_002_000)),
    CountAtMost(3_600, 1),
    CountAtMost(7_200, 2),
    DestinationTypes(frozenset((ScriptType.P2PKH,))),
    Aged(3_600, OLD),
    Aged(3_601, OLD),
    Within(range(5), 480, 600),
    Within(range(7), 0, 480),
    Within(range(4, 5), 480, 481),
    WeightAtMost(Weight(800)),
    AnchorExtends((LAX, GAMES)),
    AnchorExtends((STRICT, GAMES)),
]
RULES = list(dict.fromkeys([each for pair in TIGHTER + APART + EQUAL for each in pair] + NEAR))
FULL = FixedView(((NOW - 5_000, Sats(10_000_000), 1), (NOW - 60, Sats(5), 1)))


def questions() -> list[Question]:
    spends = [
        spend(),
        spend((payment(1, script=P2PKH), payment(2))),
        spend((payment(1, 3), payment(2, 5)), fee=0, coins=(coin(0), coin(1))),
        final(spend(fee=1_999)),
        replace(spend(), weight=Weight(801)),
        anchor(),
        anchor(2_000, b"GAME"),
        sweep(),
        sweep(path_index=1),
        rotation(),
    ]
    clock = (payment().terms, CLOCK, NOW - 3_600)
    asked = [
        replace(question(of, evidence, view), caller=caller)
        for of, caller in zip(spends, "abcabcabca", strict=True)
        for evidence in (
            None,
            authorized(*((terms, WATCHERS) for terms in terms_of(of))),
            authorized(*((terms, WATCHERS[1:]) for terms in terms_of(of))),
        )
        for view in (
            FixedView(),
            FULL,
            FixedView(approvals=approvals(of, WATCHERS[:2]), clocks=(clock,)),
            FixedView(approvals=approvals(of, WATCHERS)),
            FixedView(withdrawals=(on_record(payment().terms),)),
        )
    ]
    behind = replace(anchor_terms(anchor()), previous_batch=3, previous_root=root(3))
    asked.append(question(anchor(), authorized((behind, WATCHERS))))
    asked += [replace(question(), chain=word) for word in words_of_chains()]
    return [*asked, *(later(each, -1) for each in asked), *(later(each, 60) for each in asked)]


def words_of_chains() -> list[ChainWord]:
    """With the coin of `spend` as deep as rules ask, or one less; on fresh and stale chains, and unproven."""
    txid = coin().outpoint.txid
    deep = [Burial(blocks, work) for blocks in (2, 3, 4) for work in (0, 1, 2)]
    words = [
        ChainWord(TipSeen(9, NOW - age, NOW), Height(9), (), {txid: Placed(Height(3), each, False)})
        for each in deep
        for age in (3_599, 3_600)
    ]
    stale = (Objection("header-feed-frozen", "no header has moved the tip"),)
    return [*words, replace(words[-1], stale=stale), replace(words[-1], placed={})]


@pytest.mark.parametrize(("tight", "loose"), TIGHTER)
def test_a_tighter_rule_implies_the_looser_one_alone(tight: Predicate, loose: Predicate) -> None:
    assert tight.implies(loose)
    assert not loose.implies(tight)


@pytest.mark.parametrize(("one", "other"), APART)
def test_rules_that_cannot_be_compared(one: Predicate, other: Predicate) -> None:
    assert not one.implies(other)
    assert not other.implies(one)


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_names_do_not_count(one: Predicate, other: Predicate) -> None:
    assert one.implies(other)
    assert other.implies(one)


def test_every_predicate_is_compared() -> None:
    assert {type(each) for each in RULES} == set(SPEND_PREDICATES.values())


def test_it_is_a_partial_order() -> None:
    above = {rule: {other for other in RULES if rule.implies(other)} for rule in RULES}
    for rule, implied in above.items():
        assert rule in implied
        for other in implied:
            assert above[other] <= implied


def test_it_is_sound() -> None:
    """Over 513 questions: whatever passes a rule passes every rule that it implies."""
    asked = questions()
    passed = {
        rule: {place for place, each in enumerate(asked) if not any(rule.objections(each))}
        for rule in RULES
    }
    for rule, other in product(RULES, RULES):
        if rule.implies(other):
            assert passed[rule] <= passed[other], (rule.text, other.text)
    assert len(asked) == 513
    discerning = [rule for rule in RULES if 0 < len(passed[rule]) < len(asked)]
    assert len(discerning) > len(RULES) // 2
