"""Certificates of a member: its own authority, its server, its callers (ECDSA P-256, X.509).

Rule 1: a certificate is for one use, server or client; what a client may do stands in the configuration.
Rule 2: private keys are written for their owner alone.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signer.edge.callers import spki_sha256

_AUTHORITY_DAYS, _LEAF_DAYS = 3_650, 825
_SKEW = timedelta(hours=1)
"""A clock that is a little behind still believes a new certificate."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, in the clear."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def spki(self) -> bytes:
        """What a configuration names the key by."""
        return spki_sha256(self.certificate)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority."""

    issued: Issued

    def issue_server(self, name: str, hosts: tuple[str, ...]) -> Issued:
        """A certificate for a server with these host names and addresses."""
        alternatives = x509.SubjectAlternativeName([_host(host) for host in dict.fromkeys(hosts)])
        return self._issue(name, ExtendedKeyUsageOID.SERVER_AUTH, alternatives)

    def issue_client(self, name: str) -> Issued:
        """A certificate for a caller of that name."""
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name)])
        return self._issue(name, ExtendedKeyUsageOID.CLIENT_AUTH, alternatives)

    def _issue(
        self, name: str, use: x509.ObjectIdentifier, alternatives: x509.SubjectAlternativeName
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.issued.certificate
        builder = _builder(name, key, _LEAF_DAYS).issuer_name(issuer.subject)
        for extension, critical in (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.ExtendedKeyUsage([use]), False),
            (alternatives, False),
        ):
            builder = builder.add_extension(extension, critical)
        return Issued(builder.sign(self.issued.key, SHA256()), key)


def make_authority(name: str) -> Authority:
    """A new self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, key, _AUTHORITY_DAYS).issuer_name(_subject(name))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = builder.add_extension(usage, critical=True)
    return Authority(Issued(builder.sign(key, SHA256()), key))


def _builder(name: str, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
