"""The language: what is a mistake and where, and literals that are exact."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.expression import Leaf, Threshold, predicates
from policies.literals import (
    MAX_COUNT,
    MAX_DURATION,
    MAX_RATE,
    amount_of,
    count_of,
    duration_of,
    format_amount,
    format_duration,
    rate_of,
)
from policies.load import load_policy
from policies.parser import MAX_DEPTH, MAX_TEXT
from policies.predicates import SPEND_PREDICATES
from policies.source import PolicyError
from signer.bitcoin.units import MAX_MONEY, FeeRate, Sats, format_rate
from tests.policies.world import (
    TEXT,
    anchor,
    policy,
    policy_about,
    policy_text,
    question,
    spend,
)

QUORUM = "attested(2, watchers)"

# (rule with ^ before the character that the error points at, code, a rule that loads)
MISTAKES = [
    ("^fee_at_mots(1 BTC)", "policy-name-unknown", "fee_at_most(1 BTC)"),
    ("^AND(path(primary))", "policy-name-unknown", "and(path(primary))"),
    ("^not(path(primary))", "policy-name-unknown", "or(path(primary))"),
    ("attested(1, ^watcher)", "policy-name-unknown", "attested(1, watchers)"),
    ("attested(1, ^exchange)", "policy-name-unknown", "attested(1, watchers)"),
    ("destinations_in(^watchers)", "policy-name-unknown", "destinations_in(exchange)"),
    ("destination_types(p2tr, ^p2a)", "policy-name-unknown", "destination_types(p2tr, p2pkh)"),
    ("destination_types(^op_return)", "policy-name-unknown", "destination_types(p2sh)"),
    ("path(^recovery)", "policy-name-unknown", "path(primary)"),
    ("path(^1)", "policy-literal", "path(primary)"),
    ("fee_at_most(^1 btc)", "policy-literal", "fee_at_most(1 BTC)"),
    ("fee_at_most(^1 sats)", "policy-literal", "fee_at_most(1 sat)"),
    ("fee_at_most(^1)", "policy-literal", "fee_at_most(1sat)"),
    ("fee_at_most(^BTC)", "policy-literal", "fee_at_most(1 BTC)"),
    ("fee_at_most(^1 sat/vB)", "policy-literal", "fee_at_most(1 sat)"),
    ("fee_at_most(^0.123456789 BTC)", "policy-literal", "fee_at_most(0.12345678 BTC)"),
    ("fee_at_most(^0.5 sat)", "policy-literal", "fee_at_most(5 sat)"),
    ("fee_at_most(^21000000.00000001 BTC)", "policy-literal", "fee_at_most(21000000.00000000 BTC)"),
    ("fee_at_most(^100000000000000000000 BTC)", "policy-literal", "fee_at_most(0 BTC)"),
    (
        "fee_rate_between(1 sat/vB, ^2 sat)",
        "policy-literal",
        "fee_rate_between(1 sat/vB, 2 sat/vB)",
    ),
    (
        "fee_rate_between(^0.0005 sat/vB, 2 sat/vB)",
        "policy-literal",
        "fee_rate_between(0.005 sat/vB, 2 sat/vB)",
    ),
    (
        "fee_rate_between(1 sat/vB, ^1000000.001 sat/vB)",
        "policy-literal",
        "fee_rate_between(1 sat/vB, 1000000 sat/vB)",
    ),
    ("outflow_at_most(^24, 1 BTC)", "policy-literal", "outflow_at_most(24h, 1 BTC)"),
    ("outflow_at_most(^24 hours, 1 BTC)", "policy-literal", "outflow_at_most(24 h, 1 BTC)"),
    ("outflow_at_most(^6 blocks, 1 BTC)", "policy-literal", "outflow_at_most(6m, 1 BTC)"),
    ("outflow_at_most(^1.5h, 1 BTC)", "policy-literal", "outflow_at_most(90m, 1 BTC)"),
    ("outflow_at_most(^0s, 1 BTC)", "policy-literal", "outflow_at_most(1s, 1 BTC)"),
    ("outflow_at_most(^367d, 1 BTC)", "policy-literal", "outflow_at_most(366d, 1 BTC)"),
    ("inputs_at_most(^0)", "policy-literal", "inputs_at_most(1)"),
    ("inputs_at_most(^1.0)", "policy-literal", "inputs_at_most(1)"),
    ("inputs_at_most(^3 d)", "policy-literal", "inputs_at_most(3)"),
    ("inputs_at_most(^1000001)", "policy-literal", "inputs_at_most(1000000)"),
    ("inputs_at_most(^111111111111111111111)", "policy-literal", "inputs_at_most(111111)"),
    ("attested(^0, watchers)", "policy-literal", "attested(1, watchers)"),
    ("thresh(^0, path(primary))", "policy-literal", "thresh(1, path(primary))"),
    ("thresh(^1.5, path(primary))", "policy-literal", "thresh(1, path(primary))"),
    ("thresh(^path(primary))", "policy-literal", "thresh(1, path(primary))"),
    ("thresh(1^)", "policy-expression", "thresh(1, path(primary))"),
    ("^fee_at_most()", "policy-expression", "fee_at_most(1 sat)"),
    ("^outflow_at_most(1h)", "policy-expression", "outflow_at_most(1h, 1 BTC)"),
    ("fee_at_most(1 BTC, ^2 BTC)", "policy-expression", "fee_at_most(1 BTC)"),
    ("fee_at_most(1 BTC,^)", "policy-expression", "fee_at_most(1 BTC)"),
    ("fee_at_most(^,1 BTC)", "policy-expression", "fee_at_most(1 BTC)"),
    ("fee_at_most(1 BTC ^2 BTC)", "policy-expression", "fee_at_most(1 BTC)"),
    ("fee_at_most(^(1 BTC))", "policy-expression", "fee_at_most(1 BTC)"),
    ("fee_at_most^", "policy-expression", "fee_at_most(1 BTC)"),
    ("and(^)", "policy-expression", "and(path(primary))"),
    ("and(path(primary),^)", "policy-expression", "and(path(primary), path(primary))"),
    ("and ^path(primary)", "policy-expression", "and (path(primary))"),
    ("^1 BTC", "policy-expression", "fee_at_most(1 BTC)"),
    ("fee_at_most(^-1 BTC)", "policy-expression", "fee_at_most(1 BTC)"),
    ("fee_at_most(1e8 ^sat)", "policy-expression", "fee_at_most(18 sat)"),
    ("fee_at_most(^10,000 sat)", "policy-literal", "fee_at_most(10000 sat)"),
    ("fee_at_most(^.5 BTC)", "policy-expression", "fee_at_most(0.5 BTC)"),
    ("path(primary) ^% ", "policy-expression", "path(primary) "),
    (f"inputs_at_most(^{'1' * 5_000})", "policy-literal", "inputs_at_most(11111)"),
    ("weight_at_most(^0 WU)", "policy-literal", "weight_at_most(1 WU)"),
    ("weight_at_most(^4000001 WU)", "policy-literal", "weight_at_most(4000000 WU)"),
    ("weight_at_most(^1.5 WU)", "policy-literal", "weight_at_most(15 WU)"),
    ("weight_at_most(^100 vB)", "policy-literal", "weight_at_most(100 WU)"),
    ("aged(^0s)", "policy-literal", "aged(1s)"),
    ("replaceable(^1)", "policy-expression", "replaceable()"),
    ("destinations_not_in(^watchers)", "policy-name-unknown", "destinations_not_in(exchange)"),
    ("^approved(4, watchers)", "policy-unsatisfiable", "approved(3, watchers)"),
    ("approved(^0, watchers)", "policy-literal", "approved(1, watchers)"),
    ("approved(1, ^watcher)", "policy-name-unknown", "approved(1, watchers)"),
    ("caller(^1)", "policy-literal", "caller(c1)"),
    ("^caller()", "policy-expression", "caller(c1)"),
    ("caller(c1,^)", "policy-expression", "caller(c1, c1)"),
    ("within(^fri-mon, 08:00-18:00)", "policy-name-unknown", "within(mon-fri, 08:00-18:00)"),
    ("within(^mon-mon, 08:00-18:00)", "policy-name-unknown", "within(mon, 08:00-18:00)"),
    ("within(^mon-sun, 08:00-18:00)", "policy-name-unknown", "within(daily, 08:00-18:00)"),
    ("within(^5, 08:00-18:00)", "policy-literal", "within(sat, 08:00-18:00)"),
    ("within(mon, ^18:00-08:00)", "policy-literal", "within(mon, 08:00-18:00)"),
    ("within(mon, ^08:00-08:00)", "policy-literal", "within(mon, 08:00-08:01)"),
    ("within(mon, ^08:00-24:01)", "policy-literal", "within(mon, 08:00-24:00)"),
    ("within(mon, ^24:00-24:00)", "policy-literal", "within(mon, 23:59-24:00)"),
    ("within(mon, ^08:60-18:00)", "policy-literal", "within(mon, 08:59-18:00)"),
    ("within(mon, ^08)", "policy-literal", "within(mon, 08:00-18:00)"),
    ("within(mon, ^always)", "policy-literal", "within(mon, 00:00-24:00)"),
    ("within(mon, 8^:00-18:00)", "policy-expression", "within(mon, 08:00-18:00)"),
    ("^within(mon)", "policy-expression", "within(mon, 08:00-18:00)"),
    ("^08:00-18:00", "policy-name-unknown", "within(mon, 08:00-18:00)"),
]


def mistake(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load_policy(text.encode())
    return caught.value


@pytest.mark.parametrize(("marked", "code", "twin"), MISTAKES)
def test_a_mistake_is_refused_where_it_stands(marked: str, code: str, twin: str) -> None:
    policy(twin)
    rule = f"and({QUORUM},\n  {marked})"
    before = policy_text(rule).partition("^")[0]
    error = mistake(policy_text(rule.replace("^", "")))
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (error.code, error.line, error.column) == (code, line, column)


def test_near_misses_get_a_suggestion() -> None:
    assert "did you mean 'payment_at_most'?" in str(mistake(policy_text("payment_atmost(1 BTC)")))
    assert "did you mean 'BTC'?" in str(mistake(policy_text("fee_at_most(1 Btc)")))
    assert "did you mean 'watchers'?" in str(mistake(policy_text("attested(1, wachters)")))
    unlike = str(mistake(policy_text("zzz(1)")))
    assert "known here: aged, and, approved, attested" in unlike
    long = "x" * 5_000
    assert len(str(mistake(policy_text(f"{long}(1)")))) < 700


def test_usage_is_told() -> None:
    assert "usage: fee_rate_between(rate, rate)" in str(mistake(policy_text("fee_rate_between()")))


def test_an_unclosed_bracket_is_found_at_the_end() -> None:
    text = policy_text(f"and({QUORUM}")
    error = mistake(text)
    assert error.code == "policy-expression"
    assert error.line == text.rstrip().count("\n") + 1
    assert mistake(policy_text("and(attested(2, watchers")).code == "policy-expression"
    assert mistake(policy_text("and(attested(2,")).code == "policy-expression"
    assert mistake(policy_text("thresh(")).code == "policy-literal"
    load_policy(policy_text(f"and({QUORUM})").encode())


def test_text_after_the_expression_is_refused() -> None:
    assert mistake(policy_text(f"{QUORUM} {QUORUM}")).code == "policy-expression"
    assert mistake(policy_text(f"{QUORUM})")).code == "policy-expression"
    assert mistake(policy_text("")).code == "policy-expression"


def test_coins_are_proven_by_attestations_alone() -> None:
    old = 'coins = "attested(2, watchers)"'
    text = TEXT.replace(old, 'coins = "or(attested(2, watchers), fee_at_most(1 BTC))"')
    assert mistake(text).code == "policy-name-unknown"
    load_policy(TEXT.replace(old, 'coins = "thresh(1, attested(2, watchers))"').encode())
    assert mistake(TEXT.replace(old, "coins = 2")).code == "policy-expression"


def nested(depth: int) -> str:
    return "and(" * (depth - 1) + QUORUM + ")" * (depth - 1)


def test_depth_is_bounded() -> None:
    load_policy(policy_text(nested(MAX_DEPTH)).encode())
    assert mistake(policy_text(nested(MAX_DEPTH + 1))).code == "policy-expression"
    assert mistake(policy_text("and(" * 15_000)).code == "policy-expression"


def test_length_is_bounded() -> None:
    padding = " " * (MAX_TEXT - len(QUORUM) - 1)
    load_policy(policy_text(QUORUM + padding).encode())
    assert mistake(policy_text(QUORUM + padding + " ")).code == "policy-expression"


def test_combinators_are_thresholds() -> None:
    (block,) = policy("or(path(primary), thresh(2, path(primary), inputs_at_most(2)))").blocks
    assert isinstance(block.expression, Threshold)
    assert block.expression.words == "all of"
    either = block.expression.parts[1]
    assert isinstance(either, Threshold)
    assert (either.needed, either.words) == (1, "any of")
    assert isinstance(either.parts[0], Leaf)
    two_of_three = Threshold(2, (either.parts[0],) * 3)
    assert two_of_three.words == "at least 2 of"


@given(st.integers(0, MAX_MONEY))
def test_amounts_are_exact(sats: int) -> None:
    number, unit = format_amount(Sats(sats)).split()
    assert amount_of(number, unit) == sats
    assert amount_of(f"{Decimal(sats) / 100_000_000:f}", "BTC") == sats
    assert amount_of(str(sats), "sat") == sats


@given(st.integers(0, MAX_RATE))
def test_rates_are_exact(rate: int) -> None:
    number, unit = format_rate(FeeRate(rate)).split()
    assert rate_of(number, unit) == rate


@given(st.integers(1, MAX_DURATION))
def test_durations_are_exact(seconds: int) -> None:
    text = format_duration(seconds)
    assert duration_of(text[:-1], text[-1]) == seconds
    assert duration_of(str(seconds), "s") == seconds


@given(st.integers(1, MAX_COUNT))
def test_counts_are_exact(count: int) -> None:
    assert count_of(str(count), "") == count


def test_ranges_end_where_they_say() -> None:
    assert amount_of(str(MAX_MONEY + 1), "sat") is None
    assert rate_of("1000000.001", "sat/vB") is None
    assert duration_of(str(MAX_DURATION + 1), "s") is None
    assert count_of(str(MAX_COUNT + 1), "") is None


def test_predicates_are_read_back_from_their_own_text() -> None:
    rules = [
        "attested(3, watchers)",
        "fee_at_most(99999 sat)",
        "fee_rate_between(0.5 sat/vB, 12.345 sat/vB)",
        "payment_at_most(0.001 BTC)",
        "payment_at_least(1 BTC)",
        "spend_at_most(21 BTC)",
        "outflow_at_most(24h, 10 BTC)",
        "count_at_most(90s, 5)",
        "destinations_in(exchange)",
        "destination_types(p2tr, p2pkh)",
        "inputs_at_most(7)",
        "outputs_at_most(7)",
        "path(primary)",
        "anchor_extends()",
        "approved(3, watchers)",
        "aged(90m)",
        "within(tue-sat, 00:00-24:00)",
        "destinations_not_in(exchange)",
        "weight_at_most(4000000 WU)",
        "replaceable()",
        "caller(relayer_2, relayer-1)",
        "confirmed(6 blocks)",
        "buried(1.5 ZH)",
        "tip_fresh(90m)",
    ]
    assert [rule.partition("(")[0] for rule in rules] == list(SPEND_PREDICATES)
    for rule in rules:
        asked = question(anchor() if rule.startswith("anchor") else spend())
        predicate = list(predicates(policy_about(asked, rule).blocks[0].expression))[1]
        again = list(predicates(policy_about(asked, predicate.text).blocks[0].expression))[1]
        assert predicate == again
        assert predicate.english
