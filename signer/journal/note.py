"""Heads of the log as C2SP signed notes (tlog-checkpoint, signed-note).

1. The text is three lines: origin, number of entries, root in base64. The signature line is an em dash,
   the key name, and base64 of the key id and the Ed25519 signature over the text.
2. Origin and key name are `pegwarden/<genesis hash of the chain, internal order, hex>/<SHA-256 of the
   log key, hex>`: a head speaks for one log on one chain.
3. Reading accepts what `sign_head` writes, with further signature lines (cosignatures) ignored.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256

_ED25519 = b"\x01"
_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n")


class LogSigner(Protocol):
    """Who signs heads: the keystore's log key."""

    @property
    def log_key(self) -> bytes:
        """32-byte Ed25519 public key."""

    def sign_head(self, text: bytes) -> bytes:
        """64-byte Ed25519 signature over a checkpoint text."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a head says."""

    origin: str
    size: int
    """Entries."""
    root: bytes

    @property
    def text(self) -> str:
        """The checkpoint text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin_of(genesis_hash: bytes, log_key: bytes) -> str:
    """The log's name."""
    return f"pegwarden/{genesis_hash.hex()}/{sha256(log_key).hex()}"


def sign_head(head: Head, signer: LogSigner) -> str:
    """The signed note."""
    signature = signer.sign_head(head.text.encode())
    blob = base64.b64encode(_key_id(head.origin, signer.log_key) + signature).decode()
    return f"{head.text}\n\u2014 {head.origin} {blob}\n"


def verify_head(note: str, log_key: bytes) -> Head:
    """What the note says, if that key signed it. Raises Malformed `head-malformed`."""
    text, _, signatures = note.partition("\n\n")
    match = _TEXT.fullmatch(text + "\n")
    if match is None:
        raise Malformed("head-malformed", "not a checkpoint of three lines")
    head = Head(match[1], int(match[2]), base64.b64decode(match[3]))
    if head.text != text + "\n":
        raise Malformed("head-malformed", "the root is not canonical base64")
    verify_note(text + "\n", signatures, head.origin, log_key)
    return head


def verify_note(text: str, signatures: str, name: str, key: bytes) -> None:
    """Raises Malformed `head-malformed` unless a signature line of that name and key is valid."""
    prefix = f"\u2014 {name} "
    for line in signatures.splitlines():
        if line.startswith(prefix):
            blob = _decode(line.removeprefix(prefix))
            if blob[:4] == _key_id(name, key):
                _verify(key, blob[4:], text.encode())
                return
    raise Malformed("head-malformed", "no signature by the log key")


def _key_id(name: str, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + key)[:4]


def _decode(blob: str) -> bytes:
    try:
        return base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("head-malformed", "a signature line is not base64") from None


def _verify(key: bytes, signature: bytes, text: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        raise Malformed("head-malformed", "the signature does not fit the text") from None
