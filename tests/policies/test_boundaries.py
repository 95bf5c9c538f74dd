"""Every predicate passes at its limit and refuses one past it, with its code and with what would pass."""

import pytest

from policies.loaded import LoadedPolicy
from signer.core.errors import Objection
from signer.core.question import Question
from tests.policies.boundaries import BOUNDARIES, Boundary

PAIRS = [each for pairs in BOUNDARIES.values() for each in pairs]


def said(pair: Boundary, policy: LoadedPolicy, question: Question) -> list[Objection]:
    if pair.is_of_coins:
        return list(policy.coin_objections(question, question.spend.coins[0]))
    return list(policy.spend_objections(question))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.rule} {pair.code}")
def test_at_the_limit_and_one_past_it(pair: Boundary) -> None:
    policy = pair.policy
    assert said(pair, policy, pair.passing) == []
    refused = said(pair, policy, pair.failing)
    assert {reason.code for reason in refused} == {pair.code}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.rule} {pair.code}")
def test_a_refusal_says_what_was_seen_what_the_limit_is_and_what_would_pass(pair: Boundary) -> None:
    """Details are shown to every caller; values, limits and changes only to those entitled."""
    for reason in said(pair, pair.policy, pair.failing):
        assert reason.observed
        assert reason.limit
        assert reason.change
        for hidden in (reason.observed, reason.limit, reason.change):
            assert hidden not in reason.detail
