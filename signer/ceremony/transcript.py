"""What remains of a ceremony: who committed to what, which key came of it, and who saw it. No secret.

1. The text holds the round line by line, its digest, the public key, and the witnesses' OpenSSH keys. They
   sign the text up to there: `ssh-keygen -Y sign -n pegwarden -f KEY TRANSCRIPT`.
2. Signatures follow, in the witnesses' order. Each is verified before it is added, and when it is read.
3. Only what `transcript_text` writes is read.
"""

from dataclasses import dataclass, replace

from signer.bitcoin.descriptor.keys import parse_key_information
from signer.bitcoin.errors import Malformed
from signer.ceremony.commit import (
    Commitment,
    Round,
    claimed,
    gather,
    malformed_text,
    read_health,
    require_canonical,
)
from signer.core.acts_fields import read_hash
from signer.core.errors import Objection, Refusal
from signer.core.ssh import format_public_key, parse_public_key
from signer.core.ssh_signature import verify_ssh_signature

HEADING = "pegwarden key ceremony transcript, version 1"
MAX_WITNESSES = 16


@dataclass(frozen=True, slots=True)
class Transcript:
    """A ceremony that took place."""

    round: Round
    key: str
    """The public key, with its origin, as a policy lists it."""
    witnesses: tuple[bytes, ...]
    """OpenSSH public key blobs."""
    signatures: tuple[tuple[bytes, bytes], ...] = ()
    """(witness, signature blob)."""


def transcript_of(gathered: Round, key: str, witnesses: tuple[bytes, ...]) -> Transcript:
    """Before anybody signed. Raises Refusal `ceremony-unwitnessed`, and Malformed for what is no key."""
    parse_key_information(key, gathered.network)
    if not 1 <= len(witnesses) <= MAX_WITNESSES or len(set(witnesses)) != len(witnesses):
        raise _unwitnessed(f"a ceremony has 1 to {MAX_WITNESSES} witnesses, each once")
    return Transcript(gathered, key, witnesses)


def body_text(transcript: Transcript) -> str:
    """What the witnesses sign."""
    gathered = transcript.round
    lines = (
        HEADING,
        f"ceremony: {gathered.ceremony}",
        f"network: {gathered.network}",
        f"genesis: {gathered.network.genesis_hash[::-1].hex()}",
        *(f"contribution: {_contribution(each)}" for each in gathered.commitments),
        f"round: {gathered.digest.hex()}",
        f"key: {transcript.key}",
        *(f"witness: {format_public_key(each)}" for each in transcript.witnesses),
        "",
    )
    return "\n".join(lines)


def transcript_text(transcript: Transcript) -> str:
    """The whole text."""
    signed = (
        f"signature: {format_public_key(witness)} {blob.hex()}\n"
        for witness, blob in transcript.signatures
    )
    return body_text(transcript) + "".join(signed)


def read_transcript(text: str) -> Transcript:
    """The inverse. Raises Refusal `ceremony-malformed`, and what `gather`, `transcript_of` and
    `add_signature` raise."""
    lines = [line.partition(": ")[::2] for line in text.split("\n")]
    values = dict(lines)
    try:
        parts = [value.split(" ") for key, value in lines if key == "contribution"]
        place = values["ceremony"], values["network"]
        commitments = [_read_contribution(place, part) for part in parts]
        keys = tuple(parse_public_key(value) for key, value in lines if key == "witness")
        signed = [value.rpartition(" ") for key, value in lines if key == "signature"]
        made = transcript_of(gather(commitments), values["key"], keys)
        signatures = [(parse_public_key(key), bytes.fromhex(blob)) for key, _, blob in signed]
    except (KeyError, ValueError, Malformed):
        raise malformed_text("no transcript of a key ceremony") from None
    for witness, signature in signatures:
        made = add_signature(made, witness, signature)
    require_canonical(transcript_text(made), text)
    return made


def add_signature(transcript: Transcript, witness: bytes, signature: bytes) -> Transcript:
    """Rule 2. Raises Refusal `ceremony-unwitnessed` for a key that is no witness', and what
    `verify_ssh_signature` raises."""
    if witness not in transcript.witnesses:
        raise _unwitnessed("a signature of somebody who is no witness")
    verify_ssh_signature(witness, body_text(transcript).encode(), signature)
    found = dict(transcript.signatures) | {witness: signature}
    ordered = tuple((each, found[each]) for each in transcript.witnesses if each in found)
    return replace(transcript, signatures=ordered)


def require_witnessed(transcript: Transcript) -> None:
    """Raises Refusal `ceremony-unwitnessed`."""
    signed, named = len(transcript.signatures), len(transcript.witnesses)
    if signed != named:
        raise _unwitnessed(f"signed by {signed} of {named} witnesses")


def _contribution(commitment: Commitment) -> str:
    claim, health = commitment.claim, commitment.claim.health
    counts = f"{health.source} {health.samples} {health.longest} {health.most}"
    return f"{claim.contributor} {counts} {commitment.digest.hex()}"


def _read_contribution(place: tuple[str, str], part: list[str]) -> Commitment:
    contributor, source, *counts, digest = part
    claim = claimed(*place, contributor, read_health(source, counts))
    return Commitment(claim, read_hash(digest))


def _unwitnessed(detail: str) -> Refusal:
    return Refusal(Objection("ceremony-unwitnessed", detail))
