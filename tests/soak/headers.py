"""Invariant: headers are taken and refused, chains are best and blocks buried as a slow model has it, written
from Core's rules and the BIPs without any code of ours (tests/bitcoin/header_model.py).

1. At 10,000 random boundaries of each network (fewer where N is small) retargeting is that of fractions.
2. N random trees of headers, on rules with an easy limit, across both changes of difficulty and around a
   checkpoint: branches, mutations of every field, early and late times, gaps, headers that are known.
   What is refused is refused with a code that the model names, too.
"""

from collections import Counter
from random import Random

from tests.bitcoin.header_trees import KINDS, Tree, trunk
from tests.bitcoin.retargets import CASES, differences

FULL = 5_000
BOUNDARIES = 10_000


def run(n: int, seed: int) -> list[str]:
    """Where the two disagree."""
    random, boundaries = Random(seed), min(BOUNDARIES, 10 * n)
    found = [each for name in CASES for each in differences(name, random, boundaries)]
    trunks = [trunk(random, kind) for kind in KINDS]
    tally: Counter[str] = Counter()
    for number in range(n):
        kind = number % len(KINDS)
        tree = Tree(random, KINDS[kind], trunks[kind])
        found += tree.differences()
        tally.update(tree.tally)
    print(f"headers: {boundaries} boundaries of each of {len(CASES)} networks; {dict(tally)}")
    return found
