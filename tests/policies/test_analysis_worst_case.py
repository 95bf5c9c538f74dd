"""The worst case: who can go which way, what bounds it, and what is shouted."""

from dataclasses import replace

import pytest

from policies.analysis.adversary import Adversary, Demand, Keyrings, Share, adversaries
from policies.analysis.worst_case import HORIZONS, MAX_REASONS, Loss, VaultCase, worst_case
from policies.analysis.worst_case_text import as_json, render
from policies.load import load_policy
from policies.loaded import Route
from signer.core.spend import Kind
from tests.policies.world import BRIDGE_TEXT, bridge_text

BTC = 100_000_000
CLIENT = Adversary(client=True)
WATCHER = Adversary(attestors=Share.ONE)
WATCHERS = Adversary(attestors=Share.QUORUM)
OFFICER = Adversary(officers=Share.ONE)
OFFICERS = Adversary(officers=Share.QUORUM)
PAY, ANCHOR = (Route(kind, "peg", None) for kind in (Kind.WITHDRAWAL, Kind.ANCHOR))
SWEEP, ROTATE = Route(Kind.SWEEP, "peg", "peg"), Route(Kind.ROTATION, "peg", "next")
DAILY = "outflow_at_most(24h, 10 BTC)"
OFFICER_KEYS = (
    "d6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d",
    "4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766",
    "531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337",
)
GROUP = "officers = [" + ", ".join(f'"{key}"' for key in OFFICER_KEYS) + "]\n"
GOVERNANCE = """
[governance]
officers = "officers"
quorum = 2
delay = "48h"
confirm_within = "24h"
"""


def text(*blocks: tuple[Route, str]) -> str:
    return bridge_text(*blocks).replace("[groups]\n", f"[groups]\n{GROUP}", 1)


def case(*blocks: tuple[Route, str], more: str = "") -> VaultCase:
    """Of vault peg, 2 of 3, with exact clocks."""
    loaded = load_policy((text(*blocks) + more).encode())
    return worst_case(loaded, 0).vaults[0]


def loss(of: VaultCase, adversary: Adversary) -> Loss:
    return next(each for each in of.losses if each.adversary == adversary)


def within(of: VaultCase, adversary: Adversary) -> tuple[int | None, ...]:
    return loss(of, adversary).within


NOTHING = (0, 0, 0)
TEN_A_DAY = (15 * BTC, 15 * BTC, 105 * BTC)
"""Of each of three kernels, two of which sign: half as much again."""
UNBOUNDED = (None, None, None)


def test_a_quorum_of_attestors_takes_the_window_and_a_client_its_fees() -> None:
    of = case((PAY, f"and(attested(2, watchers), {DAILY})"))
    assert within(of, WATCHERS) == within(of, CLIENT) == TEN_A_DAY
    assert loss(of, CLIENT).fees_only
    assert not loss(of, WATCHERS).fees_only
    assert within(of, WATCHER) == within(of, OFFICERS) == NOTHING


def test_one_attestor_is_a_quorum_where_one_is_asked() -> None:
    of = case((PAY, f"and(attested(1, watchers), {DAILY})"))
    assert within(of, WATCHER) == TEN_A_DAY
    assert not loss(of, WATCHER).fees_only


def test_without_a_window_it_is_unbounded() -> None:
    """Twin: the same way with one."""
    of = case((PAY, "and(attested(2, watchers), payment_at_most(1 BTC), count_at_most(24h, 1))"))
    assert within(of, CLIENT) == within(of, WATCHERS) == UNBOUNDED
    assert loss(of, WATCHERS).unattended is None
    assert loss(of, WATCHERS).is_unbounded
    assert not loss(of, WATCHER).is_unbounded
    (reason,) = loss(of, WATCHERS).unbounded_by
    assert reason.startswith("no window in withdrawal from peg: attested(2, watchers), count_at")


def test_of_many_ways_without_a_window_some_are_named() -> None:
    caps = ", ".join(
        f"and(fee_at_most({each} sat), payment_at_most({100_000 - each} sat))"
        for each in range(1, MAX_REASONS + 3)
    )
    of = case((PAY, f"and(attested(2, watchers), or({caps}))"))
    reasons = loss(of, CLIENT).unbounded_by
    assert len(reasons) == MAX_REASONS + 1
    assert reasons[-1] == "no window in 2 more"


def test_officers_who_are_honest_are_waited_for() -> None:
    """Compromised attestors go the way that asks no officer; the dearer one once officers are theirs."""
    of = case(
        (PAY, f"and(attested(2, watchers), {DAILY})"),
        (PAY, "and(attested(2, watchers), approved(2, officers), outflow_at_most(24h, 100 BTC))"),
    )
    both = WATCHERS._replace(officers=Share.QUORUM)
    assert within(of, WATCHERS) == TEN_A_DAY
    assert within(of, both)[1] == 150 * BTC
    assert within(of, CLIENT)[1] == 150 * BTC
    assert loss(of, CLIENT).unattended == 15 * BTC
    assert loss(of, both).unattended == 150 * BTC
    assert within(of, WATCHERS._replace(officers=Share.ONE)) == TEN_A_DAY


def test_sweeps_and_rotations_are_lost_to_those_whose_word_is_theirs() -> None:
    """Honest words are for one transaction and its fee: a client loses nothing more."""
    of = case(
        (SWEEP, f"and(attested(2, watchers), {DAILY})"),
        (ROTATE, "and(approved(2, officers), outflow_at_most(24h, 100 BTC))"),
    )
    assert within(of, CLIENT) == NOTHING
    assert within(of, WATCHERS) == TEN_A_DAY
    assert loss(of, WATCHERS).fees_only
    assert within(of, OFFICERS)[1] == 150 * BTC
    assert not loss(of, OFFICERS).fees_only
    assert loss(of, OFFICERS).moves_to == ("next",)
    assert loss(of, WATCHERS).moves_to == ()
    assert within(of, OFFICER) == NOTHING


def test_lines_say_when_moves_are_counted() -> None:
    when = "and(approved(2, officers), outflow_at_most(24h, 100 BTC))"
    lines = render(worst_case(load_policy(text((ROTATE, when)).encode()), 0))
    row = next(line for line in lines if line.startswith("  a quorum of officers  "))
    assert row.endswith("no end: 150 BTC each 24h  moves to next count in full")


def test_anchors_lose_fees_only() -> None:
    of = case((ANCHOR, f"and(attested(2, watchers), {DAILY})"))
    for adversary in (CLIENT, WATCHERS):
        assert within(of, adversary) == TEN_A_DAY
        assert loss(of, adversary).fees_only


def test_clocks_that_err_fit_more_windows() -> None:
    loaded = load_policy(text((PAY, f"and(attested(2, watchers), {DAILY})")).encode())
    of = worst_case(loaded, 120).vaults[0]
    assert within(of, WATCHERS) == TEN_A_DAY
    assert within(of, WATCHERS._replace(clock=True)) == (15 * BTC, 30 * BTC, 120 * BTC)
    assert within(of, Adversary(clock=True)) == NOTHING


def test_compromised_officers_replace_the_policy_after_its_delay() -> None:
    """Twin: without [governance] there is nothing that they could do."""
    blocks = (PAY, f"and(attested(2, watchers), {DAILY})")
    governed = case(blocks, more=GOVERNANCE)
    assert within(governed, OFFICERS) == (0, 0, None)
    assert loss(governed, OFFICERS).unattended is None
    assert not loss(governed, OFFICERS).fees_only
    reason = "compromised officers replace this policy 2d after they propose it"
    assert loss(governed, OFFICERS).unbounded_by == (reason,)
    assert within(governed, OFFICER) == NOTHING
    assert within(case(blocks), OFFICERS) == NOTHING


def test_kernels_that_open_a_path_alone_ask_no_policy() -> None:
    """Four of five sign, f = 2; a year later one member moves everything. Twin: three of them do."""
    keys = [line.split('"')[1] for line in BRIDGE_TEXT.splitlines() if line.startswith('  "[')][:5]
    for needed, bypassed in ((1, True), (3, False)):
        template = (
            "wsh(or_d(multi(4,@0/**,@1/**,@2/**,@3/**,@4/**),and_v(v:older(50000),"
            f"multi({needed},@0/<2;3>/*,@1/<2;3>/*,@2/<2;3>/*,@3/<2;3>/*,@4/<2;3>/*))))"
        )
        body = text((PAY, f"and(attested(2, watchers), {DAILY})"))
        start, end = body.index("[vaults.peg]"), body.index("[rollups.main]")
        whole = body[:start] + _vault_with(template, keys) + body[end:]
        of = worst_case(load_policy(whole.encode()), 0).vaults[0]
        assert (of.threshold, of.members, of.tolerated) == (4, 5, 2)
        kernels = Adversary(kernels=True)
        assert within(of, kernels) == (UNBOUNDED if bypassed else NOTHING)
        assert within(of, WATCHERS._replace(kernels=True))[1] == (None if bypassed else 15 * BTC)
        assert within(of, WATCHERS)[1] == 125 * BTC // 10
        if bypassed:
            (reason,) = loss(of, kernels).unbounded_by
            assert reason.startswith("f = 2 kernels open path recovery by themselves, 50000 blocks")


def _vault_with(template: str, keys: list[str]) -> str:
    listed = ", ".join(f'"{key}"' for key in keys)
    return (
        f'[vaults.peg]\ntemplate = "{template}"\nkeys = [{listed}]\n'
        'coins = "attested(2, watchers)"\nweaker_after = 50000\n\n'
    )


def test_a_recovery_path_takes_fewer_signatures() -> None:
    """Three kernels each fill their window, and one signature moves coins by the recovery path of `next`."""
    route = Route(Kind.SWEEP, "next", "next")
    by_any = load_policy(text((route, f"and(attested(2, watchers), {DAILY})")).encode())
    primary = f"and(attested(2, watchers), path(primary), {DAILY})"
    by_two = load_policy(text((route, primary)).encode())
    assert within(worst_case(by_any, 0).vaults[1], WATCHERS)[1] == 30 * BTC
    assert within(worst_case(by_two, 0).vaults[1], WATCHERS)[1] == 15 * BTC


def test_after_expiry_the_fallback_has_figures_of_its_own() -> None:
    expiring = text((PAY, f"and(attested(2, watchers), {DAILY})")).replace(
        'network = "regtest"', 'network = "regtest"\nexpires = "2027-01-31T00:00:00Z"', 1
    )
    found = worst_case(load_policy((expiring + GOVERNANCE).encode()), 0)
    later = found.after_expiry[0]
    assert within(later, WATCHERS) == within(later, CLIENT) == NOTHING
    assert within(later, OFFICERS) == UNBOUNDED
    assert within(found.vaults[0], WATCHERS) == TEN_A_DAY
    assert "After `expires`, by the fallback alone." in render(found)


def test_shown_are_single_parties_and_sets_that_lose_more_than_their_parts() -> None:
    of = case((PAY, f"and(attested(2, watchers), approved(1, officers), {DAILY})"))
    names = [" + ".join(each.adversary.parties) for each in of.telling]
    assert names == [
        "any client",
        "one attestor",
        "a quorum of attestors",
        "one officer",
        "a quorum of officers",
        "f kernels",
        "the clock",
        "any client + one officer",
        "a quorum of attestors + one officer",
    ]


def test_lines_shout_and_json_has_every_set() -> None:
    loaded = load_policy(
        text(
            (PAY, "attested(2, watchers)"), (ANCHOR, f"and(attested(2, watchers), {DAILY})")
        ).encode()
    )
    found = worst_case(loaded, 120)
    lines = render(found)
    row = next(line for line in lines if line.startswith("  a quorum of attestors  "))
    assert row.count("UNBOUNDED") == 4
    assert any(line.startswith("  UNBOUNDED: no window in withdrawal") for line in lines)
    members = as_json(found)
    vaults = members["vaults"]
    assert isinstance(vaults, list)
    first = vaults[0]
    assert len(first["sets"]) == len(adversaries()) == 71
    by_parties = {tuple(each["compromised"]): each for each in first["sets"]}
    assert by_parties["any client",]["unbounded"]
    assert by_parties["any client",]["within_sat"] == {"1h": None, "24h": None, "7d": None}
    assert by_parties["one attestor",]["at_once_if_hoarded_sat"] == {"1h": 0, "24h": 0, "7d": 0}
    assert {each["row"] for each in first["sets"]} == {"shown", "implied"}
    assert members["horizons_seconds"] == list(HORIZONS)
    assert members["after_expiry"] == []


def test_lines_of_a_bounded_policy_name_rates() -> None:
    lines = render(
        worst_case(load_policy(text((PAY, f"and(attested(2, watchers), {DAILY})")).encode()), 0)
    )
    (row,) = [line for line in lines if line.startswith("  any client  ") and "15 BTC" in line]
    assert " ".join(row.split()[2:]) == "15 BTC 15 BTC 105 BTC no end: 15 BTC each 24h fees"
    assert not any("UNBOUNDED" in line for line in lines)


A, B, C = (bytes((each,)) * 32 for each in (1, 2, 3))


@pytest.mark.parametrize(
    ("demands", "adversary", "met"),
    [
        ([(1, {A})], WATCHER, True),
        ([(1, {A, B})], WATCHER, True),
        ([(2, {A, B})], WATCHER, False),
        ([(2, {A, B})], WATCHERS, True),
        ([(1, {A}), (1, {B})], WATCHER, False),
        ([(1, {A, C}), (1, {B, A})], WATCHER, True),
        ([(1, {C})], WATCHER, False),
        ([(1, {C})], OFFICER, True),
        ([(1, {A}), (1, {C})], WATCHER._replace(officers=Share.ONE), True),
        ([(2, {A, C})], WATCHER._replace(officers=Share.ONE), True),
        ([(3, {A, B, C})], WATCHER._replace(officers=Share.ONE), False),
        ([(3, {A, B, C})], WATCHERS._replace(officers=Share.ONE), True),
        ([], Adversary(), True),
        ([(1, {A})], CLIENT, False),
    ],
)
def test_whose_keys_meet_what(
    demands: list[tuple[int, set[bytes]]], adversary: Adversary, met: bool
) -> None:
    keys = Keyrings(frozenset((A, B)), frozenset((C,)))
    asked = frozenset(Demand(needed, frozenset(each)) for needed, each in demands)
    assert keys.meet(asked, adversary) is met
    assert keys.meet(asked, adversary) is met


def test_one_of_nobody_has_no_word() -> None:
    keys = Keyrings(frozenset(), frozenset((C,)))
    both = Adversary(attestors=Share.ONE, officers=Share.ONE)
    assert keys.meet(frozenset((Demand(1, frozenset((C,))),)), both)
    assert not keys.meet(frozenset((Demand(1, frozenset((A,))),)), both)


def test_each_set_has_its_smaller_ones() -> None:
    every = set(adversaries())
    largest = Adversary(True, Share.QUORUM, Share.QUORUM, kernels=True, clock=True)
    for each in every:
        for weaker in each.weaker():
            assert weaker in every or not weaker.parties
    assert len(list(largest.weaker())) == 5
    assert not list(Adversary().weaker())


def test_a_loss_exceeds_in_any_figure() -> None:
    one = Loss(CLIENT, (1, 2, 3), 1, fees_only=True, unbounded_by=())
    assert not one.exceeds(one)
    assert replace(one, within=(1, 2, 4)).exceeds(one)
    assert replace(one, within=(1, 2, None)).exceeds(one)
    assert not one.exceeds(replace(one, within=(1, 2, None)))
    assert replace(one, unattended=None).exceeds(one)
    assert replace(one, fees_only=False).exceeds(one)
