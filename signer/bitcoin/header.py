"""Block headers: 80 bytes at one door.

Rule 1: a header is exactly 80 bytes; every 80 bytes are one. What they claim is for `chain`.
Rule 2: its hash is the double hash of these bytes, and proof of work reads it as a little-endian number.
"""

from dataclasses import dataclass
from struct import Struct

from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256

HEADER_SIZE = 80
FIELDS = Struct("<i32s32sIII")
"""Version (signed, as Core compares it), previous hash, Merkle root, time, bits, nonce."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says. Hashes are 32 bytes in internal order."""

    version: int
    """Signed, as Core compares it."""
    previous: bytes
    """Hash of the header before."""
    merkle_root: bytes
    time: int
    """Unix seconds, as the miner says: after the median of eleven, and at most two hours ahead."""
    bits: int
    """The target in its compact form (`target`)."""
    nonce: int
    hash: bytes


def read_header(raw: bytes) -> Header:
    """The header that these bytes are. Raises Malformed `header-malformed` unless they are 80."""
    if len(raw) != HEADER_SIZE:
        raise Malformed("header-malformed", f"{len(raw)} bytes, not {HEADER_SIZE}")
    version, previous, merkle_root, time, bits, nonce = FIELDS.unpack(raw)
    return Header(version, previous, merkle_root, time, bits, nonce, hash256(raw))
