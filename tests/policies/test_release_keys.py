"""`release_depth` and `release_quorum`: read, explained, compared, and what looks like a slip."""

import pytest

from policies.analysis.diff import compare
from policies.analysis.lint import findings
from policies.explain import render
from policies.explain_json import as_json
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.source import PolicyError
from signer.core.errors import Refusal
from signer.core.governance import Verdict
from signer.core.release import ReleaseTerms
from tests.core.releases import DEPTH, LENIENT, PolicyTerms, policy, the_vault

TEXT = PolicyTerms(quorum=2).text


def changed(old: str, new: str) -> LoadedPolicy:
    assert old in TEXT
    return load_policy(TEXT.replace(old, new).encode())


def test_what_a_vault_asks_of_releases() -> None:
    fingerprint = the_vault().fingerprint
    assert policy(quorum=2).release_terms(fingerprint) == ReleaseTerms(DEPTH, 2)
    assert LENIENT.release_terms(fingerprint) == ReleaseTerms(DEPTH, 0)


def test_a_vault_of_another_policy() -> None:
    with pytest.raises(Refusal) as caught:
        LENIENT.release_terms(bytes(32))
    assert caught.value.code == "vault-unknown"


@pytest.mark.parametrize(
    ("old", "new", "code", "there"),
    [
        ("release_quorum = 2", "release_quorum = 4", "policy-unsatisfiable", "4\n"),
        ("release_quorum = 2", "release_quorum = 0", "policy-value", "0\n"),
        ("release_quorum = 2", 'release_quorum = "2"', "policy-value", '2"'),
        ("release_quorum = 2", "release_quorums = 2", "policy-key-unknown", "release_quorums"),
    ],
)
def test_a_release_quorum_is_of_the_officers(old: str, new: str, code: str, there: str) -> None:
    with pytest.raises(PolicyError) as caught:
        changed(old, new)
    assert caught.value.code == code
    text = TEXT.replace(old, new)
    offset = text.index(there, text.index("release_quor") if there[0] != "r" else 0)
    line = text[:offset].count("\n") + 1
    assert f"line {line}, " in str(caught.value)
    assert changed(old, "release_quorum = 3").vault_entries[0].release_quorum == 3


def test_without_governance_there_are_no_officers_to_count() -> None:
    text = PolicyTerms(quorum=1, governed=False).text
    with pytest.raises(PolicyError, match="1 of 0 officers") as caught:
        load_policy(text.encode())
    assert caught.value.code == "policy-unsatisfiable"
    load_policy(text.replace("release_quorum = 1\n", "").encode())


def test_explained() -> None:
    assert f"with {DEPTH} confirmations (`coins` proves it), and 2 officers consent." in "\n".join(
        render(policy(quorum=2))
    )
    assert "(`coins` proves it)." in "\n".join(render(LENIENT))
    vaults = as_json(policy(quorum=2))["vaults"]
    assert isinstance(vaults, list)
    assert (vaults[0]["release_depth"], vaults[0]["release_quorum"]) == (DEPTH, 2)


@pytest.mark.parametrize("other", ["release_quorum = 1", "release_quorum = 3", ""])
def test_another_release_quorum_is_not_proven_tighter(other: str) -> None:
    """More officers can keep a withdrawal from being paid: nobody alone may ask for more."""
    found = compare(policy(quorum=2), changed("release_quorum = 2", other))
    assert found.verdict is Verdict.LOOSER
    assert [each.section for each in found.sections] == ["vault peg"]


def test_another_depth_is_not_proven_tighter() -> None:
    for depth in (DEPTH - 1, DEPTH + 1):
        new = changed(f"release_depth = {DEPTH}", f"release_depth = {depth}")
        assert compare(policy(quorum=2), new).verdict is Verdict.LOOSER


def rules_found(found_in: LoadedPolicy) -> list[str]:
    return [each.text for each in findings(found_in) if "release" in each.rule + each.text]


def test_lint_of_releases() -> None:
    assert rules_found(policy(quorum=2)) == []
    assert rules_found(changed("release_quorum = 2", "release_quorum = 1")) == [
        "any one of 3 officers consents to releases of vault peg"
    ]
    assert rules_found(changed(f"release_depth = {DEPTH}", "release_depth = 5")) == [
        "release_depth of vault peg is below 6 blocks"
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('"5 ZB"', "policy-literal"),
        ('"0 H"', "policy-literal"),
        ('"0.5 H"', "policy-literal"),
        ("5", "policy-value"),
    ],
)
def test_release_work_is_work(text: str, code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        changed("release_quorum = 2", f"release_work = {text}")
    assert caught.value.code == code
    entry = changed("release_quorum = 2", 'release_work = "0.5 kH"').vault_entries[0]
    assert entry.release_work == 500


def test_release_work_is_explained_and_compared() -> None:
    by_chain = policy(quorum=2, work="50 YH")
    assert by_chain.release_terms(the_vault().fingerprint) == ReleaseTerms(DEPTH, 2, 50 * 10**24)
    assert "where 50 YH lie on it as well" in "\n".join(render(by_chain))
    assert "our own chain" not in "\n".join(render(policy(quorum=2)))
    vaults = as_json(by_chain)["vaults"]
    assert isinstance(vaults, list)
    assert vaults[0]["release_work"] == "50 YH"
    for old, new, told in (
        ("", "50 YH", "our own chain's word releases now, with 50 YH on it"),
        ("50 YH", "49 YH", "release_work goes down from 50 YH to 49 YH"),
        ("50 YH", "51 YH", ""),
        ("50 YH", "", ""),
    ):
        found = compare(policy(quorum=2, work=old), policy(quorum=2, work=new))
        assert found.verdict is Verdict.LOOSER
        (section,) = found.sections
        assert section.weaker == ((told,) if told else ())


def test_release_work_needs_somebody_who_unlocks() -> None:
    text = PolicyTerms(work="5 kH", governed=False).text
    with pytest.raises(PolicyError, match="only officers") as caught:
        load_policy(text.encode())
    assert caught.value.code == "policy-unsatisfiable"
    load_policy(PolicyTerms(work="5 kH").text.encode())
