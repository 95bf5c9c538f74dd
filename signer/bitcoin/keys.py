"""Extended public keys and their origins (BIP-32, BIP-380). Public derivation only.

Rule 1: an xpub carries the version bytes of the network it is read for; SLIP-132 forms are refused.
Rule 2: below an xpub only non-hardened steps exist.
Rule 3: the path in a key origin is written in one form, hardened steps with '; h is read too.
Rule 4: a key in a token has no chain code: it is one public key, without children.
"""

import hmac
from dataclasses import dataclass
from functools import lru_cache

from signer.bitcoin.base58 import base58check_decode, base58check_encode
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash160
from signer.bitcoin.network import Network
from signer.bitcoin.secp import parse_pubkey, pubkey_tweak_add

HARDENED = 0x8000_0000
MAX_DEPTH = 255
"""Depth is one byte (BIP-32)."""
MAX_PATH = 10
"""Steps in a path that we are willing to read (checklist A3)."""

KeyPath = tuple[int, ...]
"""BIP-32 child numbers from the master key on."""


@dataclass(frozen=True, slots=True)
class KeyOrigin:
    """Where a key comes from: `[fingerprint/path]` (BIP-380)."""

    fingerprint: bytes
    """First 4 bytes of hash160 of the master public key."""
    path: KeyPath

    def __str__(self) -> str:
        return f"[{self.fingerprint.hex()}{format_path(self.path)}]"


@dataclass(frozen=True, slots=True)
class ExtendedPublicKey:
    """An xpub (BIP-32)."""

    depth: int
    parent_fingerprint: bytes
    child_number: int
    chain_code: bytes
    pubkey: bytes
    """33 bytes, compressed."""

    def child(self, number: int) -> "ExtendedPublicKey":
        """CKDpub (BIP-32). Raises Malformed `derivation-impossible`."""
        pubkey, chain_code = self._derive(number)
        return ExtendedPublicKey(self.depth + 1, self.fingerprint(), number, chain_code, pubkey)

    def child_pubkey(self, number: int) -> bytes:
        """The public key of `child(number)`, without the fingerprint that it would carry."""
        return self._derive(number)[0]

    def _derive(self, number: int) -> tuple[bytes, bytes]:
        if not 0 <= number < HARDENED or self.depth == MAX_DEPTH:
            raise Malformed("derivation-impossible", f"no child {number} below depth {self.depth}")
        digest = hmac.digest(self.chain_code, self.pubkey + number.to_bytes(4, "big"), "sha512")
        pubkey = pubkey_tweak_add(self.pubkey, digest[:32])
        if pubkey is None:
            raise Malformed("derivation-impossible", f"child {number} is one of the 1 in 2^127")
        return pubkey, digest[32:]

    def fingerprint(self) -> bytes:
        """First 4 bytes of hash160 of the public key."""
        return hash160(self.pubkey)[:4]

    def payload(self) -> bytes:
        """The 74 bytes after the version (BIP-32)."""
        head = bytes((self.depth,)) + self.parent_fingerprint + self.child_number.to_bytes(4, "big")
        return head + self.chain_code + self.pubkey

    def text(self, network: Network) -> str:
        """Base58 with that network's version bytes."""
        return base58check_encode(network.xpub_version + self.payload())


@dataclass(frozen=True, slots=True)
class FixedKey:
    """One public key that has no children (rule 4)."""

    pubkey: bytes
    """33 bytes, compressed."""

    def fingerprint(self) -> bytes:
        """First 4 bytes of hash160 of the public key."""
        return hash160(self.pubkey)[:4]

    def text(self, _: Network) -> str:
        """Hexadecimal, which names no network."""
        return self.pubkey.hex()


MemberKey = ExtendedPublicKey | FixedKey
"""What a member of a federation signs with."""


def parse_xpub(text: str, network: Network) -> ExtendedPublicKey:
    """An xpub of that network. Raises Malformed `xpub-malformed` or `xpub-wrong-network`."""
    try:
        data = base58check_decode(text)
    except Malformed as error:
        raise Malformed("xpub-malformed", error.detail) from None
    if len(data) != 78:
        raise Malformed("xpub-malformed", f"{len(data)} bytes instead of 78")
    if data[:4] != network.xpub_version:
        raise Malformed("xpub-wrong-network", f"version {data[:4].hex()} is no xpub of {network}")
    return parse_xpub_payload(data[4:])


def parse_xpub_payload(data: bytes) -> ExtendedPublicKey:
    """The 74 bytes after the version (BIP-32). Raises Malformed `xpub-malformed`."""
    if len(data) != 74:
        raise Malformed("xpub-malformed", f"{len(data)} bytes instead of 74")
    key = ExtendedPublicKey(
        data[0], data[1:5], int.from_bytes(data[5:9], "big"), data[9:41], data[41:]
    )
    if key.depth == 0 and (key.parent_fingerprint != bytes(4) or key.child_number):
        raise Malformed("xpub-malformed", "a master key has no parent and no child number")
    try:
        parse_pubkey(key.pubkey)
    except Malformed as error:
        raise Malformed("xpub-malformed", error.detail) from None
    return key


@lru_cache(maxsize=4_096)
def branch_key(xpub: ExtendedPublicKey, branch: int) -> ExtendedPublicKey:
    """xpub.child(branch), remembered: every address of a branch starts from it."""
    return xpub.child(branch)


def format_path(path: KeyPath) -> str:
    """`/48'/1'/0'`; empty for no steps."""
    return "".join(f"/{n - HARDENED}'" if n >= HARDENED else f"/{n}" for n in path)


def parse_path(text: str) -> KeyPath:
    """`/48'/1'/0'` (or h for '), as steps. Raises Malformed `path-malformed`."""
    if text == "":
        return ()
    if not text.startswith("/"):
        raise Malformed("path-malformed", "a step begins with /")
    count = text.count("/")
    if count > MAX_PATH:
        raise Malformed("path-malformed", f"{count} steps; at most {MAX_PATH} are read")
    return tuple(_parse_step(step) for step in text[1:].split("/"))


def _parse_step(step: str) -> int:
    digits = step[:-1] if step[-1:] in ("'", "h") else step
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 10:
        raise Malformed("path-malformed", "a step is not a child number")
    number = int(digits)
    if number >= HARDENED:
        raise Malformed("path-malformed", f"{step!r} is out of range")
    return number + (HARDENED if digits != step else 0)
