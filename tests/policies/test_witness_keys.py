"""`witnesses` and `witness_quorum`: what is told of them, what changes them, and what looks like a slip."""

import pytest

from policies.analysis import diff_text, worst_case_text
from policies.analysis.diff import compare
from policies.analysis.lint import findings
from policies.analysis.report import html, report_json, report_lines, report_of
from policies.analysis.worst_case import worst_case
from policies.explain import render
from policies.explain_json import as_json
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from policies.source import PolicyError
from signer.core.governance import Verdict
from tests.policies.world import EXAMPLES, FEDERATION

WITNESSED = (EXAMPLES / "witnessed.toml").read_text().partition("\n# What is meant.")[0]
TWO_OF_FOUR = load_policy(WITNESSED.encode())
KEYS = [key.hex() for key in TWO_OF_FOUR.vaults[0].witnesses.log_keys]
QUORUM, RELEASE, DEPTH = "witness_quorum = 3", "release_quorum = 2", "release_depth = 100"
STRANGER = "19" * 32


def changed(*changes: tuple[str, str]) -> LoadedPolicy:
    text = WITNESSED
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_policy(text.encode())


def unwitnessed() -> LoadedPolicy:
    """Three of four sign: then no witnesses are needed to register."""
    start, end = WITNESSED.index("witnesses = ["), WITNESSED.index(DEPTH)
    return load_policy(
        (WITNESSED[:start] + WITNESSED[end:]).replace("multi(2,", "multi(3,").encode()
    )


def test_the_example_is_two_of_four_with_three_witnesses() -> None:
    (vault,) = TWO_OF_FOUR.vaults
    assert (vault.threshold, vault.members, vault.witnesses.quorum) == (2, 4, 3)
    assert (vault.tolerated, vault.may_be_silent, vault.importers) == (1, 1, 3)
    with pytest.raises(PolicyError) as caught:
        changed((QUORUM, "witness_quorum = 2"))
    assert caught.value.code == "vault-quorums-disjoint"


@pytest.mark.parametrize(
    ("find", "put", "code"),
    [
        (KEYS[0], KEYS[0].upper(), "policy-value"),
        (KEYS[0], KEYS[0][:-2], "policy-value"),
        (KEYS[0], KEYS[1], "vault-witnesses-unlike-members"),
        (f'  "{KEYS[0]}",\n', "", "vault-witnesses-unlike-members"),
        (QUORUM, "witness_quorum = 0", "policy-value"),
        (QUORUM, "witness_quorum = 1", "vault-witness-quorum-out-of-range"),
        (QUORUM, "witness_quorum = 5", "vault-witness-quorum-out-of-range"),
        (QUORUM, "witness_quorum = 4", ""),
    ],
)
def test_what_witnesses_a_vault_may_have(find: str, put: str, code: str) -> None:
    if not code:
        assert changed((find, put)).vaults[0].witnesses.quorum == 4
        return
    with pytest.raises(PolicyError) as caught:
        changed((find, put))
    assert caught.value.code == code


def test_a_quorum_of_nobody() -> None:
    start, end = WITNESSED.index("witnesses = ["), WITNESSED.index(QUORUM)
    text = (WITNESSED[:start] + WITNESSED[end:]).replace("multi(2,", "multi(3,")
    with pytest.raises(PolicyError, match="a quorum of witnesses, and no witnesses") as caught:
        load_policy(text.encode())
    assert caught.value.code == "policy-value"
    assert load_policy(text.replace(QUORUM, "").encode()).vaults[0].witnesses.quorum == 0


def test_explained_with_witnesses() -> None:
    lines = [line.strip() for line in render(TWO_OF_FOUR)]
    at = lines.index("While more than 1 are silent nothing new is signed.")
    assert lines[at + 1 : at + 7] == [
        "A kernel that starts waits for 3 of the 3 others; until then it neither grants nor signs.",
        "Witnesses: 3 of the 4 members' kernels grant each entry before it is signed. Their log keys:",
        *KEYS,
    ]
    assert "2 of 4 members sign withdrawals and anchors; any 1 may be silent." in lines
    vaults = as_json(TWO_OF_FOUR)["vaults"]
    assert isinstance(vaults, list)
    told = vaults[0]
    assert (told["witnesses"], told["witness_quorum"]) == (KEYS, 3)
    assert (told["tolerated"], told["may_be_silent"], told["start_needs"]) == (1, 1, 3)


def test_explained_without_witnesses() -> None:
    none = (
        "Witnesses: none. A member that is restored from an old copy can contradict what it signed."
    )
    lines = [line.strip() for line in render(unwitnessed())]
    assert none in lines
    assert not any("log keys" in line for line in lines)
    vaults = as_json(unwitnessed())["vaults"]
    assert isinstance(vaults, list)
    told = vaults[0]
    assert (told["witnesses"], told["witness_quorum"], told["start_needs"]) == ([], 0, 0)
    assert (told["tolerated"], told["may_be_silent"]) == (1, 1)


def test_worst_cases_count_from_the_witnesses_f() -> None:
    said = "2 of 4 members sign, 3 grant each entry, f = 1, any 1 may be silent"
    case = worst_case(TWO_OF_FOUR, 120)
    assert f"Vault peg: {said}" in worst_case_text.render(case)
    (vault,) = case.vaults
    assert (vault.witness_quorum, vault.may_be_silent, vault.tolerated) == (3, 1, 1)
    without = worst_case(unwitnessed(), 120)
    plain = "Vault peg: 3 of 4 members sign, f = 1, any 1 may be silent"
    assert plain in worst_case_text.render(without)
    told = worst_case_text.as_json(case)["vaults"]
    assert isinstance(told, list)
    assert (told[0]["witness_quorum"], told[0]["may_be_silent"]) == (3, 1)


def test_the_report_says_the_same() -> None:
    report = report_of(TWO_OF_FOUR, unwitnessed(), 120)
    page = html(report)
    assert all(key in page for key in KEYS)
    assert "<dd>2 of 4; any 1 may be silent</dd>" in page
    assert "3 grant each entry, f = 1, any 1 may be silent" in page
    assert "While more than 1 are silent nothing new is signed." in page
    lines = "\n".join(report_lines(report))
    assert "While more than 1 are silent nothing new is signed." in lines
    assert "3 grant each entry" in lines
    assert report_json(report)["policy"] == as_json(TWO_OF_FOUR)


@pytest.mark.parametrize(
    ("find", "put", "named"),
    [
        (KEYS[2], STRANGER, f"witness {KEYS[2]} is gone"),
        (RELEASE, "release_quorum = 1", "release_quorum goes down from 2 to 1"),
        (RELEASE + "  ", "", "release_quorum goes down from 2 to 0"),
        (DEPTH, "release_depth = 99", "release_depth goes down from 100 to 99"),
    ],
)
def test_a_weakening_is_named_and_its_opposite_is_not(find: str, put: str, named: str) -> None:
    assert find in WITNESSED
    weaker = load_policy(WITNESSED.replace(find, put).encode())
    found, back = compare(TWO_OF_FOUR, weaker), compare(weaker, TWO_OF_FOUR)
    assert (found.verdict, back.verdict) == (Verdict.LOOSER, Verdict.LOOSER)
    assert [each.weaker for each in found.sections] == [(named,)]
    assert f"  weaker: {named}" in diff_text.render(found, TWO_OF_FOUR, weaker)
    sections = diff_text.as_json(found, TWO_OF_FOUR, weaker)["sections"]
    assert isinstance(sections, list)
    assert [each["weaker"] for each in sections] == [[named]]
    assert named not in [words for each in back.sections for words in each.weaker]


def test_a_lower_quorum_of_witnesses_is_named() -> None:
    high = changed((QUORUM, "witness_quorum = 4"))
    named = ("witness_quorum goes down from 4 to 3", "f goes down from 1 to 0")
    low = changed((QUORUM, "witness_quorum = 3"))
    (section,) = compare(high, low).sections
    assert section.weaker == named[:1]
    assert [each.weaker for each in compare(low, high).sections] == [()]
    three = changed(("multi(2,", "multi(3,"), (QUORUM, "witness_quorum = 3"))
    less = changed(("multi(2,", "multi(3,"), (QUORUM, "witness_quorum = 2"))
    (section,) = compare(three, less).sections
    assert section.weaker == ("witness_quorum goes down from 3 to 2", named[1])


def test_giving_up_all_witnesses_is_named_once() -> None:
    three = changed(("multi(2,", "multi(3,"))
    (section,) = compare(three, unwitnessed()).sections
    assert section.weaker == ("nobody witnesses any more: 3 members granted each entry",)
    assert [each.weaker for each in compare(unwitnessed(), three).sections] == [()]
    assert [each.weaker for each in compare(unwitnessed(), changed()).sections] == [()]


def test_a_stated_majority_is_no_weakening() -> None:
    (section,) = compare(TWO_OF_FOUR, changed((QUORUM + "  ", ""))).sections
    assert (section.section, section.weaker) == ("vault peg", ())


def rules(policy: LoadedPolicy) -> list[str]:
    return [each.rule for each in findings(policy)]


def test_lint_of_witnesses() -> None:
    assert rules(TWO_OF_FOUR) == []
    assert rules(unwitnessed()) == ["no witnesses"]
    assert rules(FEDERATION) == ["no witnesses"]
    assert rules(changed((QUORUM, "witness_quorum = 4"))) == ["nobody may be silent"]
    assert rules(changed(("multi(2,", "multi(3,"))) == []
    low = changed(("multi(2,", "multi(3,"), (QUORUM, "witness_quorum = 2"))
    assert rules(low) == ["low witness quorum"]


def test_where_all_must_sign_all_may_witness() -> None:
    everyone = changed(("multi(2,", "multi(4,"), (QUORUM, "witness_quorum = 4"))
    assert "nobody may be silent" not in rules(everyone)


def test_one_member_alone_needs_no_witness() -> None:
    start, end = WITNESSED.index("witnesses = ["), WITNESSED.index(DEPTH)
    keys = WITNESSED[WITNESSED.index("keys = [") : start]
    first = keys.splitlines()[1]
    text = WITNESSED[:start] + WITNESSED[end:]
    text = text.replace("2,@0/**,@1/**,@2/**,@3/**", "1,@0/**")
    text = text.replace(keys, f'keys = [\n{first}\n]\ncoins = "attested(2, watchers)"\n')
    assert "no witnesses" not in rules(load_policy(text.encode()))
