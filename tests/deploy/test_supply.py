"""The supply chain: one wheel from one source, a bill of materials, a command that runs isolated."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts import build_wheel, generate_sbom

GIT = subprocess.run(["git", "rev-parse"], cwd=build_wheel.ROOT, capture_output=True, check=False)
in_git = pytest.mark.skipif(GIT.returncode != 0, reason="not a git checkout: nothing is committed")
STARTER = """
import sys
sys.path.insert(0, {root!r})
from signer.__main__ import main
sys.exit(main())
"""
"""What a package's installer makes of `pegwarden = "signer.__main__:main"`."""
PIN = "click==8.5.1 \\\n    --hash=sha256:{}\n".format("ab" * 32)


@in_git
def test_one_source_is_one_wheel_and_another_source_another(tmp_path: Path) -> None:
    first, second = build_wheel.built_twice(tmp_path)
    assert build_wheel.digest(first) == build_wheel.digest(second)
    assert first.parent != second.parent
    names = zipfile.ZipFile(first).namelist()
    assert "signer/core/approve.py" in names
    assert [name for name in names if name.startswith(("tests/", "scripts/", "bench/"))] == []
    changed = tmp_path / "one" / "signer" / "clock.py"
    changed.write_text(changed.read_text() + "\n")
    other = build_wheel.build(tmp_path / "one", tmp_path / "other", build_wheel.FIRST)
    assert build_wheel.digest(other) != build_wheel.digest(first)


def test_the_bill_of_materials_is_what_the_locks_accept() -> None:
    bill = json.loads(generate_sbom.bill())
    parts = {(part["name"], part["version"]): part for part in bill["components"]}
    locked = generate_sbom.pins(generate_sbom.OPTIONAL.read_text())
    assert parts.keys() == locked.keys(), "the optional lock extends the other"
    for pin, hashes in locked.items():
        assert [each["content"] for each in parts[pin]["hashes"]] == list(hashes)
        assert {each["alg"] for each in parts[pin]["hashes"]} == {"SHA-256"}
    assert {part["name"] for part in parts.values() if part["scope"] == "optional"} == {
        "psycopg",
        "psycopg-binary",
    }
    references = [part["bom-ref"] for part in bill["components"]]
    assert bill["dependencies"][0]["dependsOn"] == references
    assert len(set(references)) == len(references)


def test_the_committed_bill_is_the_one_that_the_locks_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["generate_sbom", "--compare"])
    assert generate_sbom.main() == 0
    lock = tmp_path / "runtime.txt"
    lock.write_text(generate_sbom.REQUIRED.read_text().replace("click==8", "click==9"))
    monkeypatch.setattr(generate_sbom, "REQUIRED", lock)
    assert generate_sbom.main() == 1
    assert "make generate" in capsys.readouterr().out


def test_a_line_that_is_no_pin_with_hashes_is_an_error() -> None:
    assert generate_sbom.pins(PIN) == {("click", "8.5.1"): ("ab" * 32,)}
    for other in ("click==8.5.1\n", "click>=8\n", PIN + "-e .\n", PIN.replace("ab", "xy")):
        with pytest.raises(ValueError, match="not a pin"):
            generate_sbom.pins(other)


def test_the_installed_command_runs_isolated(tmp_path: Path) -> None:
    """The story: whoever can leave a file beside the command, or where PYTHONPATH points, has code in it."""
    (tmp_path / "click.py").write_text("raise SystemExit('hijacked')\n")
    (tmp_path / "pegwarden.py").write_text(STARTER.format(root=str(build_wheel.ROOT)))
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(tmp_path / "pegwarden.py"), "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "hijacked" not in done.stderr + done.stdout
    assert "The security kernel of a Bitcoin bridge" in done.stdout


@pytest.mark.parametrize("name", ["postgres", "ceremony", "test"])
def test_an_extra_is_locked_to_what_the_runtime_has(name: str) -> None:
    """It can be installed in place of the runtime, or beside it; no package comes in two versions."""
    text = (build_wheel.ROOT / "requirements" / f"{name}.txt").read_text()
    locked, runtime = (
        generate_sbom.pins(text),
        generate_sbom.pins(generate_sbom.REQUIRED.read_text()),
    )
    assert runtime.items() <= locked.items()
    assert len(locked) > len(runtime)
    assert "://" not in text


def test_the_tests_have_the_ceremonys_own_packages() -> None:
    """So that words of BIP-39 are tried with the library that a ceremony has."""
    requirements = build_wheel.ROOT / "requirements"
    ceremony = generate_sbom.pins((requirements / "ceremony.txt").read_text())
    assert ceremony.items() <= generate_sbom.pins((requirements / "test.txt").read_text()).items()
    assert ("bip-utils", "2.12.3") in ceremony
