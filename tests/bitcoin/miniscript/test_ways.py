"""Ways: equal to the script's meaning for every assignment, least, in one order, within bounds."""

from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript import ways as module
from signer.bitcoin.miniscript.locks import after_met, older_met
from signer.bitcoin.miniscript.model import (
    HASHES,
    MULTISIGS,
    WRAPPERS,
    Context,
    Fragment,
    Miniscript,
    Node,
)
from signer.bitcoin.miniscript.ways import Group, Way, ways, ways_of_all

F = Fragment
TIME = 1 << 22
PREIMAGES = (b"\x01" * 32, b"\x02" * 32)
OLDER = (0, 5, 9, TIME | 3, TIME | 7)
AFTER = (0, 100, 200, 500_000_100, 500_000_200)


def script(*parts: Node | list[Node]) -> Miniscript:
    nodes = [node for part in parts for node in (part if isinstance(part, list) else [part])]
    return Miniscript(Context.P2WSH, tuple(nodes))


def pk(place: int) -> list[Node]:
    return [Node(F.PK_K, places=(place,)), Node(F.WRAP_C, arity=1)]


def two(fragment: Fragment) -> Node:
    return Node(fragment, arity=2)


def thresh(needed: int, arity: int) -> Node:
    return Node(F.THRESH, needed, arity=arity)


def older(number: int) -> Node:
    return Node(F.OLDER, number)


def signed(threshold: int, *places: int) -> tuple[Group, ...]:
    return (Group(threshold, places),)


@pytest.mark.parametrize("fragment", sorted(MULTISIGS))
def test_a_multisig_is_one_group(fragment: Fragment) -> None:
    assert ways(script(Node(fragment, 2, (0, 1, 2)))) == (Way(signed(2, 0, 1, 2), ()),)


def test_thresh_over_keys_is_one_group_beside_what_else_may_hold() -> None:
    decaying = script(pk(0), pk(1), pk(2), older(144), thresh(3, 4))
    assert ways(decaying) == (
        Way(signed(3, 0, 1, 2), ()),
        Way(signed(2, 0, 1, 2), (), older=144),
    )


def test_or_over_keys_and_and_over_keys_are_groups() -> None:
    assert ways(script(pk(0), pk(1), two(F.OR_D))) == (Way(signed(1, 0, 1), ()),)
    assert ways(script(pk(0), pk(1), two(F.AND_B))) == (Way(signed(2, 0, 1), ()),)
    both = script(Node(F.MULTI, 1, (0, 1)), pk(2), two(F.AND_V))
    assert ways(both) == (Way((Group(1, (0, 1)), Group(1, (2,))), ()),)


def test_a_recovery_with_lock_and_hash() -> None:
    recovery = [Node(F.SHA256, digest=PREIMAGES[0]), older(144), two(F.AND_V)]
    late = script(pk(0), Node(F.MULTI, 2, (1, 2)), recovery, two(F.AND_V), two(F.OR_D))
    assert ways(late) == (
        Way(signed(1, 0), ()),
        Way(signed(2, 1, 2), (PREIMAGES[0],), older=144),
    )


def test_andor_takes_both_of_the_first_two_or_the_third() -> None:
    choice = script(pk(0), older(9), pk(1), Node(F.ANDOR, arity=3))
    assert ways(choice) == (Way(signed(1, 1), ()), Way(signed(1, 0), (), older=9))


def test_a_way_that_implies_another_is_absorbed() -> None:
    """Whoever can sign as two of three with a lock can do so without it."""
    longer = [Node(F.MULTI, 3, (3, 4, 5)), older(9), two(F.AND_V)]
    shorter = [Node(F.MULTI, 3, (3, 4, 5)), older(5), two(F.AND_V)]
    assert len(ways(script(longer, pk(0), two(F.OR_I)))) == 2
    assert ways(script(longer, shorter, two(F.OR_I))) == (Way(signed(3, 3, 4, 5), (), older=5),)


def test_false_and_true() -> None:
    assert ways(script(Node(F.FALSE))) == ()
    assert ways(script(Node(F.TRUE))) == (Way((), ()),)
    assert ways(script(pk(0), Node(F.FALSE), two(F.OR_I))) == (Way(signed(1, 0), ()),)
    assert ways(script(pk(0), Node(F.TRUE), two(F.AND_V))) == (Way(signed(1, 0), ()),)
    assert ways(script(pk(0), Node(F.FALSE), thresh(2, 2))) == ()


def test_locks_of_two_units_contradict_each_other() -> None:
    for first, second in ((older(5), older(TIME | 3)), (Node(F.AFTER, 9), Node(F.AFTER, 10**9))):
        assert ways(script(first, second, two(F.AND_V))) == ()
    assert ways(script(older(5), Node(F.AFTER, 9), two(F.AND_V))) == (Way((), (), 5, 9),)


@pytest.mark.parametrize(
    ("number", "read"),
    [(65_535, 65_535), (65_536, 0), (65_541, 5), (TIME, 0), (TIME | 3, TIME | 3)],
)
def test_older_is_read_as_consensus_reads_it(number: int, read: int) -> None:
    assert ways(script(older(number))) == (Way((), (), older=read),)


def test_equal_digests_of_two_hash_functions_are_two_hashes() -> None:
    """A preimage of one is none of the other."""
    node = [Node(F.SHA256, digest=PREIMAGES[0]), Node(F.HASH256, digest=PREIMAGES[0])]
    assert ways(script(*node, two(F.AND_V))) == (Way((), PREIMAGES[:1] * 2),)
    assert len(ways(script(*node, two(F.OR_I)))) == 2


# --- against the script's meaning, by brute force ---

_LEAVES = [
    *(pk(place) for place in range(4)),
    [Node(F.PK_H, places=(4,))],
    [Node(F.MULTI, 2, (0, 1, 2))],
    *([older(number)] for number in OLDER[1:]),
    *([Node(F.AFTER, number)] for number in AFTER[1:]),
    *([Node(F.SHA256, digest=digest)] for digest in PREIMAGES),
    [Node(F.FALSE)],
    [Node(F.TRUE)],
]


def any_script(random: Random, size: int) -> Miniscript:
    """Any expression, well-typed or not, each place once."""
    fresh = iter(range(100))
    stack: list[list[Node]] = []
    for _ in range(size):
        leaf = [
            node._replace(places=tuple(next(fresh) for _ in node.places))
            for node in random.choice(_LEAVES)
        ]
        stack.append(leaf)
        while len(stack) > 1 and random.random() < 0.5:
            arity = random.randint(2, min(4, len(stack)))
            fragment = random.choice([F.AND_V, F.OR_I, F.OR_B]) if arity == 2 else F.THRESH
            if arity == 3 and random.random() < 0.5:
                fragment = F.ANDOR
            number = random.randint(1, arity) if fragment is F.THRESH else 0
            parts = [node for part in stack[-arity:] for node in part]
            del stack[-arity:]
            stack.append([*parts, Node(fragment, number, arity=arity)])
    whole = [node for part in stack for node in part]
    return script([*whole, thresh(random.randint(1, len(stack)), len(stack))])


Assignment = tuple[frozenset[int], frozenset[bytes], int, int]


def meaning(expression: Miniscript, given_: Assignment) -> bool:
    def step(node: Node, parts) -> bool:
        fragment = node.fragment
        if not parts:
            return leaf_holds(node, given_)
        if fragment in WRAPPERS:
            return parts[0]
        if fragment in (F.AND_V, F.AND_B):
            return parts[0] and parts[1]
        if fragment is F.ANDOR:
            return (parts[0] and parts[1]) or parts[2]
        return sum(parts) >= (node.number or 1)

    return expression.fold(step)


def leaf_holds(node: Node, given_: Assignment) -> bool:
    signers, hashes, sequence, locktime = given_
    if node.fragment in HASHES:
        return node.digest in hashes
    if node.fragment is F.OLDER:
        return older_met(node.number, sequence)
    if node.fragment is F.AFTER:
        return after_met(node.number, locktime)
    if node.fragment in (F.TRUE, F.FALSE):
        return node.fragment is F.TRUE
    return len(signers.intersection(node.places)) >= (node.number or 1)


def opens(way: Way, given_: Assignment) -> bool:
    signers, hashes, sequence, locktime = given_
    return (
        all(len(signers.intersection(group.places)) >= group.threshold for group in way.groups)
        and hashes.issuperset(way.hashes)
        and (way.older == 0 or older_met(way.older, sequence))
        and (way.after == 0 or after_met(way.after, locktime))
    )


def assignments(expression: Miniscript) -> list[Assignment]:
    places = expression.places
    signers = [
        frozenset(some) for size in range(len(places) + 1) for some in combinations(places, size)
    ]
    known = [frozenset(), frozenset(PREIMAGES[:1]), frozenset(PREIMAGES[1:]), frozenset(PREIMAGES)]
    return list(product(signers, known, OLDER, AFTER))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(1, 6))
def test_ways_are_the_meaning_and_least(seed: int, size: int) -> None:
    expression = any_script(Random(seed), size)
    found = ways(expression)
    opened = [set[Assignment]() for _ in found]
    for each in assignments(expression):
        by_way = [opens(way, each) for way in found]
        assert any(by_way) == meaning(expression, each), (expression, each)
        for its, yes in zip(opened, by_way, strict=True):
            if yes:
                its.add(each)
    assert not any(one <= other for one, other in combinations(opened, 2))
    assert not any(other <= one for one, other in combinations(opened, 2))
    assert list(found) == sorted(found, key=lambda way: (way.after, way.older, way.groups))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30))
def test_the_order_of_the_text_does_not_matter(seed: int) -> None:
    random = Random(seed)
    parts = [pk(place) for place in range(4)] + [[older(9)], [older(5)]]
    first = ways(script(*parts, thresh(3, 6)))
    random.shuffle(parts)
    assert ways(script(*parts, thresh(3, 6))) == first


# --- bounds ---


def test_too_many_ways_are_refused_without_being_computed() -> None:
    """15 of 30 pairs: 155 million ways."""
    pairs = [[*pk(2 * at), *pk(2 * at + 1), two(F.AND_V)] for at in range(30)]
    with pytest.raises(Malformed) as caught:
        ways(script(*pairs, thresh(15, 30)))
    assert caught.value.code == "script-too-many-ways"
    assert len(ways(script(*pairs, thresh(29, 30)))) == 30


def test_scripts_that_stand_beside_each_other_share_one_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_STEPS", 7_000)
    assert len(ways_of_all([chain(40), chain(40)])[1]) == 40
    with pytest.raises(Malformed, match="script-too-many-ways"):
        ways_of_all([chain(40), chain(40), chain(40)])


def test_a_thousand_ways_fit() -> None:
    assert len(ways(chain(1_000))) == 1_000


def chain(length: int) -> Miniscript:
    """pk or (pk and older) or ..., each with its own lock: every way is least."""
    steps = [[*pk(at), older(length - at), two(F.AND_V), two(F.OR_I)] for at in range(1, length)]
    return script(pk(0), *steps)


def test_the_number_of_ways_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAYS", 40)
    assert len(ways(chain(40))) == 40
    with pytest.raises(Malformed) as caught:
        ways(chain(41))
    assert (caught.value.code, caught.value.detail) == (
        "script-too-many-ways",
        "more than 40 ways to spend",
    )
    pairs = [pk(at) for at in range(14)]
    choices = [[*pairs[2 * at], *pairs[2 * at + 1], two(F.AND_V)] for at in range(7)]
    either = [*choices[0], *choices[1], two(F.OR_I)]
    monkeypatch.setattr(module, "MAX_WAYS", 3)
    with pytest.raises(Malformed, match="more than 3"):
        ways(script(either, [*choices[2], *choices[3], two(F.OR_I)], two(F.AND_V)))


def test_the_number_of_keys_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PLACES", 3)
    assert ways(script(Node(F.MULTI, 2, (0, 1, 2))))
    with pytest.raises(Malformed) as caught:
        ways(script(Node(F.MULTI, 2, (0, 1, 2, 3))))
    assert caught.value.code == "script-too-many-ways"


def test_deep_nesting_is_no_recursion() -> None:
    wrapped = script(pk(0), [Node(F.WRAP_N, arity=1)] * 200_000)
    assert ways(wrapped) == (Way(signed(1, 0), ()),)
    nested = script([older(1 + at % 9) for at in range(50_000)], [two(F.AND_V)] * 49_999)
    assert ways(nested) == (Way((), (), older=9),)
