"""From a TLS connection to a named caller.

1. TLS 1.3 or nothing. grpcio has no switch for it, so what was negotiated is read and refused here,
   before the first byte of a message.
2. A certificate alone grants nothing: the SHA-256 of its public key (SPKI) must be one that the
   configuration names. TLS has verified the chain and the validity dates before.
3. A name has up to two keys, so that certificates can be renewed without a gap.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signer.core.caller import Caller, Role
from signer.core.errors import Objection, Unauthorized

MAX_KEYS = 2

AuthContext = Mapping[str, Iterable[bytes]]
"""What grpcio knows about the peer."""


@dataclass(frozen=True, slots=True)
class CallerEntry:
    """One `[callers.NAME]` of the configuration."""

    name: str
    spki: tuple[bytes, ...]
    """SHA-256 of each public key in DER (SubjectPublicKeyInfo): one or two."""
    roles: frozenset[Role]


def spki_sha256(certificate: x509.Certificate) -> bytes:
    """What the configuration calls a certificate's key by."""
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).digest()


@lru_cache(maxsize=1_024)
def _spki_of(pem: bytes) -> bytes:
    """Parsing costs more than a whole empty call; connections repeat."""
    return spki_sha256(x509.load_pem_x509_certificate(pem))


class CallerBook:
    """Everybody whom the configuration names."""

    def __init__(self, entries: Iterable[CallerEntry]) -> None:
        self._by_key = {
            spki: Caller(entry.name, entry.roles) for entry in entries for spki in entry.spki
        }

    def identify(self, context: AuthContext) -> Caller:
        """Who calls. Raises Unauthorized `tls-version-refused` or `caller-unknown`."""
        version = _first(context, "ssl_tls_version")
        if version != b"TLSv1.3":  # 1
            seen = version.decode("ascii", "replace") or "none"
            raise Unauthorized(
                Objection("tls-version-refused", "the connection is not TLS 1.3", seen, "TLSv1.3")
            )
        try:
            spki = _spki_of(_first(context, "x509_pem_cert"))
        except ValueError:
            raise _unknown("the peer's certificate cannot be read") from None
        caller = self._by_key.get(spki)  # 2
        if caller is None:
            raise _unknown(f"no caller has the key with SPKI SHA-256 {spki.hex()}")
        return caller


def _first(context: AuthContext, name: str) -> bytes:
    return next(iter(context.get(name, ())), b"")


def _unknown(detail: str) -> Unauthorized:
    return Unauthorized(Objection("caller-unknown", detail))
