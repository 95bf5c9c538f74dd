"""A federation of test members, their keys made with a foreign library (embit) as an oracle."""

from dataclasses import dataclass
from functools import cache

from coincurve import PrivateKey
from embit.bip32 import HDKey

from signer.bitcoin.network import REGTEST
from signer.bitcoin.taproot import unspendable_xpub
from signer.core.evidence import (
    Attestation,
    Realm,
    Statement,
    attestation_digest,
)
from signer.core.vault import Vault, VaultDefinition, register

ACCOUNT = "m/48h/1h/0h/2h"
ACCOUNT_PATH = (48 + 2**31, 1 + 2**31, 0 + 2**31, 2 + 2**31)


@dataclass(frozen=True)
class Member:
    """A member with its secrets, for tests only."""

    name: str

    @property
    def root(self) -> HDKey:
        return _root(self.name)

    @property
    def account(self) -> HDKey:
        return _account(self.name)

    @property
    def fingerprint(self) -> bytes:
        return bytes(self.root.my_fingerprint)

    @property
    def key_text(self) -> str:
        xpub = self.account.to_public().to_base58(bytes.fromhex("043587cf"))
        return f"[{self.fingerprint.hex()}/48'/1'/0'/2']{xpub}"

    def secret(self, branch: int, index: int) -> PrivateKey:
        child = self.account.derive([branch, index])
        return PrivateKey(child.key.serialize())

    def sign(self, branch: int, index: int, digest: bytes) -> bytes:
        """DER signature with the byte of SIGHASH_ALL."""
        return self.secret(branch, index).sign(digest, hasher=None) + b"\x01"


@cache
def _root(name: str) -> HDKey:
    return HDKey.from_seed(name.encode().ljust(32, b"\x07"))


@cache
def _account(name: str) -> HDKey:
    return _root(name).derive(ACCOUNT)


MEMBERS = tuple(Member(f"member-{letter}") for letter in "abcdefghijklmno")
"""Fifteen of them."""


def definition(
    threshold: int = 2, members: int = 3, first: int = 0, name: str = "peg"
) -> VaultDefinition:
    """A wsh(sortedmulti) vault of test members."""
    places = ",".join(f"@{place}/**" for place in range(members))
    keys = tuple(member.key_text for member in MEMBERS[first : first + members])
    return VaultDefinition(name, f"wsh(sortedmulti({threshold},{places}))", keys, 20)


@cache
def vault(threshold: int = 2, members: int = 3, first: int = 0, name: str = "peg") -> Vault:
    """The registered vault."""
    return register(definition(threshold, members, first, name), REGTEST)


@dataclass(frozen=True)
class Watcher:
    """An attestor of the tests."""

    number: int

    @property
    def secret(self) -> PrivateKey:
        return PrivateKey(bytes([self.number]) * 32)

    @property
    def key(self) -> bytes:
        return self.secret.public_key_xonly.format()

    def attest(self, realm: Realm, expiry: int, *statements: Statement) -> Attestation:
        digest = attestation_digest(realm, expiry, statements)
        return Attestation(self.key, expiry, statements, self.secret.sign_schnorr(digest))


WATCHERS = tuple(Watcher(number) for number in (11, 12, 13))


def taproot_definition(older: int = 144, first: int = 0, name: str = "tap") -> VaultDefinition:
    """2-of-3 by the primary leaf; any one of them after `older` blocks."""
    primary = ",".join(f"@{place}/**" for place in (1, 2, 3))
    recovery = ",".join(f"@{place}/<2;3>/*" for place in (1, 2, 3))
    leaves = f"multi_a(2,{primary}),and_v(v:older({older}),multi_a(1,{recovery}))"
    internal = unspendable_xpub().text(REGTEST)
    keys = (internal, *(member.key_text for member in MEMBERS[first : first + 3]))
    return VaultDefinition(name, f"tr(@0/**,{{{leaves}}})", keys, 20)


@cache
def taproot_vault(older: int = 144, first: int = 0, name: str = "tap") -> Vault:
    """The registered vault."""
    return register(taproot_definition(older, first, name), REGTEST)
