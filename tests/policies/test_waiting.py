"""Approvals, clocks and schedules: what they count, and when a spend waits instead of being refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.arguments import Group
from policies.expression import Expression, Leaf, Threshold, unmet, waiting
from policies.load import load_policy
from policies.loaded import LoadedPolicy, Route
from policies.predicates.aged import Clock, clock_of
from policies.predicates.attested import Attested
from signer.bitcoin.hashes import sha256
from signer.core.approve import approve
from signer.core.errors import Objection, Pending, PolicyDenied
from signer.core.evidence import StatementKind
from signer.core.moments import read_time
from signer.core.question import ClockQuorum, Question
from signer.core.spend import Kind, VerifiedSpend
from tests.policies.world import (
    BRIDGE,
    CLOCK,
    FEDERATION,
    NEXT,
    NOW,
    VAULT,
    WATCHERS,
    WATCHING,
    FixedView,
    anchor,
    approvals,
    authorized,
    bridge_text,
    codes,
    coin,
    coin_terms,
    on_record,
    payment,
    policy,
    policy_text,
    question,
    rotation,
    spend,
    sweep,
    sweep_terms,
)

HOUR = 3_600
GOOD = "attested(2, watchers)"
MOVES = {
    Kind.SWEEP: Route(Kind.SWEEP, "next", "next"),
    Kind.ROTATION: Route(Kind.ROTATION, "peg", "next"),
}


def of_moves(when: str) -> LoadedPolicy:
    return load_policy(bridge_text(*((route, when) for route in MOVES.values())).encode())


# --- approved ---


def test_approvals_are_for_exactly_this_withdrawal() -> None:
    rule = policy("approved(2, watchers)")
    for lie in (
        payment(2),
        payment(1, 50_000_001),
        payment(1, script=b"\x00\x14" + b"\x23" * 20),
    ):
        view = FixedView(approvals=approvals(spend((lie,)), WATCHERS))
        assert codes(rule, question(view=view)) == ["approval-missing"]
    foreign = approvals(replace(spend(), vault=NEXT), WATCHERS)
    assert codes(rule, question(view=FixedView(approvals=foreign))) == ["approval-missing"]
    assert codes(rule, question(view=FixedView(approvals=approvals(spend(), WATCHERS)))) == []


def test_only_officers_of_the_group_count_each_once() -> None:
    rule = policy("approved(2, watchers)")
    view = FixedView(approvals=approvals(spend(), (WATCHERS[0], WATCHERS[0], bytes(32))))
    (reason,) = rule.spend_objections(question(view=view))
    assert (reason.observed, reason.limit) == ("1 of 2", "2 of the 3 officers in watchers")
    assert reason.change == "approvals by 1 more of watchers"


def test_a_withdrawal_on_record_needs_no_new_approval_and_no_new_time() -> None:
    """A fee bump does not ask the officers again; other terms do."""
    rule = policy("and(approved(3, watchers), aged(1h))")
    recorded = FixedView(withdrawals=(on_record(payment().terms),))
    assert codes(rule, question(spend(fee=2_500), view=recorded)) == []
    other = FixedView(withdrawals=(on_record(payment(1, 49_000_000).terms),))
    assert codes(rule, question(view=other)) == ["approval-missing", "not-aged"]


def test_every_payment_needs_its_own_approvals_and_its_own_clock() -> None:
    two = spend((payment(1), payment(2)))
    approved = approvals(spend((payment(1),)), WATCHERS)
    view = FixedView(approvals=approved, clocks=((payment(1).terms, CLOCK, 0),))
    reasons = policy("and(approved(1, watchers), aged(1h))").spend_objections(
        question(two, view=view)
    )
    name = payment(2).withdrawal_id.hex()
    assert [each.detail for each in reasons] == [
        f"withdrawal {name} lacks approvals",
        f"withdrawal {name} was first attested too short a time ago",
    ]


@pytest.mark.parametrize("of", [sweep(), rotation()])
def test_officers_alone_may_move_coins(of: VerifiedSpend) -> None:
    """`approved` without `attested`: the statement is on record, not in the evidence."""
    rule = of_moves("approved(2, watchers)")
    view = FixedView(approvals=approvals(of, WATCHERS[:2]), moves=(sweep_terms(of),))
    assert codes(rule, question(of, authorized(), view)) == []
    asked = question(of, authorized(), replace(view, moves=()))
    (reason,) = rule.spend_objections(asked)
    assert (reason.code, reason.observed) == ("approval-missing", "0 of 2")
    assert reason.detail == f"the {of.kind} to next by the primary path lacks approvals"
    other = replace(sweep_terms(of), max_fee=of.fee - 1)
    assert codes(rule, question(of, authorized(), replace(view, moves=(other,)))) == [
        "approval-missing"
    ]


def test_an_anchor_is_not_asked_about() -> None:
    """No block of anchors can say `approved`; the predicate has nothing against what it does not speak of."""
    (block,) = policy("approved(1, watchers)").blocks
    assert [each.code for each in block.unmet(question(anchor()))] == []


# --- aged ---


def test_aged_says_when() -> None:
    rule = policy("aged(6h)")
    (reason,) = rule.spend_objections(question())
    assert (reason.code, reason.observed, reason.not_before) == (
        "not-aged",
        "not attested yet",
        None,
    )
    assert reason.change == "all attestations, then waiting 6h"
    view = FixedView(clocks=((payment().terms, CLOCK, NOW - HOUR),))
    (reason,) = rule.spend_objections(question(view=view))
    assert (reason.observed, reason.limit) == ("3600s", "at least 6h")
    assert reason.not_before == NOW + 5 * HOUR
    assert reason.change == "waiting until 2027-01-15T13:00:00Z"
    assert codes(rule, replace(question(view=view), now=reason.not_before - 1))[-1] == "not-aged"
    assert "not-aged" not in codes(rule, replace(question(view=view), now=reason.not_before))


def test_a_clock_of_another_vault_or_withdrawal_is_not_its_clock() -> None:
    rule = policy("aged(1s)")
    other = FixedView(clocks=((payment(2).terms, CLOCK, 0), (payment(1, 1).terms, CLOCK, 0)))
    assert codes(rule, question(view=other)) == ["not-aged"]
    elsewhere = replace(spend(), vault=replace(NEXT, vault_id="peg"))
    view = FixedView(clocks=((payment().terms, CLOCK, 0),))
    assert codes(rule, question(elsewhere, view=view)) == ["not-aged"]
    assert codes(rule, question(view=view)) == []


def attested(needed: int, group: Group = WATCHING) -> Attested:
    return Attested(needed, group, StatementKind.WITHDRAWAL)


def test_the_digest_is_over_counts_and_sorted_keys() -> None:
    """SHA-256 of: quorums u32, members u32, needed u32, keys u32, keys ascending."""
    keys = b"".join(sorted(WATCHING.keys))
    ones = b"\x00\x00\x00\x01"
    assert sha256(ones + ones + b"\x00\x00\x00\x02" + b"\x00\x00\x00\x03" + keys) == CLOCK
    renamed = attested(2, Group("guards", WATCHING.keys))
    assert clock_of([frozenset((renamed, attested(2)))]).digest == CLOCK
    assert clock_of([frozenset((renamed,)), frozenset((attested(2),))]).digest == CLOCK
    fewer = Group("watchers", frozenset(WATCHERS[:2]))
    others = [
        clock_of(()),
        clock_of([frozenset((attested(1),))]),
        clock_of([frozenset((attested(2, fewer),))]),
        clock_of([frozenset((attested(2),)), frozenset((attested(3),))]),
        clock_of([frozenset((attested(2), attested(3)))]),
    ]
    assert len({each.digest for each in others} | {CLOCK}) == 6


def clocks(when: str) -> tuple[Clock, ...]:
    return load_policy(policy_text(when).encode()).clock_quorums("peg")


def quorums(*needed: int) -> frozenset[frozenset[Attested]]:
    return frozenset(frozenset((attested(each),)) for each in needed)


def test_the_clock_is_started_by_the_ways_that_age() -> None:
    tiers = f"or(and({GOOD}, payment_at_most(1 BTC)), and(attested(3, watchers), aged(6h)))"
    (clock,) = clocks(tiers)
    assert clock.quorums == quorums(3)
    (clock,) = clocks(f"and(or({GOOD}, and(attested(1, watchers), path(primary))), aged(6h))")
    assert clock.quorums == quorums(1, 2)
    (clock,) = clocks(f"and({GOOD}, attested(1, watchers), aged(1h))")
    assert clock.quorums == {frozenset((attested(1), attested(2)))}
    assert clocks(GOOD) == ()
    rule: ClockQuorum = clock
    assert len(rule.digest) == 32


def test_a_weaker_tier_does_not_start_the_clock_of_a_stronger_one() -> None:
    """Two watchers may start six hours, but not the one hour that three may shorten it to."""
    found = clocks(f"or(and({GOOD}, aged(6h)), and(attested(3, watchers), aged(1h)))")
    assert {each.quorums for each in found} == {quorums(2), quorums(3)}
    assert list(found) == sorted(found, key=lambda each: each.digest)
    rule = load_policy(
        policy_text(f"or(and({GOOD}, aged(6h)), and(attested(3, watchers), aged(1h)))").encode()
    )
    words = authorized((payment().terms, WATCHERS))
    view = FixedView(clocks=((payment().terms, CLOCK, NOW - HOUR),))
    assert codes(rule, question(evidence=words, view=view)) == ["not-aged"] * 2
    three = clock_of(quorums(3)).digest
    view = FixedView(clocks=((payment().terms, three, NOW - HOUR),))
    assert codes(rule, question(evidence=words, view=view)) == []


def test_officers_are_asked_by_a_clock_of_their_own() -> None:
    """The word that lets officers be asked starts no `aged` for which it is not enough."""
    approved = f"and({GOOD}, approved(2, watchers))"
    (clock,) = clocks(approved)
    assert clock.quorums == quorums(2)
    found = clocks(f"or({approved}, and(attested(3, watchers), aged(1h)))")
    assert {each.quorums for each in found} == {quorums(2), quorums(3)}
    (clock,) = clocks(f"and({GOOD}, approved(2, watchers), aged(1h))")
    assert clock.quorums == quorums(2)
    moves = of_moves(f"and({GOOD}, approved(2, watchers))")
    assert moves.clock_quorums("peg") == moves.clock_quorums("next") == ()


def test_an_aged_that_no_way_needs_has_no_clock() -> None:
    """Whoever goes a way without it does not wait; what is left of it stands in nobody's way."""
    rule = policy_text(f"or({GOOD}, and({GOOD}, aged(1h)))")
    assert clocks(f"or({GOOD}, and({GOOD}, aged(1h)))") == ()
    assert codes(load_policy(rule.encode()), question()) == []


def test_each_block_has_its_clock_and_equal_ones_are_one() -> None:
    block = policy_text(f"and({GOOD}, aged(1h))")
    again = block[block.index("[[allow]]") :]
    loaded = load_policy((block + again.replace("1h", "2h") + again.replace("(2,", "(3,")).encode())
    (first,), (second,), (third,) = (each.clocks for each in loaded.blocks)
    assert first == second != third
    assert loaded.clock_quorums("peg") == (first, third)
    assert loaded.clock_quorums("next") == ()
    view = FixedView(clocks=((payment().terms, CLOCK, NOW - HOUR),))
    assert codes(loaded, question(view=view)) == []
    view = FixedView(clocks=((payment().terms, third.digest, NOW - HOUR),))
    assert codes(loaded, question(view=view)) == ["not-aged"] * 2 + ["attestation-missing"]


def test_aged_ways_of_several_blocks_are_counted_with_their_clocks() -> None:
    """The same words with another clock are another way."""
    block = policy_text(f"and({GOOD}, aged(1h))")
    again = block[block.index("[[allow]]") :]
    assert len(load_policy((block + again).encode()).ways_of(route())) == 1
    either = again.replace(
        f"and({GOOD}, aged(1h))", f"and(or({GOOD}, attested(3, watchers)), aged(1h))"
    )
    assert len(load_policy((block + either).encode()).ways_of(route())) == 3


def route() -> Route:
    return Route(Kind.WITHDRAWAL, "peg", None)


def test_a_quorum_is_complete_for_exactly_these_terms_now() -> None:
    (clock,) = clocks(f"and(or({GOOD}, and(attested(3, watchers), path(primary))), aged(6h))")
    terms = payment().terms
    assert not clock.is_complete(authorized((terms, WATCHERS[:1])), terms, NOW)
    assert clock.is_complete(authorized((terms, WATCHERS[:2])), terms, NOW)
    assert not clock.is_complete(authorized((payment(2).terms, WATCHERS)), terms, NOW)
    assert not clock.is_complete(authorized((terms, WATCHERS), expiry=NOW), terms, NOW)
    (both,) = clocks(f"and({GOOD}, attested(3, watchers), aged(1h))")
    assert not both.is_complete(authorized((terms, WATCHERS[:2])), terms, NOW)
    assert both.is_complete(authorized((terms, WATCHERS)), terms, NOW)


# --- within ---


@pytest.mark.parametrize(
    ("when", "now", "opens"),
    [
        ("fri, 09:00-10:00", "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z"),
        ("fri, 07:00-08:00", "2027-01-15T08:00:00Z", "2027-01-22T07:00:00Z"),
        ("mon-thu, 00:00-24:00", "2027-01-15T08:00:00Z", "2027-01-18T00:00:00Z"),
        ("daily, 22:00-24:00", "2027-01-15T08:00:00Z", "2027-01-15T22:00:00Z"),
        ("sat-sun, 00:00-00:01", "2027-01-16T00:01:00Z", "2027-01-17T00:00:00Z"),
        ("sun, 23:59-24:00", "2027-01-18T00:00:00Z", "2027-01-24T23:59:00Z"),
    ],
)
def test_outside_the_schedule_the_next_opening_is_told(when: str, now: str, opens: str) -> None:
    moment, opening = read_time(now), read_time(opens)
    assert moment is not None
    assert opening is not None
    (reason,) = policy(f"within({when})").spend_objections(at(moment))
    assert (reason.code, reason.not_before) == ("outside-schedule", opening)
    assert reason.change == f"waiting until {opens}"
    assert codes(policy(f"within({when})"), at(opening)) == []
    assert codes(policy(f"within({when})"), at(opening - 1)) == ["outside-schedule"]


def at(moment: int) -> Question:
    words = authorized((payment().terms, WATCHERS), expiry=moment + 60)
    return replace(question(evidence=words), now=moment)


def test_what_was_seen_of_the_time_is_told() -> None:
    (reason,) = policy("within(mon-wed, 00:00-24:00)").spend_objections(at(NOW + 90))
    assert (reason.observed, reason.limit) == ("fri, 08:01 UTC", "mon-wed, 00:00-24:00 UTC")


# --- pending ---

PAYABLE = authorized((payment().terms, WATCHERS), (coin_terms(coin()), WATCHERS))
CLOCKED = FixedView(clocks=((payment().terms, CLOCK, NOW - HOUR),))


TWO, SIX, SATURDAY = "approved(2, watchers)", "aged(6h)", "within(sat, 00:00-24:00)"
APPROVAL, AGE, TIME = "approval-missing", "not-aged", "outside-schedule"


@pytest.mark.parametrize(
    ("when", "missing"),
    [
        (TWO, [APPROVAL]),
        (f"and({TWO}, {SIX}, {SATURDAY})", [APPROVAL, AGE, TIME]),
        (f"and({TWO}, {TWO})", [APPROVAL]),
        (f"or(and({TWO}, {SIX}), {SATURDAY})", [TIME]),
        (f"or(and({TWO}, fee_at_most(1 sat)), and({SIX}, {SATURDAY}))", [AGE, TIME]),
        (f"or(fee_at_most(1 sat), {TWO})", [APPROVAL]),
        (f"and(fee_at_most(1 sat), {TWO})", []),
        (f"thresh(2, fee_at_most(1 sat), {TWO}, {SIX})", [APPROVAL, AGE]),
        (f"thresh(2, fee_at_most(2000 sat), {TWO}, {SIX})", [APPROVAL]),
        (f"thresh(3, fee_at_most(1 sat), {TWO}, {SIX})", []),
        ("outflow_at_most(1h, 0.1 BTC)", []),
    ],
)
def test_what_lacks_only_approvals_and_time_waits(when: str, missing: list[str]) -> None:
    loaded, asked = policy(when), question(evidence=PAYABLE, view=CLOCKED)
    assert [each.code for each in loaded.waiting(asked)] == missing
    with pytest.raises(Pending if missing else PolicyDenied):
        approve(asked, loaded)


def test_what_is_there_waits_for_nothing() -> None:
    rule = policy(f"or({TWO}, aged(1h))")
    assert rule.waiting(question(evidence=PAYABLE, view=CLOCKED)) == ()
    assert approve(question(evidence=PAYABLE, view=CLOCKED), rule).policy_id == rule.policy_id


def test_evidence_is_not_waited_for() -> None:
    """Without its quorum a withdrawal is refused, whatever time would bring."""
    assert policy(TWO).waiting(question(evidence=authorized())) == ()
    assert FEDERATION.waiting(question(evidence=authorized())) == ()


def test_of_several_blocks_the_nearest_is_waited_for() -> None:
    block = policy_text(f"and({GOOD}, {TWO}, {SIX})")
    again = block[block.index("[[allow]]") :]
    both = load_policy((block + again.replace(f", {TWO}", "")).encode())
    assert [each.code for each in both.waiting(question())] == [AGE]
    refused = load_policy((block + again.replace(SIX, "fee_at_most(1 sat)")).encode())
    assert [each.code for each in refused.waiting(question())] == [APPROVAL, AGE]


def test_an_anchor_of_no_rollup_waits_for_nothing() -> None:
    window = f"and({GOOD}, {SATURDAY})"
    rule = load_policy(bridge_text((Route(Kind.ANCHOR, "peg", None), window)).encode())
    assert [each.code for each in rule.waiting(question(anchor()))] == [TIME]
    assert rule.waiting(question(anchor(5, b"NOPE"))) == ()
    assert BRIDGE.waiting(question(rotation(NEXT, VAULT))) == ()


_TREES: st.SearchStrategy[Expression[int]] = st.recursive(
    st.integers(0, 7).map(Leaf),
    lambda parts: st.lists(parts, min_size=1, max_size=4).flatmap(
        lambda each: st.integers(1, len(each)).map(lambda k: Threshold(k, tuple(each)))
    ),
    max_leaves=14,
)


@given(_TREES, st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_waiting_is_what_the_expression_says(
    tree: Expression[int], met: set[int], waitable: set[int]
) -> None:
    """It waits if and only if it fails, and holds once the waitable leaves do; what is missing would do."""

    def judge(true: set[int], leaf: int) -> tuple[Objection, ...]:
        return () if leaf in true else (Objection("x", str(leaf)),)

    missing = waiting(tree, lambda leaf: judge(met, leaf), waitable.__contains__)
    fails = bool(unmet(tree, lambda leaf: judge(met, leaf)))
    would = not unmet(tree, lambda leaf: judge(met | waitable, leaf))
    assert bool(missing) == (fails and would)
    assert len(set(missing)) == len(missing)
    named = {int(each.detail) for each in missing}
    assert named <= waitable - met
    if missing:
        assert not unmet(tree, lambda leaf: judge(met | named, leaf))
