"""Rules, codes, metrics, manual and boundary pairs name the same things: no drift and no orphans."""

import re
from collections import Counter

import pytest

from policies.predicates import COIN_PREDICATES, SPEND_PREDICATES
from policies.universal import UNIVERSAL_RULES, UniversalRule
from scripts.code_scan import ROOT, raised_codes, strings, tree_of
from scripts.generate_rules import render
from signer.core.catalogue import CATALOGUE, CodeKind
from signer.core.errors import Objection, PolicyDenied
from signer.core.universal_rules import trace
from signer.edge.metrics import EdgeMetrics
from tests.policies.boundaries import BOUNDARIES, asked, policy_saying

PREDICATE_CODES = sorted({code for form in SPEND_PREDICATES.values() for code in form.CODES})
SHARED = {"rollup-unknown": "default"}
"""Codes that a predicate raises too, of the universal rule of that name."""
KERNEL_ONLY = {
    "policy-changed",
    "policy-expired",
    "control-without-effect",
    "pause-out-of-bounds",
    "pause-repeated",
}
"""Raised beside universal rules, but about which policy is in force, or about officers' words themselves."""
MANUAL = (ROOT / "docs" / "policy.md").read_text()
RULES = (ROOT / "docs" / "rules.md").read_text()


def test_every_predicate_has_boundary_pairs_and_every_pair_a_predicate() -> None:
    assert set(BOUNDARIES) == set(SPEND_PREDICATES)
    assert set(COIN_PREDICATES) <= set(SPEND_PREDICATES)


@pytest.mark.parametrize("name", SPEND_PREDICATES)
def test_every_code_of_a_predicate_has_a_boundary_pair(name: str) -> None:
    assert {pair.code for pair in BOUNDARIES[name]} == set(SPEND_PREDICATES[name].CODES)


@pytest.mark.parametrize("name", SPEND_PREDICATES)
def test_a_predicate_is_one_class_in_a_file_of_its_name_that_raises_its_codes(name: str) -> None:
    form = SPEND_PREDICATES[name]
    path = ROOT / "policies" / "predicates" / f"{name}.py"
    assert form.__module__ == f"policies.predicates.{name}"
    raised = {code for code in raised_codes(path) if CATALOGUE[code].kind is CodeKind.POLICY}
    assert raised - set(SHARED) == set(form.CODES)


def test_no_two_predicates_share_a_code() -> None:
    counts = Counter(code for form in SPEND_PREDICATES.values() for code in form.CODES)
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("code", PREDICATE_CODES)
def test_a_predicates_code_is_in_the_catalogue_as_a_policys(code: str) -> None:
    assert CATALOGUE[code].kind is CodeKind.POLICY


@pytest.mark.parametrize("name", SPEND_PREDICATES)
def test_the_manual_has_a_row_for_every_predicate_with_its_codes(name: str) -> None:
    rows = [line for line in MANUAL.splitlines() if line.startswith("|")]
    its = [number for number, line in enumerate(rows) if line.startswith(f"| `{name}(")]
    assert len(its) == 1, f"docs/policy.md: one row `| `{name}(`"
    beside = rows[its[0]] + (rows[its[0] + 1] if rows[its[0] + 1].startswith("| the same") else "")
    for code in SPEND_PREDICATES[name].CODES:
        assert f"`{code}`" in beside


def test_the_manual_names_no_predicate_that_does_not_exist() -> None:
    section = MANUAL.partition("\n## Predicates")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `([a-z_]+)\(", section, re.MULTILINE)
    assert sorted(named) == sorted(SPEND_PREDICATES)


@pytest.mark.parametrize("code", PREDICATE_CODES)
def test_a_refusal_is_counted_under_the_label_that_the_rules_page_names(code: str) -> None:
    entry = RULES.partition(f"\n### `{code}`\n")[2].partition("\n### ")[0]
    found = re.search(r"- Counted as: `([a-z_]+)\{code=\"([a-z-]+)\"\}`", entry)
    assert found is not None
    metrics = EdgeMetrics()
    metrics.observe("SignPsbt", PolicyDenied(Objection(code, "refused")).code, 0.0)
    labels = {"method": "SignPsbt", "code": found[2]}
    assert found[2] == code
    assert metrics.registry.get_sample_value(found[1], labels) == 1


def test_the_rules_page_is_what_the_classes_say() -> None:
    assert render() == RULES, "run `make generate`"


def test_no_two_universal_rules_share_a_name_or_a_code() -> None:
    counts = Counter(code for rule in UNIVERSAL_RULES for code in rule.codes)
    assert set(counts.values()) == {1}
    assert len({rule.name for rule in UNIVERSAL_RULES}) == len(UNIVERSAL_RULES)


def test_every_promise_has_its_rules_in_order() -> None:
    promises = [rule.promise for rule in UNIVERSAL_RULES]
    assert promises == sorted(promises)
    assert set(promises) == {f"P{number}" for number in range(1, 7)}


@pytest.mark.parametrize("rule", UNIVERSAL_RULES, ids=lambda rule: rule.name)
def test_a_universal_rule_is_kept_where_it_says(rule: UniversalRule) -> None:
    named = {text for place in rule.kept_in for text in strings(tree_of(ROOT / place))}
    assert set(rule.codes) <= named & set(CATALOGUE)
    assert all((ROOT / place).is_file() for place in rule.kept_in)


def test_no_check_of_the_line_is_outside_the_universal_rules() -> None:
    """A check that is added to these files without a rule is an orphan."""
    places = {ROOT / place for rule in UNIVERSAL_RULES for place in rule.kept_in}
    codes = {code for rule in UNIVERSAL_RULES for code in rule.codes}
    raised = {
        code
        for place in places
        for code in raised_codes(place)
        if place.parent.name != "predicates"
    }
    assert sorted(raised - codes - KERNEL_ONLY) == []


def test_what_explain_traces_are_universal_rules() -> None:
    policy = policy_saying("path(primary)")
    traced = [line.rule for line in trace(asked(), policy)]
    assert set(traced) <= {rule.name for rule in UNIVERSAL_RULES}
    assert traced != []
