"""Heads of the log as C2SP signed notes (signed-note, tlog-checkpoint).

1. The text is three lines: origin, number of entries, root in base64; after the first epoch an extension line
   `epoch N` follows (docs/control.md). A signature line is an em dash, the key name, and base64 of the key
   id and the signature; ours is Ed25519 over the text.
2. Origin and key name are `pegwarden/<genesis hash of the chain, internal order, hex>/<SHA-256 of the
   log key, hex>`: a head speaks for one log on one chain.
3. A line is by a known key if name and key id are that key's: every such line must verify. Lines by other
   keys are ignored, as signed-note asks; what they look like is not (it must be a signature line).
4. A text has one form: no other extension lines, canonical base64 and decimal.
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

MAX_NOTE = 256 << 10
"""Characters of a note that is read."""
MAX_LINES = 64
"""Signatures of a note that is read; signed-note asks for 16 at least."""
ED25519 = 0x01
_TEXT = re.compile(
    r"([^\n]+)\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n(?:epoch ([1-9][0-9]{0,8})\n)?"
)
_LINE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


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
    epoch: int = 0
    """Of the journal when it was signed: officers open a new one where a journal was lost."""

    @property
    def text(self) -> str:
        """The checkpoint text that is signed."""
        extension = f"epoch {self.epoch}\n" if self.epoch else ""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{extension}"


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """A signature below a note."""

    name: str
    key_id: bytes
    """4 bytes."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note taken apart. Nothing is verified."""

    text: str
    lines: tuple[SignatureLine, ...]

    def signatures(self, name: str, key_id: bytes) -> tuple[bytes, ...]:
        """What the key of that name and id is said to have signed."""
        said = (name, key_id)
        return tuple(line.signature for line in self.lines if (line.name, line.key_id) == said)


def origin_of(genesis_hash: bytes, log_key: bytes) -> str:
    """The log's name; also its member's as a witness."""
    return f"pegwarden/{genesis_hash.hex()}/{sha256(log_key).hex()}"


def sign_head(head: Head, signer: LogSigner) -> str:
    """The signed note."""
    signature = signer.sign_head(head.text.encode())
    line = signature_line(head.origin, key_id(head.origin, signer.log_key, ED25519), signature)
    return f"{head.text}\n{line}"


def signature_line(name: str, key: bytes, signature: bytes) -> str:
    """The line that stands below a note, with its end."""
    return f"\u2014 {name} {base64.b64encode(key + signature).decode()}\n"


def read_note(note: str) -> SignedNote:
    """The note's parts. Raises Malformed `head-malformed`."""
    if len(note) > MAX_NOTE or _CONTROL.search(note):
        raise Malformed("head-malformed", "too long for a note, or a control character in it")
    text, blank, below = note.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise Malformed("head-malformed", "a note is a text, an empty line and signature lines")
    lines = below.removesuffix("\n").split("\n")
    if len(lines) > MAX_LINES:
        raise Malformed("head-malformed", f"{len(lines)} signature lines")
    return SignedNote(text + "\n", tuple(map(_read_line, lines)))


def read_head(text: str) -> Head:
    """What a checkpoint text says. Raises Malformed `head-malformed`."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise Malformed("head-malformed", "not a checkpoint of a journal")
    return Head(match[1], int(match[2]), decode_base64(match[3]), int(match[4] or 0))


def verify_head(note: str, log_key: bytes) -> Head:
    """What the note says, if that key signed it. Raises Malformed `head-malformed`."""
    read = read_note(note)
    head = read_head(read.text)
    verify_note(read, head.origin, log_key)
    return head


def verify_note(note: SignedNote, name: str, key: bytes) -> None:
    """Raises Malformed `head-malformed` unless the key of that name signed the text."""
    signatures = note.signatures(name, key_id(name, key, ED25519))
    if not signatures:
        raise Malformed("head-malformed", "no signature by the log key")
    for signature in signatures:
        verify_ed25519(key, signature, note.text.encode())


def key_id(name: str, key: bytes, kind: int) -> bytes:
    """By which a signature line names its key; the kind is the signature type's byte."""
    return sha256(name.encode() + b"\n" + bytes((kind,)) + key)[:4]


def decode_base64(text: str) -> bytes:
    """The bytes, of which that is the one base64 form. Raises Malformed `head-malformed`."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("head-malformed", "not base64") from None
    if base64.b64encode(decoded).decode() != text:
        raise Malformed("head-malformed", "not canonical base64")
    return decoded


def verify_ed25519(key: bytes, signature: bytes, message: bytes) -> None:
    """Raises Malformed `head-malformed`."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Malformed("head-malformed", "the signature does not fit the text") from None


def _read_line(line: str) -> SignatureLine:
    match = _LINE.fullmatch(line)
    if match is None:
        raise Malformed("head-malformed", "not a signature line")
    blob = decode_base64(match[2])
    if len(blob) < 5:
        raise Malformed("head-malformed", "a signature line without a signature")
    return SignatureLine(match[1], blob[:4], blob[4:])
