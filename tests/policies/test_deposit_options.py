"""`deposit_least`, `deposit_depth`, `deposits_until`: read, explained, compared."""

import pytest

from policies.analysis.diff import compare
from policies.analysis.lint import findings
from policies.explain import render
from policies.explain_json import as_json
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.source import PolicyError
from signer.core.deposits import DepositTerms
from signer.core.errors import Refusal
from signer.core.governance import Verdict
from tests.policies.world import FEDERATION, TEXT

PLACE = "release_depth = 100\n"


def saying(line: str) -> LoadedPolicy:
    assert PLACE in TEXT
    return load_policy(TEXT.replace(PLACE, f"{PLACE}{line}\n").encode())


def terms(policy: LoadedPolicy) -> DepositTerms:
    return policy.deposit_terms(policy.vaults[0].fingerprint)


def test_what_a_vault_asks_that_states_nothing() -> None:
    magics = frozenset(each.magic for each in FEDERATION.rollups)
    assert magics
    assert terms(FEDERATION) == DepositTerms(None, 0, 6, None, magics)  # type: ignore[arg-type]


def test_what_is_stated() -> None:
    found = terms(
        saying(
            'deposit_cap = "0.1 BTC"\ndeposit_least = "2500 sat"\ndeposit_depth = 144\n'
            "deposits_until = 900000"
        )
    )
    assert (found.cap, found.least, found.depth, found.until) == (10_000_000, 2_500, 144, 900_000)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("deposit_least = 7", "policy-value"),
        ('deposit_least = "0.1"', "policy-literal"),
        ('deposit_least = "-1 sat"', "policy-literal"),
        ("deposit_depth = 0", "policy-value"),
        ("deposit_depth = 100001", "policy-value"),
        ('deposit_depth = "6 blocks"', "policy-value"),
        ("deposits_until = 0", "policy-value"),
        ("deposits_until = 500000000", "policy-value"),
        ("deposit_until = 5", "policy-key-unknown"),
        ('deposit_cap = "1 sat"\ndeposit_least = "2 sat"', "policy-value"),
    ],
)
def test_what_is_refused(line: str, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        saying(line)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "line",
    [
        'deposit_least = "0 sat"',
        "deposit_depth = 1",
        "deposit_depth = 100000",
        "deposits_until = 1",
        "deposits_until = 499999999",
        'deposit_cap = "2 sat"\ndeposit_least = "2 sat"',
    ],
)
def test_the_ends_of_what_is_taken(line: str) -> None:
    saying(line)


def test_a_vault_of_another_policy() -> None:
    with pytest.raises(Refusal) as caught:
        FEDERATION.deposit_terms(bytes(32))
    assert caught.value.code == "vault-unknown"


def test_explained() -> None:
    plain = "  A deposit is attested from 6 confirmations."
    assert plain in render(FEDERATION)
    policy = saying('deposit_least = "0.001 BTC"\ndeposit_depth = 3\ndeposits_until = 900000')
    bound = (
        "  A deposit, of at least 0.001 BTC, up to block 900000 is attested from 3 confirmations."
    )
    assert bound in render(policy)
    vaults = as_json(policy)["vaults"]
    assert isinstance(vaults, list)
    names = ("deposit_least_sat", "deposit_depth", "deposits_until")
    assert [vaults[0][name] for name in names] == [100_000, 3, 900_000]


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ('deposit_least = "5 sat"', 'deposit_least = "0 sat"'),
        ("deposit_depth = 7", "deposit_depth = 6"),
        ("deposits_until = 7", ""),
    ],
)
def test_no_change_of_them_is_proven_tighter(line: str, same: str) -> None:
    new = saying(line)
    for one, two in ((FEDERATION, new), (new, FEDERATION)):
        assert compare(one, two).verdict is Verdict.LOOSER
    assert compare(FEDERATION, saying(same)).verdict is Verdict.EQUAL


def test_a_lower_depth_is_named_as_a_weakening() -> None:
    told = compare(FEDERATION, saying("deposit_depth = 2")).lines
    assert any("deposit_depth goes down from 6 to 2" in each for each in told)
    assert not any(
        "deposit_depth" in each for each in compare(saying("deposit_depth = 2"), FEDERATION).lines
    )


@pytest.mark.parametrize(
    ("depth", "told"),
    [(5, ["deposit_depth of vault peg is below 6 blocks"]), (6, [])],
)
def test_a_depth_that_is_reorganised_away_now_and_then_is_pointed_at(
    depth: int, told: list[str]
) -> None:
    found = findings(saying(f"deposit_depth = {depth}"))
    assert [each.text for each in found if each.rule == "shallow deposit"] == told
