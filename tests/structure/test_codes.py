"""Codes, rules, source and tests name the same things."""

import re
from pathlib import Path

import pytest

from scripts.code_scan import KERNEL, naming_sources, naming_tests, python_files, raised_codes
from scripts.generate_rules import KINDS
from signer.core import catalogue
from signer.core.catalogue import CATALOGUE, CodeKind

ROWS = Path(catalogue.__file__).parent


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    raised = {code: path for path in python_files(*KERNEL) for code in raised_codes(path)}
    assert {code: path for code, path in raised.items() if code not in CATALOGUE} == {}


def test_no_code_stands_for_two_rules() -> None:
    """One row would hide the other, and its kind would decide the other's gRPC status."""
    rows = re.findall(r'CodeEntry\(\s*"([^"]+)"', "".join(map(Path.read_text, ROWS.glob("*.py"))))
    assert len(rows) == len(set(rows)) == len(CATALOGUE)


def test_every_code_stands_in_the_source() -> None:
    assert [code for code in CATALOGUE if code not in naming_sources()] == []


def test_every_code_stands_in_a_test() -> None:
    assert [code for code in CATALOGUE if code not in naming_tests()] == []


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_is_kebab_case_and_says_rule_and_remedy_in_a_sentence(code: str) -> None:
    entry = CATALOGUE[code]
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", code)
    assert entry.rule.endswith(".")
    assert entry.remedy.endswith(".")


def test_every_kind_has_its_place_in_the_rules() -> None:
    assert set(KINDS) == set(CodeKind)
