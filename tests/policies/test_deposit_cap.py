"""`deposit_cap`: read, explained, compared; what it bounds is a deposit that the kernel would construct."""

import pytest

from policies.analysis.diff import compare
from policies.analysis.report import html, report_of
from policies.explain import render
from policies.explain_json import as_json
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.source import PolicyError
from signer.core.errors import Refusal
from signer.core.governance import Verdict
from tests.policies.world import FEDERATION, TEXT

PLACE = "release_depth = 100\n"


def capped(value: str) -> LoadedPolicy:
    assert PLACE in TEXT
    return load_policy(TEXT.replace(PLACE, f"{PLACE}deposit_cap = {value}\n").encode())


@pytest.mark.parametrize(
    ("value", "sats"),
    [
        ('"0.1 BTC"', 10_000_000),
        ('"2500 sat"', 2_500),
        ('"0 sat"', 0),
        ('"21000000 BTC"', 21 * 10**14),
    ],
)
def test_it_is_an_amount(value: str, sats: int) -> None:
    policy = capped(value)
    assert policy.deposit_terms(policy.vaults[0].fingerprint).cap == sats
    assert FEDERATION.deposit_terms(FEDERATION.vaults[0].fingerprint).cap is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('"0.1"', "policy-literal"),
        ('"0.1BTC"', "policy-literal"),
        ('"0.000000001 BTC"', "policy-literal"),
        ('"2500.5 sat"', "policy-literal"),
        ('"21000001 BTC"', "policy-literal"),
        ('"-1 sat"', "policy-literal"),
        ("7", "policy-value"),
    ],
)
def test_what_is_no_amount_is_refused(value: str, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        capped(value)
    assert caught.value.code == code
    assert capped('"1 sat"').vault_entries[0].deposit_cap == 1


def test_a_vault_of_another_policy() -> None:
    with pytest.raises(Refusal) as caught:
        FEDERATION.deposit_terms(bytes(32))
    assert caught.value.code == "vault-unknown"


def test_explained_and_reported() -> None:
    line = "It rehearses: a deposit is at most 0.1 BTC."
    policy = capped('"0.1 BTC"')
    assert f"  {line}" in render(policy)
    assert line in html(report_of(policy, None, 0))
    for shown in ("\n".join(render(FEDERATION)), html(report_of(FEDERATION, None, 0))):
        assert "rehearses" not in shown
    for loaded, sats in ((policy, 10_000_000), (FEDERATION, None)):
        vaults = as_json(loaded)["vaults"]
        assert isinstance(vaults, list)
        assert vaults[0]["deposit_cap_sat"] == sats


@pytest.mark.parametrize("other", ['"0.2 BTC"', '"0.05 BTC"', ""])
def test_no_change_of_it_is_proven_tighter(other: str) -> None:
    """As of everything in a vault's table: one officer alone can neither lift it nor set it."""
    old = capped('"0.1 BTC"')
    new = capped(other) if other else FEDERATION
    for one, two in ((old, new), (new, old)):
        assert compare(one, two).verdict is Verdict.LOOSER
    assert compare(old, capped('"10000000 sat"')).verdict is Verdict.EQUAL
