"""The normal form: least ways over all blocks of a route, equivalent to what the blocks say."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.analysis import normal
from policies.analysis.normal import (
    ACROSS,
    Roofs,
    Way,
    in_order,
    least_ways,
    living,
    normal_form,
    way_text,
    ways_by_route,
)
from policies.load import load_policy
from policies.loaded import LoadedPolicy, Route
from policies.predicates import Predicate
from signer.core.spend import Kind
from tests.policies.world import bridge_text, question, spend

PEG = Route(Kind.WITHDRAWAL, "peg", None)
ANCHOR = Route(Kind.ANCHOR, "peg", None)
WORDS = "attested(2, watchers)"


def policy(*rules: str) -> LoadedPolicy:
    """One block for each rule, all of one route."""
    return load_policy(bridge_text(*((PEG, f"and({WORDS}, {rule})") for rule in rules)).encode())


def texts(of: LoadedPolicy) -> list[str]:
    return [way_text(way).removeprefix(f"{WORDS}, ") for way in normal_form(of.blocks)[PEG]]


@pytest.mark.parametrize(
    ("rules", "least"),
    [
        (["fee_at_most(1 sat)"], ["fee_at_most(1 sat)"]),
        (["fee_at_most(1 sat)", "fee_at_most(2 sat)"], ["fee_at_most(2 sat)"]),
        (["fee_at_most(2 sat)", "fee_at_most(2 sat)"], ["fee_at_most(2 sat)"]),
        (
            ["fee_at_most(1 sat)", "payment_at_most(600 sat)"],
            ["fee_at_most(1 sat)", "payment_at_most(600 sat)"],
        ),
        (
            ["spend_at_most(600 sat)", "fee_at_most(600 sat), payment_at_most(600 sat)"],
            ["fee_at_most(600 sat), payment_at_most(600 sat)"],
        ),
        (["fee_at_most(1 sat), replaceable()", "fee_at_most(1 sat)"], ["fee_at_most(1 sat)"]),
    ],
)
def test_least_ways_over_all_blocks(rules: list[str], least: list[str]) -> None:
    assert texts(policy(*rules)) == least


def test_ways_that_lie_under_each_other_leave_the_first() -> None:
    """Two names for one set of keys ask the same."""
    text = bridge_text(
        (PEG, "and(attested(2, others), fee_at_most(1 sat))"),
        (PEG, f"and({WORDS}, fee_at_most(1 sat))"),
    )
    start = text.index("watchers = [")
    group = text[start : text.index("]", start) + 1]
    twice = text.replace(group, f"{group}\n{group.replace('watchers', 'others')}")
    assert texts(load_policy(twice.encode())) == ["attested(2, others), fee_at_most(1 sat)"]


def test_routes_are_told_apart() -> None:
    of = load_policy(bridge_text((PEG, WORDS), (ANCHOR, WORDS), (PEG, WORDS)).encode())
    assert [(route, len(ways)) for route, ways in normal_form(of.blocks).items()] == [
        (PEG, 1),
        (ANCHOR, 1),
    ]


def test_without_implications_only_larger_ways_go() -> None:
    of = policy("fee_at_most(1 sat)", "fee_at_most(2 sat)", "fee_at_most(1 sat), replaceable()")
    assert [way_text(way) for way in ways_by_route(of.blocks)[PEG]] == [
        f"{WORDS}, fee_at_most(1 sat)",
        f"{WORDS}, fee_at_most(2 sat)",
    ]


def test_beyond_the_limit_a_predicate_implies_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twin: one question more, and the smaller fee is known to lie under the larger one."""
    of = policy("fee_at_most(1 sat)", "fee_at_most(2 sat)")
    asked = 1 + 2 + 2
    monkeypatch.setattr(normal, "MAX_ASKED", asked)
    assert len(normal_form(of.blocks)[PEG]) == 1
    monkeypatch.setattr(normal, "MAX_ASKED", asked - 4)
    assert len(normal_form(of.blocks)[PEG]) == 2


def test_a_way_that_windows_alone_kill_is_alive_for_fee_bumps() -> None:
    of = policy(
        "or(and(payment_at_least(2 BTC), outflow_at_most(1h, 1 BTC)),"
        "and(payment_at_least(2 BTC), payment_at_most(1 BTC)), fee_at_most(1 sat))"
    )
    alive = living(normal_form(of.blocks)[PEG], PEG)
    assert sorted(way_text(way) for way in alive) == [
        f"{WORDS}, fee_at_most(1 sat)",
        f"{WORDS}, outflow_at_most(1h, 1 BTC), payment_at_least(2 BTC)",
    ]


POOL = (
    *(f"fee_at_most({each} sat)" for each in (100, 1_000, 1_999, 2_000, 9_000)),
    "fee_at_most(0.5 BTC)",
    *(f"payment_at_most({each} BTC)" for each in (0.1, 0.5, 2)),
    *(f"payment_at_least({each} BTC)" for each in (0.1, 0.5)),
    *(f"spend_at_most({each} BTC)" for each in (0.1, 0.5, 1)),
    *(f"outflow_at_most({each})" for each in ("1h, 1 BTC", "2h, 1 BTC", "1h, 0.1 BTC")),
    *(f"count_at_most({each})" for each in ("1h, 1", "2h, 1", "1h, 2")),
    "fee_rate_between(1 sat/vB, 20 sat/vB)",
    "fee_rate_between(2 sat/vB, 10 sat/vB)",
    "destination_types(p2wpkh)",
    "destination_types(p2wpkh, p2tr)",
    "destination_types(p2tr)",
    "destinations_in(some)",
    "destinations_in(more)",
    "destinations_not_in(some)",
    "destinations_not_in(more)",
    "destinations_not_in(far)",
    "weight_at_most(800 WU)",
    "weight_at_most(799 WU)",
    "inputs_at_most(1)",
    "outputs_at_most(2)",
    "replaceable()",
    "caller(one)",
    "caller(one, two)",
    "within(daily, 08:00-18:00)",
    "within(mon-fri, 00:00-24:00)",
    "attested(1, watchers)",
    "attested(3, watchers)",
    "aged(1h)",
    "aged(2h)",
)
LISTS = """
[lists]
some = ["bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"]
far = ["bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0"]
more = ["bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202", "bcrt1qyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zs4w3j0"]

[[allow]]"""


def expression_policy(*rules: str) -> LoadedPolicy:
    text = bridge_text(*((PEG, f"and({WORDS}, {rule})") for rule in rules))
    return load_policy(text.replace("[[allow]]", LISTS.strip("\n"), 1).encode())


def pool_of_predicates() -> list[Predicate]:
    found = expression_policy(f"or({', '.join(POOL)})").blocks[0].ways
    return sorted({each for way in found for each in way}, key=lambda each: each.text)


def test_predicates_of_other_classes_are_asked_where_they_can_be_implied() -> None:
    pool = pool_of_predicates()
    for one, other in product(pool, pool):
        if type(one) is not type(other) and one.implies(other):
            assert type(other) in ACROSS[type(one)]
    for form, implied in ((form, each) for form, forms in ACROSS.items() for each in forms):
        assert any(
            one.implies(other)
            for one, other in product(pool, pool)
            if isinstance(one, form) and isinstance(other, implied)
        )


TREES = st.recursive(
    st.sampled_from(POOL),
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=3).map(lambda each: f"and({', '.join(each)})"),
        st.lists(parts, min_size=2, max_size=3).map(lambda each: f"or({', '.join(each)})"),
        st.lists(parts, min_size=3, max_size=3).map(lambda each: f"thresh(2, {', '.join(each)})"),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TREES, min_size=1, max_size=3), st.integers(90, 9_100), st.booleans())
def test_the_normal_form_answers_as_the_blocks_do(
    rules: list[str], fee: int, replace_all: bool
) -> None:
    of = expression_policy(
        *(f"or({rule}, {WORDS})" if replace_all else rule for rule in alive(rules))
    )
    asked = question(spend(fee=fee))
    direct = any(not block.unmet(asked) for block in of.blocks)
    for form in (normal_form(of.blocks), ways_by_route(of.blocks)):
        assert direct is any(
            all(not any(each.objections(asked)) for each in way) for way in form[PEG]
        )


def alive(rules: list[str]) -> list[str]:
    """A rule that excludes itself does not load; beside another one it does."""
    return [f"or({rule}, and(inputs_at_most(1), outputs_at_most(1)))" for rule in rules]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.frozensets(st.sampled_from(pool_of_predicates()), max_size=4), max_size=8))
def test_what_was_absorbed_lies_under_what_is_left(ways: list[Way]) -> None:
    left = least_ways(ways)
    roofs = Roofs(left)
    assert all(roofs.over(way) for way in ways)
    for place, way in enumerate(left):
        assert not Roofs((*left[:place], *left[place + 1 :])).over(way)


def test_predicates_have_an_order_of_their_own() -> None:
    (way, *_) = policy("fee_at_most(1 sat), replaceable()").blocks[0].ways
    assert [each.text for each in in_order(way)] == [WORDS, "fee_at_most(1 sat)", "replaceable()"]
