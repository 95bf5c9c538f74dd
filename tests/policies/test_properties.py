"""The properties of the language on a few hundred drawn policies (the campaign `policy` asks more)."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from policies.analysis.worst_case import VaultCase
from policies.expression import Leaf, Threshold
from policies.loaded import LoadedPolicy
from signer.core.governance import Verdict
from signer.core.spend import Kind
from tests.policies.generated import SHIPPED, Drawn, Node, blocks_drawn, policy_of, shipped
from tests.policies.properties import (
    consents,
    diff_violations,
    edits_drawn,
    monotony_violations,
    normal_form_violations,
    policies_drawn,
    some_cases,
)
from tests.policies.schedules import Tally, search, target_of

POLICIES, CASES = 40, 30


@pytest.mark.parametrize("seed", range(3))
def test_a_policy_is_its_normal_form(seed: int) -> None:
    random = Random(seed)
    for policy in policies_drawn(random, POLICIES):
        assert list(normal_form_violations(policy, some_cases(random, policy, CASES))) == []


@pytest.mark.parametrize("seed", range(3))
def test_policies_are_monotone(seed: int) -> None:
    random = Random(seed)
    for policy in policies_drawn(random, POLICIES):
        assert not list(monotony_violations(random, policy, some_cases(random, policy, CASES)))


def test_what_diff_says_is_so() -> None:
    random, verdicts = Random(2), Counter[Verdict]()
    for edit in edits_drawn(random, 2 * POLICIES):
        assert list(diff_violations(edit, some_cases(random, edit.old, CASES))) == []
        verdicts[edit.difference.verdict] += 1
    assert min(verdicts[each] for each in (Verdict.EQUAL, Verdict.TIGHTER, Verdict.LOOSER)) >= 5


def test_a_wrong_verdict_would_be_seen() -> None:
    """Told the wrong way round, most differences are found out."""
    random, seen = Random(4), Counter[bool]()
    for edit in edits_drawn(random, POLICIES):
        if edit.difference.verdict is Verdict.TIGHTER:
            wrong = replace(edit, old=edit.new, new=edit.old)
            seen[any(diff_violations(wrong, some_cases(random, edit.old, 300)))] += 1
    assert seen[True] > seen[False]


@pytest.mark.parametrize("name", SHIPPED)
def test_nobody_beats_the_worst_case(name: str) -> None:
    tally = Tally()
    assert [str(each) for each in search(Random(6), target_of(shipped(name)), 30, tally)] == []
    assert tally.schedules == 30


def test_nobody_beats_the_worst_case_of_drawn_policies() -> None:
    random, tally = Random(8), Tally()
    for policy in policies_drawn(random, POLICIES):
        assert [str(each) for each in search(random, target_of(policy), 2, tally)] == []
    assert tally.schedules >= 40


@pytest.mark.parametrize(
    "when",
    [
        "and(attested(2, watchers), outflow_at_most(24h, 10 BTC))",
        "and(attested(2, watchers), payment_at_most(1 BTC), fee_at_most(10000 sat), "
        "or(outflow_at_most(24h, 2 BTC), and(approved(2, officers), outflow_at_most(1h, 5 BTC))))",
    ],
)
def test_a_bound_that_is_too_low_would_be_beaten(when: str) -> None:
    """The search is not content with half of what the policy allows."""
    target = target_of(policy_of((Drawn(Kind.WITHDRAWAL, "", Node(when)),)))
    halved = replace(target, cases=tuple(_halved(case) for case in target.cases))
    found = search(Random(10), halved, 80, Tally())
    assert len(list(found)) >= 3


def test_the_search_reaches_a_bound_and_does_not_exceed_it() -> None:
    """Three pairs of a 2-of-3 each take half of each other's windows: 15 BTC where one kernel allows 10."""
    when = "and(attested(2, watchers), outflow_at_most(24h, 10 BTC))"
    target = target_of(policy_of((Drawn(Kind.WITHDRAWAL, "", Node(when)),)))
    assert list(search(Random(10), target, 80, tally := Tally())) == []
    assert tally.reached >= 3


def _halved(case: VaultCase) -> VaultCase:
    losses = tuple(
        replace(loss, within=tuple(None if each is None else each // 2 for each in loss.within))
        for loss in case.losses
    )
    return replace(case, losses=losses)


def test_the_cases_are_worth_asking() -> None:
    """Neither yes nor no is rare, or the properties would say nothing."""
    random = Random(5)
    verdicts = [
        consents(policy, case.question)
        for policy in policies_drawn(random, POLICIES)
        for case in some_cases(random, policy, 20)
    ]
    assert 0.1 < sum(verdicts) / len(verdicts) < 0.9


def test_a_wrong_normal_form_would_be_seen() -> None:
    """A way too few is a counterexample."""
    random, found = Random(9), 0
    for policy in policies_drawn(random, 10):
        fewer = tuple(replace(block, ways=block.ways[1:]) for block in policy.blocks)
        broken = replace(policy, blocks=fewer)
        found += any(normal_form_violations(broken, some_cases(random, policy, 100)))
    assert found >= 5


def test_a_negation_would_be_seen() -> None:
    """A rule that dislikes evidence is a counterexample of monotony."""
    random = Random(11)
    policy = _hating_officers(policy_of(blocks_drawn(random)))
    assert any(monotony_violations(random, policy, some_cases(random, policy, 400)))


def _hating_officers(policy: LoadedPolicy) -> LoadedPolicy:
    class NoOfficers:
        NAME, CODES, WAITABLE, text = "no_officers", (), False, "no_officers()"

        def objections(self, question):
            if question.view.approvers(b""):
                yield "an officer agreed"

    only = Leaf(NoOfficers())
    blocks = tuple(
        replace(
            block,
            expression=Threshold(1, (only,)),
            ways=(frozenset({only.predicate}),),
        )
        for block in policy.blocks
    )
    return replace(policy, blocks=blocks)
