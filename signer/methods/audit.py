"""ListEntries, GetHead, ProveInclusion, ProveConsistency: the log shown to outsiders. All of it is reading,
so it serves while signing is paused, locked or waiting for other members.

1. A proof leaves only after it was verified against the newest head, which our log key signed: where the
   journal was changed the answer is `journal-tampered`, never a proof of something else.
2. The head of an earlier size is signed anew only if that tree leads to the newest head: it says what was
   signed when the log had that size, byte for byte (Ed25519 is deterministic).
3. A page of entries ends with the entry that takes it over PAGE bytes. The edge asks for page after page.
"""

from typing import NoReturn

from pegwarden.v1 import audit_pb2 as pb
from signer import wire
from signer.bitcoin.errors import Malformed
from signer.core.caller import Caller
from signer.core.errors import Objection, Refusal, unverified
from signer.journal.merkle import leaf_hash
from signer.journal.note import Head, sign_head, verify_head
from signer.journal.proofs import (
    Consistency,
    prove_consistency,
    prove_inclusion,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from signer.kernel import Kernel
from signer.ports.reading import Reading

PAGE = 1 << 20
"""Bytes of entries after which a page ends."""
MAX_PAGE = 1_000
"""Entries of a page."""


def list_entries(kernel: Kernel, _: Caller, raw: bytes) -> pb.ListEntriesResponse:
    """A page of entries, none beyond the newest. Raises VerificationError `entry-unknown`, `log-unknown`."""
    request = wire.decode(pb.ListEntriesRequest, raw)
    start, limit = request.start, min(request.max_entries or MAX_PAGE, MAX_PAGE)
    if _is_ours(kernel, request.log_key):
        with kernel.journal.reading() as reading:
            size = reading.size()
            _require_entry(start, size + 1)
            records = reading.records(start, limit, PAGE)
    else:
        size = dict(kernel.agreement.followed()).get(request.log_key, 0)
        _require_entry(start, size + 1)
        records = kernel.agreement.followed_records(request.log_key, start, limit)
    return pb.ListEntriesResponse(start=start, records=records, size=size)


def get_head(kernel: Kernel, _: Caller, raw: bytes) -> pb.GetHeadResponse:
    """A head with the cosignatures that are known, and where we stand with the other members.

    Raises VerificationError `head-size-unknown` or `log-unknown`.
    """
    request = wire.decode(pb.GetHeadRequest, raw)
    agreement = kernel.agreement
    if _is_ours(kernel, request.log_key):
        with kernel.journal.reading() as reading:
            head, note = _head(kernel, reading, request.size)
        note += "".join(agreement.cosignatures(head.text))
    else:
        note = agreement.followed_head(request.log_key, request.size)
    followed = [
        pb.FollowedLog(log_key=log_key, size=size) for log_key, size in agreement.followed()
    ]
    return pb.GetHeadResponse(
        head=note,
        standing=agreement.standing(),
        waiting_for=agreement.waiting_for(),
        pending_entries=agreement.pending_entries(),
        followed=followed,
    )


def prove_entry(kernel: Kernel, _: Caller, raw: bytes) -> pb.ProveInclusionResponse:
    """That an entry is in the tree of a head.

    Raises VerificationError `entry-unknown`, `head-size-unknown` or `proof-span-invalid`.
    """
    request = wire.decode(pb.ProveInclusionRequest, raw)
    with kernel.journal.reading() as reading:
        number = _number(request, reading)
        head, note = _head(kernel, reading, request.size)
        if number >= head.size:
            raise _no_span(f"entry {number} came after the first {head.size}")
        record = reading.record(number)
        proof = prove_inclusion(number, head.size, reading.tree())
    try:
        verify_inclusion(proof, leaf_hash(record), head.root)
    except Malformed:
        _tampered(f"entry {number}")
    return pb.ProveInclusionResponse(
        number=number, record=record, size=head.size, path=proof.path, head=note
    )


def prove_growth(kernel: Kernel, _: Caller, raw: bytes) -> pb.ProveConsistencyResponse:
    """That the tree of one size goes on from that of another.

    Raises VerificationError `head-size-unknown` or `proof-span-invalid`.
    """
    request = wire.decode(pb.ProveConsistencyRequest, raw)
    with kernel.journal.reading() as reading:
        head, note = _head(kernel, reading, request.new_size)
        if not 0 < request.old_size <= head.size:
            raise _no_span(f"from {request.old_size} entries to {head.size}")
        proof, _root = _grown(reading, request.old_size, head)
    return pb.ProveConsistencyResponse(
        old_size=proof.old_size, new_size=proof.new_size, path=proof.path, head=note
    )


def _number(request: pb.ProveInclusionRequest, reading: Reading) -> int:
    if request.WhichOneof("entry") != "decision_id":
        return _require_entry(request.number, reading.size())
    number = reading.number_of(wire.sized(request.decision_id, 32, "decision_id"))
    if number is None:
        raise unverified("entry-unknown", "no entry has that decision id")
    return number


def _require_entry(number: int, size: int) -> int:
    if number >= size:
        raise unverified("entry-unknown", "the log has no such entry", f"{number}", f"{size - 1}")
    return number


def _head(kernel: Kernel, reading: Reading, size: int) -> tuple[Head, str]:
    """The head of that size, 0 for the newest, and its note (1, 2)."""
    note = reading.head()
    try:
        newest = verify_head(note, kernel.keystore.log_key)
    except Malformed:
        _tampered("the newest head")
    if size in (0, newest.size):
        return newest, note
    if size > newest.size:
        raise unverified("head-size-unknown", "no such head", f"{size}", f"{newest.size}")
    _proof, root = _grown(reading, size, newest)
    head = Head(newest.origin, size, root, newest.epoch)
    return head, sign_head(head, kernel.keystore)


def _grown(reading: Reading, old_size: int, head: Head) -> tuple[Consistency, bytes]:
    """The proof that the tree of the old size leads to that head, verified, and the old root."""
    tree = reading.tree()
    proof, root = prove_consistency(old_size, head.size, tree), root_at(old_size, tree)
    try:
        verify_consistency(proof, root, head.root)
    except Malformed:
        _tampered(f"the tree of {old_size} entries")
    return proof, root


def _is_ours(kernel: Kernel, log_key: bytes) -> bool:
    return log_key in (b"", kernel.keystore.log_key)


def _no_span(detail: str) -> Refusal:
    return unverified("proof-span-invalid", detail)


def _tampered(what: str) -> NoReturn:
    detail = f"{what} does not fit what our log key signed: the journal was changed"
    raise Refusal(Objection("journal-tampered", detail))
