"""An officer's word: claims -> facts (design section 5).

1. The text is canonical and of our network.
2. Who signs is an officer of the policy that is asked.
3. The word counts before its expiry, which lies at most 30 days ahead: nothing signed long ago surprises.
   A lift of holds, and what is said of the kernel as a whole, lies at most one day ahead: kept back, it
   would end later holds and locks.
4. The signature covers the text: BIP-340 over tagged_hash("pegwarden/officer/v1", text) by a 32-byte key,
   else OpenSSH's in namespace `pegwarden`.
"""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import tagged_hash
from signer.bitcoin.network import Network
from signer.bitcoin.secp import BadSignature, verify_schnorr
from signer.core.acts import (
    CONTROL_ACTS,
    Act,
    LiftHolds,
    ReleaseWithdrawal,
    SignedAct,
    StatedAct,
    read_act,
)
from signer.core.errors import unverified
from signer.core.moments import DAY, format_time
from signer.core.ssh import format_officer
from signer.core.ssh_signature import signature_blob, verify_ssh_signature

HORIZON = 30 * DAY
"""Seconds that an expiry may lie ahead."""
LIFT_HORIZON = DAY
"""Of a lift of holds and of control acts, releases apart."""
PROPOSED_EXPIRY = 7 * DAY
"""How far ahead the kernel and `officer review` put it."""


def officer_digest(text: str) -> bytes:
    """What a 32-byte key signs."""
    return tagged_hash("pegwarden/officer/v1", text.encode())


def claimed_act(text: str, officer: bytes, signature: bytes) -> SignedAct:
    """The claim in the form that goes on record: an OpenSSH signature without its armour. Raises Malformed
    `officer-signature-malformed`."""
    return SignedAct(text, officer, signature if len(officer) == 32 else signature_blob(signature))


def verify_act(
    signed: SignedAct, network: Network, officers: frozenset[bytes], now: int
) -> StatedAct:
    """What the officer said. Raises Malformed (`act-malformed`, `officer-signature-malformed`) or
    VerificationError."""
    stated = read_act(signed.text)  # 1
    if stated.network != network:
        raise unverified(
            "act-other-network", "the text is of another network", stated.network.name, network.name
        )
    if signed.officer not in officers:  # 2
        raise unverified("officer-unknown", "the key is no officer's of the policy in force")
    require_live(stated, now)  # 3
    latest = now + _horizon(stated.act)
    if stated.expires > latest:
        raise unverified(
            "act-too-far-ahead",
            "the expiry lies too far ahead",
            format_time(stated.expires),
            format_time(latest),
        )
    verify_signature(signed)  # 4
    return stated


def _horizon(act: Act) -> int:
    hasty = isinstance(act, (LiftHolds, *CONTROL_ACTS)) and not isinstance(act, ReleaseWithdrawal)
    return LIFT_HORIZON if hasty else HORIZON


def require_live(stated: StatedAct, now: int) -> None:
    """Raises VerificationError `act-expired`."""
    if stated.expires <= now:
        raise unverified(
            "act-expired", "the officer's word has expired", format_time(stated.expires)
        )


def verify_signature(signed: SignedAct) -> None:
    """Rule 4. Raises Malformed `officer-signature-malformed` or VerificationError
    `officer-signature-invalid`."""
    if len(signed.officer) != 32:
        verify_ssh_signature(signed.officer, signed.text.encode(), signed.signature)
        return
    try:
        verify_schnorr(signed.officer, officer_digest(signed.text), signed.signature)
    except (BadSignature, Malformed):
        raise unverified(
            "officer-signature-invalid",
            f"the signature does not verify for this text and {format_officer(signed.officer)}",
        ) from None
