"""A member's identity: the log key and the statement key, Ed25519, of the member and not of a vault.

Rule 1: both are random; neither derives from a vault seed or from the other.
Rule 2: the log key signs checkpoint texts of Pegwarden logs, cosignatures of such texts, and messages of
        the domains in MESSAGES; no text of one shape has another. The statement key signs 32-byte digests of
        domain-separated statements.
"""

import re
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keystore.header import DEFAULT_COST, Role, malformed_file
from keystore.sealed import Label, OpenedKey, seal
from keystore.secret import UNSAFE_EXPOSE, Secret, random_secret
from signer.bitcoin.network import Network
from signer.core.errors import Fault

_SIZE = 64
_CHECKPOINT = re.compile(
    rb"pegwarden/[0-9a-f]{64}/[0-9a-f]{64}\n[1-9][0-9]{0,17}\n[A-Za-z0-9+/]{43}=\n"
    rb"(?:epoch [1-9][0-9]{0,8}\n)?"
)
MESSAGES = (
    b"pegwarden/receipt/v1\n",
    b"pegwarden/agreement/v1\n",
    b"pegwarden/possession/v1\n",
    b"pegwarden/registration/v1\n",
)
"""How a message begins: receipts (`signer.core.receipt`), what members say to each other (design J6), key
records (`signer.core.keyrecord`) and registrations of vaults (`signer.core.registration`)."""


class Identity:
    """An opened identity."""

    def __init__(self, opened: OpenedKey) -> None:
        header = opened.header
        if header.role is not Role.IDENTITY or len(opened.secret) != _SIZE:
            raise malformed_file("not the two seeds of an identity")
        with opened.secret:
            self._log, self._statement = _keys(opened.secret)
        self.network: Network = header.network
        self.log_key: bytes = _public(self._log)
        self.statement_key: bytes = _public(self._statement)
        if public_text(self.log_key, self.statement_key) != header.public:
            raise malformed_file("the seeds do not derive to the public keys in the header")

    def sign_head(self, text: bytes) -> bytes:
        """64 bytes by the log key over a checkpoint text."""
        _require_checkpoint(text)
        return self._log.sign(text)

    def cosign(self, text: bytes, moment: int) -> bytes:
        """64 bytes by the log key over C2SP's cosignature/v1 of another log's checkpoint text."""
        _require_checkpoint(text)
        return self._log.sign(b"cosignature/v1\ntime %d\n" % moment + text)

    def sign_message(self, text: bytes) -> bytes:
        """64 bytes by the log key over a text of one of the domains in MESSAGES."""
        if not text.startswith(MESSAGES):
            raise Fault("the log key signs messages of its domains only")
        return self._log.sign(text)

    def sign_statement(self, digest: bytes) -> bytes:
        """64 bytes by the statement key over the digest of a domain-separated statement."""
        if len(digest) != 32:
            raise Fault("a statement's digest is 32 bytes")
        return self._statement.sign(digest)

    def __repr__(self) -> str:
        return f"<identity {self.log_key.hex()}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("an identity is neither copied nor pickled")


def new_identity(
    network: Network, passphrase: Secret, cost: int = DEFAULT_COST
) -> tuple[bytes, bytes, bytes]:
    """Fresh keys: the sealed file, the log key and the statement key (public, 32 bytes each)."""
    with random_secret(_SIZE) as seeds:
        log_key, statement_key = map(_public, _keys(seeds))
        label = Label(Role.IDENTITY, network, public_text(log_key, statement_key), None, cost)
        return seal(seeds, label, passphrase), log_key, statement_key


def public_text(log_key: bytes, statement_key: bytes) -> str:
    """Both public keys as a sealed file's header shows them."""
    return f"{log_key.hex()}:{statement_key.hex()}"


def _require_checkpoint(text: bytes) -> None:
    if _CHECKPOINT.fullmatch(text) is None:
        raise Fault("the log key signs heads of Pegwarden logs only")


def _keys(seeds: Secret) -> tuple[Ed25519PrivateKey, Ed25519PrivateKey]:
    content = seeds.expose(UNSAFE_EXPOSE)
    load = Ed25519PrivateKey.from_private_bytes
    return load(content[:32]), load(content[32:])


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()
