"""OpenSSH public keys of officers (RFC 4253 section 6.6, OpenSSH's PROTOCOL and PROTOCOL.u2f).

1. Three types: `ssh-ed25519`, and the FIDO2 ones, whose token signs only when it is touched.
2. In a policy a key is one line, `TYPE BASE64 [COMMENT]`; everywhere else its blob. No blob is 32 bytes long,
   so none is taken for an x-only key.
3. A blob is exactly its fields, and a line exactly its blob: one key has one form.
4. A FIDO2 key's application begins with `ssh:`, so that no web site's login is an officer's word.
"""

import binascii
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed

ED25519 = b"ssh-ed25519"
SK_ED25519 = b"sk-ssh-ed25519@openssh.com"
SK_ECDSA = b"sk-ecdsa-sha2-nistp256@openssh.com"
MAX_LINE = 1_024
"""Characters."""
MAX_BLOB = 512
"""Bytes."""
_LINE = re.compile(r"([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]+={0,2})(?: [^\x00-\x1f\x7f]*)?")
_P = 2**255 - 19
_SIGN = 1 << 255
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset((0, 1, _P - 1, _ORDER_8, _P - _ORDER_8))
"""y of the eight points of Ed25519 under which anybody can sign."""
_X_ONLY = re.compile("[0-9a-f]{64}")
_CURVE = b"nistp256"


@dataclass(frozen=True, slots=True)
class SshKey:
    """A public key, read."""

    kind: bytes
    """ED25519, SK_ED25519 or SK_ECDSA."""
    point: bytes
    """32 bytes of Ed25519, or an uncompressed point of P-256."""
    application: bytes
    """What a token signs for; empty for ED25519."""


def parse_public_key(line: str) -> bytes:
    """The blob of `ssh-ed25519 AAAA... comment`. Raises Malformed `officer-key-malformed`."""
    match = _LINE.fullmatch(line) if len(line) <= MAX_LINE else None
    if match is None:
        raise _malformed("a public key is one line: its type, its base64, and perhaps a comment")
    kind, text = match[1], match[2]
    try:
        blob = binascii.a2b_base64(text)
    except binascii.Error:
        raise _malformed("its base64 cannot be read") from None
    if _base64(blob) != text:
        raise _malformed("its base64 is not in canonical form")
    if read_key(blob).kind != kind.encode():
        raise _malformed(f"the blob is not of type {kind}")
    return blob


def format_public_key(blob: bytes) -> str:
    """The line without a comment. Raises Malformed `officer-key-malformed`."""
    return f"{read_key(blob).kind.decode()} {_base64(blob)}"


def read_key(blob: bytes) -> SshKey:
    """What a blob says. Raises Malformed `officer-key-malformed`."""
    if len(blob) > MAX_BLOB:
        raise _malformed(f"a key of {len(blob)} bytes is above {MAX_BLOB}")
    reader = Reader(blob, "officer-key")
    kind = take_string(reader)
    if kind not in (ED25519, SK_ED25519, SK_ECDSA):
        raise _malformed("the type is none of ssh-ed25519 and the two of FIDO2")
    if kind == SK_ECDSA and take_string(reader) != _CURVE:
        raise _malformed("the curve is not nistp256")
    point = take_string(reader)
    application = b"" if kind == ED25519 else take_string(reader)
    reader.end()
    _require_point(kind, point)
    if kind != ED25519 and not application.startswith(b"ssh:"):
        raise _malformed("a FIDO2 key's application begins with `ssh:`")
    return SshKey(kind, point, application)


def format_officer(key: bytes) -> str:
    """An officer's key as policies and texts write it: 64 hexadecimal digits, or an OpenSSH line."""
    return key.hex() if len(key) == 32 else format_public_key(key)


def read_officer(text: str) -> bytes:
    """The inverse of `format_officer`; a comment is allowed. Raises Malformed `officer-key-malformed`."""
    return bytes.fromhex(text) if _X_ONLY.fullmatch(text) else parse_public_key(text)


def take_string(reader: Reader) -> bytes:
    """A string of the SSH wire: its length in four bytes, big-endian, then its bytes."""
    return reader.take(int.from_bytes(reader.take(4), "big"))


def ssh_string(data: bytes) -> bytes:
    """The inverse of `take_string`."""
    return len(data).to_bytes(4, "big") + data


def _require_point(kind: bytes, point: bytes) -> None:
    if kind != SK_ECDSA:
        if len(point) != 32:
            raise _malformed(f"an Ed25519 key of {len(point)} bytes instead of 32")
        y = int.from_bytes(point, "little") & ~_SIGN
        if y >= _P or y in _SMALL_ORDER:
            raise _malformed("an Ed25519 key that is not canonical, or of small order")
        return
    try:
        if point[:1] != b"\x04":
            raise ValueError
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise _malformed("not an uncompressed point of P-256") from None


def _base64(blob: bytes) -> str:
    return binascii.b2a_base64(blob, newline=False).decode()


def _malformed(detail: str) -> Malformed:
    return Malformed("officer-key-malformed", detail)
