"""Spending paths of vaults: named by locks, with every way that a signature for them may serve."""

import pytest

from signer.bitcoin.descriptor import (
    Descriptor,
    federation_keys,
    key_places,
    parse_template,
    spending_paths,
)
from signer.bitcoin.descriptor.paths import SpendingPath, paths_of
from signer.bitcoin.miniscript.ways import Group, Way
from signer.bitcoin.network import REGTEST
from tests.bitcoin.refused import refused
from tests.bitcoin.taproot_vaults import MEMBERS, UNSPENDABLE

PRIMARY = "multi({},@0/**,@1/**,@2/**)"
DELAYED = f"wsh(or_d({PRIMARY},and_v(v:older({{}}),multi(1,@0/<2;3>/*,@1/<2;3>/*))))"
TIME = 1 << 22


def of(template: str, members: int = 3) -> Descriptor:
    keys = tuple(member.key_text for member in MEMBERS[:members])
    internal = (UNSPENDABLE,) if template.startswith("tr(") else ()
    return parse_template(template, internal + keys, REGTEST)


def test_a_plain_multisig_has_one_path() -> None:
    (only,) = spending_paths(of("wsh(sortedmulti(2,@0/**,@1/**,@2/**))"))
    group = Group(2, (0, 1, 2))
    assert only == SpendingPath("primary", (Way((group,), ()),), 2, (0, 1, 2), None, None, ())
    assert only.locks_text == "at once"


def test_a_p2wsh_recovery_has_the_primary_ways_too() -> None:
    primary, recovery = spending_paths(of(DELAYED.format(2, 144)))
    assert (primary.threshold, primary.positions, primary.older) == (2, (0, 1, 2), None)
    assert (recovery.name, recovery.threshold, recovery.older) == ("recovery", 1, 144)
    assert recovery.positions == (0, 1, 2, 3, 4)
    assert [way.older for way in recovery.ways] == [0, 144]
    assert (primary.leaves, recovery.leaves) == ((), ())


def test_a_taproot_path_has_its_leaves_only() -> None:
    tree = (
        "tr(@0/**,{{multi_a(2,@1/**,@2/**,@3/**),and_v(v:older(144),pk(@1/<2;3>/*))},"
        "{pk(@2/<4;5>/*),or_d(pk(@3/<2;3>/*),and_v(v:pk(@1/<4;5>/*),older(144)))}})"
    )
    primary, recovery = spending_paths(of(tree))
    assert (primary.leaves, primary.threshold, primary.positions) == ((0, 2, 3), 1, (0, 1, 2, 4, 5))
    assert (recovery.leaves, recovery.older) == ((1, 3), 144)
    assert recovery.positions == (3, 5, 6)


def test_paths_are_ordered_by_locktime_then_by_sequence() -> None:
    late = "and_v(v:after({}),pk(@{}/<{};{}>/*))"
    old = "and_v(v:older({}),pk(@{}/<{};{}>/*))"
    leaves = [
        late.format(500_000_001, 1, 2, 3),
        old.format(TIME | 9, 1, 4, 5),
        old.format(10, 1, 6, 7),
        "multi_a(2,@1/**,@2/**)",
        late.format(900_000, 1, 8, 9),
        f"and_v(v:after(900000),{old.format(9, 2, 2, 3)})",
    ]
    tree = "{" + ",{".join(leaves[:-1]) + "," + leaves[-1] + "}" * (len(leaves) - 1)
    paths = spending_paths(of(f"tr(@0/**,{tree})", 2))
    assert [(path.name, path.after, path.older, path.leaves) for path in paths] == [
        ("primary", None, None, (3,)),
        ("recovery", None, 10, (2,)),
        ("recovery-2", None, TIME | 9, (1,)),
        ("recovery-3", 900_000, None, (4,)),
        ("recovery-4", 900_000, 9, (5,)),
        ("recovery-5", 500_000_001, None, (0,)),
    ]
    assert [path.is_locked for path in paths] == [False, *[True] * 5]
    assert [path.locks_text for path in paths] == [
        "at once",
        "10 blocks after the coin",
        "4608 seconds after the coin",
        "after block 900000",
        "9 blocks after the coin and after block 900000",
        "after Unix time 500000001",
    ]


def test_a_vault_can_be_spent_from_at_once() -> None:
    locked = "wsh(and_v(v:older({}),multi(2,@0/**,@1/**,@2/**)))"
    with refused("descriptor-without-primary"):
        spending_paths(of(locked.format(9)))
    assert spending_paths(of("wsh(and_v(v:pk(@0/**),multi(1,@1/**,@2/**)))"))
    assert paths_of(((),), "") == ()


def test_too_many_ways_are_refused() -> None:
    """13 of 14 pairs are 14 ways; 7 of 14 are 3,432."""
    pair = "and_b(pk(@0/<{0};{1}>/*),s:pk(@1/<{0};{1}>/*))"
    pairs = [pair.format(2 * at, 2 * at + 1) for at in range(14)]
    some = "wsh(thresh({},{}))".format
    few = of(some(13, ",a:".join(pairs)), 2)
    assert len(spending_paths(few)[0].ways) == 14
    with refused("script-too-many-ways"):
        spending_paths(of(some(7, ",a:".join(pairs)), 2))


def test_keys_by_place_and_members_once() -> None:
    descriptor = of(DELAYED.format(2, 144))
    assert len(key_places(descriptor)) == 5
    assert federation_keys(descriptor) == key_places(descriptor)[:3]


@pytest.mark.parametrize(("threshold", "fewest"), [(2, 2), (3, 3)])
def test_the_threshold_counts_members(threshold: int, fewest: int) -> None:
    assert spending_paths(of(DELAYED.format(threshold, 9)))[0].threshold == fewest
    both = "wsh(and_v(v:pk(@0/**),or_d(pk(@0/<2;3>/*),pk(@1/**))))"
    assert spending_paths(of(both, 2))[0].threshold == 1
