"""The only holder of secrets, as the kernel knows it."""

from typing import Protocol

from signer.bitcoin.keys import MemberKey
from signer.core.deposits import RecordedDeposit
from signer.core.errors import Objection
from signer.core.spend import RecordedSpend, SignedSpend, VerifiedSpend


class Keystore(Protocol):
    """The only holder of secrets."""

    def xpubs(self) -> tuple[MemberKey, ...]:
        """Our federation keys."""

    def objections(
        self, spend: VerifiedSpend, now: int, recorded_at: int | None = None
    ) -> tuple[Objection, ...]:
        """Why it would not sign that, whatever the policy says; asked at that time, before it is recorded, or
        of what was recorded then."""

    def sign(self, recorded: RecordedSpend) -> SignedSpend:
        """Our signatures for a spend on durable record, each verified by us before it leaves."""

    def sign_statement(self, digest: bytes) -> bytes:
        """Ed25519 by the statement key over a 32-byte digest of a domain-separated statement."""

    def sign_head(self, text: bytes) -> bytes:
        """Ed25519 by the log key over a checkpoint text."""

    def sign_message(self, text: bytes) -> bytes:
        """Ed25519 by the log key over a text that begins with `pegwarden/DOMAIN/v1` and a line end; DOMAIN is
        receipt, agreement, possession or registration."""

    def attest(self, recorded: RecordedDeposit) -> bytes:
        """BIP-340 by the attestation key over a deposit on durable record, 64 bytes, verified by us before it
        leaves. The same for the same deposit, always."""

    @property
    def attestation_key(self) -> bytes:
        """The attestation key's 32-byte x-only public key; empty where the member has none."""

    @property
    def statement_key(self) -> bytes:
        """The statement key's 32-byte Ed25519 public key."""

    @property
    def log_key(self) -> bytes:
        """The log key's 32-byte Ed25519 public key."""
