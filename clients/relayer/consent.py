"""Officers' acts for releases, from the files that `pegwarden officer sign` writes.

1. A kernel takes acts of one text, its own: chosen are those that say all that a release is about. What they
   are worth is the kernel's to say.
2. An x-only officer's key and signature are hexadecimal; an OpenSSH one's are a public key line and an
   armoured signature.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

from pegwarden.v1.approval_pb2 import OfficerAct

_ARMOUR = "-----"


def read_consent(path: Path) -> OfficerAct:
    """The act in that file. Raises ValueError."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        text, officer, signature = (said[name] for name in ("text", "officer", "signature"))
        if signature.startswith(_ARMOUR):
            key = base64.b64decode(officer.split()[1], validate=True)
            return OfficerAct(text=text, officer_key=key, signature=signature.encode())
        key, signed = bytes.fromhex(officer), bytes.fromhex(signature)
        return OfficerAct(text=text, officer_key=key, signature=signed)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise ValueError(f"{path} is no officer's act") from None


def acts_saying(lines: frozenset[str], acts: Iterable[OfficerAct]) -> list[OfficerAct]:
    """Rule 1."""
    return [each for each in acts if lines.issubset(each.text.splitlines())]
