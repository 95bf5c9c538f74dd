"""Evaluation: which objections, in which order; blocks; the trace; monotonicity."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.expression import Expression, Leaf, Threshold, unmet
from policies.load import load_policy
from policies.ways import Normalizer, TooManyWays
from signer.core.approve import approve
from signer.core.errors import Objection, PolicyDenied
from tests.policies.world import (
    FEDERATION,
    P2PKH,
    TEXT,
    VAULT,
    WATCHERS,
    authorized,
    codes,
    coin,
    coin_terms,
    payment,
    policy,
    policy_text,
    question,
    spend,
    sweep,
)

TIGHT = "and(fee_at_most(1 sat), inputs_at_most(1), payment_at_most(1 BTC))"
# of a payment of 0.5 BTC with a fee of 2,000 sat: which predicates hold
HOLDS = "path(primary)"
FAILS = ("fee_at_most(1 sat)", "payment_at_most(300 sat)", "spend_at_most(300 sat)")
FAIL_CODES = ("fee-too-high", "payment-too-large", "spend-too-large")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (f"and({FAILS[0]}, {HOLDS}, {FAILS[1]})", FAIL_CODES[:2]),
        (f"or({FAILS[0]}, {HOLDS})", ()),
        (f"or({FAILS[0]}, {FAILS[1]})", FAIL_CODES[:2]),
        (f"or(and({FAILS[1]}, {FAILS[2]}), {FAILS[0]})", FAIL_CODES),
        (f"or(and({FAILS[0]}, {HOLDS}), and({FAILS[1]}, {FAILS[2]}))", FAIL_CODES),
        (f"thresh(2, {FAILS[0]}, {HOLDS}, {FAILS[1]})", FAIL_CODES[:2]),
        (f"thresh(2, {HOLDS}, {FAILS[0]}, {HOLDS})", ()),
        (f"thresh(2, and({FAILS[1]}, {FAILS[2]}), {HOLDS}, {FAILS[0]})", FAIL_CODES),
        (f"and(and({FAILS[1]}, {FAILS[2]}), {FAILS[0]})", (*FAIL_CODES[1:], FAIL_CODES[0])),
    ],
)
def test_nearest_alternative_first(when: str, expected: tuple[str, ...]) -> None:
    assert codes(policy(when), question()) == list(expected)


def two_blocks(first: str, second: str) -> str:
    text = policy_text(f"and(attested(2, watchers), {first})")
    block = policy_text(f"and(attested(2, watchers), {second})")
    return text + block[block.index("[[allow]]") :]


def test_blocks_of_a_kind_are_alternatives() -> None:
    both = load_policy(two_blocks(f"and({FAILS[1]}, {FAILS[2]})", FAILS[0]).encode())
    assert codes(both, question()) == list(FAIL_CODES)
    assert codes(load_policy(two_blocks(FAILS[0], HOLDS).encode()), question()) == []
    assert [block.number for block in both.blocks] == [1, 2]
    assert both.blocks[1].line > both.blocks[0].line


def test_no_block_of_the_kind_is_a_no() -> None:
    """`policy-no-rule`: what no rule speaks of is refused."""
    asked = question(sweep(VAULT))
    assert codes(FEDERATION, asked) == ["policy-no-rule"]
    assert codes(FEDERATION, question()) == []
    assert FEDERATION.trace(asked) == ()


def test_no_block_of_the_vault_is_a_no() -> None:
    other = replace(spend(), vault=replace(spend().vault, vault_id="other"))
    assert codes(FEDERATION, question(other)) == ["policy-no-rule"]


def test_the_trace_shows_every_way() -> None:
    lines = FEDERATION.trace(question(spend(fee=200_001)))
    heads = [(line.text, line.passed) for line in lines if not line.text.startswith(" ")]
    assert heads == [("Way 1: 2 objections.", False), ("Way 2: 3 objections.", False)]
    assert len(lines) == 2 + sum(map(len, FEDERATION.blocks[0].ways))
    nearest = FEDERATION.nearest_changes(question(spend(fee=200_001)))[0]
    assert nearest == "a fee of at most 200000 sat, and a fee of at most 40000 sat"


def test_approve_asks_the_policy() -> None:
    evidence = authorized((payment().terms, WATCHERS), (coin_terms(coin()), WATCHERS))
    approved = approve(question(evidence=evidence), FEDERATION)
    assert approved.policy_id == FEDERATION.policy_id
    without_coin = authorized((payment().terms, WATCHERS))
    with pytest.raises(PolicyDenied) as caught:
        approve(question(evidence=without_coin), FEDERATION)
    assert caught.value.code == "coin-unproven"


# --- properties ---

_CAPS = st.sampled_from(
    [
        "fee_at_most(1500 sat)",
        "fee_rate_between(0 sat/vB, 9 sat/vB)",
        "payment_at_most(0.4 BTC)",
        "spend_at_most(0.7 BTC)",
        "outflow_at_most(1h, 0.6 BTC)",
        "count_at_most(1h, 1)",
        "inputs_at_most(1)",
        "outputs_at_most(1)",
        "destination_types(p2wpkh)",
        "attested(1, watchers)",
        "attested(3, watchers)",
    ]
)


def _combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    some = st.lists(parts, min_size=1, max_size=4)
    return some.flatmap(
        lambda each: st.integers(1, len(each)).map(lambda k: f"thresh({k},{','.join(each)})")
    )


RULES = st.recursive(_CAPS, _combined, max_leaves=8)
AMOUNTS = st.lists(st.integers(300, 60_000_000), min_size=1, max_size=3)


@given(RULES, AMOUNTS, st.integers(0, 3_000), st.data())
def test_lower_amounts_and_fees_never_turn_yes_into_no(
    rule: str, amounts: list[int], fee: int, data: st.DataObject
) -> None:
    loaded = policy(rule)
    if codes(loaded, question(_spend(amounts, fee))):
        return
    lower = [data.draw(st.integers(294, amount)) for amount in amounts]
    lower_fee = data.draw(st.integers(0, fee))
    assert codes(loaded, question(_spend(lower, lower_fee))) == []


@given(RULES, AMOUNTS, st.data())
def test_more_attestations_never_turn_yes_into_no(
    rule: str, amounts: list[int], data: st.DataObject
) -> None:
    loaded, asked = policy(rule), _spend(amounts, 1_000)
    subsets = st.sets(st.sampled_from(WATCHERS))
    some = [(each.terms, data.draw(subsets)) for each in asked.payments]
    more = [(terms, keys | data.draw(subsets)) for terms, keys in some]
    if not codes(loaded, question(asked, authorized(*some))):
        assert codes(loaded, question(asked, authorized(*more))) == []


def _spend(amounts: list[int], fee: int):  # type: ignore[no-untyped-def]
    scripts = (P2PKH, spend().payments[0].script_pubkey)
    payments = tuple(
        payment(number, amount, scripts[number % 2]) for number, amount in enumerate(amounts, 1)
    )
    return spend(payments, fee)


_LEAVES = st.integers(0, 7).map(Leaf)
_TREES: st.SearchStrategy[Expression[int]] = st.recursive(
    _LEAVES,
    lambda parts: st.lists(parts, min_size=1, max_size=4).flatmap(
        lambda each: st.integers(1, len(each)).map(lambda k: Threshold(k, tuple(each)))
    ),
    max_leaves=14,
)


@given(_TREES)
def test_ways_are_the_expression(tree: Expression[int]) -> None:
    """Over all 256 assignments: some way holds if and only if the expression does; none is too many."""
    normalizer = Normalizer[int]()
    ways = [normalizer.predicates(mask) for mask in normalizer.masks(tree)]
    for assignment in range(256):
        true = {leaf for leaf in range(8) if assignment >> leaf & 1}
        direct = unmet(tree, lambda leaf, true=true: () if leaf in true else (Objection("x", "x"),))  # type: ignore[misc]
        assert any(way <= true for way in ways) == (direct == ())
    assert not any(one < other for one in ways for other in ways)
    assert len(set(ways)) == len(ways)


def test_ways_of_the_example() -> None:
    (block,) = FEDERATION.blocks
    common = {
        "attested(2, watchers)",
        "fee_rate_between(1 sat/vB, 200 sat/vB)",
        "fee_at_most(0.002 BTC)",
    }
    assert sorted(sorted({each.text for each in way} - common) for way in block.ways) == [
        ["destinations_in(exchange)", "outflow_at_most(1d, 100 BTC)"],
        ["outflow_at_most(1d, 10 BTC)", "payment_at_most(1 BTC)"],
    ]


def test_a_normalizer_stops() -> None:
    parts = tuple(Leaf(number) for number in range(1_001))
    with pytest.raises(TooManyWays):
        Normalizer[int]().masks(Threshold(1, parts))
    assert len(Normalizer[int]().masks(Threshold(1, parts[:1_000]))) == 1_000


def test_the_policy_id_covers_every_byte() -> None:
    assert load_policy((TEXT + "\n").encode()).policy_id != FEDERATION.policy_id
