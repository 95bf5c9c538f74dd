"""SoftHSM 2: a token in software, with files, a PIN and a configuration of its own for each member.

1. The module is the Debian package's, unpacked below .cache/softhsm by scripts/setup.sh, or installed.
2. No setting of the system is touched: whoever is to see the token is given its environment.
3. The PIN is in a file that only its owner reads.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clients.bitcoind import ROOT
from clients.demo.narrator import Unexpected

_PLACES = (ROOT / ".cache" / "softhsm", Path("/"))
_MODULE, _PROGRAM = Path("usr/lib/softhsm/libsofthsm2.so"), Path("usr/bin/softhsm2-util")
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Token:
    """One member's."""

    folder: Path
    label: str
    module: Path

    @property
    def pin_file(self) -> Path:
        """The user's PIN."""
        return self.folder / "pin"

    @property
    def environment(self) -> Mapping[str, str]:
        """For every process that loads the module (2)."""
        return {"SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}

    @property
    def objects(self) -> Path:
        """Where its keys lie."""
        return self.folder / "tokens"

    @contextmanager
    def away(self) -> Iterator[None]:
        """Pulled out, and put back."""
        elsewhere = self.folder / "pulled-out"
        self.objects.rename(elsewhere)
        try:
            yield
        finally:
            elsewhere.rename(self.objects)


def make_token(folder: Path, label: str) -> Token:
    """A fresh one in that new folder. Raises Unexpected."""
    module, program = _installed()
    token = Token(folder, label, module)
    token.objects.mkdir(parents=True, mode=0o700)
    settings = Path(token.environment["SOFTHSM2_CONF"])
    settings.write_text(f"directories.tokendir = {token.objects}\nlog.level = ERROR\n")
    pin = os.urandom(6).hex()
    token.pin_file.touch(mode=0o600)
    token.pin_file.write_text(pin)
    done = subprocess.run(
        [
            *(str(program), "--module", str(module), "--init-token", "--free", "--label", label),
            *("--pin", pin, "--so-pin", os.urandom(6).hex()),
        ],
        env=os.environ | token.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode != 0:
        raise Unexpected(f"no token was made: {done.stdout}{done.stderr}")
    return token


def _installed() -> tuple[Path, Path]:
    for place in _PLACES:
        found = (place / _MODULE, place / _PROGRAM)
        if all(each.exists() for each in found):
            return found
    raise Unexpected(
        "KEYSTORE=pkcs11 needs SoftHSM 2: run `make setup`, or install the Debian package softhsm2"
    )
