"""Sizes and limits. Core's figures are in test_miniscript_core_vectors; here what they do not reach."""

from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.miniscript.encode import script_bytes
from signer.bitcoin.miniscript.exactly import exactly, most_within
from signer.bitcoin.miniscript.execution import Cost
from signer.bitcoin.miniscript.limits import (
    MAX_SCRIPT_SIZE,
    Sizes,
    max_witness_size,
    script_size,
    sizes_of,
    spendable_size,
    stack_size,
    within_limits,
)
from signer.bitcoin.miniscript.model import Context, Miniscript
from signer.bitcoin.miniscript.parse import parse_miniscript
from signer.bitcoin.miniscript.satisfy import Assets, satisfy
from signer.bitcoin.miniscript.witness_size import Terms, witness_size
from tests.bitcoin.miniscript.generator import generate

WSH, TR = Context.P2WSH, Context.TAPSCRIPT
FITTING = Sizes(script=3_600, ops=201, stack=100, exec_stack=1_000, witness=0)
HASH = "aa" * 32


def script(text: str, context: Context = WSH) -> Miniscript:
    return parse_miniscript(text, context).script


@pytest.mark.parametrize(
    ("context", "sizes", "fits"),
    [
        (WSH, FITTING, True),
        (WSH, Sizes(3_601, 201, 100, 1_000, 0), False),
        (WSH, Sizes(3_600, 202, 100, 1_000, 0), False),
        (WSH, Sizes(3_600, 201, 101, 1_000, 0), False),
        (WSH, Sizes(3_600, 201, 100, 1_001, 0), True),
        (TR, Sizes(329_482, 202, 101, 1_000, 0), True),
        (TR, Sizes(329_483, 202, 101, 1_000, 0), False),
        (TR, Sizes(329_482, 202, 101, 1_001, 0), False),
    ],
)
def test_limits_one_beyond(context: Context, sizes: Sizes, fits: bool) -> None:
    assert within_limits(context, sizes) is fits
    assert spendable_size(context, sizes) is (sizes.script <= MAX_SCRIPT_SIZE[context])


@pytest.mark.parametrize("text", ["0", "and_v(v:pk(a),0)", f"thresh(1,and_b(0,a:sha256({HASH})))"])
def test_what_nothing_satisfies_takes_nothing_but_its_script(text: str) -> None:
    sizes = sizes_of(script(text))
    assert sizes == Sizes(script_size(script(text)), ops=0, stack=0, exec_stack=0, witness=0)
    assert sizes.script > 0
    assert (stack_size(script(text)), max_witness_size(script(text))) == (0, 0)


def test_sorted_multisigs_take_what_the_others_take() -> None:
    for name, context in (("multi", WSH), ("multi_a", TR)):
        sizes = sizes_of(script(f"sorted{name}(2,a,b,c)", context))
        assert sizes == sizes_of(script(f"{name}(2,a,b,c)", context))
    assert sizes_of(script("multi(2,a,b,c)")) == Sizes(105, 4, 3, 8, 147)
    assert sizes_of(script("multi_a(2,a,b,c)", TR)) == Sizes(104, 4, 3, 4, 133)


def test_a_script_has_its_size_wherever_its_places_begin() -> None:
    moved = parse_miniscript("and_v(v:pk(a),pkh(b))", TR, first_place=40).script
    assert script_size(moved) == script_size(script("and_v(v:pk(a),pkh(b))", TR)) == 34 + 25


@pytest.mark.parametrize("context", Context)
def test_generated_scripts_and_witnesses_have_no_larger_sizes(context: Context) -> None:
    """The exact worst case of `witness_size` never exceeds Core's bound, and some reach it."""
    reached = satisfied = 0
    for seed in range(120):
        made = generate(Random(seed), context)
        sizes = sizes_of(made.script)
        assert sizes.script == len(script_bytes(made.script, made.keys))
        assert sizes.stack == stack_size(made.script)
        signature = bytes(72 if context is WSH else 65)
        for older, after in ((0, 0), (65_535, 499_999_999), (0x40FFFF, 2**31 - 1)):
            exact = witness_size(made.script, Terms(older, after), len(signature))
            assert exact is None or exact <= sizes.witness
            reached += exact == sizes.witness
            signatures = dict.fromkeys(made.script.places, signature)
            assets = Assets(signatures, made.preimages, older, after)
            items = satisfy(made.script, made.keys, assets)
            assert items is None or len(items) <= sizes.stack <= sizes.exec_stack
            satisfied += items is not None
    assert satisfied > 100
    assert reached > 50


COSTS = st.builds(Cost, st.integers(-2, 5), st.integers(0, 7))
PARTS = st.lists(st.tuples(COSTS | st.none(), COSTS | st.none()), min_size=1, max_size=7)


def in_sequence(costs: list[Cost]) -> tuple[int, int]:
    """Items more than at the end: at the beginning, and while any of them is executed."""
    after = [sum(cost.before for cost in costs[at + 1 :]) for at in range(len(costs))]
    within = max(more + cost.within for cost, more in zip(costs, after, strict=True))
    return costs[0].before + after[0], within


@given(PARTS, st.integers(0, 8))
@settings(max_examples=600, deadline=None)
def test_a_choice_of_parts_has_the_most_of_all_choices(
    parts: list[tuple[Cost | None, Cost | None]], number: int
) -> None:
    found = []
    for chosen in combinations(range(len(parts)), number):
        costs = [part[0 if at in chosen else 1] for at, part in enumerate(parts)]
        possible = [cost for cost in costs if cost is not None]
        if len(possible) == len(parts):
            found.append(in_sequence(possible))
    before = exactly(number, [(sat and sat.before, non and non.before) for sat, non in parts])
    assert before == max((each for each, _ in found), default=None)
    if found:
        assert most_within(number, parts) == max(each for _, each in found)


def test_a_thresh_of_many_parts_is_not_enumerated() -> None:
    """100,000 parts of which half is chosen: more choices than could ever be looked at."""
    text = "thresh(50000,pk(a)" + ",al:1" * 100_000 + ")"
    sizes = sizes_of(script(text, TR))
    assert (sizes.stack, sizes.ops) == (100_001, 600_002)
    assert sizes.witness == 66 + 49_999 * 1 + 50_001 * 2  # l:1 is true by an empty item
