"""The imports of clients, as an allow list; the kernel's layers are import-linter's (pyproject.toml)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.code_scan import ROOT, python_files, tree_of

OURS = (
    "signer", "policies", "keystore", "carrier", "clients", "pegwarden", "tests", "scripts", "bench",
)  # fmt: skip
CLIENTS_MAY = ("pegwarden", "carrier", "clients", "signer.bitcoin")
EVIDENCE = ("signer.core.evidence", "signer.core.payment")
"""`payment` holds the terms that evidence's statements are made of."""
DEMO_ONLY = ("embit",)


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names of all imports, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def below(name: str, packages: tuple[str, ...]) -> bool:
    """Whether the module is one of these or lies below one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("path", python_files("clients"), ids=lambda path: path.stem)
def test_clients_know_the_stubs_the_bitcoin_layer_and_the_statement_bytes(path: Path) -> None:
    ours = [name for name in imported(tree_of(path)) if below(name, OURS)]
    assert [name for name in ours if not below(name, CLIENTS_MAY + EVIDENCE)] == []


def test_only_the_demo_knows_the_foreign_wallet() -> None:
    files = python_files("signer", "policies", "keystore", "clients")
    users = {
        str(path.relative_to(ROOT))
        for path in files
        if any(below(name, DEMO_ONLY) for name in imported(tree_of(path)))
    }
    assert {user for user in users if not user.startswith("clients/demo/")} == set()


def test_only_the_command_line_knows_the_clients() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in python_files("signer", "policies", "keystore")
        if any(below(name, ("clients",)) for name in imported(tree_of(path)))
    }
    assert {user for user in users if not user.startswith("signer/cli/")} == set()
