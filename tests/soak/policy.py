"""Invariants of the policy language and its analyses (tests/policies: properties.py, schedules.py):

1. Of N / 10 drawn policies, up to six levels deep: each is its normal form and monotone, for 50 spends each.
2. Of as many small edits: what `diff` says is so, and its witnesses are, for 50 spends each.
3. N schedules for each shipped policy, and one for each drawn one, do not beat `worst-case`.
"""

from collections.abc import Iterator
from random import Random

from tests.policies.generated import SHIPPED, shipped
from tests.policies.properties import (
    diff_violations,
    edits_drawn,
    monotony_violations,
    normal_form_violations,
    policies_drawn,
    some_cases,
)
from tests.policies.schedules import Tally, search, target_of

FULL = 10_000
DRAWN = 10
"""Of so many schedules one policy and one edit are drawn."""
SPENDS = 50


def run(n: int, seed: int) -> list[str]:
    """The counterexamples."""
    drawn = max(1, n // DRAWN)
    violations = [
        *_of_policies(Random(seed), drawn),
        *_of_edits(Random(seed + 1), drawn),
        *_of_schedules(Random(seed + 2), n),
    ]
    print(f"policy: {drawn} policies and {drawn} edits drawn, {SPENDS} spends put to each")
    return violations


def _of_policies(random: Random, count: int) -> Iterator[str]:
    tally = Tally()
    for policy in policies_drawn(random, count):
        yield from normal_form_violations(policy, some_cases(random, policy, SPENDS))
        yield from monotony_violations(random, policy, some_cases(random, policy, SPENDS))
        yield from map(str, search(random, target_of(policy), 1, tally))
    print(f"policy: drawn ones: {tally}")


def _of_edits(random: Random, count: int) -> Iterator[str]:
    for edit in edits_drawn(random, count):
        yield from diff_violations(edit, some_cases(random, edit.old, SPENDS))


def _of_schedules(random: Random, count: int) -> Iterator[str]:
    for name in SHIPPED:
        tally = Tally()
        yield from map(str, search(random, target_of(shipped(name)), count, tally))
        print(f"policy: {name}: {tally}")
