"""An officer's BIP-340 key on the officer's own machine: never a kernel's, and no kernel reads it.

Rule 1: the file is a regular one that only its owner can read, and holds 64 hexadecimal digits: the secret.
Rule 2: the key signs officers' texts and nothing else: it takes a text, not a digest.
Rule 3: what it signed is verified before it is given out.
Whoever has a FIDO2 token uses that instead (docs/officers.md).
"""

import binascii
import os
from pathlib import Path
from typing import NoReturn

from coincurve._libsecp256k1 import ffi, lib

from keystore.gate import randomized_context
from keystore.passphrase import passphrase_from_file
from keystore.secret import UNSAFE_EXPOSE, Secret, taken, wipe
from signer.core.acts import SignedAct, read_act
from signer.core.errors import Fault, Objection, Refusal
from signer.core.officers import officer_digest, verify_signature

_CONTEXT = randomized_context()
_SIZE = 32


class OfficerKey:
    """An opened key."""

    def __init__(self, secret: Secret) -> None:
        self._pair = ffi.new("secp256k1_keypair *")
        with secret:
            exposed = ffi.from_buffer(secret.expose(UNSAFE_EXPOSE))
            made = len(secret) == _SIZE and lib.secp256k1_keypair_create(
                _CONTEXT, self._pair, exposed
            )
        if not made:
            raise _unusable("its number is no secret key")
        self.public = self._public()
        """32 bytes, x-only."""

    def sign(self, text: str) -> SignedAct:
        """The officer's word. Raises Malformed `act-malformed` for what is no officer's text."""
        read_act(text)
        out = ffi.new("unsigned char[64]")
        digest = officer_digest(text)
        if not lib.secp256k1_schnorrsig_sign32(_CONTEXT, out, digest, self._pair, os.urandom(32)):
            raise Fault("libsecp256k1 does not sign with this key")
        signed = SignedAct(text, self.public, bytes(ffi.buffer(out, 64)))
        verify_signature(signed)
        return signed

    def close(self) -> None:
        """Zero the key."""
        size = ffi.sizeof("secp256k1_keypair")
        ffi.memmove(self._pair, bytes(size), size)

    def __repr__(self) -> str:
        return f"<officer key {self.public.hex()}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an officer's key is neither copied nor pickled")

    def _public(self) -> bytes:
        point, out = ffi.new("secp256k1_xonly_pubkey *"), ffi.new("unsigned char[32]")
        lib.secp256k1_keypair_xonly_pub(_CONTEXT, point, ffi.NULL, self._pair)
        lib.secp256k1_xonly_pubkey_serialize(_CONTEXT, out, point)
        return bytes(ffi.buffer(out, _SIZE))


def open_officer_key(path: Path) -> OfficerKey:
    """Raises Refusal `officer-key-file` or `passphrase-unreadable` (others can read the file)."""
    with passphrase_from_file(path) as content:
        try:
            number = binascii.unhexlify(content.expose(UNSAFE_EXPOSE))
        except binascii.Error:
            raise _unusable(f"{path} does not hold 64 hexadecimal digits") from None
    return OfficerKey(taken(number))


def make_officer_key(path: Path) -> OfficerKey:
    """A new key in a new file. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    number = os.urandom(_SIZE)
    digits = binascii.hexlify(number)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(digits)
        stream.write(b"\n")
    wipe(digits)
    return OfficerKey(taken(number))


def _unusable(detail: str) -> Refusal:
    return Refusal(Objection("officer-key-file", detail))
