"""A member directory made by `pegwarden init`, and the command as it is called in tests."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from signer.cli.main import main
from tests.federation import MEMBERS, WATCHERS

ROOT = Path(__file__).resolve().parent.parent.parent
PASSPHRASE = "correct horse battery staple\n"


@dataclass(frozen=True)
class Said:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(*arguments: object, stdin: bytes = b"") -> Said:
    """The command in a process of its own, as a person starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "signer", *map(str, arguments)],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class Desk:
    """The command in this process: cheaper, and covered."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> Said:
        self.capture.readouterr()
        status = main([str(each) for each in arguments])
        seen = self.capture.readouterr()
        assert "Traceback" not in seen.out + seen.err
        return Said(status, seen.out, seen.err)


@dataclass(frozen=True)
class MemberPlace:
    """A member's files."""

    directory: Path

    @property
    def config(self) -> Path:
        return self.directory / "pegwarden.toml"

    @property
    def passphrase(self) -> Path:
        return self.directory.parent / "passphrase"

    @property
    def policy(self) -> Path:
        return self.directory.parent / "federation.toml"

    @property
    def vault_key(self) -> Path:
        return self.directory / "keys" / "vault.json"

    @property
    def opened(self) -> tuple[object, ...]:
        """Options of commands that open keys."""
        return ("--config", self.config, "--passphrase-file", self.passphrase)

    def edit(self, old: str, new: str) -> None:
        """Change the configuration."""
        text = self.config.read_text()
        assert text.count(old) == 1, (old, text)
        self.config.write_text(text.replace(old, new))

    def copy(self, target: Path) -> "MemberPlace":
        shutil.copytree(self.directory.parent, target)
        return MemberPlace(target / self.directory.name)


def make_place(folder: Path) -> MemberPlace:
    """`pegwarden init`, and a policy with two more members."""
    place = MemberPlace(folder / "alice")
    place.passphrase.write_text(PASSPHRASE)
    place.passphrase.chmod(0o600)
    made = run(
        *("init", place.directory, "--network", "regtest", "--name", "alice", "--json"),
        *("--passphrase-file", place.passphrase, "--metrics", "127.0.0.1:1"),
    )
    assert made.status == 0, made
    text = (place.directory / "policy.template.toml").read_text()
    text = text.replace("PASTE THE SECOND MEMBER'S KEY", MEMBERS[0].key_text)
    text = text.replace("PASTE THE THIRD MEMBER'S KEY", MEMBERS[1].key_text)
    for watcher in WATCHERS:
        text = text.replace("PASTE AN ATTESTOR'S X-ONLY KEY", watcher.key.hex(), 1)
    place.policy.write_text(text)
    return place
