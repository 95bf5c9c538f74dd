"""Whether TLS files can be served with. What would lock callers out is refused, and changes nothing.

1. Files are whole: each block of PEM that begins ends, and each is read.
2. The key is the certificate's, of a kind that every TLS stack of callers takes, and the certificate is valid
   now and, where it names uses, for servers. Each certificate of the chain is issued by the next one.
3. The authorities of callers are authorities, and at least one is valid now.
4. A renewal names at least what was named before, and is of an authority that callers can know: one of
   those in the files, or the one of the certificate that is shown. (Callers' trust is theirs; docs/runbook.md
   has the order in which an authority is changed.)
What fails here is told, by file and reason, and no certificate's contents are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from signer.core.errors import Objection, Refusal

CURVES = frozenset({"secp256r1", "secp384r1"})
LEAST_RSA = 2_048
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_E = TypeVar("_E", bound=x509.ExtensionType)
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM contents."""

    certificate: bytes
    """The server's chain, its own certificate first."""
    key: bytes = field(repr=False)
    client_ca: bytes
    """Whoever calls has a certificate below one of these."""


def fitting(files: TlsFiles, now: float, shown: TlsFiles | None = None) -> TlsFiles:
    """The files, if a server can serve with them, in place of those that it shows if it shows any.

    Raises Refusal `tls-file-unreadable`.
    """
    try:
        chain, authorities = _read(files.certificate), _read(files.client_ca)  # 1
        key = load_pem_private_key(files.key, password=None)
        if chain[0].public_key() != key.public_key():
            raise _unfit("the private key is not the certificate's")
        _require_server(chain, now)  # 2
        _require_authorities(authorities, now)  # 3
        if shown is not None and files.certificate != shown.certificate:
            _require_successor(chain, _read(shown.certificate), authorities)  # 4
    except _UNREADABLE as error:
        raise _unfit(f"certificate, key or authority: {type(error).__name__}") from None
    return files


def _read(pem: bytes) -> Sequence[x509.Certificate]:
    """Raises ValueError."""
    found = x509.load_pem_x509_certificates(pem)
    if not pem.count(_BEGIN) == pem.count(_END) == len(found):
        raise _unfit("a certificate is cut off: the file is being written, or broke")
    return found


def _require_server(chain: Sequence[x509.Certificate], now: float) -> None:
    own, key = chain[0], chain[0].public_key()
    is_curve = isinstance(key, EllipticCurvePublicKey) and key.curve.name in CURVES
    if not is_curve and not (isinstance(key, RSAPublicKey) and key.key_size >= LEAST_RSA):
        raise _unfit(f"the key is of P-256 or P-384, or RSA of {LEAST_RSA} bits at least")
    begin, end = own.not_valid_before_utc, own.not_valid_after_utc
    if not begin.timestamp() <= now < end.timestamp():
        raise _unfit(f"the certificate is valid from {begin:%Y-%m-%d} to {end:%Y-%m-%d}, not now")
    uses = _extension(own, x509.ExtendedKeyUsage)
    if uses is not None and ExtendedKeyUsageOID.SERVER_AUTH not in uses:
        raise _unfit("the certificate is not one for servers (extendedKeyUsage serverAuth)")
    if not all(_is_issued(lower, upper) for lower, upper in pairwise(chain)):
        raise _unfit("the chain is not one: each certificate is issued by the next")


def _require_authorities(authorities: Iterable[x509.Certificate], now: float) -> None:
    for each in authorities:
        basic = _extension(each, x509.BasicConstraints)
        if basic is None or not basic.ca:
            raise _unfit("client_ca has a certificate that is no authority's (CA:TRUE)")
    if all(each.not_valid_after_utc.timestamp() <= now for each in authorities):
        raise _unfit("no authority of client_ca is valid any more")


def _require_successor(
    chain: Sequence[x509.Certificate],
    shown: Sequence[x509.Certificate],
    authorities: Iterable[x509.Certificate],
) -> None:
    lost = _names(shown[0]) - _names(chain[0])
    if lost:
        raise _unfit(f"the certificate lacks {len(lost)} of the names of the one that is shown")
    issuer = _issuer(chain[-1])
    is_known = issuer is not None and issuer == _issuer(shown[-1])
    if not is_known and not any(_is_issued(chain[-1], each) for each in authorities):
        raise _unfit(
            "the certificate's authority is neither in client_ca nor that of the shown one"
        )


def _names(certificate: x509.Certificate) -> frozenset[x509.GeneralName]:
    return frozenset(_extension(certificate, x509.SubjectAlternativeName) or ())


def _issuer(certificate: x509.Certificate) -> bytes | None:
    """The key that issued it, as it says itself."""
    said = _extension(certificate, x509.AuthorityKeyIdentifier)
    return None if said is None else said.key_identifier


def _is_issued(lower: x509.Certificate, upper: x509.Certificate) -> bool:
    """Whether `upper` signed `lower`, or is it."""
    try:
        lower.verify_directly_issued_by(upper)
    except (ValueError, TypeError, InvalidSignature):
        return lower == upper
    return True


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _unfit(why: str) -> Refusal:
    return Refusal(Objection("tls-file-unreadable", f"[tls]: {why}"))
