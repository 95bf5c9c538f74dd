"""Cosignatures of witnesses below a head (C2SP tlog-cosignature, type cosignature/v1).

1. A cosignature is a signature line below a checkpoint: key id byte 0x04, then the time (u64, big-endian)
   and Ed25519 over "cosignature/v1", "time <seconds>" and the checkpoint text, each with its line end.
2. It says: of the log named there, the largest consistent tree that I had seen by then has that root. Whoever
   cosigns has followed that log so far; this file only writes and reads the words.
3. A member cosigns under the name of its own log and with its log key: a checkpoint begins with the origin,
   a cosigned message never does, so no signature of one kind passes for the other.
"""

from dataclasses import dataclass
from typing import Protocol

from signer.bitcoin.errors import Malformed
from signer.journal.note import (
    key_id,
    read_head,
    read_note,
    signature_line,
    verify_ed25519,
)

_COSIGNATURE_V1 = 0x04


class Cosigner(Protocol):
    """Who cosigns heads: the keystore's log key."""

    @property
    def log_key(self) -> bytes:
        """32-byte Ed25519 public key."""

    def cosign(self, text: bytes, moment: int) -> bytes:
        """64-byte Ed25519 signature over a checkpoint text of another log and a time (1)."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Whose cosignature is looked for."""

    name: str
    key: bytes
    """32-byte Ed25519 public key."""

    @property
    def key_id(self) -> bytes:
        """By which its lines are found."""
        return key_id(self.name, self.key, _COSIGNATURE_V1)


def cosign(text: str, moment: int, name: str, signer: Cosigner) -> str:
    """Our signature line for that checkpoint text, at that time (Unix seconds)."""
    read_head(text)
    signature = signer.cosign(text.encode(), moment)
    witness = Witness(name, signer.log_key)
    return signature_line(name, witness.key_id, moment.to_bytes(8, "big") + signature)


def cosigned_message(text: bytes, moment: int) -> bytes:
    """What is signed (1)."""
    return b"cosignature/v1\ntime %d\n" % moment + text


def cosigned_at(note: str, witness: Witness) -> int:
    """When that witness cosigned the note, Unix seconds; the latest time if it did so often.

    Raises Malformed `head-malformed` when it did not, or when a line of its key does not verify.
    """
    read = read_note(note)
    moments = [
        _verified(read.text.encode(), witness.key, signature)
        for signature in read.signatures(witness.name, witness.key_id)
    ]
    if not moments:
        raise Malformed("head-malformed", f"no cosignature by {witness.name}")
    return max(moments)


def line_of(note: str, witness: Witness) -> str:
    """That witness's line below a note that it cosigned (`cosigned_at`)."""
    signatures = read_note(note).signatures(witness.name, witness.key_id)
    return signature_line(witness.name, witness.key_id, signatures[0])


def _verified(text: bytes, key: bytes, timestamped: bytes) -> int:
    moment = int.from_bytes(timestamped[:8], "big")
    if len(timestamped) != 72 or moment >= 1 << 63:
        raise Malformed("head-malformed", "not a timestamped signature")
    verify_ed25519(key, timestamped[8:], cosigned_message(text, moment))
    return moment
