"""No committed file carries a secret, a registry's host or a path of one person's machine."""

import re
import subprocess
from pathlib import Path

import pytest

from scripts.code_scan import ROOT

# The words are split so that this file does not find itself.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"pypi\.o" + "rg",
            r"npmjs\.(com|o" + "rg)",
            r"files\.python" + "hosted",
            r"--(extra-)?index" + "-url ",
            r"--find" + "-links ",
            r"BEGIN [A-Z ]*PRIVATE" + " KEY",
            r"/ro" + r"ot/",
            r"/opt/(pypi|wh" + "eels)",
            r"/wo" + r"rk/",
        )
    )
)


def committed_files() -> tuple[Path, ...]:
    """What git tracks or would track; the tree itself where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout: nothing is committed here")
    names = [name for name in done.stdout.decode().split("\0") if name]
    return tuple(path for name in names if (path := ROOT / name).is_file())


def test_no_committed_file_names_a_host_a_secret_or_a_private_path() -> None:
    found = []
    for path in committed_files():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in FORBIDDEN.finditer(text)]
    assert found == []


def test_requirements_are_pinned_by_hash() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        pins = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9#]|\Z)", path.read_text(), re.M | re.S)
        assert pins, path
        assert [
            pin.split()[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin
        ] == []
