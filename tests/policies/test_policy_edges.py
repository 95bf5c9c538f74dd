"""Limits of the policy language as numbers, wherever in an expression they are met, and names in the text."""

import pytest

from policies.explain import render
from policies.load import load_policy
from policies.parser import MAX_DEPTH, MAX_TEXT
from policies.source import MAX_POLICY
from tests.policies.test_language import QUORUM, mistake
from tests.policies.world import FEDERATION, TEXT, policy_text


def test_the_limits_are_those_of_the_manual() -> None:
    assert MAX_POLICY == 1_048_576
    assert MAX_TEXT == 65_536
    assert MAX_DEPTH == 32


def test_a_policy_that_is_too_large_is_refused_at_its_beginning() -> None:
    error = mistake("#" * (MAX_POLICY + 1))
    assert (error.code, error.line, error.column) == ("policy-too-large", 1, 1)


@pytest.mark.parametrize("place", ["({}, path(primary))", "(path(primary), {})"])
def test_depth_is_counted_in_every_part(place: str) -> None:
    def nested(depth: int) -> str:
        rule = QUORUM
        for _ in range(depth - 1):
            rule = "and" + place.format(rule)
        return rule

    load_policy(policy_text(nested(MAX_DEPTH)).encode())
    assert mistake(policy_text(nested(MAX_DEPTH + 1))).code == "policy-expression"


@pytest.mark.parametrize("quote", ['"""', "'''"])
def test_one_quote_too_many(quote: str) -> None:
    """Refused where the fourth quote stands, with a word about quotes."""
    old = 'name    = "federation"\n'
    assert TEXT.count(old) == 1
    good = f"name = {quote}federation{quote}"
    assert load_policy(TEXT.replace(old, good + "\n").encode()).name == "federation"
    error = mistake(TEXT.replace(old, good + quote[0] + "\n"))
    assert (error.code, error.column) == ("policy-syntax", len(good) + 1)
    assert "no more quotes" in str(error)


def test_lists_are_explained_under_their_names() -> None:
    lines = render(FEDERATION)
    at = lines.index("List exchange, 2 addresses:")
    assert lines[at + 1 : at + 3] == [
        "  bcrt1qt3jq0dk5pt55pym6x6ejvgncj93dm8qenylxea",
        "  bcrt1qz32twfx4t3csxdlnu3w8989saam3zm8c86586f",
    ]
    at = lines.index("Group watchers, 3 keys:")
    assert len([line for line in lines[at + 1 : at + 4] if len(line) == 66]) == 3
