"""A SoftHSM token of a test's own: files in a folder; no setting of the system is touched.

1. The module is the Debian package's, unpacked below .cache/softhsm by scripts/setup.sh, or installed.
2. Where neither is there, tests of tokens skip and say so; with CI=true they fail.
3. Whoever loads the module here does it in another process: SoftHSM reads SOFTHSM2_CONF from the environment.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.vectors import ROOT

PIN, OFFICER_PIN, LABEL = "1234-pin", "5678-so", "member-a"
VAULT_KEY, KEK, BACKUP_KEK = b"\x01", b"\x02", b"\x03"
_PLACES = (ROOT / ".cache" / "softhsm", Path("/"))
_MODULE, _PROGRAM = Path("usr/lib/softhsm/libsofthsm2.so"), Path("usr/bin/softhsm2-util")


class Installed(NamedTuple):
    """The Debian package, wherever it is."""

    module: Path
    program: Path


def installed() -> Installed | None:
    """None where it is not there."""
    for place in _PLACES:
        found = Installed(place / _MODULE, place / _PROGRAM)
        if found.module.exists() and found.program.exists():
            return found
    return None


def need() -> Installed:
    """Skips the test, or fails it where a run must be complete."""
    found = installed()
    if found is not None:
        return found
    reason = "SoftHSM 2 is not there: run scripts/setup.sh, or install the Debian package softhsm2"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class SoftToken:
    """A token with keys that were made as Pegwarden makes them."""

    def __init__(self, folder: Path, found: Installed) -> None:
        self.folder, self.module = folder, str(found.module)
        self.objects = folder / "tokens"
        self.objects.mkdir(parents=True)
        settings = folder / "softhsm2.conf"
        settings.write_text(f"directories.tokendir = {self.objects}\nlog.level = ERROR\n")
        self.environment: Mapping[str, str] = {
            **os.environ,
            "SOFTHSM2_CONF": str(settings),
            "PYTHONPATH": str(ROOT),
        }
        options = ["--module", self.module, "--init-token", "--free", "--label", LABEL]
        self._run(str(found.program), *options, "--pin", PIN, "--so-pin", OFFICER_PIN)

    def script(self, text: str) -> str:
        """What that program prints, in a process that is logged in: `token` and `info` are there."""
        begin = (
            "from keystore.secret import Secret\n"
            "from keystore.token.attributes import *\n"
            "from keystore.token.cryptoki import *\n"
            "from keystore.token.keeper import TokenPlace, log_in\n"
            "from keystore.token.names import *\n"
            "from signer.core.errors import Refusal\n"
            f"place = TokenPlace({self.module!r}, {LABEL!r})\n"
            f"token, info = log_in(place, Secret({PIN.encode()!r}))\n"
        )
        return self._run(sys.executable, "-c", begin + text)

    def make_keys(self) -> bytes:
        """A vault key, a KEK and one for backups; the vault key's public key."""
        text = f"""
token.generate_pair(*signing_templates({VAULT_KEY!r}))
token.generate_key(sealing_template({KEK!r}))
token.generate_key(sealing_template({BACKUP_KEK!r}))
print(verify_key(token, find_signing(token, {VAULT_KEY!r})).pubkey.hex())
"""
        return bytes.fromhex(self.script(text))

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
