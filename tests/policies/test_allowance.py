"""What one kernel's policy lets leave a vault: the figure with which caps are compared."""

import pytest

from policies.analysis.allowance import Allowance, allowance
from policies.load import load_policy
from policies.loaded import Route
from signer.core.spend import Kind
from tests.policies.world import BRIDGE, NEXT, VAULT, bridge_text

BTC = 100_000_000
PAY, ANCHOR = (Route(kind, "peg", None) for kind in (Kind.WITHDRAWAL, Kind.ANCHOR))
SWEEP, ROTATE = Route(Kind.SWEEP, "peg", "peg"), Route(Kind.ROTATION, "peg", "next")
ELSEWHERE = Route(Kind.WITHDRAWAL, "next", None)
DAILY = "outflow_at_most(24h, 10 BTC)"


def allowed(*blocks: tuple[Route, str], spared: bytes = b"") -> tuple[int | None, int | None]:
    ruled = [(route, f"and(attested(2, watchers), {when})") for route, when in blocks]
    found = allowance(load_policy(bridge_text(*ruled).encode()), VAULT, spared)
    return found.per_spend, found.per_day


@pytest.mark.parametrize(
    ("when", "found"),
    [
        (DAILY, (10 * BTC, 10 * BTC)),
        ("outflow_at_most(6h, 3 BTC)", (3 * BTC, 12 * BTC)),
        ("outflow_at_most(48h, 3 BTC)", (3 * BTC, 3 * BTC)),
        (f"and(outflow_at_most(1h, 2 BTC), {DAILY})", (2 * BTC, 10 * BTC)),
        (f"and(spend_at_most(1 BTC), {DAILY})", (BTC, 10 * BTC)),
        (
            f"or(and(payment_at_most(1 BTC), {DAILY}), outflow_at_most(24h, 20 BTC))",
            (20 * BTC,) * 2,
        ),
        ("spend_at_most(1 BTC)", (BTC, None)),
        ("payment_at_most(1 BTC)", (None, None)),
    ],
)
def test_windows_bound_the_day_and_the_least_limit_the_spend(
    when: str, found: tuple[int | None, int | None]
) -> None:
    assert allowed((PAY, when)) == found


def test_a_fee_s_limit_bounds_only_what_leaves_as_a_fee() -> None:
    fee = f"and(fee_at_most(5000 sat), {DAILY})"
    assert allowed((ANCHOR, f"and(anchor_extends(), {fee})")) == (5_000, 10 * BTC)
    assert allowed((SWEEP, fee)) == (5_000, 10 * BTC)
    assert allowed((PAY, fee)) == (10 * BTC, 10 * BTC)


def test_a_rotation_leaves_unless_it_goes_to_the_successor() -> None:
    pay, move = (PAY, DAILY), (ROTATE, "outflow_at_most(24h, 100 BTC)")
    assert allowed(pay, move) == (100 * BTC, 100 * BTC)
    assert allowed(pay, move, spared=NEXT.fingerprint) == (10 * BTC, 10 * BTC)
    assert allowed(pay, move, spared=b"\x01" * 32) == (100 * BTC, 100 * BTC)
    assert allowed(pay, (SWEEP, DAILY), spared=VAULT.fingerprint) == (10 * BTC, 10 * BTC)


def test_a_vault_of_which_no_rule_speaks_and_a_way_that_nobody_can_go() -> None:
    assert allowed((ELSEWHERE, DAILY)) == (0, 0)
    dead = "or(and(payment_at_least(2 BTC), payment_at_most(1 BTC)), outflow_at_most(24h, 1 BTC))"
    assert allowed((PAY, dead)) == (BTC, BTC)


def test_the_bridge_s_rotation_may_move_all_of_it() -> None:
    """Attestors' rotation has no window: a cap holds it, unless the other vault is the successor. The sweep
    has none either, but a limit of its fee."""
    assert allowance(BRIDGE, VAULT) == Allowance(None, None)
    assert allowance(BRIDGE, VAULT, NEXT.fingerprint) == Allowance(10 * BTC, None)
