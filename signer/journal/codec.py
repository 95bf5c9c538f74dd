"""Canonical entry bytes, version 1 (docs/journal.md has the table).

Rule 1: an entry is fields (`signer.core.fields`): the magic with the version, the kind, then exactly the
        fields of that kind, in the order below.
Rule 2: decoding is strict: `encode_entry(decode_entry(x)) == x` or Malformed `entry-malformed`.
Rule 3: these bytes are for ever: heads sign them, other members and auditors read them.
"""

from signer.core.errors import Objection
from signer.core.fields import (
    pack,
    read_number,
    read_text,
    refuse_entry,
    sized,
    u32_be,
    u64_be,
    unpack,
    unpack_exactly,
)
from signer.journal.claims_codec import encode_claims, encode_signing, read_claims, read_signing
from signer.journal.entry import MAX_TEXT, Entry, GenesisEntry, RefusedEntry, SignedEntry
from signer.journal.notices_codec import notice_fields, read_notice

MAGIC = b"pegwarden/entry/1"


def encode_entry(entry: Entry) -> bytes:
    """The canonical bytes."""
    if isinstance(entry, GenesisEntry):
        return pack((MAGIC, b"genesis", *_genesis_fields(entry)))
    if isinstance(entry, SignedEntry):
        return pack((MAGIC, b"signed", *_signed_fields(entry)))
    if isinstance(entry, RefusedEntry):
        return pack((MAGIC, b"refused", *_refused_fields(entry)))
    return pack((MAGIC, *notice_fields(entry)))


def decode_entry(record: bytes) -> Entry:
    """The inverse of `encode_entry`. Raises Malformed `entry-malformed`."""
    every = unpack(record)
    if len(every) < 2 or every[0] != MAGIC:
        refuse_entry("not an entry of version 1")
    kind, fields = every[1], every[2:]
    if kind == b"genesis":
        return _read_genesis(fields)
    if kind == b"signed":
        return _read_signed(fields)
    if kind == b"refused":
        return _read_refused(fields)
    return read_notice(kind, fields)


def _genesis_fields(entry: GenesisEntry) -> tuple[bytes, ...]:
    return (
        u64_be(entry.clock),
        entry.network.encode(),
        entry.genesis_hash,
        entry.policy_id,
        pack(entry.vaults),
        entry.log_key,
        entry.statement_key,
        entry.salt,
    )


def _read_genesis(fields: list[bytes]) -> GenesisEntry:
    clock, network, genesis, policy, vaults, log_key, statement_key, salt = _exactly(fields, 8)
    return GenesisEntry(
        clock=read_number(clock, 8),
        network=read_text(network),
        genesis_hash=sized(genesis, 32),
        policy_id=sized(policy, 32),
        vaults=tuple(sized(vault, 32) for vault in unpack(vaults)),
        log_key=sized(log_key, 32),
        statement_key=sized(statement_key, 32),
        salt=sized(salt, 16),
    )


def _signed_fields(entry: SignedEntry) -> tuple[bytes, ...]:
    return (
        u64_be(entry.clock),
        entry.caller.encode(),
        entry.request_digest,
        entry.policy_id,
        entry.vault_fingerprint,
        entry.kind.encode(),
        u32_be(entry.path_index),
        entry.path.encode(),
        entry.psbt,
        entry.evidence,
        encode_claims(entry.claims),
        pack(map(encode_signing, entry.signing)),
        u32_be(entry.quorum),
        entry.incarnation,
    )


def _read_signed(fields: list[bytes]) -> SignedEntry:
    (clock, caller, digest, policy, vault, kind, path_index, path, psbt, evidence, claims,
     signing, quorum, incarnation) = _exactly(fields, 14)  # fmt: skip
    needed = read_number(quorum, 4)
    return SignedEntry(
        clock=read_number(clock, 8),
        caller=read_text(caller),
        request_digest=sized(digest, 32),
        policy_id=sized(policy, 32),
        vault_fingerprint=sized(vault, 32),
        kind=read_text(kind),
        path_index=read_number(path_index, 4),
        path=read_text(path),
        psbt=psbt,
        evidence=evidence,
        claims=read_claims(claims),
        signing=tuple(read_signing(field) for field in unpack(signing)),
        quorum=needed,
        incarnation=sized(incarnation, 16 if needed else 0),
    )


def _refused_fields(entry: RefusedEntry) -> tuple[bytes, ...]:
    return (
        u64_be(entry.clock),
        entry.caller.encode(),
        entry.request_digest,
        entry.policy_id,
        pack(map(_encode_objection, entry.objections)),
        entry.request,
    )


def _read_refused(fields: list[bytes]) -> RefusedEntry:
    clock, caller, digest, policy, objections, request = _exactly(fields, 6)
    read = tuple(_read_objection(field) for field in unpack(objections))
    if not read:
        refuse_entry("a refusal without a reason")
    return RefusedEntry(
        clock=read_number(clock, 8),
        caller=read_text(caller),
        request_digest=sized(digest, 32),
        policy_id=sized(policy, 0, 32),
        objections=read,
        request=request,
    )


def _encode_objection(objection: Objection) -> bytes:
    texts = (objection.code, objection.detail, objection.observed, objection.limit)
    moment = b"" if objection.not_before is None else u64_be(objection.not_before)
    return pack((*(text[:MAX_TEXT].encode("utf-8", "replace") for text in texts), moment))


def _read_objection(record: bytes) -> Objection:
    code, detail, observed, limit, moment = unpack_exactly(record, 5)
    return Objection(
        read_text(code),
        read_text(detail),
        read_text(observed),
        read_text(limit),
        read_number(moment, 8) if sized(moment, 0, 8) else None,
    )


def _exactly(fields: list[bytes], count: int) -> list[bytes]:
    if len(fields) != count:
        refuse_entry(f"{len(fields)} fields instead of {count}")
    return fields
