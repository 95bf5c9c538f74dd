"""Public-key operations of libsecp256k1 (through coincurve's cffi module, see ADR 0002).

Rule 1: no secret enters here; signing is `keystore`'s.
Rule 2: a public key is 33 bytes compressed (or 32 x-only) and on the curve, or it is refused.
Rule 3: `verify_*` raises; it never returns a bool that could be ignored.
"""

from functools import lru_cache
from typing import Any

from coincurve._libsecp256k1 import ffi, lib

from signer.bitcoin.errors import Malformed

_SIGNATURE: Any = ffi.typeof("secp256k1_ecdsa_signature *")
CONTEXT: Any = lib.secp256k1_context_create(lib.SECP256K1_CONTEXT_NONE)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class BadSignature(Exception):
    """The signature does not verify under that key for that digest."""


@lru_cache(maxsize=65_536)
def parse_pubkey(pubkey: bytes) -> Any:
    """libsecp256k1's form of a 33-byte compressed key. Raises Malformed `pubkey-malformed`."""
    if len(pubkey) != 33 or pubkey[0] not in (2, 3):
        raise Malformed("pubkey-malformed", "a public key is 33 bytes, compressed")
    parsed = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_parse(CONTEXT, parsed, pubkey, 33):
        raise Malformed("pubkey-malformed", "not a point on the curve")
    return parsed


def pubkey_tweak_add(pubkey: bytes, tweak: bytes) -> bytes | None:
    """pubkey + tweak*G, 33 bytes; None when it does not exist.

    That is when the tweak is not 32 bytes below the order, or the sum is infinity.
    """
    point = ffi.new("secp256k1_pubkey *", parse_pubkey(pubkey)[0])
    if len(tweak) != 32 or not lib.secp256k1_ec_pubkey_tweak_add(CONTEXT, point, tweak):
        return None
    return serialize_pubkey(point)


def serialize_pubkey(point: Any) -> bytes:
    """33 bytes, compressed."""
    out, size = ffi.new("unsigned char[33]"), ffi.new("size_t *", 33)
    lib.secp256k1_ec_pubkey_serialize(CONTEXT, out, size, point, lib.SECP256K1_EC_COMPRESSED)
    return bytes(ffi.buffer(out, 33))


def _read_der(signature: bytes) -> Any:
    parsed = ffi.new(_SIGNATURE)
    if not lib.secp256k1_ecdsa_signature_parse_der(CONTEXT, parsed, signature, len(signature)):
        raise Malformed("signature-malformed", "not a DER signature")
    return parsed


def parse_der(signature: bytes) -> Any:
    """libsecp256k1's form of a strict DER signature with low S (BIP-66, BIP-146).

    Raises Malformed `signature-malformed`.
    """
    parsed = _read_der(signature)
    if lib.secp256k1_ecdsa_signature_normalize(CONTEXT, ffi.NULL, parsed):
        raise Malformed("signature-malformed", "high S value")
    out, size = ffi.new("unsigned char[72]"), ffi.new("size_t *", 72)
    lib.secp256k1_ecdsa_signature_serialize_der(CONTEXT, out, size, parsed)
    # libsecp256k1 reads a negative number, or one not below the order, as 0: that is told here.
    if bytes(ffi.buffer(out, size[0])) != signature:
        raise Malformed("signature-malformed", "R or S is out of range")
    return parsed


def verify_ecdsa(pubkey: bytes, digest: bytes, signature: bytes) -> None:
    """Raises BadSignature unless the DER signature (no sighash byte) is that key's over digest.

    High S and R or S out of range (read as 0) fail in libsecp256k1's verification, so that the cost
    of `parse_der` is saved here. Malformed `signature-malformed` when it is not DER at all.
    """
    if len(digest) != 32:
        raise BadSignature("a digest is 32 bytes")
    parsed = _read_der(signature)
    if not lib.secp256k1_ecdsa_verify(CONTEXT, parsed, digest, parse_pubkey(pubkey)):
        raise BadSignature("ECDSA signature does not verify")


@lru_cache(maxsize=4_096)
def parse_xonly(pubkey: bytes) -> Any:
    """libsecp256k1's form of a 32-byte x-only key (BIP-340), a point on the curve.

    Raises Malformed `pubkey-malformed`.
    """
    parsed = ffi.new("secp256k1_xonly_pubkey *")
    if len(pubkey) != 32 or not lib.secp256k1_xonly_pubkey_parse(CONTEXT, parsed, pubkey):
        raise Malformed("pubkey-malformed", "not a 32-byte x-only public key")
    return parsed


def verify_schnorr(pubkey: bytes, message: bytes, signature: bytes) -> None:
    """Raises BadSignature unless the BIP-340 signature is that x-only key's over message."""
    if len(signature) != 64 or not lib.secp256k1_schnorrsig_verify(
        CONTEXT, signature, message, len(message), parse_xonly(pubkey)
    ):
        raise BadSignature("BIP-340 signature does not verify")
