"""A missing toolchain is said aloud; what npm installs is pinned and names no host."""

import json
from typing import Any

import pytest

from tests.foreign.toolchain import go_command, node_command
from tests.vectors import ROOT

FOLDER = ROOT / "clients" / "foreign" / "node"


@pytest.mark.parametrize(("toolchain", "word"), [(node_command, "Node"), (go_command, "go")])
def test_a_missing_toolchain_skips_with_the_reason_and_fails_in_ci(
    toolchain: Any, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match=f"{word} is missing"):
        toolchain()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"{word} is missing"):
        toolchain()


def test_npm_packages_have_exact_versions_and_integrity_and_no_host() -> None:
    wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    locked = {name.removeprefix("node_modules/"): row for name, row in packages.items() if name}
    assert wanted == {name: locked[name]["version"] for name in wanted}
    for name, row in locked.items():
        assert row["integrity"].startswith("sha512-"), name
        assert "resolved" not in row, name
