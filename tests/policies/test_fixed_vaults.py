"""Policies with keys in tokens: what is read, what is refused where, what people are told."""

import pytest

from policies.analysis.report import html, report_of
from policies.explain import render
from policies.load import load_policy
from policies.source import PolicyError
from signer.bitcoin.address import address_of
from signer.cli.vault import core_requests
from signer.core.vault import CHANGE
from tests.bitcoin.test_fixed_keys import FIXED
from tests.policies.world import TEXT

RANGED = "@0/**,@1/**,@2/**"
ADDRESSES = "Addresses and change reach 1000 above the highest index seen."
ONE_ADDRESS = "One address, for deposits and change alike: its keys have no children."


def with_tokens(count: int, places: str) -> bytes:
    """The small federation; its first members' keys are in tokens."""
    lines = TEXT.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith('  "['))
    lines[first : first + count] = [f'  "{key}",' for key in FIXED[:count]]
    return "\n".join(lines).replace(RANGED, places).encode()


def test_a_vault_of_tokens_has_one_address() -> None:
    policy = load_policy(with_tokens(3, "@0,@1,@2"))
    (vault,) = policy.vaults
    told = "\n".join(render(policy))
    assert ONE_ADDRESS in told
    assert ADDRESSES not in told
    shown = html(report_of(policy, None, 60))
    assert ONE_ADDRESS in shown
    assert address_of(vault.script(0, 0).script_pubkey, vault.network) in shown
    (request,) = core_requests(vault, 0)
    assert (request["internal"], "range" in request) == (False, False)
    assert str(request["desc"]).startswith(vault.text)


def test_a_vault_with_one_token_is_a_vault_like_any_other() -> None:
    policy = load_policy(with_tokens(1, "@0,@1/**,@2/**"))
    (vault,) = policy.vaults
    told = "\n".join(render(policy))
    assert ADDRESSES in told
    assert f"@0 {FIXED[0]}" in told
    shown = html(report_of(policy, None, 60))
    assert address_of(vault.script(CHANGE, 0).script_pubkey, vault.network) in shown
    assert [each["internal"] for each in core_requests(vault, 0)] == [False, True]


@pytest.mark.parametrize(
    ("places", "code"),
    [
        (RANGED, "descriptor-placeholder"),
        ("@0,@0,@1/**,@2/**", "descriptor-fixed-repeated"),
        ("@0,@1,@2/**", "descriptor-placeholder"),
    ],
)
def test_templates_that_do_not_fit(places: str, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(with_tokens(1, places))
    assert caught.value.code == code
    assert load_policy(with_tokens(1, "@0,@1/**,@2/**")).vaults
