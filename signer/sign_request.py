"""SignPsbt as it was asked for, and what ExplainPsbt answers about it."""

import hashlib
from dataclasses import dataclass

from signer.core.caller import Caller
from signer.core.evidence import Attestation
from signer.core.payment import PaymentClaim
from signer.core.proven import InclusionClaim
from signer.core.question import TraceLine
from signer.core.spend import VerifiedSpend


@dataclass(frozen=True, slots=True)
class SignRequest:
    """SignPsbt, decoded. Everything in it is a claim."""

    caller: Caller
    vault_id: str
    psbt: bytes
    payments: tuple[PaymentClaim, ...]
    attestations: tuple[Attestation, ...]
    last_seen_head: str
    """Empty for none."""
    raw: bytes
    """The request's bytes, for the record."""
    proofs: tuple[InclusionClaim, ...] = ()
    """In which blocks the coins are."""

    @property
    def digest(self) -> bytes:
        """What the record calls the request by."""
        return hashlib.sha256(self.raw).digest()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What SignPsbt would say."""

    spend: VerifiedSpend
    lines: tuple[TraceLine, ...]
    """In an `or`, a predicate may fail and the whole still consent."""
    would_sign: bool
    on_record: bool
    would_be_pending: bool = False
    nearest_changes: tuple[str, ...] = ()
