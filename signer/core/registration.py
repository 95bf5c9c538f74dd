"""The registration of a vault: one text that every member makes from its own files, and signs.

1. Each key of the vault has exactly one record, with the same origin, and no record is left over.
2. A member's name and log key belong together, and no member stands twice in the primary path. Where the
   policy names witnesses, they are the log keys of the records.
3. The text binds network, policy, descriptor, fingerprint, first addresses, and each member's keys. A
   member's log key signs it behind the line `pegwarden/registration/v1`, by Ed25519.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import federation_keys, parse_key_information, with_checksum
from signer.bitcoin.keys import KeyOrigin, MemberKey
from signer.core.acts_fields import read_hash
from signer.core.errors import Objection, Refusal
from signer.core.keyrecord import KeyRecord
from signer.core.vault import RECEIVE, Vault

HEADING = "pegwarden vault registration, version 1"
SIGNATURE_HEADING = "pegwarden vault registration signature, version 1"
DOMAIN = "pegwarden/registration/v1"
ADDRESSES = 3
"""That are compared; a vault of fixed keys has one."""


class MemberSignature(NamedTuple):
    """A claim, until `require_signed`."""

    log_key: bytes
    signature: bytes


def match_records(vault: Vault, records: Iterable[KeyRecord]) -> tuple[KeyRecord, ...]:
    """The records in the order of the vault's keys (1, 2). Raises Refusal `key-record-missing`."""
    left = list(records)
    matched = []
    for expression in federation_keys(vault.descriptor):
        wanted = (expression.origin, expression.xpub)
        found = [each for each in left if each.network == vault.network and _key(each) == wanted]
        if len(found) != 1:
            text = expression.xpub.text(vault.network)
            raise _missing(f"{len(found)} records of the key {text}, with its origin")
        left.remove(found[0])
        matched += found
    if left:
        raise _missing(f"the vault has no key of a record of {left[0].member}")
    _require_members(vault, matched)
    return tuple(matched)


def addresses_of(vault: Vault) -> tuple[str, ...]:
    """The first ones of the receive branch."""
    indexes = range(min(ADDRESSES, vault.window_end(ADDRESSES)))
    scripts = (vault.script(RECEIVE, index).script_pubkey for index in indexes)
    return tuple(address_of(script, vault.network) for script in scripts)


def registration_text(vault: Vault, policy_id: bytes, records: Sequence[KeyRecord]) -> str:
    """What members sign (3); `records` as `match_records` gives them."""
    lines = (
        HEADING,
        f"network: {vault.network.name}",
        f"genesis: {vault.network.genesis_hash[::-1].hex()}",
        f"vault: {vault.vault_id}",
        f"policy: {policy_id.hex()}",
        f"fingerprint: {vault.fingerprint.hex()}",
        f"descriptor: {with_checksum(vault.text)}",
        *(f"address {place}: {each}" for place, each in enumerate(addresses_of(vault))),
        *(f"member: {each.member} {each.log_key.hex()} {each.key}" for each in records),
        "",
    )
    return "\n".join(lines)


def registration_message(text: str) -> bytes:
    """What a log key signs."""
    return f"{DOMAIN}\n{text}".encode()


def signature_text(signed: MemberSignature) -> str:
    """The file in which a member hands over its signature."""
    keys = f"log key: {signed.log_key.hex()}\nsignature: {signed.signature.hex()}\n"
    return f"{SIGNATURE_HEADING}\n{keys}"


def read_signature(text: str) -> MemberSignature:
    """The inverse. Raises Refusal `vault-registration-unsigned`."""
    value = dict(line.partition(": ")[::2] for line in text.split("\n"))
    try:
        signed = MemberSignature(read_hash(value["log key"]), bytes.fromhex(value["signature"]))
    except (KeyError, ValueError):
        raise _unsigned("no signature of a registration") from None
    if signature_text(signed) != text:
        raise _unsigned("a signature that is not in the form in which it is written")
    return signed


def require_signed(
    text: str, records: Sequence[KeyRecord], signatures: Iterable[MemberSignature]
) -> str:
    """The text with every member's signature, in the order of the records. Raises Refusal
    `vault-registration-unsigned`."""
    given: Mapping[bytes, bytes] = dict(signatures)
    members = {each.log_key: each.member for each in records}
    strangers = given.keys() - members.keys()
    if strangers:
        raise _unsigned(f"signed by {next(iter(strangers)).hex()}, which is no member's log key")
    missing = [member for log_key, member in members.items() if log_key not in given]
    if missing:
        raise _unsigned(f"not signed by {', '.join(missing)}")
    for log_key, member in members.items():
        try:
            Ed25519PublicKey.from_public_bytes(log_key).verify(
                given[log_key], registration_message(text)
            )
        except (InvalidSignature, ValueError):
            raise _unsigned(f"{member} signed another registration, or something else") from None
    signed = (f"signature: {log_key.hex()} {given[log_key].hex()}\n" for log_key in members)
    return text + "".join(signed)


def _key(record: KeyRecord) -> tuple[KeyOrigin | None, MemberKey]:
    return parse_key_information(record.key, record.network)


def _require_members(vault: Vault, records: Sequence[KeyRecord]) -> None:
    """Rule 2."""
    pairs = {(each.member, each.log_key) for each in records}
    log_keys = {each.log_key for each in records}
    if not len(pairs) == len(log_keys) == len({each.member for each in records}):
        raise _missing("a member's name stands beside two log keys, or a log key beside two names")
    by_key = dict(zip(vault.xpubs(), records, strict=True))
    primary = {vault.places[position].xpub for position in vault.paths[0].positions}
    if len({by_key[xpub].log_key for xpub in primary}) != len(primary):
        raise _missing("a member has two keys of the primary path")
    witnesses = set(vault.witnesses.log_keys)
    if witnesses and witnesses != log_keys:
        raise _missing("the policy's witnesses are not the log keys of the records")


def _missing(detail: str) -> Refusal:
    return Refusal(Objection("key-record-missing", detail))


def _unsigned(detail: str) -> Refusal:
    return Refusal(Objection("vault-registration-unsigned", detail))
