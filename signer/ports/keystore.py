"""The only holder of secrets, as the kernel knows it."""

from typing import Protocol

from signer.bitcoin.keys import ExtendedPublicKey
from signer.core.spend import RecordedSpend, SignedSpend


class Keystore(Protocol):
    """The only holder of secrets."""

    def xpubs(self) -> tuple[ExtendedPublicKey, ...]:
        """Our federation keys."""

    def sign(self, recorded: RecordedSpend) -> SignedSpend:
        """Our signatures for a spend on durable record, each verified by us before it leaves."""

    def sign_statement(self, digest: bytes) -> bytes:
        """Ed25519 by the statement key over a 32-byte digest of a domain-separated statement."""

    def sign_head(self, text: bytes) -> bytes:
        """Ed25519 by the log key over a checkpoint text."""

    def sign_message(self, text: bytes) -> bytes:
        """Ed25519 by the log key over a text that begins with `pegwarden/receipt/v1` or
        `pegwarden/agreement/v1` and a line end."""

    @property
    def statement_key(self) -> bytes:
        """The statement key's 32-byte Ed25519 public key."""

    @property
    def log_key(self) -> bytes:
        """The log key's 32-byte Ed25519 public key."""
