"""Receipts: what the kernel answered, bound to its log (docs/audit.md has the bytes).

1. A receipt says: the entry with this leaf hash records our answer to the request with that digest, and is
   in the tree of that head. Whoever holds it can prove later what was answered, whatever the journal says.
2. The log key signs the canonical text: the domain line, then `key: value` lines in one order. Every value
   has one form, so what is verified is what is read.
3. It names its log (`pegwarden/<genesis hash>/<SHA-256 of the log key>`): one of another is worth nothing.
"""

from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signer.core.errors import unverified

DOMAIN = "pegwarden/receipt/v1"


class Answered(StrEnum):
    """What the answer was."""

    SIGNED = "signed"
    PENDING = "pending"
    """Recorded, and it waits for the other members' grants."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receipt is about."""

    decision_id: bytes
    """Leaf hash of the entry, 32 bytes."""
    verdict: str
    """`Answered`."""
    request_digest: bytes
    """SHA-256 of the request's bytes."""
    txid: bytes
    """32 bytes, internal order; empty for a refusal."""
    size: int
    """Entries of a tree that has the entry."""
    root: bytes
    """Its root, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """An answer, signed."""

    answer: Answer
    signature: bytes
    """64 bytes, Ed25519 by the log key over `receipt_text`."""


def receipt_text(answer: Answer, log: str) -> bytes:
    """What is signed (2, 3)."""
    lines = (
        DOMAIN,
        f"log: {log}",
        f"decision: {answer.decision_id.hex()}",
        f"verdict: {answer.verdict}",
        f"request: {answer.request_digest.hex()}",
        f"txid: {answer.txid.hex() or 'none'}",
        f"size: {answer.size}",
        f"root: {answer.root.hex()}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def verify_receipt(receipt: Receipt, log: str, log_key: bytes) -> Answer:
    """What was answered, if the key of that log signed it. Raises VerificationError `receipt-invalid`.

    That the entry is in the log is the kernel's word: it can be proved against it (`journal prove`).
    """
    answer = receipt.answer
    sizes = tuple(map(len, (answer.decision_id, answer.request_digest, answer.root)))
    if sizes != (32, 32, 32) or len(answer.txid) not in (0, 32) or answer.size < 1:
        raise unverified("receipt-invalid", "a field has another size than receipts have")
    if answer.verdict not in set(Answered):
        raise unverified("receipt-invalid", "no answer is called so")
    try:
        key = Ed25519PublicKey.from_public_bytes(log_key)
        key.verify(receipt.signature, receipt_text(answer, log))
    except (InvalidSignature, ValueError):
        raise unverified("receipt-invalid", "the signature is not the log key's") from None
    return answer
