"""Canonical bytes of the notices of agreement (docs/journal.md has the table), under the rules of
`signer.journal.codec`.

Rule 1: parts of fixed size stand in one field; what has an order stands in it, ascending, without repetition.
Rule 2: a claim is in the bytes of `signer.core.agreement.claim_codec`.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise

from signer.core.agreement import machine
from signer.core.agreement.claim_codec import claim_bytes, read_claim
from signer.core.agreement.notices import (
    AgreedNotice,
    AgreementNotice,
    ForkedNotice,
    Grant,
    Heard,
    HeardNotice,
    Released,
    StartedNotice,
    Taken,
    VoidNotice,
)
from signer.core.fields import (
    pack,
    read_number,
    read_text,
    refuse_entry,
    sized,
    u64_be,
    unpack,
    unpack_exactly,
)

REASONS = (machine.LOWER_RANK, machine.TIMED_OUT, machine.NOT_HELD)
_FLAGS = {b"\x00": False, b"\x01": True}


def agreement_fields(notice: AgreementNotice) -> tuple[bytes, ...]:
    """The kind, then the fields of that kind."""
    clock = u64_be(notice.clock)
    match notice:
        case AgreedNotice():
            grants = pack(b"".join(grant) for grant in notice.grants)
            return (b"agreed", clock, u64_be(notice.number), notice.leaf, grants)
        case VoidNotice():
            return (b"void", clock, u64_be(notice.number), notice.leaf, notice.reason.encode())
        case HeardNotice():
            taken = pack(map(_encode_taken, notice.taken))
            released = pack(each.origin + u64_be(each.number) for each in notice.released)
            return (b"heard", clock, _encode_heard(notice.heard), taken, released)
        case StartedNotice():
            return (b"started", clock, notice.incarnation, pack(map(_encode_heard, notice.heard)))
    said = (notice.member, notice.first.encode(), notice.second.encode(), pack(notice.proof))
    return (b"forked", clock, *said)


def _read_agreed(fields: list[bytes]) -> AgreedNotice:
    clock, number, leaf, grants = fields
    read = tuple(_read_grant(field) for field in unpack(grants))
    _require_ascending(grant.witness for grant in read)
    return AgreedNotice(read_number(clock, 8), read_number(number, 8), sized(leaf, 32), read)


def _read_void(fields: list[bytes]) -> VoidNotice:
    clock, number, leaf, reason = fields
    why = read_text(reason)
    if why not in REASONS:
        refuse_entry("entries are not voided for that reason")
    return VoidNotice(read_number(clock, 8), read_number(number, 8), sized(leaf, 32), why)


def _read_heard_notice(fields: list[bytes]) -> HeardNotice:
    clock, heard, taken, released = fields
    return HeardNotice(
        clock=read_number(clock, 8),
        heard=_read_heard(heard),
        taken=tuple(map(_read_taken, unpack(taken))),
        released=tuple(map(_read_released, unpack(released))),
    )


def _read_started(fields: list[bytes]) -> StartedNotice:
    clock, incarnation, heard = fields
    read = tuple(map(_read_heard, unpack(heard)))
    _require_ascending(each.member for each in read)
    return StartedNotice(read_number(clock, 8), sized(incarnation, 16), read)


def _read_forked(fields: list[bytes]) -> ForkedNotice:
    clock, member, first, second, proof = fields
    return ForkedNotice(
        clock=read_number(clock, 8),
        member=sized(member, 32),
        first=read_text(first),
        second=read_text(second),
        proof=tuple(unpack(proof)),
    )


def _read_grant(field: bytes) -> Grant:
    sized(field, 112)
    return Grant(field[:32], field[32:48], field[48:])


def _encode_heard(heard: Heard) -> bytes:
    return heard.member + u64_be(heard.size) + heard.root


def _read_heard(field: bytes) -> Heard:
    sized(field, 72)
    return Heard(field[:32], int.from_bytes(field[32:40], "big"), field[40:])


def _encode_taken(taken: Taken) -> bytes:
    return pack((claim_bytes(taken.claim), b"\x01" if taken.granted else b"\x00"))


def _read_taken(record: bytes) -> Taken:
    claim, granted = unpack_exactly(record, 2)
    if granted not in _FLAGS:
        refuse_entry("neither granted nor not")
    return Taken(read_claim(claim), _FLAGS[granted])


def _read_released(field: bytes) -> Released:
    sized(field, 40)
    return Released(field[:32], int.from_bytes(field[32:], "big"))


def _require_ascending(keys: Iterable[bytes]) -> None:
    if not all(left < right for left, right in pairwise(keys)):
        refuse_entry("members that are not in ascending order")


READERS: dict[bytes, tuple[int, Callable[[list[bytes]], AgreementNotice]]] = {
    b"agreed": (4, _read_agreed),
    b"void": (4, _read_void),
    b"heard": (4, _read_heard_notice),
    b"started": (3, _read_started),
    b"forked": (5, _read_forked),
}
"""Kind -> how many fields, and who reads them."""
