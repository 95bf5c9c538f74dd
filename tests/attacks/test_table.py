"""docs/threat-model.md keeps its word: what it names exists, and what stands here it names."""

import ast
import re
from pathlib import Path

import pytest

from scripts.code_scan import ROOT
from signer.core.catalogue import CATALOGUE

PAGE = (ROOT / "docs/threat-model.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", PAGE)))
FOLDER = Path(__file__).parent


def named_tests(path: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(path.read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: node for node in functions if node.name.startswith("test_")}


@pytest.mark.parametrize("path", sorted({path for path, _ in NAMED}))
def test_every_test_that_the_table_names_exists(path: str) -> None:
    wanted = {name for each, name in NAMED if each == path}
    assert wanted <= set(named_tests(ROOT / path))


def test_every_row_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    bare = [
        row
        for row in rows
        if "::test_" not in row and not row.startswith(("| attack |", "| check |", "| later |"))
    ]
    assert [row for row in bare if not re.search(r"\| issue [4-8]|\| nobody yet", row)] == []
    assert len(rows) > 80


def test_every_code_and_file_that_the_table_names_exists() -> None:
    codes = set(re.findall(r"code `([a-z0-9-]+)`", PAGE))
    assert codes <= set(CATALOGUE)
    files = set(re.findall(r"`((?:signer|policies|keystore|clients)/[a-z0-9_/]+\.py)`", PAGE))
    assert [name for name in sorted(files) if not (ROOT / name).is_file()] == []


def test_every_attack_is_told_in_the_table_and_tells_its_story() -> None:
    for path in sorted(FOLDER.glob("test_*.py")):
        if path.name == Path(__file__).name:
            continue
        relative = path.relative_to(ROOT).as_posix()
        for name, node in named_tests(path).items():
            assert (relative, name) in NAMED, f"{relative}::{name}"
            story = ast.get_docstring(node) or ""
            assert story.count(". ") + story.count(".\n") + story.count(": ") >= 1, name
