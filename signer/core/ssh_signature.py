"""OpenSSH signatures, as `ssh-keygen -Y sign -n pegwarden` makes them (OpenSSH's PROTOCOL.sshsig).

1. The file's armour or its blob; both bounded, both in the one form that `ssh-keygen` writes.
2. Magic, version 1, the officer's own key, namespace `pegwarden`, nothing reserved, SHA-256 or SHA-512: a
   signature for another purpose (a login, a git commit) is none for this.
3. A FIDO2 token signs SHA-256(application) || flags || counter || SHA-256(what is signed), and its flags tell
   that somebody touched it. The counter is not compared: the record, not the token, knows what came before.
4. `verify_ssh_signature` answers nothing; it raises.
"""

import binascii
import hashlib
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import sha256
from signer.core.errors import unverified
from signer.core.ssh import ED25519, SK_ECDSA, SshKey, read_key, ssh_string, take_string

NAMESPACE = b"pegwarden"
MAX_SIGNATURE = 4_096
"""Bytes, armour included."""
MAGIC = b"SSHSIG"
PRESENT = 0x01
"""The flag of a token that was touched."""
_VERSION = (1).to_bytes(4, "big")
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----"
_COLUMNS = 70


def signature_blob(signature: bytes) -> bytes:
    """The blob of an armoured signature; a blob as it is. Raises Malformed `officer-signature-malformed`."""
    if len(signature) > MAX_SIGNATURE:
        raise _malformed(f"a signature of {len(signature)} bytes is above {MAX_SIGNATURE}")
    if not signature.startswith(b"-"):
        return signature
    try:
        text = signature.removeprefix(_BEGIN).removesuffix(b"\n").removesuffix(_END)
        blob = binascii.a2b_base64(text)
    except binascii.Error:
        raise _malformed("its base64 cannot be read") from None
    if signature not in (armoured(blob), armoured(blob)[:-1]):
        raise _malformed("not the file that `ssh-keygen -Y sign` writes")
    return blob


def armoured(blob: bytes) -> bytes:
    """The file that `ssh-keygen -Y sign` writes."""
    text = binascii.b2a_base64(blob, newline=False)
    lines = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
    return _BEGIN + b"".join(line + b"\n" for line in lines) + _END + b"\n"


def verify_ssh_signature(key_blob: bytes, message: bytes, signature: bytes) -> None:
    """Raises Malformed `officer-signature-malformed` or `officer-key-malformed`, VerificationError
    `officer-signature-invalid`."""
    reader = Reader(signature_blob(signature), "officer-signature")  # 1
    if reader.take(6) != MAGIC or reader.take(4) != _VERSION:  # 2
        raise _malformed("not an OpenSSH signature of version 1")
    if take_string(reader) != key_blob:
        raise _invalid("it is another key's")
    if take_string(reader) != NAMESPACE:
        raise _invalid("it is not of namespace pegwarden")
    if take_string(reader):
        raise _malformed("the reserved field is not empty")
    name = take_string(reader)
    if name not in _HASHES:
        raise _malformed("its hash is neither sha256 nor sha512")
    inner = take_string(reader)
    reader.end()
    _verify_inner(read_key(key_blob), signed_bytes(name, message), inner)


def signed_bytes(hash_name: bytes, message: bytes) -> bytes:
    """What the key signs for a message, by the hash of that name."""
    digest = _HASHES[hash_name](message).digest()
    fields = (NAMESPACE, b"", hash_name, digest)
    return MAGIC + b"".join(ssh_string(field) for field in fields)


def token_bytes(application: bytes, flags: int, counter: bytes, signed: bytes) -> bytes:
    """What a FIDO2 token signs (rule 3)."""
    return sha256(application) + bytes((flags,)) + counter + sha256(signed)


def _verify_inner(key: SshKey, signed: bytes, inner: bytes) -> None:
    reader = Reader(inner, "officer-signature")
    if take_string(reader) != key.kind:
        raise _malformed("the signature is not of its key's type")
    signature = take_string(reader)
    if key.kind != ED25519:  # 3
        flags = reader.u8()
        signed = token_bytes(key.application, flags, reader.take(4), signed)
        if not flags & PRESENT:
            raise _invalid("nobody touched the token")
    reader.end()
    try:
        if key.kind == SK_ECDSA:
            curve = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key.point)
            curve.verify(_der(signature), signed, ECDSA(SHA256()))
        else:
            Ed25519PublicKey.from_public_bytes(key.point).verify(signature, signed)
    except InvalidSignature:
        raise _invalid("it does not verify for this text") from None


def _der(signature: bytes) -> bytes:
    reader = Reader(signature, "officer-signature")
    r, s = _number(take_string(reader)), _number(take_string(reader))
    reader.end()
    return encode_dss_signature(r, s)


def _number(data: bytes) -> int:
    """A positive number of the SSH wire in its one form (RFC 4251 section 5)."""
    if not re.fullmatch(rb"[\x01-\x7f].{0,31}|\x00[\x80-\xff].{0,31}", data, re.DOTALL):
        raise _malformed("r or s is not a positive number of at most 256 bits in its shortest form")
    return int.from_bytes(data, "big")


def _malformed(detail: str) -> Malformed:
    return Malformed("officer-signature-malformed", detail)


def _invalid(detail: str) -> Exception:
    return unverified("officer-signature-invalid", f"the officer's signature: {detail}")
