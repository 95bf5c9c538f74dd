"""What is said of a federation, against brute force over all subsets of its members."""

from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.descriptor.openings import Openings
from signer.bitcoin.descriptor.paths import SpendingPath, paths_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.ways import Group, Way
from signer.core.quorums import Federation, Moment, earliest_spends, federation

TIME = 1 << 22


def way(
    *groups: tuple[int, tuple[int, ...]], hashes: int = 0, older: int = 0, after: int = 0
) -> Way:
    digests = tuple(bytes([digest]) * 32 for digest in range(hashes))
    return Way(tuple(Group(*group) for group in groups), digests, older, after)


def of(keys: str, *leaves: tuple[Way, ...]) -> Federation:
    """Of the members with these names by place."""
    return federation(paths_of(leaves, keys), keys)


def k_of_n(k: int, n: int) -> Federation:
    return of("".join(chr(65 + at) for at in range(n)), (way((k, tuple(range(n)))),))


@pytest.mark.parametrize("n", [*range(1, 21), 100])
def test_k_of_n_is_the_formula_of_the_design(n: int) -> None:
    for k in range(1, n + 1):
        its = k_of_n(k, n)
        assert (its.threshold, its.members, its.may_be_silent) == (k, n, n - k)
        assert its.intersection == max(0, 2 * k - n)
        assert its.tolerated == max(-1, min(k - 1, 2 * k - n - 1))


@pytest.mark.parametrize(("k", "n", "f"), [(2, 3, 0), (3, 4, 1), (11, 15, 6), (2, 4, -1)])
def test_f_of_the_design(k: int, n: int, f: int) -> None:
    assert k_of_n(k, n).tolerated == f


def test_the_counterexample_names_two_quorums_that_share_nobody() -> None:
    assert k_of_n(2, 4).quorums == ((0, 1), (2, 3))
    assert k_of_n(2, 5).quorums == ((0, 1), (3, 4))
    assert k_of_n(2, 3).quorums == ((0, 1), (1, 2))


def test_a_member_in_two_places_is_one_member() -> None:
    """A stands in both groups: alone with B she opens what looks like two of two groups."""
    its = of("ABAC", (way((1, (0, 1)), (1, (2, 3))),))
    assert (its.threshold, its.members) == (1, 3)
    assert its.openings[0].members == (0,)
    assert its.quorums == ((0,), (1, 2))
    assert (its.tolerated, its.may_be_silent) == (-1, 1)


def test_a_veto_of_one_of_two_groups_counts() -> None:
    """Two of three and one of two: the pairs need not meet, the triples must."""
    its = of("ABCDE", (way((2, (0, 1, 2)), (1, (3, 4))),))
    assert (its.threshold, its.members, its.intersection, its.tolerated) == (3, 5, 1, 0)
    assert its.may_be_silent == 1


def test_preimages_are_known_to_attackers_and_lost_to_the_federation() -> None:
    two_of_three = (2, (0, 1, 2))
    with_hash = (way(two_of_three), way((1, (3,)), hashes=1))
    assert of("ABCD", (way(two_of_three),)).threshold == 2
    its = of("ABCD", with_hash)
    assert (its.threshold, its.openings[0].members, its.members) == (1, (3,), 4)
    assert its.may_be_silent == 1
    assert of("ABC", (way(two_of_three, hashes=1),)).may_be_silent == -1
    assert of("ABC", (way(two_of_three, hashes=1),)).tolerated == 0


RECOVERY = (
    way((2, (0, 1, 2))),
    way((1, (3, 4)), older=144),
    way((2, (5, 6)), after=900_000),
    way((1, (7,)), older=TIME | 100),
)
KEYS = "ABCABABB"


def test_paths_that_fewer_than_k_open() -> None:
    its = of(KEYS, RECOVERY)
    assert [each.path.name for each in its.openings] == [
        "primary",
        "recovery",
        "recovery-2",
        "recovery-3",
    ]
    assert [(each.path.older, each.path.after) for each in its.openings] == [
        (None, None),
        (144, None),
        (TIME | 100, None),
        (None, 900_000),
    ]
    assert [each.members for each in its.openings] == [(0, 1), (0,), (1,), (0, 1)]
    assert [each.path_index for each in its.weaker] == [1, 2]


def test_in_p2wsh_a_lock_opens_the_weaker_ways_too() -> None:
    """One script, one signature: whoever waits can still use the primary way."""
    strict = (way((1, (0,))), way((3, (1, 2, 3)), older=144))
    _, recovery = of("ABCD", strict).openings
    assert (recovery.path.threshold, recovery.members) == (1, (0,))
    assert recovery.path.positions == (0, 1, 2, 3)
    _, alone = of("ABCD", strict[:1], strict[1:]).openings
    assert (alone.path.threshold, alone.members) == (3, (1, 2, 3))
    assert (alone.path.positions, alone.path.leaves) == ((1, 2, 3), (1,))


def test_the_earliest_spend_of_each_minority() -> None:
    (one,) = earliest_spends(of(KEYS, RECOVERY), 850_000)
    assert one.size == 1
    assert [(moment, opening.members) for moment, opening in one.openings] == [
        (Moment(0, 0, 850_144), (0,)),
        (Moment(0, 51_200, 850_000), (1,)),
    ]
    assert earliest_spends(k_of_n(1, 1), 850_000) == ()
    assert [(each.size, each.openings) for each in earliest_spends(k_of_n(3, 4), 5)] == [
        (1, ()),
        (2, ()),
    ]


def test_the_earliest_spend_with_absolute_locks() -> None:
    three = (3, (0, 1, 2))
    late = (way(three), way((2, (0, 1, 2)), after=900_000), way((1, (0,)), after=1_900_000_000))
    one, two = earliest_spends(of("ABC", late), 850_000)
    assert [moment for moment, _ in one.openings] == [Moment(1_900_000_000, 0, 850_000)]
    assert [moment for moment, _ in two.openings] == [
        Moment(0, 0, 900_001),
        Moment(1_900_000_000, 0, 850_000),
    ]
    _, above = earliest_spends(of("ABC", late), 950_000)
    assert [moment for moment, _ in above.openings] == [Moment(0, 0, 950_000)]


def test_a_later_and_larger_minority_is_not_repeated() -> None:
    three = (3, (0, 1, 2))
    falling = (way(three), way((2, (0, 1, 2)), older=200), way((1, (0,)), older=100))
    one, two = earliest_spends(of("ABC", falling), 0)
    assert one.openings == two.openings
    assert [moment for moment, _ in one.openings] == [Moment(0, 0, 100)]


def test_what_cannot_be_enumerated_is_refused() -> None:
    """Ten members of whom no two are alike: 1,024 sets; with less room than that it is no guess."""
    chained = tuple(way((2, (at, at + 10))) for at in range(9))
    owners = (*range(10), *range(1, 10), 0)
    steps = 1_024 * (1 + 9) * (1 + 10)  # sets, groups and classes
    assert Openings(chained, owners, steps).fewest == (0, 1)
    with pytest.raises(Malformed) as caught:
        Openings(chained, owners, steps - 1)
    assert caught.value.code == "vault-too-complex"
    longer = tuple(way((2, (at, at + 1))) for at in range(30))
    with pytest.raises(Malformed) as caught:
        paths_of((longer,), range(31))
    assert caught.value.code == "vault-too-complex"


def test_combinations_of_locks_are_limited() -> None:
    def locked(number: int) -> tuple[Way, ...]:
        return tuple(way((1, (0,)), older=at) for at in range(number))

    assert [path.name for path in paths_of((locked(64),), "A")][::31] == [
        "primary",
        "recovery-31",
        "recovery-62",
    ]
    with pytest.raises(Malformed) as caught:
        paths_of((locked(65),), "A")
    assert caught.value.code == "vault-too-complex"


# --- against brute force ---


def any_ways(random: Random, places: int) -> tuple[Way, ...]:
    found = []
    for _ in range(random.randint(1, 4)):
        rest = random.sample(range(places), random.randint(1, places))
        groups = []
        while rest:
            size = random.randint(1, len(rest))
            some, rest = tuple(sorted(rest[:size])), rest[size:]
            groups.append((random.randint(1, size), some))
        found.append(way(*groups, hashes=random.choice([0, 0, 1])))
    return tuple(found)


def brute(ways: tuple[Way, ...], keys: list[int]) -> list[frozenset[int]]:
    """Every set of members that opens."""
    members = sorted(set(keys))
    everyone = [
        frozenset(some) for size in range(len(members) + 1) for some in combinations(members, size)
    ]
    return [
        some
        for some in everyone
        if any(
            all(
                sum(keys[place] in some for place in group.places) >= group.threshold
                for group in each.groups
            )
            for each in ways
        )
    ]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(1, 7), st.integers(1, 5))
def test_all_is_what_brute_force_finds(seed: int, places: int, members: int) -> None:
    random = Random(seed)
    ways = any_ways(random, places)
    keys = [random.randrange(members) for _ in range(places)]
    keys = [sorted(set(keys), key=keys.index).index(key) for key in keys]  # as they appear
    its = federation(paths_of((ways,), keys), keys)
    opening = brute(ways, keys)
    assert its.threshold == min(map(len, opening))
    assert frozenset(its.openings[0].members) in opening
    assert its.intersection == min(len(one & other) for one, other in product(opening, opening))
    assert all(frozenset(quorum) in opening for quorum in its.quorums)
    assert not any(
        frozenset(quorum) - {member} in opening for quorum in its.quorums for member in quorum
    )
    standing = {keys[place] for each in ways for group in each.groups for place in group.places}
    assert its.members == len(standing)
    without = tuple(each for each in ways if not each.hashes)
    assert its.may_be_silent == silent(without, keys)


def silent(ways: tuple[Way, ...], keys: list[int]) -> int:
    if not ways:
        return -1
    opening = set(brute(ways, keys))
    standing = {keys[place] for each in ways for group in each.groups for place in group.places}
    return max(
        size
        for size in range(len(standing) + 1)
        if all(frozenset(standing) - set(some) in opening for some in combinations(standing, size))
    )


def test_paths_are_told_apart_by_locks_only() -> None:
    paths = paths_of((RECOVERY[:2], RECOVERY[1:3]), KEYS)
    assert [(path.name, path.leaves, len(path.ways)) for path in paths] == [
        ("primary", (0,), 1),
        ("recovery", (0, 1), 3),
        ("recovery-2", (1,), 1),
    ]
    assert isinstance(paths[0], SpendingPath)
