"""An officer's signed text as a file: what `officer sign` writes and whoever carries it reads.

One JSON object: `text`, `officer` (as the policy writes the key) and `signature` (hexadecimal for an x-only
key, else the file of `ssh-keygen -Y sign` as text). Nothing in it is a secret.
"""

import json
from pathlib import Path

from signer.bitcoin.errors import Malformed
from signer.core.acts import SignedAct, read_act
from signer.core.errors import Objection, Refusal
from signer.core.officers import claimed_act
from signer.core.ssh import format_officer, read_officer
from signer.core.ssh_signature import armoured

MAX_FILE = 65_536
"""Bytes of an act's file, and of every other that an officer hands over."""
_MEMBERS = {"text", "officer", "signature"}


def act_json(signed: SignedAct) -> str:
    """The file's content."""
    return json.dumps(act_members(signed), indent=2) + "\n"


def act_members(signed: SignedAct) -> dict[str, str]:
    """What the file says, by name."""
    if len(signed.officer) == 32:
        signature = signed.signature.hex()
    else:
        signature = armoured(signed.signature).decode()
    officer = format_officer(signed.officer)
    return {"text": signed.text, "officer": officer, "signature": signature}


def read_act_file(path: Path) -> SignedAct:
    """The claim in that file: an officer's text, its signature not verified here. Raises Refusal
    `act-file-malformed`."""
    try:
        members = json.loads(bounded(path))
        if members.keys() != _MEMBERS or not all(
            isinstance(each, str) for each in members.values()
        ):
            raise ValueError
        read_act(members["text"])
        officer, written = read_officer(members["officer"]), members["signature"]
        signature = bytes.fromhex(written) if len(officer) == 32 else written.encode()
        return claimed_act(members["text"], officer, signature)
    except (ValueError, AttributeError, RecursionError) as error:
        detail = f": {error.detail}" if isinstance(error, Malformed) else ""
        raise _malformed(f"{path} is no officer's act{detail}") from None


def bounded(path: Path) -> bytes:
    """The content of a file of bounded size. Raises Refusal `act-file-malformed`."""
    with path.open("rb") as stream:
        content = stream.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise _malformed(f"{path} is larger than {MAX_FILE} bytes")
    return content


def _malformed(detail: str) -> Refusal:
    return Refusal(Objection("act-file-malformed", detail))
