"""Each type of the straight line is constructed in exactly one file.

This catches slips, not hostile code in the process.
"""

import ast
from pathlib import Path

import pytest

from scripts.code_scan import ROOT, callee, python_files, tree_of

BIRTHPLACES = {
    "UnverifiedPsbt": "signer/bitcoin/psbt/reader.py",
    "Authorized": "signer/core/evidence.py",
    "VerifiedSpend": "signer/core/verify.py",
    "ApprovedSpend": "signer/core/approve.py",
    "RecordedSpend": "signer/journal/record.py",
    "SignedSpend": "keystore/gate.py",
    "TxInclusion": "signer/bitcoin/inclusion.py",
    "ProvenTx": "signer/core/proven.py",
    "RecordedDeposit": "signer/journal/reading_deposits.py",
}
PRODUCTS = ("signer", "policies", "keystore", "clients", "pegwarden")
COPIERS = frozenset({"replace", "__replace__", "__new__", "__setattr__", "_replace"})


def births(tree: ast.Module) -> set[str]:
    """The trust types that this file constructs, under whatever local name it imported them."""
    names = {name: name for name in BIRTHPLACES}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {a.asname: a.name for a in node.names if a.asname and a.name in BIRTHPLACES}
    return {
        names[callee(node)]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and callee(node) in names
    }


@pytest.mark.parametrize("kind", BIRTHPLACES)
def test_a_trust_type_is_constructed_in_exactly_one_file(kind: str) -> None:
    files = python_files(*PRODUCTS)
    found = [str(path.relative_to(ROOT)) for path in files if kind in births(tree_of(path))]
    assert found == [BIRTHPLACES[kind]]


def test_an_alias_does_not_hide_a_birth() -> None:
    hidden = "from signer.core.spend import SignedSpend as Plain\nPlain(1, 2)\n"
    assert births(ast.parse(hidden)) == {"SignedSpend"}
    assert births(ast.parse("from signer.core.spend import SignedSpend\nx: SignedSpend\n")) == set()


def copies(path: Path) -> list[str]:
    """Calls that could make a trust type from another, in a file that knows one by name."""
    tree = tree_of(path)
    known = {
        alias.name
        for node in ast.walk(tree)
        for alias in getattr(node, "names", ())
        if isinstance(alias, ast.alias)
    }
    if not known & BIRTHPLACES.keys():
        return []
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [
        f"{path.relative_to(ROOT)}:{call.lineno} {callee(call)}"
        for call in calls
        if callee(call) in COPIERS and not _is_method_of_something_else(call)
    ]


def _is_method_of_something_else(call: ast.Call) -> bool:
    """`text.replace(old, new)` and `path.replace(target)`."""
    is_method = isinstance(call.func, ast.Attribute) and not (
        isinstance(call.func.value, ast.Name) and call.func.value.id in {"dataclasses", "copy"}
    )
    return callee(call) == "replace" and is_method


def test_no_trust_type_is_copied_with_changed_fields() -> None:
    assert [found for path in python_files(*PRODUCTS) for found in copies(path)] == []
