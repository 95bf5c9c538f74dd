"""`pegwarden policy worst-case | diff | lint`: lines, JSON and exit status."""

from pathlib import Path

import pytest

from signer.cli.main import DONE, REFUSED, main
from tests.policies.world import BRIDGE_TEXT, EXAMPLES

FINDINGS = 6
"""The sweeps and the rotation of the example have no window, its two vaults no witnesses."""


@pytest.fixture
def bridge(tmp_path: Path) -> Path:
    file = tmp_path / "bridge.toml"
    file.write_text(BRIDGE_TEXT)
    return file


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.toml"
    file.write_text(BRIDGE_TEXT.replace("payment_at_most", "payment_at_mots", 1))
    return file


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    status = main(["policy", *map(str, arguments)])
    return status, capsys.readouterr().out


def test_worst_case(bridge: Path, broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(capsys, "worst-case", bridge)
    assert status == DONE
    assert "UNBOUNDED: no window in sweep from peg to peg: attested(2, watchers)" in said
    assert "Clocks among the compromised err by at most 120 s." in said
    status, said = run(capsys, "worst-case", bridge, "--json")
    assert status == DONE
    assert '"bounds": "signing"' in said
    assert run(capsys, "worst-case", broken)[0] == REFUSED


def test_diff(
    bridge: Path, broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tighter = tmp_path / "tighter.toml"
    tighter.write_text(BRIDGE_TEXT.replace("fee_at_most(0.002 BTC)", "fee_at_most(0.001 BTC)"))
    status, said = run(capsys, "diff", bridge, tighter)
    assert status == DONE
    assert "TIGHTER: nothing is allowed that was not" in said
    status, said = run(capsys, "diff", tighter, bridge, "--json")
    assert status == DONE
    assert '"verdict": "looser"' in said
    assert run(capsys, "diff", bridge, broken)[0] == REFUSED


def test_lint(
    bridge: Path, broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = run(capsys, "lint", bridge)
    assert status == DONE
    assert f"{FINDINGS} findings" in said
    assert run(capsys, "lint", bridge, "--strict")[0] == REFUSED
    assert run(capsys, "lint", broken)[0] == REFUSED
    clean = EXAMPLES / "witnessed.toml"
    status, said = run(capsys, "lint", clean, "--strict", "--json")
    assert (status, said) == (DONE, '{"ok": true, "findings": []}\n')
