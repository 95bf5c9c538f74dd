"""Canonical bytes of attested deposits and of reorganisations, under the rules of `signer.journal.codec`.

Rule 1: a payload is read only if it is one that `signer.core.opreturn` reads; a scheme if it is known.
Rule 2: a reorganisation names entries in their order, each once, and MOST_NAMED at most.
"""

from collections.abc import Callable

from signer.bitcoin.errors import Malformed
from signer.bitcoin.units import Height, sats_checked
from signer.core.deposits import (
    MOST_NAMED,
    SCHEMES,
    DepositFacts,
    DepositNotice,
    ReorganisedNotice,
    Undone,
)
from signer.core.errors import MalformedRequest
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
from signer.core.opreturn import Deposit, decode_payload, encode_payload
from signer.journal.claims_codec import outpoint_bytes, read_outpoint

DEPOSIT, REORGANISED = b"deposit", b"reorganised"


def deposit_fields(notice: DepositNotice) -> tuple[bytes, ...]:
    """The kind, then its fields."""
    facts = notice.facts
    return (
        DEPOSIT,
        u64_be(notice.clock),
        notice.caller.encode(),
        notice.policy_id,
        notice.scheme.encode(),
        notice.key,
        u32_be(notice.blocks),
        facts.vault_fingerprint,
        outpoint_bytes(facts.outpoint),
        u64_be(facts.amount),
        encode_payload(facts.payload),
        facts.block_hash,
        u32_be(facts.height),
    )


def undone_fields(notice: ReorganisedNotice) -> tuple[bytes, ...]:
    """The kind, then its fields."""
    return (
        REORGANISED,
        u64_be(notice.clock),
        pack(_encode_undone(each) for each in notice.undone),
    )


def _encode_undone(undone: Undone) -> bytes:
    return pack((u64_be(undone.entry), undone.block_hash, u32_be(undone.height)))


def _read_deposit(fields: list[bytes]) -> DepositNotice:
    clock, caller, policy, scheme, key, blocks, *rest = fields
    if read_text(scheme) not in SCHEMES:
        refuse_entry("a deposit attested in an unknown way")
    return DepositNotice(
        clock=read_number(clock, 8),
        caller=read_text(caller),
        policy_id=sized(policy, 32),
        scheme=read_text(scheme),
        key=sized(key, 32),
        blocks=read_number(blocks, 4),
        facts=_read_facts(rest),
    )


def _read_facts(fields: list[bytes]) -> DepositFacts:
    vault, outpoint, amount, payload, block, height = fields
    try:
        read, sats = decode_payload(payload), sats_checked(read_number(amount, 8))
    except (Malformed, MalformedRequest):
        refuse_entry("a deposit that is none")
    if not isinstance(read, Deposit):
        refuse_entry("a deposit that is an anchor")
    return DepositFacts(
        vault_fingerprint=sized(vault, 32),
        outpoint=read_outpoint(outpoint),
        amount=sats,
        payload=read,
        block_hash=sized(block, 32),
        height=Height(read_number(height, 4)),
    )


def _read_reorganised(fields: list[bytes]) -> ReorganisedNotice:
    clock, undone = fields
    read = tuple(_read_undone(field) for field in unpack(undone))
    order = [(each.entry, each.block_hash) for each in read]
    if not 0 < len(read) <= MOST_NAMED or order != sorted(set(order)):
        refuse_entry("a reorganisation that undoes nothing or too much, or is out of order")
    return ReorganisedNotice(read_number(clock, 8), read)


def _read_undone(record: bytes) -> Undone:
    entry, block, height = unpack_exactly(record, 3)
    return Undone(read_number(entry, 8), sized(block, 32), read_number(height, 4))


DEPOSIT_READERS: dict[
    bytes, tuple[int, Callable[[list[bytes]], DepositNotice | ReorganisedNotice]]
] = {
    DEPOSIT: (12, _read_deposit),
    REORGANISED: (2, _read_reorganised),
}
