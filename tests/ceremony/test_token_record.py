"""The record of a key in a token: made where the passphrase is, proven where the module is (real SoftHSM)."""

import subprocess
import sys
from pathlib import Path

import pytest

from signer.core.keyrecord import read_signed, verify_record
from tests.ceremony.test_assemble import quietly
from tests.cli.desk import PASSPHRASE
from tests.token.softhsm import LABEL, PIN, VAULT_KEY, SoftToken, need
from tests.vectors import ROOT


class House:
    """A member whose key the token holds."""

    def __init__(self, folder: Path, token: SoftToken) -> None:
        self.folder, self.token = folder, token
        for name, text in (("passphrase", PASSPHRASE), ("pin", PIN)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        given = ("--network", "regtest", "--name", "alice", "--passphrase-file", "passphrase")
        quietly("init", folder / "alice", *given[:-1], folder / "passphrase")
        config = folder / "alice" / "pegwarden.toml"
        table = f'\n[processes]\nsockets = "sockets"\n[token]\nmodule = "{token.module}"\nlabel = "{LABEL}"\n'
        config.write_text(config.read_text() + table)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "signer", *arguments],
            cwd=self.folder, env=dict(self.token.environment) | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip


CONFIG = ("--config", "alice/pegwarden.toml")
OPENED = (*CONFIG, "--passphrase-file", "passphrase")
LOGGED_IN = (*CONFIG, "--pin-file", "pin")


def test_a_token_proves_its_key(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    token = SoftToken(tmp_path_factory.mktemp("token"), need())
    pubkey, house = token.make_keys(), House(tmp_path, token)
    assert house("key", "pin", "token.json", VAULT_KEY.hex(), pubkey.hex(), *OPENED).returncode == 0
    made = house("key", "record", "make", "token.json", "draft", *OPENED)
    assert (made.returncode, "key record prove" in made.stdout) == (0, True), made
    waiting = house("key", "record", "verify", "draft")
    assert (waiting.returncode, "key-record-unproven" in waiting.stderr) == (1, True)
    proven = house("key", "record", "prove", "draft", "token.json", "record", *LOGGED_IN)
    assert proven.returncode == 0, proven.stderr
    record = verify_record(read_signed((tmp_path / "record").read_text()))
    assert (record.member, record.key) == ("alice", pubkey.hex())
    other = house("key", "record", "prove", "draft", "alice/keys/vault.json", "x", *LOGGED_IN)
    assert (other.returncode, "key-record-unproven" in other.stderr) == (1, True)
    assert not (tmp_path / "x").exists()
