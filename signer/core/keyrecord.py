"""A member's key record: which key is whose, proven by the key itself and by the member's log key.

1. A record is text: lines `key: value`, each ended by LF, in the order below; only what `record_text` writes
   is read. The two proofs follow in two more lines.
2. The key signs tagged_hash("pegwarden/possession/v1", text) by ECDSA, low S: an account's key, none of whose
   addresses it is, or a token's one key (docs/adr/0016-possession.md). The log key signs the same text,
   behind the line `pegwarden/possession/v1`, by Ed25519.
3. What is proven is that whoever holds both keys wrote this text. Whose name it is, people say by voice.
"""

import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signer.bitcoin.descriptor import parse_key_information
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import tagged_hash
from signer.bitcoin.network import Network, network_named
from signer.bitcoin.secp import BadSignature, parse_der, verify_ecdsa
from signer.core.acts_fields import read_hash
from signer.core.errors import Objection, Refusal

HEADING = "pegwarden key record, version 1"
DOMAIN = "pegwarden/possession/v1"
MAX_RECORD = 4_096
"""Characters, proofs included."""
_MEMBER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What a member says of a key."""

    network: Network
    member: str
    key: str
    """With its origin, as a policy lists it."""
    log_key: bytes
    """32 bytes, Ed25519: of the member's kernel."""
    statement_key: bytes


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A claim. Nothing is proven until `verify_record`."""

    record: KeyRecord
    possession: bytes
    """DER; empty until the token that holds the key has signed."""
    log_signature: bytes


def record_text(record: KeyRecord) -> str:
    """What both keys sign."""
    lines = (
        HEADING,
        f"network: {record.network.name}",
        f"genesis: {record.network.genesis_hash[::-1].hex()}",
        f"member: {record.member}",
        f"key: {record.key}",
        f"log key: {record.log_key.hex()}",
        f"statement key: {record.statement_key.hex()}",
        "",
    )
    return "\n".join(lines)


def possession_digest(record: KeyRecord) -> bytes:
    """What the key signs."""
    return tagged_hash(DOMAIN, record_text(record).encode())


def log_message(record: KeyRecord) -> bytes:
    """What the log key signs."""
    return f"{DOMAIN}\n{record_text(record)}".encode()


def signed_text(signed: SignedRecord) -> str:
    """The file that members exchange."""
    proofs = f"possession: {signed.possession.hex()}\nlog signature: {signed.log_signature.hex()}\n"
    return record_text(signed.record) + proofs


def read_signed(text: str) -> SignedRecord:
    """The inverse. Raises Refusal `key-record-malformed`."""
    if len(text) > MAX_RECORD:
        raise _malformed(f"a key record has at most {MAX_RECORD} characters")
    value = dict(line.partition(": ")[::2] for line in text.split("\n"))
    try:
        record = KeyRecord(
            network_named(value["network"]),
            _member(value["member"]),
            _key(value["key"], network_named(value["network"])),
            read_hash(value["log key"]),
            read_hash(value["statement key"]),
        )
        possession = bytes.fromhex(value["possession"])
        signed = SignedRecord(record, possession, bytes.fromhex(value["log signature"]))
    except (KeyError, ValueError, Malformed):
        raise _malformed("no key record") from None
    if signed_text(signed) != text:
        raise _malformed("a key record that is not in the form in which it is written")
    return signed


def public_key_of(record: KeyRecord) -> bytes:
    """33 bytes: of the account, or of a token. Raises Malformed."""
    return parse_key_information(record.key, record.network)[1].pubkey


def verify_record(signed: SignedRecord) -> KeyRecord:
    """Rule 2. Raises Refusal `key-record-unproven`."""
    record = signed.record
    try:
        parse_der(signed.possession)  # high S is refused here
        verify_ecdsa(public_key_of(record), possession_digest(record), signed.possession)
    except (BadSignature, Malformed):
        raise _unproven(f"{record.member}: the key did not sign its record") from None
    try:
        log_key = Ed25519PublicKey.from_public_bytes(record.log_key)
        log_key.verify(signed.log_signature, log_message(record))
    except (InvalidSignature, ValueError):
        raise _unproven(f"{record.member}: the log key did not sign the record") from None
    return record


def _key(text: str, network: Network) -> str:
    origin, key = parse_key_information(text, network)
    if f"{origin or ''}{key.text(network)}" != text:
        raise ValueError(text)
    return text


def _member(text: str) -> str:
    if _MEMBER.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _malformed(detail: str) -> Refusal:
    return Refusal(Objection("key-record-malformed", detail))


def _unproven(detail: str) -> Refusal:
    return Refusal(Objection("key-record-unproven", detail))
