"""Members' records, signed by libraries that share no code with ours: coincurve's objects, `cryptography`."""

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.bitcoin.network import REGTEST
from signer.core.keyrecord import KeyRecord, SignedRecord, record_text
from tests import federation
from tests.ceremony.second import tagged

PEOPLE = ("alice", "bob", "carol")


def log_secret(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"\x0b"))


def log_key(name: str) -> bytes:
    return log_secret(name).public_key().public_bytes_raw()


def account_secret(place: int) -> PrivateKey:
    return PrivateKey(federation.MEMBERS[place].account.key.serialize())


def record_of(place: int = 0, name: str = "") -> KeyRecord:
    who, key = name or PEOPLE[place], federation.MEMBERS[place].key_text
    return KeyRecord(REGTEST, who, key, log_key(who), bytes(32))


def possession_by(secret: PrivateKey, record: KeyRecord) -> bytes:
    digest = tagged("pegwarden/possession/v1", record_text(record).encode())
    return secret.sign(digest, hasher=None)


def log_signature_by(name: str, record: KeyRecord) -> bytes:
    return log_secret(name).sign(b"pegwarden/possession/v1\n" + record_text(record).encode())


def signed_record(place: int = 0, name: str = "") -> SignedRecord:
    record = record_of(place, name)
    possession = possession_by(account_secret(place), record)
    return SignedRecord(record, possession, log_signature_by(record.member, record))
