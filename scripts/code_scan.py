"""Where the refusal codes of the catalogue stand in source and tests, read from syntax trees.

1. A code is *named* where it is a whole string constant, or where `Reader(data, "psbt")` makes
   `psbt-malformed` of it.
2. A code is *raised* where it is the first argument (or `code=`) of a callable in RAISERS.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNEL = ("signer", "policies", "keystore")
CATALOGUE = ROOT / "signer" / "core" / "catalogue"
UNIVERSAL = ROOT / "policies" / "universal.py"
RAISERS = frozenset(
    {"Malformed", "Objection", "PolicyError", "error", "malformed", "unverified", "_refuse"}
)
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")


def python_files(*folders: str) -> tuple[Path, ...]:
    """Every Python file below these folders of the checkout, in path order."""
    return tuple(path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), str(path))


def callee(call: ast.Call) -> str:
    """The last name of what is called: `x.Malformed(...)` gives `Malformed`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _text(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ""


def strings(node: ast.AST) -> Iterator[str]:
    """Every whole string constant below the node, and the codes that a Reader is told to raise."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value
        elif isinstance(each, ast.Call) and callee(each) == "Reader" and len(each.args) == 2:
            yield f"{_text(each.args[1])}-malformed"


def raised_codes(path: Path) -> frozenset[str]:
    """The codes that this file hands to a callable in RAISERS."""
    calls = (
        node
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and callee(node) in RAISERS
    )
    found = set()
    for call in calls:
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        first = _text(call.args[0] if call.args else keywords.get("code"))
        if _CODE.fullmatch(first):
            found.add(first)
    return frozenset(found)


@cache
def naming_sources() -> dict[str, tuple[str, ...]]:
    """Code-like string -> the kernel's files that name it, without those that only list codes."""
    places: dict[str, list[str]] = {}
    for path in python_files(*KERNEL):
        if path.parent != CATALOGUE and path != UNIVERSAL:
            for text in sorted(set(strings(tree_of(path)))):
                places.setdefault(text, []).append(str(path.relative_to(ROOT)))
    return {code: tuple(files) for code, files in places.items()}


@cache
def naming_tests() -> dict[str, tuple[str, ...]]:
    """Code-like string -> the test functions (or modules, for tables of cases) that name it."""
    places: dict[str, list[str]] = {}
    for path in python_files("tests"):
        name = str(path.relative_to(ROOT))
        for node in tree_of(path).body:
            label = name
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                label = f"{name}::{node.name}"
            for text in sorted(set(strings(node))):
                places.setdefault(text, []).append(label)
    return {code: tuple(dict.fromkeys(labels)) for code, labels in places.items()}
