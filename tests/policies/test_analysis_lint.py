"""What lint finds, and that one step beside it there is nothing to find."""

import pytest

from policies.analysis.lint import Finding, as_json, findings, render
from policies.load import load_policy
from policies.loaded import LoadedPolicy, Route
from signer.core.spend import Kind
from tests.policies.test_analysis_worst_case import GOVERNANCE, OFFICER_KEYS, text
from tests.policies.world import bridge_text

PAY = Route(Kind.WITHDRAWAL, "peg", None)
WORDS, WINDOW = "attested(2, watchers)", "outflow_at_most(24h, 10 BTC)"
CLEAN = f"and({WORDS}, {WINDOW})"


def found_in(policy: LoadedPolicy) -> tuple[Finding, ...]:
    """But that the vaults of these policies have no witnesses: `test_witness_keys` is about that."""
    return tuple(each for each in findings(policy) if each.rule != "no witnesses")


def rules_of(policy: LoadedPolicy) -> list[str]:
    return [each.rule for each in found_in(policy)]


def policy(*rules: str) -> LoadedPolicy:
    """Without officers and lists: all names are used."""
    return load_policy(bridge_text(*((PAY, f"and({WORDS}, {rule})") for rule in rules)).encode())


def test_a_clean_policy() -> None:
    found = found_in(policy(WINDOW))
    assert found == ()
    assert render(found) == ["Nothing found."]
    assert as_json(found) == {"findings": []}


@pytest.mark.parametrize(
    ("rule", "twin", "name"),
    [
        ("payment_at_most(1 BTC)", f"payment_at_most(1 BTC), {WINDOW}", "no window"),
        (
            f"{WINDOW}, outflow_at_most(23h, 10 BTC)",
            f"{WINDOW}, outflow_at_most(23h, 9 BTC)",
            "redundant predicate",
        ),
        (
            f"{WINDOW}, spend_at_most(1 BTC), payment_at_most(1 BTC)",
            f"{WINDOW}, spend_at_most(1 BTC), payment_at_most(0.9 BTC)",
            "redundant predicate",
        ),
        (
            f"{WINDOW}, attested(1, watchers)",
            WINDOW,
            "redundant predicate",
        ),
        ("outflow_at_most(1h, 9999 sat)", "outflow_at_most(1h, 10000 sat)", "small amount"),
        (
            f"{WINDOW}, payment_at_most(9999 sat)",
            f"{WINDOW}, payment_at_most(10000 sat)",
            "small amount",
        ),
        (
            f"{WINDOW}, spend_at_most(9999 sat)",
            f"{WINDOW}, spend_at_most(10000 sat)",
            "small amount",
        ),
        ("outflow_at_most(1h, 100001 BTC)", "outflow_at_most(1h, 100000 BTC)", "large amount"),
        (f"{WINDOW}, fee_at_most(0.11 BTC)", f"{WINDOW}, fee_at_most(0.1 BTC)", "high fee"),
        (
            f"{WINDOW}, fee_rate_between(1 sat/vB, 1000.001 sat/vB)",
            f"{WINDOW}, fee_rate_between(1 sat/vB, 1000 sat/vB)",
            "high fee rate",
        ),
        (f"{WINDOW}, aged(59m)", f"{WINDOW}, aged(60m)", "short time"),
        ("outflow_at_most(599s, 10 BTC)", "outflow_at_most(600s, 10 BTC)", "short time"),
        (f"{WINDOW}, count_at_most(9m, 5)", f"{WINDOW}, count_at_most(10m, 5)", "short time"),
        (
            f"{WINDOW}, payment_at_most(20000 sat), fee_at_most(20001 sat)",
            f"{WINDOW}, payment_at_most(20000 sat), fee_at_most(20000 sat)",
            "fee above payment",
        ),
        (
            f"{WINDOW}, payment_at_most(11 BTC)",
            f"{WINDOW}, payment_at_most(10 BTC)",
            "window below payment",
        ),
    ],
)
def test_found_and_one_step_beside_it_not(rule: str, twin: str, name: str) -> None:
    assert name in rules_of(policy(rule))
    assert name not in rules_of(policy(twin))


def test_dead_and_superfluous_ways() -> None:
    alone = f"or(and({WINDOW}, payment_at_least(2 BTC), payment_at_most(1 BTC)), and({WINDOW}, caller(a)))"
    assert rules_of(policy(alone)) == ["dead way"]
    found = found_in(
        policy(
            f"{WINDOW}, spend_at_most(1 BTC)", f"{WINDOW}, fee_at_most(1 BTC), spend_at_most(2 BTC)"
        )
    )
    assert [each.rule for each in found if each.rule == "superfluous way"] == ["superfluous way"]
    beside = policy(f"{WINDOW}, spend_at_most(2 BTC)", f"{WINDOW}, spend_at_most(3 BTC), caller(a)")
    assert rules_of(beside) == []


def test_names_that_nothing_uses() -> None:
    with_officers = text((PAY, CLEAN))
    unused = load_policy(with_officers.encode())
    assert found_in(unused) == (Finding("unused group", 0, "nothing asks group officers"),)
    asked = f"and({WORDS}, approved(2, officers), {WINDOW})"
    assert rules_of(load_policy(text((PAY, asked)).encode())) == []
    assert rules_of(load_policy((with_officers + GOVERNANCE).encode())) == []
    lists = '[lists]\nsome = ["bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"]\n\n[[allow]]'
    for rule, found in (("caller(a)", ["unused list"]), ("destinations_in(some)", [])):
        loaded = bridge_text((PAY, f"and({WORDS}, {WINDOW}, {rule})")).replace(
            "[[allow]]", lists, 1
        )
        assert rules_of(load_policy(loaded.encode())) == found


@pytest.mark.parametrize(
    ("find", "put", "rule"),
    [
        ("quorum = 2", "quorum = 1", "quorum of one"),
        ('delay = "48h"', 'delay = "59m"', "short time"),
        ('confirm_within = "24h"', 'confirm_within = "59m"', "short time"),
    ],
)
def test_governance(find: str, put: str, rule: str) -> None:
    governed = text((PAY, CLEAN)) + GOVERNANCE
    assert rules_of(load_policy(governed.encode())) == []
    assert rules_of(load_policy(governed.replace(find, put).encode())) == [rule]


def test_one_of_several_and_one_key_in_two_roles() -> None:
    one = f"and(attested(1, watchers), {WINDOW})"
    assert rules_of(load_policy(bridge_text((PAY, one)).encode())) == ["quorum of one"]
    coins = bridge_text((PAY, CLEAN)).replace('coins = "attested(2,', 'coins = "attested(1,', 1)
    assert rules_of(load_policy(coins.encode())) == ["quorum of one"]
    asked = text((PAY, f"and({WORDS}, approved(2, officers), {WINDOW})"))
    watcher = "0ef53ceb8c01b6624fba35fd5f380526e5fd171aefb06acfd7a7fb0ceb5aa76a"
    shared = asked.replace(OFFICER_KEYS[0], watcher)
    (found,) = found_in(load_policy(shared.encode()))
    assert found == Finding("key in two roles", 0, f"{watcher} attests and is an officer's")
    single = asked.replace(f', "{OFFICER_KEYS[1]}", "{OFFICER_KEYS[2]}"', "").replace(
        "approved(2", "approved(1"
    )
    assert rules_of(load_policy(single.encode())) == []


def test_findings_name_the_line_of_their_block() -> None:
    found = found_in(policy(WINDOW, "payment_at_most(1 BTC)"))
    (window,) = (each for each in found if each.rule == "no window")
    source = bridge_text((PAY, CLEAN), (PAY, CLEAN)).splitlines()
    assert source[window.line - 1] == "[[allow]]"
    assert source[: window.line].count("[[allow]]") == 2
    assert render(found)[-1] == f"{len(found)} findings"
    assert render((window,))[0].startswith(f"line {window.line}: no window: nothing bounds in time")
    assert (
        render((Finding("unused list", 0, "no rule names list l"),))[0]
        == "unused list: no rule names list l"
    )
    assert as_json((window,)) == {"findings": [window._asdict()]}
