"""The demo's officers: people with a machine each, who sign with `pegwarden officer` and with `ssh-keygen`.

1. A secret stays in its officer's directory; what leaves is an act: a text, the officer's key, a signature.
2. What is signed is a text that lies in a file before the officer; nothing signs for two.
"""

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from clients.demo.command import pegwarden
from pegwarden.v1 import approval_pb2

NAMES = ("ada", "ben", "cleo")
WITH_SSH = "ben"
"""Signs with a key of OpenSSH; the others with keys of `pegwarden officer new-key`."""
NAMESPACE = "pegwarden"
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Officer:
    """One of them."""

    name: str
    directory: Path

    @property
    def listed(self) -> str:
        """The key as a policy lists it."""
        return (self.directory / "public").read_text().strip()

    def make(self) -> None:
        """A fresh key."""
        self.directory.mkdir(parents=True)
        if self.name == WITH_SSH:
            _ssh_keygen("-t", "ed25519", "-N", "", "-C", self.name, "-f", str(self._secret))
            listed = self._secret.with_suffix(".pub").read_text()
        else:
            listed = pegwarden("officer", "new-key", str(self._secret))["public_key"]
        (self.directory / "public").write_text(listed)

    def sign(self, text: str) -> Path:
        """The act, in a file of its own."""
        number = len(list(self.directory.glob("*.txt")))
        draft = self.directory / f"{number}.txt"
        draft.write_text(text, encoding="utf-8", newline="")
        out = draft.with_suffix(".json")
        if self.name == WITH_SSH:
            _ssh_keygen("-Y", "sign", "-n", NAMESPACE, "-f", str(self._secret), str(draft))
            signature, public = f"{draft}.sig", str(self._secret.with_suffix(".pub"))
            signed = ["--signature", signature, "--public-key", public]
        else:
            signed = ["--key", str(self._secret)]
        pegwarden("officer", "sign", str(draft), *signed, "--out", str(out))
        return out

    def says(self, text: str) -> approval_pb2.OfficerAct:
        """The act as a kernel takes it."""
        act = json.loads(self.sign(text).read_text())
        kind, _, rest = act["officer"].partition(" ")
        key = base64.b64decode(rest.split(" ")[0]) if rest else bytes.fromhex(kind)
        signature = act["signature"]
        written = signature.encode() if rest else bytes.fromhex(signature)
        return approval_pb2.OfficerAct(text=act["text"], officer_key=key, signature=written)

    @property
    def _secret(self) -> Path:
        return self.directory / "key"


def officers_of(directory: Path) -> tuple[Officer, ...]:
    """All of them, wherever they keep their keys beside the members."""
    return tuple(Officer(name, directory / "officers" / name) for name in NAMES)


def _ssh_keygen(*arguments: str) -> None:
    command = ["/usr/bin/env", "ssh-keygen", "-q", *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
