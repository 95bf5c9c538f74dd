"""Generated expressions are sane, of the type that the grammar says, and read back as what they are."""

from collections import Counter
from random import Random

import pytest

from signer.bitcoin.miniscript.model import Context, Fragment
from signer.bitcoin.miniscript.types import type_of
from tests.bitcoin.miniscript.generator import generate
from tests.soak.miniscript import round_trips, text_of

ELSEWHERE = {
    Context.P2WSH: {Fragment.MULTI_A, Fragment.SORTEDMULTI_A},
    Context.TAPSCRIPT: {Fragment.MULTI, Fragment.SORTEDMULTI},
}


@pytest.mark.parametrize("context", Context)
def test_round_trips_with_every_fragment(context: Context) -> None:
    random, met = Random(1), Counter[Fragment]()
    for _ in range(500):
        generated = generate(random, context)
        met.update({node.fragment for node in generated.script.nodes})
        assert type_of(generated.script).has("Bms"), text_of(generated)
        assert round_trips(generated), text_of(generated)
    assert set(met) == set(Fragment) - ELSEWHERE[context]
    assert min(met.values()) >= 5


def test_equal_seeds_give_equal_expressions() -> None:
    one, other = (generate(Random(7), Context.P2WSH) for _ in range(2))
    assert one == other
    assert generate(Random(8), Context.P2WSH) != one
