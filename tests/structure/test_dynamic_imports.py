"""What a kernel runs is what its source says: no code by a name that is made at run time, none from data.

1. On the trust path modules are imported at a file's head, by name, once; one exception is named below.
2. In all our packages what imports by a name, or runs text, stands in a table, with the reason.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.code_scan import ROOT, callee, python_files, tree_of
from scripts.review_layers import TRUST_PATH

PRODUCTS = ("signer", "policies", "keystore", "carrier")
CALLS = frozenset(
    {
        "import_module",
        "__import__",
        "exec",
        "eval",
        "compile",
        "execfile",
        "spec_from_file_location",
    }
    | {"exec_module", "load_module", "run_path", "run_module", "entry_points", "iter_modules"}
)
MODULES = frozenset({"pickle", "marshal", "shelve", "runpy", "pkgutil", "imp", "code", "zipimport"})
BY_NAME = {
    "signer/cli/ceremony_words.py": "an extra, offline: the one module that it names",
    "signer/cli/demo.py": "the demo: the one module that it names",
    "signer/cli/main.py": "commands, from a table of constants",
    "signer/consensus.py": "Core's consensus code, which may be absent: the one module that it names",
}
LATE = {"signer/journal/store.py": ["signer.journal.postgres_store"]}
"""Imported when it is first needed: a store whose driver is an extra."""


def dynamic(tree: ast.Module) -> Iterator[str]:
    """What runs code by name or from data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and callee(node) in CALLS and not _is_regex(node):
            yield callee(node)
        names = [alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)]
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        yield from (name for name in names if name.split(".")[0] in MODULES)


def _is_regex(call: ast.Call) -> bool:
    """`re.compile`, not the builtin."""
    return isinstance(call.func, ast.Attribute) and callee(call) == "compile"


def late(tree: ast.Module) -> list[str]:
    """Imports below a file's head, but those for the type checker."""
    heads = {id(node) for node in tree.body}
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            heads |= {id(each) for each in node.body}
    return [
        node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in heads
    ]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_only_files_of_the_table_import_by_a_name() -> None:
    found = {shown(path): list(dynamic(tree_of(path))) for path in python_files(*PRODUCTS)}
    users = {path: calls for path, calls in found.items() if calls}
    assert users == {path: ["import_module"] for path in BY_NAME}


@pytest.mark.parametrize("path", sorted(BY_NAME.keys() - {"signer/cli/main.py"}))
def test_what_is_imported_by_name_is_a_constant(path: str) -> None:
    calls = [node for node in ast.walk(tree_of(ROOT / path)) if isinstance(node, ast.Call)]
    (asked,) = (call.args for call in calls if callee(call) == "import_module")
    assert [type(each) for each in asked] == [ast.Constant]


def test_the_trust_path_imports_at_the_head_of_its_files() -> None:
    files = [path for layer in TRUST_PATH for path in layer.paths()]
    assert len(files) > 50
    found = {shown(path): late(tree_of(path)) for path in files}
    assert {path: names for path, names in found.items() if names} == LATE
    assert not {shown(path) for path in files} & BY_NAME.keys()


PROBES = {
    "import importlib\nimportlib.import_module(name)": ["import_module"],
    "__import__(name)": ["__import__"],
    "exec(text)": ["exec"],
    "from pickle import loads": ["pickle"],
    "import re\nre.compile(text)": [],
    "compile(text, 'x', 'exec')": ["compile"],
    "from signer.core import pins": [],
}


@pytest.mark.parametrize("source", PROBES)
def test_what_would_be_found(source: str) -> None:
    assert list(dynamic(ast.parse(source))) == PROBES[source]


def test_a_late_import_would_be_found() -> None:
    assert late(ast.parse("def f():\n    import os\n    from a.b import c")) == ["os", "a.b"]
    assert late(ast.parse("import os\nif TYPE_CHECKING:\n    from a import b")) == []
