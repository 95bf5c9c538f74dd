"""The seed of a ceremony, and nothing else: 32 bytes (BIP-32) of HKDF-SHA-256 (RFC 5869).

salt = the round's digest; input = each contribution behind its length in two bytes, in the order of the
contributors' names; info = "pegwarden/ceremony/seed/v1". One unknown contribution of 256 bits makes the seed
unknown; all of them make it again.
"""

import hmac
from collections.abc import Iterable

from signer.ceremony.commit import Opening, Round, contributions_of

_INFO = b"pegwarden/ceremony/seed/v1"


def derive_seed(gathered: Round, openings: Iterable[Opening]) -> bytes:
    """The caller wipes it. Raises Refusal `ceremony-incomplete`, `ceremony-commitment-differs`."""
    contributions = contributions_of(gathered, openings)
    material = b"".join(len(each).to_bytes(2, "big") + each for each in contributions)
    extracted = hmac.digest(gathered.digest, material, "sha256")
    return hmac.digest(extracted, _INFO + b"\x01", "sha256")
