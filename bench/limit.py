"""The limit: what libsecp256k1 alone needs to derive our child's key, sign, and verify what it signed.

1. No parsing, no digests, no PSBT: keys, tweaks' messages and digests lie ready in buffers.
2. `bare` derives the private key only (HMAC, one addition) and verifies under a public key that lies parsed.
   `paired` also computes the child's public key, which BIP-32 derives with it. In Taproot they are the same:
   a BIP-340 signature begins with the key pair.
3. One thread, like the pure line.
"""

import hmac
import time
from collections.abc import Callable
from typing import Any

from coincurve._libsecp256k1 import ffi, lib

_CONTEXT: Any = lib.secp256k1_context_create(lib.SECP256K1_CONTEXT_NONE)
_PARENT, _CHAIN_CODE, _DIGEST = b"\x11" * 32, b"\x22" * 32, b"\x33" * 32
_RANDOMNESS = b"\x44" * 32


class Unexpected(Exception):
    """libsecp256k1 did not do what it always does."""


def _child(key: Any, message: bytes) -> None:
    ffi.memmove(key, _PARENT, 32)
    tweak = hmac.digest(_CHAIN_CODE, message, "sha512")
    if not lib.secp256k1_ec_seckey_tweak_add(_CONTEXT, key, tweak):
        raise Unexpected


def _ecdsa(count: int, paired: bool) -> float:
    key, public = ffi.new("unsigned char[32]"), ffi.new("secp256k1_pubkey *")
    signature, messages = ffi.new("secp256k1_ecdsa_signature *"), _messages(count)
    scratch = ffi.new("secp256k1_pubkey *")
    publics = []
    for message in messages:
        _child(key, message)
        public = ffi.new("secp256k1_pubkey *")
        lib.secp256k1_ec_pubkey_create(_CONTEXT, public, key)
        publics.append(public)
    started = time.perf_counter()
    for message, public in zip(messages, publics, strict=True):
        _child(key, message)
        if paired:
            lib.secp256k1_ec_pubkey_create(_CONTEXT, scratch, key)
        lib.secp256k1_ecdsa_sign(_CONTEXT, signature, _DIGEST, key, ffi.NULL, ffi.NULL)
        if not lib.secp256k1_ecdsa_verify(_CONTEXT, signature, _DIGEST, public):
            raise Unexpected
    return time.perf_counter() - started


def _schnorr(count: int) -> float:
    key, pair = ffi.new("unsigned char[32]"), ffi.new("secp256k1_keypair *")
    public, signature = ffi.new("secp256k1_xonly_pubkey *"), ffi.new("unsigned char[64]")
    messages = _messages(count)
    started = time.perf_counter()
    for message in messages:
        _child(key, message)
        lib.secp256k1_keypair_create(_CONTEXT, pair, key)
        lib.secp256k1_schnorrsig_sign32(_CONTEXT, signature, _DIGEST, pair, _RANDOMNESS)
        lib.secp256k1_keypair_xonly_pub(_CONTEXT, public, ffi.NULL, pair)
        if not lib.secp256k1_schnorrsig_verify(_CONTEXT, signature, _DIGEST, 32, public):
            raise Unexpected
    return time.perf_counter() - started


def _messages(count: int) -> list[bytes]:
    return [b"\x02" + b"\x55" * 32 + index.to_bytes(4, "big") for index in range(count)]


def bare(count: int, is_taproot: bool) -> Callable[[], float]:
    """Seconds for that many signatures, private keys derived."""
    return lambda: _schnorr(count) if is_taproot else _ecdsa(count, paired=False)


def paired(count: int, is_taproot: bool) -> Callable[[], float]:
    """Seconds for that many signatures, key pairs derived."""
    return lambda: _schnorr(count) if is_taproot else _ecdsa(count, paired=True)
