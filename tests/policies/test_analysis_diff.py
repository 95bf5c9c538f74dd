"""Policies compared: proofs by ways, real witnesses, sections by lemma, and what is never tighter."""

from collections.abc import Iterator
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.analysis import routes
from policies.analysis.described import Verdict as Answer
from policies.analysis.described import verdict_of
from policies.analysis.diff import PolicyDifference, combined, compare
from policies.analysis.diff_text import as_json, render
from policies.analysis.difference import RouteDifference
from policies.analysis.draft import drafts
from policies.analysis.normal import in_order, ways_by_route
from policies.analysis.witness import Steps, Witness, question_about
from policies.load import load_policy
from policies.loaded import LoadedPolicy, Route
from policies.vault_entry import VaultEntry
from signer.core.governance import Verdict
from signer.core.spend import Kind
from tests.policies.test_analysis_normal import POOL
from tests.policies.test_analysis_worst_case import GOVERNANCE, text

PAY, ANCHOR = (Route(kind, "peg", None) for kind in (Kind.WITHDRAWAL, Kind.ANCHOR))
SWEEP, ROTATE = Route(Kind.SWEEP, "peg", "peg"), Route(Kind.ROTATION, "peg", "next")
BACK = Route(Kind.SWEEP, "next", "next")
WORDS = "attested(2, watchers)"
LISTS = """[lists]
some = ["bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"]
more = ["bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202", "bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0"]
far = ["bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0"]
spare = ["bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0"]
"""
ZEROS, TWOS = (line.split('"')[1] for line in (LISTS.splitlines()[1], LISTS.splitlines()[3]))


def document(*blocks: tuple[Route, str], lists: str = LISTS, more: str = "") -> str:
    """A policy with officers and lists."""
    return text(*blocks).replace("[[allow]]", f"{lists}\n[[allow]]", 1) + more


def policy(*blocks: tuple[Route, str], lists: str = LISTS, more: str = "") -> LoadedPolicy:
    return load_policy(document(*blocks, lists=lists, more=more).encode())


def rules(route: Route, old: str, new: str) -> PolicyDifference:
    """Of one rule that changes; withdrawals may go on as they do."""
    return compare(policy((route, f"and({WORDS}, {old})")), policy((route, f"and({WORDS}, {new})")))


def the_route(found: PolicyDifference) -> RouteDifference:
    (each,) = found.routes
    return each


TIGHTENINGS = [
    (PAY, "payment_at_most(1 BTC)", "payment_at_most(0.5 BTC)"),
    (PAY, "payment_at_least(0.1 BTC)", "payment_at_least(0.2 BTC)"),
    (PAY, "spend_at_most(1 BTC)", "spend_at_most(0.5 BTC)"),
    (PAY, "fee_at_most(2000 sat)", "fee_at_most(1999 sat)"),
    (PAY, "fee_rate_between(1 sat/vB, 9 sat/vB)", "fee_rate_between(1 sat/vB, 8 sat/vB)"),
    (PAY, "fee_rate_between(1 sat/vB, 9 sat/vB)", "fee_rate_between(2 sat/vB, 9 sat/vB)"),
    (PAY, "outflow_at_most(24h, 10 BTC)", "outflow_at_most(24h, 9 BTC)"),
    (PAY, "outflow_at_most(24h, 10 BTC)", "outflow_at_most(25h, 10 BTC)"),
    (PAY, "count_at_most(1h, 2)", "count_at_most(1h, 1)"),
    (PAY, "count_at_most(1h, 2)", "count_at_most(2h, 2)"),
    (PAY, "destinations_in(more)", "destinations_in(some)"),
    (PAY, "destinations_not_in(some)", "destinations_not_in(more)"),
    (PAY, "destination_types(p2tr, p2wpkh)", "destination_types(p2tr)"),
    (PAY, "inputs_at_most(9)", "inputs_at_most(8)"),
    (PAY, "outputs_at_most(9)", "outputs_at_most(8)"),
    (PAY, "weight_at_most(900 WU)", "weight_at_most(899 WU)"),
    (PAY, "fee_at_most(2000 sat)", "fee_at_most(2000 sat), replaceable()"),
    (PAY, "fee_at_most(2000 sat)", "fee_at_most(2000 sat), aged(6h)"),
    (PAY, "aged(1h)", "aged(2h)"),
    (PAY, "caller(one, two)", "caller(one)"),
    (PAY, "within(daily, 00:00-24:00)", "within(mon-fri, 00:00-24:00)"),
    (PAY, "within(daily, 08:00-18:00)", "within(daily, 08:00-17:00)"),
    (PAY, "or(caller(one), payment_at_most(1 BTC))", "caller(one)"),
    (ANCHOR, "fee_at_most(2000 sat)", "fee_at_most(1000 sat)"),
    (ANCHOR, "fee_at_most(2000 sat)", "fee_at_most(2000 sat), anchor_extends()"),
    (ANCHOR, "outflow_at_most(1h, 2000 sat)", "outflow_at_most(1h, 1000 sat)"),
    (SWEEP, "fee_at_most(2000 sat)", "fee_at_most(1000 sat)"),
    (SWEEP, "spend_at_most(2000 sat)", "spend_at_most(1000 sat)"),
    (ROTATE, "spend_at_most(2 BTC)", "spend_at_most(1 BTC)"),
    (ROTATE, "outflow_at_most(1h, 2 BTC)", "outflow_at_most(1h, 1 BTC)"),
    (BACK, "or(path(primary), path(recovery))", "path(primary)"),
    (BACK, "inputs_at_most(5)", "inputs_at_most(5), path(primary)"),
]


@pytest.mark.parametrize(("route", "old", "new"), TIGHTENINGS)
def test_tighter_one_way_and_looser_the_other_with_a_witness(
    route: Route, old: str, new: str
) -> None:
    tighter, looser = rules(route, old, new), rules(route, new, old)
    assert (tighter.verdict, looser.verdict) == (Verdict.TIGHTER, Verdict.LOOSER)
    assert not tighter.touches_governance
    lost, gained = the_route(tighter), the_route(looser)
    assert lost.refused_now is not None
    assert lost.allowed_now is None
    assert gained.allowed_now is not None
    assert gained.refused_now is None
    assert lost.refused_now.codes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "payment_at_most(1 BTC), fee_at_most(9 sat)",
            "fee_at_most(9 sat), payment_at_most(1 BTC)",
        ),
        ("spend_at_most(1 BTC)", "spend_at_most(1 BTC), fee_at_most(1 BTC)"),
        ("or(caller(one), and(caller(one), replaceable()))", "caller(one)"),
        ("aged(60m)", "aged(1h)"),
    ],
)
def test_the_same_in_other_words_is_equal(old: str, new: str) -> None:
    found = rules(PAY, old, new)
    assert (found.verdict, found.routes, found.lines) == (Verdict.EQUAL, (), ())


def test_mixed_takes_a_witness_of_each_kind() -> None:
    found = rules(
        PAY, "payment_at_most(1 BTC), fee_at_most(1 BTC)", "payment_at_most(2 BTC), replaceable()"
    )
    assert found.verdict is Verdict.MIXED
    assert the_route(found).refused_now is not None
    assert the_route(found).allowed_now is not None


def test_without_a_witness_of_each_kind_it_is_unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: the test above, in which the search has its steps."""
    monkeypatch.setattr(routes, "Steps", lambda: Steps(0))
    found = rules(
        PAY, "payment_at_most(1 BTC), fee_at_most(1 BTC)", "payment_at_most(2 BTC), replaceable()"
    )
    assert found.verdict is Verdict.UNPROVEN


def test_a_search_ends_when_its_steps_are_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal in truth, so that no draft is a witness."""
    steps = Steps(200)
    monkeypatch.setattr(routes, "Steps", lambda: steps)
    found = rules(PAY, "or(caller(one), caller(two))", "caller(one, two)")
    assert found.verdict is Verdict.LOOSER
    assert the_route(found).allowed_now is None
    assert 0 < steps.left < 200


def test_a_proof_that_single_predicates_cannot_give_is_not_given() -> None:
    """`or` of two callers is `caller` of both, but no way of the one implies the other's."""
    assert rules(PAY, "caller(one, two)", "or(caller(one), caller(two))").verdict is Verdict.TIGHTER


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ((), Verdict.EQUAL),
        ((Verdict.EQUAL,), Verdict.EQUAL),
        ((Verdict.EQUAL, Verdict.TIGHTER), Verdict.TIGHTER),
        ((Verdict.LOOSER, Verdict.LOOSER), Verdict.LOOSER),
        ((Verdict.TIGHTER, Verdict.LOOSER), Verdict.MIXED),
        ((Verdict.MIXED, Verdict.TIGHTER), Verdict.MIXED),
        ((Verdict.UNPROVEN, Verdict.TIGHTER), Verdict.UNPROVEN),
        ((Verdict.UNPROVEN, Verdict.LOOSER), Verdict.UNPROVEN),
    ],
)
def test_a_whole_is_as_its_parts(verdicts: tuple[Verdict, ...], whole: Verdict) -> None:
    assert combined(verdicts) is whole


RULE = (PAY, f"and({WORDS}, payment_at_most(1 BTC))")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("attested(2, watchers)", "attested(3, watchers)"),
        ("attested(2, watchers)", "attested(2, watchers), approved(1, officers)"),
        (
            "attested(2, watchers), approved(1, officers)",
            "attested(2, watchers), approved(2, officers)",
        ),
        ("attested(3, watchers)", "attested(2, watchers)"),
    ],
)
def test_thresholds_over_groups_are_never_tighter(old: str, new: str) -> None:
    found = compare(
        policy((PAY, f"and({old}, payment_at_most(1 BTC))")),
        policy((PAY, f"and({new}, payment_at_most(1 BTC))")),
    )
    heard = any(each.section == "who is heard" for each in found.sections)
    assert found.verdict is (
        Verdict.MIXED if heard else Verdict.LOOSER
    )  # the rule itself is tighter
    assert heard is ("approved" in new and "approved" not in old)
    assert found.touches_governance
    assert the_route(found).touches[0].startswith("who agrees: ")


def test_an_equal_rule_that_asks_somebody_else_too_is_never_tighter() -> None:
    """A way that goes another's way with more words allows nothing, but whom it names may act, hold."""
    both = f"or({WORDS}, and({WORDS}, approved(1, officers)))"
    found = compare(policy((PAY, WORDS)), policy((PAY, both)))
    assert (found.verdict, found.touches_governance) == (Verdict.LOOSER, True)
    assert [each.section for each in found.sections] == ["who is heard"]
    assert compare(policy((PAY, both)), policy((PAY, WORDS))).verdict is Verdict.EQUAL
    narrower = f"or({WORDS}, and(attested(3, watchers), aged(1h)))"
    found = compare(policy((PAY, narrower)), policy((PAY, WORDS)))
    assert (found.verdict, found.touches_governance) == (Verdict.EQUAL, False)


def test_a_way_that_stays_as_it_was_may_lose_its_neighbour() -> None:
    """Twin of the next: what goes is a way that asked no officer."""
    approved = f"and({WORDS}, approved(1, officers), payment_at_most(1 BTC))"
    plain = f"and({WORDS}, payment_at_most(0.1 BTC))"
    found = compare(policy((PAY, f"or({approved}, {plain})")), policy((PAY, approved)))
    assert (found.verdict, found.touches_governance) == (Verdict.TIGHTER, False)


def test_an_approval_that_no_rule_can_use_any_more_is_never_tighter() -> None:
    approved = f"and({WORDS}, approved(1, officers), payment_at_most(1 BTC))"
    plain = f"and({WORDS}, payment_at_most(0.1 BTC))"
    dead = f"or(and({plain[4:-1]}), and({approved[4:-1]}, payment_at_least(2 BTC)))"
    for without in (plain, dead):
        found = compare(policy((PAY, f"or({approved}, {plain})")), policy((PAY, without)))
        assert (found.verdict, found.touches_governance) == (Verdict.LOOSER, True)
        (touched,) = the_route(found).touches
        assert touched.startswith("no rule could use such an approval any more: ")
        assert the_route(found).verdict is Verdict.TIGHTER


def sections(old: str, new: str) -> list[tuple[str, str, Verdict, str]]:
    found = compare(load_policy(old.encode()), load_policy(new.encode()))
    return [(each.section, each.change, each.verdict, each.lemma) for each in found.sections]


@pytest.mark.parametrize(
    ("find", "put", "section", "change"),
    [
        ('name    = "bridge"', 'name = "other"', "name", "changed"),
        (
            'coins = "attested(2, watchers)"',
            'coins = "attested(3, watchers)"',
            "vault peg",
            "changed",
        ),
        ("first_batch = 1\n", "first_batch = 2\n", "rollup main", "changed"),
        (
            'network = "regtest"',
            'network = "regtest"\nexpires = "2029-01-31T00:00:00Z"',
            "expires",
            "added",
        ),
    ],
)
def test_what_no_lemma_proves_is_looser(find: str, put: str, section: str, change: str) -> None:
    old = document(RULE)
    assert sections(old, old.replace(find, put, 1)) == [(section, change, Verdict.LOOSER, "")]


def test_governance_groups_and_fallback_touch_who_agrees() -> None:
    governed = document(RULE, more=GOVERNANCE)
    expiring = governed.replace(
        'network = "regtest"', 'network = "regtest"\nexpires = "2029-01-31T00:00:00Z"', 1
    )
    quorum = governed.replace("quorum = 2", "quorum = 3")
    fallback = expiring + '[fallback]\nwhen = "approved(3, officers)"\n'
    fewer = governed.replace(
        '"531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337"', ""
    ).replace(", ]", "]")
    for old, new, names in (
        (governed, quorum, {"[governance]"}),
        (expiring, fallback, {"[fallback]"}),
        (governed, fewer, {"group officers", "[governance]"}),
        (document(RULE), governed, {"[governance]"}),
    ):
        for before, after in ((old, new), (new, old)):
            found = compare(load_policy(before.encode()), load_policy(after.encode()))
            assert (found.verdict, found.touches_governance) == (Verdict.LOOSER, True)
            assert {each.section for each in found.sections} - {"who is heard"} == names


def test_every_field_of_a_policy_is_compared_or_known_not_to_matter() -> None:
    """A field that is added to the language has to be thought about here."""
    compared = {"name", "network", "vault_entries", "rollups", "groups", "lists", "blocks"}
    compared |= {"governance", "expires", "fallback"}
    derived, no_matter = {"policy_id", "attestors", "officer_keys", "route_ways"}, {"version"}
    derived |= {"chain_vaults"}
    no_matter |= {"definitions", "examples"}
    assert {each.name for each in fields(LoadedPolicy)} <= compared | derived | no_matter
    of_vaults = {
        "definition",
        "coins",
        "release_depth",
        "release_quorum",
        "release_work",
        "weaker_after",
        "weaker_from",
        "deposit_cap",
        "deposit_least",
        "deposit_depth",
        "deposits_until",
    }
    assert {each.name for each in fields(VaultEntry)} == of_vaults | {"vault"}


def test_definitions_versions_and_comments_are_not_compared() -> None:
    old = document((PAY, f"and({WORDS}, payment_at_most(1 BTC))"))
    new = old.replace("payment_at_most(1 BTC)", "small").replace("version = 1", "version = 2")
    new = new.replace("[[allow]]", '[define]\nsmall = "payment_at_most(1 BTC)"\n[[allow]]', 1)
    assert compare(load_policy(old.encode()), load_policy(new.encode())).verdict is Verdict.EQUAL


def listed(rule: str, lists: str) -> LoadedPolicy:
    return policy((PAY, f"and({WORDS}, {rule})"), lists=f"[lists]\n{lists}\n")


ONE, TWO = f'l = ["{ZEROS}"]', f'l = ["{ZEROS}", "{TWOS}"]'
IN, OUT = "destinations_in(l)", "destinations_not_in(l)"


@pytest.mark.parametrize(
    ("old", "new", "verdict", "lemma"),
    [
        ((IN, TWO), (IN, ONE), Verdict.TIGHTER, "list of destinations shrunk"),
        ((IN, ONE), (IN, TWO), Verdict.LOOSER, ""),
        ((OUT, ONE), (OUT, TWO), Verdict.TIGHTER, "list of refused destinations grown"),
        ((OUT, TWO), (OUT, ONE), Verdict.LOOSER, ""),
        (("caller(a)", TWO), ("caller(a)", ONE), Verdict.EQUAL, "list that no rule names"),
        (("caller(a)", ONE), ("caller(a)", ""), Verdict.EQUAL, "list that no rule names"),
        (("caller(a)", ""), ("caller(a)", ONE), Verdict.EQUAL, "list that no rule names"),
        ((f"or(caller(a), {IN})", ONE), ("caller(a)", ""), Verdict.TIGHTER, "list no longer named"),
        ((f"caller(a), {IN}", ONE), (f"caller(a), {OUT}", TWO), Verdict.LOOSER, ""),
        (("caller(a)", ""), (f"caller(a), {IN}", ONE), Verdict.LOOSER, ""),
        (
            ("caller(a)", ONE),
            (f"caller(a), {OUT}", TWO),
            Verdict.TIGHTER,
            "list of refused destinations grown",
        ),
    ],
)
def test_lemmas_about_lists(
    old: tuple[str, str], new: tuple[str, str], verdict: Verdict, lemma: str
) -> None:
    (section,) = compare(listed(*old), listed(*new)).sections
    assert (section.section, section.verdict, section.lemma) == ("list l", verdict, lemma)
    assert not section.touches_governance


def test_a_list_that_shrinks_is_tighter_as_a_whole() -> None:
    assert compare(listed(IN, TWO), listed(IN, ONE)).verdict is Verdict.TIGHTER
    assert compare(listed(IN, ONE), listed(IN, TWO)).verdict is Verdict.LOOSER


def test_routes_of_vaults_that_are_not_the_same_have_no_witness() -> None:
    old = document(RULE, (ROTATE, WORDS), (BACK, WORDS))
    new = document(
        RULE, (ROTATE, f"and({WORDS}, replaceable())"), (BACK, f"and({WORDS}, caller(a))")
    )
    start, end = new.index("[vaults.next]"), new.index("weaker_after")
    changed = new[:start] + new[start:end].replace("older(4320)", "older(4321)") + new[end:]
    found = compare(load_policy(old.encode()), load_policy(changed.encode()))
    assert found.verdict is Verdict.MIXED
    assert [(each.verdict, each.refused_now) for each in found.routes] == [
        (Verdict.TIGHTER, None),
        (Verdict.TIGHTER, None),
    ]
    same = compare(load_policy(old.encode()), load_policy(new.encode()))
    assert all(each.refused_now is not None for each in same.routes)


def test_witnesses_are_sought_before_the_policies_expire() -> None:
    """After `expires` the rules are not asked at all."""
    soon = 'network = "regtest"\nexpires = "2020-01-31T00:00:00Z"'
    old = document(RULE).replace('network = "regtest"', soon, 1)
    new = old.replace("payment_at_most(1 BTC)", "payment_at_most(2 BTC)")
    found = compare(load_policy(old.encode()), load_policy(new.encode()))
    assert the_route(found).allowed_now is not None


def test_lines_and_json() -> None:
    old = policy(
        (PAY, f"and({WORDS}, payment_at_most(1 BTC), inputs_at_most(9), replaceable())"),
        (ANCHOR, f"and({WORDS}, fee_at_most(2000 sat), anchor_extends())"),
        (SWEEP, f"and({WORDS}, inputs_at_most(5))"),
        (ROTATE, f"and({WORDS}, spend_at_most(1 BTC))"),
    )
    new = policy(
        (PAY, f"and({WORDS}, payment_at_most(2 BTC), inputs_at_most(8))"),
        (ANCHOR, f"and({WORDS}, fee_at_most(2000 sat))"),
        (SWEEP, "and(attested(3, watchers), inputs_at_most(5))"),
        (ROTATE, f"and({WORDS}, spend_at_most(2 BTC))"),
        lists=LISTS.replace("spare", "other"),
    )
    found = compare(old, new)
    lines = render(found, old, new)
    assert lines[2].startswith("MIXED: ")
    assert lines[3] == "It touches who agrees: change control never takes it for tighter."
    whole = "\n".join(lines)
    for line in (
        "list spare removed: equal, lemma: list that no rule names",
        "withdrawal from peg: mixed",
        "  touches who agrees: 3 of the 3 keys in watchers",
        "now signed: a withdrawal of 2 BTC to bcrt1q",
        "was signed: a withdrawal of 1 BTC to bcrt1q",
        "9 inputs, 1 outputs",
        "now signed: an anchor that follows a batch before the first, fee ",
        "was signed: a sweep by the primary path, fee ",
        "now signed: a rotation of ",
        "attested by 2, approved by 0, asked by somebody, on a Monday at 00:00:00Z",
    ):
        assert line in whole
    members = as_json(found, old, new)
    assert (members["verdict"], members["touches_governance"]) == ("mixed", True)
    routes_found: list[dict[str, object]] = members["routes"]  # type: ignore[assignment]
    assert [each["spend"] for each in routes_found] == ["withdrawal", "anchor", "sweep", "rotation"]
    first = routes_found[0]["now_signed"]
    assert isinstance(first, dict)
    assert (first["amount_sat"], first["refused_by_the_other"]) == (
        200_000_000,
        ["payment-too-large"],
    )
    assert routes_found[1]["no_longer_signed"] is None
    assert len(members["sections"]) == 2  # type: ignore[arg-type]
    assert render(compare(old, old), old, old)[2:] == ["EQUAL: both allow the same"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("replaceable()", "inputs_at_most(500)", "not replaceable"),
        ("aged(2h)", "aged(1h)", "attested since 1h"),
        ("count_at_most(1h, 2)", "count_at_most(1h, 3)", "0 sat and 2 withdrawals 0 s before"),
        ("within(mon, 00:00-24:00)", "within(mon-wed, 00:00-24:00)", "on a Tuesday at 00:00:00Z"),
        (
            "or(payment_at_least(1 BTC), outflow_at_most(1h, 1 sat))",
            "inputs_at_most(500)",
            "a withdrawal of ",
        ),
    ],
)
def test_witnesses_say_what_matters(old: str, new: str, words: str) -> None:
    assert words in "\n".join(rules(PAY, old, new).lines)


def test_a_fee_bump_is_a_witness_where_only_it_differs() -> None:
    """A new payment fills the window at once; a bump of it charges the fee alone."""
    bumps = "and(payment_at_least(2 BTC), fee_at_most(1000 sat), outflow_at_most(1h, 1 BTC))"
    old = f"or({bumps}, and(payment_at_most(1 BTC), fee_at_most(1 sat)))"
    found = rules(PAY, old, old.replace("1000", "1001"))
    assert "a fee bump of 2 BTC" in "\n".join(found.lines)


RULES = st.recursive(
    st.sampled_from(POOL),
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=3).map(lambda each: f"and({', '.join(each)})"),
        st.lists(parts, min_size=2, max_size=3).map(lambda each: f"or({', '.join(each)})"),
    ),
    max_leaves=5,
).map(lambda each: f"or({each}, and(inputs_at_most(1), outputs_at_most(1), weight_at_most(1 WU)))")


def questions(*policies: LoadedPolicy) -> Iterator[object]:
    for each in policies:
        ways = ways_by_route(each.blocks)[PAY]
        predicates = {predicate: None for way in ways for predicate in in_order(way)}
        for way in ways:
            for draft in drafts(PAY, way, predicates):
                question = question_about(draft, *policies)
                if question is not None:
                    yield question


@settings(max_examples=40, deadline=None)
@given(RULES, RULES)
def test_no_spend_contradicts_the_verdict(one: str, other: str) -> None:
    old, new = policy((PAY, f"and({WORDS}, {one})")), policy((PAY, f"and({WORDS}, {other})"))
    found = compare(old, new)
    route = found.routes[0].verdict if found.routes else Verdict.EQUAL
    for question in questions(old, new):
        before = verdict_of(old, question).verdict is Answer.SIGN  # type: ignore[arg-type]
        after = verdict_of(new, question).verdict is Answer.SIGN  # type: ignore[arg-type]
        if route in (Verdict.EQUAL, Verdict.TIGHTER):
            assert before or not after
        if route in (Verdict.EQUAL, Verdict.LOOSER):
            assert after or not before
    for each in found.routes:
        for seen, yes, no in ((each.refused_now, old, new), (each.allowed_now, new, old)):
            if seen is not None:
                _is_real(seen, yes, no)


def _is_real(seen: Witness, yes: LoadedPolicy, no: LoadedPolicy) -> None:
    question = question_about(seen.draft, yes, no)
    assert question is not None
    assert verdict_of(yes, question).verdict is Answer.SIGN
    assert verdict_of(no, question).codes == seen.codes
