"""TLS files that fit, and files each of which would lock callers out, by one thing that is wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256K1,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from signer.cli.certificates import Authority, make_authority
from signer.edge.fitting import TlsFiles
from tests.edge.lobby import AUTHORITY, INDEXER, OTHER_AUTHORITY, SERVER

SECOND = AUTHORITY.issue_server("test kernel", ("localhost", "127.0.0.1"))
CA = AUTHORITY.issued.certificate_pem
FIRST_FILES = TlsFiles(SERVER.certificate_pem, SERVER.key_pem, CA)
SECOND_FILES = TlsFiles(SECOND.certificate_pem, SECOND.key_pem, CA)
NAMES = ("localhost", "127.0.0.1")
Key = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey


def issued(
    key: Key,
    *added: x509.ExtensionType,
    authority: Authority = AUTHORITY,
) -> x509.Certificate:
    """A certificate by that authority with just these extensions."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(SERVER.certificate.subject)
        .issuer_name(authority.issued.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=2))
    )
    for extension in added:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(authority.issued.key, SHA256())


SERVING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
NAMED = x509.SubjectAlternativeName(
    [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
)


def of_key(key: Key, *added: x509.ExtensionType) -> TlsFiles:
    """A server's files; the names and the use are those that it needs, if none are told."""
    certificate = issued(key, *(added or (SERVING, NAMED)))
    return TlsFiles(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        CA,
    )


def server_of(authority: Authority, client_ca: bytes = CA) -> TlsFiles:
    server = authority.issue_server("test kernel", NAMES)
    return TlsFiles(server.certificate_pem, server.key_pem, client_ca)


def curve(kind: EllipticCurve) -> EllipticCurvePrivateKey:
    return generate_private_key(kind)


FOREIGN, OVER = make_authority("foreign"), make_authority("over")
OTHER_CA = OTHER_AUTHORITY.issued.certificate_pem
ENDED_CA = (
    x509.CertificateBuilder()
    .subject_name(AUTHORITY.issued.certificate.subject)
    .issuer_name(AUTHORITY.issued.certificate.subject)
    .public_key(AUTHORITY.issued.key.public_key())
    .serial_number(1)
    .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    .not_valid_after(datetime(2021, 1, 1, tzinfo=UTC))
    .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    .sign(AUTHORITY.issued.key, SHA256())
    .public_bytes(Encoding.PEM)
)
CUT = CA[:120]
MISFITS = {
    "Ed25519": of_key(Ed25519PrivateKey.generate()),
    "P-521": of_key(curve(SECP521R1())),
    "secp256k1": of_key(curve(SECP256K1())),
    "RSA of 1024 bits": of_key(generate_rsa(65_537, 1_024)),  # noqa: S505 (it is refused)
    "for clients": of_key(
        curve(SECP256R1()), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), NAMED
    ),
    "a name less": of_key(
        curve(SECP256R1()), SERVING, x509.SubjectAlternativeName([x509.DNSName("localhost")])
    ),
    "no name": of_key(curve(SECP256R1()), SERVING),
    "a foreign authority": server_of(FOREIGN),
    "a chain that is none": TlsFiles(
        SECOND.certificate_pem + OTHER_CA, SECOND.key_pem, CA + OTHER_CA
    ),
    "a chain that is cut": replace(SECOND_FILES, certificate=SECOND.certificate_pem + CUT),
    "a client's certificate as authority": replace(
        SECOND_FILES, client_ca=CA + INDEXER.certificate_pem
    ),
    "authorities half written": replace(SECOND_FILES, client_ca=OTHER_CA + CUT),
    "authorities that ended": replace(SECOND_FILES, client_ca=ENDED_CA),
    "another's key": replace(SECOND_FILES, key=SERVER.key_pem),
    "no certificate": replace(SECOND_FILES, certificate=b"-----BEGIN nothing"),
    "no key": replace(SECOND_FILES, key=CA),
    "no authority": replace(SECOND_FILES, client_ca=b"-----BEGIN nothing"),
}


FITS = {
    "for whatever use": of_key(curve(SECP256R1()), NAMED),
    "P-384": of_key(curve(SECP384R1())),
    "RSA of 2048 bits": of_key(generate_rsa(65_537, 2_048)),
    "a name more": of_key(
        curve(SECP256R1()),
        SERVING,
        x509.SubjectAlternativeName([*NAMED, x509.DNSName("alice.example")]),
    ),
    "a chain to its authority": replace(SECOND_FILES, certificate=SECOND.certificate_pem + CA),
    "two authorities": replace(SECOND_FILES, client_ca=OTHER_CA + CA),
    "one that ended beside one that holds": replace(SECOND_FILES, client_ca=ENDED_CA + CA),
}
