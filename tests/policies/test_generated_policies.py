"""Every analysis works on whatever policy loads: 100 drawn ones, up to six levels deep, and the largest.

The dear ones are tried on some of them; `make bench` measures all.
"""

from random import Random

import pytest

from policies.load import load_policy
from policies.ways import MAX_WAYS
from tests.policies.analyses import ANALYSES, drawn_texts, full_texts

SEEDS, DRAWN = (1, 2, 3, 6), 25
EVERY = {"report": 5, "mutate": 25}
"""One in so many."""


@pytest.mark.parametrize("seed", SEEDS)
def test_every_analysis_completes_on_drawn_policies(seed: int) -> None:
    done = dict.fromkeys(ANALYSES, 0)
    for number, texts in enumerate(drawn_texts(Random(seed), DRAWN)):
        for name, analysis in ANALYSES.items():
            if number % EVERY.get(name, 1) == 0:
                done[name] += bool(analysis(*texts))
    assert done == {name: DRAWN // EVERY.get(name, 1) for name in ANALYSES}


def test_every_analysis_completes_at_the_limit_of_ways() -> None:
    new, old = full_texts()
    ways = [len(block.ways) for text in (new, old) for block in load_policy(text).blocks]
    assert ways == [MAX_WAYS, MAX_WAYS]
    done = {name: bool(run(new, old)) for name, run in ANALYSES.items() if name != "mutate"}
    assert all(done.values())
