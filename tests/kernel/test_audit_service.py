"""AuditService over a whole kernel: entries, heads of any size, proofs; and receipts of what was answered."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.core.caller import Caller, Role
from signer.core.errors import Refusal, unverified
from signer.core.receipt import Answer, Receipt, verify_receipt
from signer.journal.audit import read_entries, verify_journal
from signer.journal.codec import encode_entry
from signer.journal.merkle import leaf_hash
from signer.journal.note import Head, origin_of, read_head, read_note, verify_head
from signer.journal.proofs import Consistency, Inclusion, verify_consistency, verify_inclusion
from signer.methods import audit
from signer.ports.members import NoWitnesses
from tests.core.spends import Coin
from tests.kernel.room import Member, Running, attested, construct_request, sign_request

AUDITOR = Caller("auditor-1", frozenset({Role.AUDITOR}))
COINS = tuple(Coin(salt=salt, index=salt) for salt in range(6))
ENTRIES = 6
"""The genesis entry, four signed ones and a refusal."""


@pytest.fixture
def member(tmp_path: Path) -> Member:
    return Member(tmp_path / "member", 0).init()


@pytest.fixture
def kernel(member: Member) -> Iterator[Running]:
    running = member.start()
    for number in range(4):
        signed(running, number)
    refused_answer(running)
    yield running
    running.stop()


def request_of(running: Running, number: int, watchers: int = 2) -> pb.SignPsbtRequest:
    from tests import federation

    payments = ((number + 1, 10_000_000 + number),)  # equal ones would be twins
    built = running.construct(construct_request((COINS[number],), payments))
    word = attested((COINS[number],), payments, federation.WATCHERS[:watchers])
    return sign_request(built, word)


def signed(running: Running, number: int) -> tuple[pb.SignPsbtRequest, pb.SignPsbtResponse]:
    request = request_of(running, number)
    return request, running.sign(request)


def refused_answer(running: Running) -> tuple[pb.SignPsbtRequest, Refusal]:
    request = request_of(running, 5, watchers=1)
    with pytest.raises(Refusal) as caught:
        running.sign(request)
    return request, caught.value


def code_of(work: Callable[..., object], *arguments: object, **asked: object) -> str:
    with pytest.raises(Refusal) as caught:
        work(*arguments, **asked)
    return caught.value.code


def head_at(running: Running, **asked: object) -> au.GetHeadResponse:
    raw = running.call("GetHead", au.GetHeadRequest(**asked), AUDITOR)
    return au.GetHeadResponse.FromString(raw)


def page(running: Running, **asked: object) -> au.ListEntriesResponse:
    raw = running.call("ListEntries", au.ListEntriesRequest(**asked), AUDITOR)
    return au.ListEntriesResponse.FromString(raw)


def included(running: Running, **asked: object) -> au.ProveInclusionResponse:
    raw = running.call("ProveInclusion", au.ProveInclusionRequest(**asked), AUDITOR)
    return au.ProveInclusionResponse.FromString(raw)


def grown(running: Running, **asked: object) -> au.ProveConsistencyResponse:
    raw = running.call("ProveConsistency", au.ProveConsistencyRequest(**asked), AUDITOR)
    return au.ProveConsistencyResponse.FromString(raw)


def verified(running: Running, note: str) -> Head:
    return verify_head(note, running.keystore.log_key)


# --- entries ---


def test_entries_are_listed_as_they_are_recorded(kernel: Running, member: Member) -> None:
    records = [
        encode_entry(stored.entry) for stored in read_entries(member.folder / "journal.sqlite", 0)
    ]
    whole = page(kernel)
    assert (list(whole.records), whole.start, whole.size) == (records, 0, ENTRIES)
    some = page(kernel, start=2, max_entries=3)
    assert (list(some.records), some.start, some.size) == (records[2:5], 2, ENTRIES)
    assert list(page(kernel, start=5, max_entries=3).records) == records[5:]


def test_what_lies_beyond_the_newest_entry_is_unknown(kernel: Running) -> None:
    end = page(kernel, start=ENTRIES)
    assert (list(end.records), end.size) == ([], ENTRIES)
    for beyond in (ENTRIES + 1, 2**63, 2**64 - 1):
        assert code_of(page, kernel, start=beyond) == "entry-unknown"


def test_a_page_ends_with_the_entry_that_fills_it(
    kernel: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(page(kernel).records)
    monkeypatch.setattr(audit, "PAGE", len(whole[0]) + 1)
    assert list(page(kernel).records) == whole[:2]
    assert list(page(kernel, start=1).records) == whole[1:2]
    monkeypatch.setattr(audit, "MAX_PAGE", 1)
    assert list(page(kernel).records) == whole[:1]


# --- heads ---


def test_the_newest_head_is_the_released_one(kernel: Running) -> None:
    answer = head_at(kernel)
    assert answer.head == kernel.info().journal_head
    assert verified(kernel, answer.head).size == ENTRIES
    assert (answer.standing, list(answer.waiting_for)) == (b"", [])
    assert (list(answer.pending_entries), list(answer.followed)) == ([], [])


def test_a_head_of_an_earlier_size_is_the_one_that_was_released_then(kernel: Running) -> None:
    """Byte for byte: Ed25519 is deterministic, so nothing new is said about an old tree."""
    before = [head_at(kernel, size=size).head for size in range(1, ENTRIES + 1)]
    assert before[-1] == kernel.info().journal_head
    _, answer = signed(kernel, 4)
    assert head_at(kernel).head == answer.head
    assert [head_at(kernel, size=size).head for size in range(1, ENTRIES + 1)] == before
    assert head_at(kernel, log_key=kernel.keystore.log_key).head == answer.head


def test_a_size_that_the_log_never_had_has_no_head(kernel: Running) -> None:
    for size in (ENTRIES + 1, 2**64 - 1):
        assert code_of(head_at, kernel, size=size) == "head-size-unknown"
    assert verified(kernel, head_at(kernel, size=ENTRIES).head).size == ENTRIES


class OneMore(NoWitnesses):
    """Knows one other member, its log's two entries, and its cosignature of ours."""

    KEY = b"\x0c" * 32
    LINE = "\u2014 witness AAAAAAAA\n"

    def standing(self) -> bytes:
        return b"standing"

    def waiting_for(self) -> tuple[str, ...]:
        return ("a recollection of the third member",)

    def pending_entries(self) -> tuple[int, ...]:
        return (3,)

    def followed(self) -> tuple[tuple[bytes, int], ...]:
        return ((self.KEY, 2),)

    def followed_head(self, log_key: bytes, size: int) -> str:
        if log_key != self.KEY:
            raise unverified("log-unknown", "not followed")
        return f"head of {size}"

    def followed_records(self, log_key: bytes, start: int, limit: int) -> tuple[bytes, ...]:
        return (b"first", b"second")[start : start + limit]

    def cosignatures(self, text: str) -> tuple[str, ...]:
        return (self.LINE,) if read_head(text).size == ENTRIES else ()


def test_the_agreement_tells_where_the_member_stands_and_what_it_follows(kernel: Running) -> None:
    from dataclasses import replace

    kernel.handler = replace(
        kernel.handler, kernel=replace(kernel.handler.kernel, agreement=OneMore())
    )
    answer = head_at(kernel)
    assert answer.head.endswith(OneMore.LINE)
    assert verified(kernel, answer.head).size == ENTRIES
    assert (answer.standing, list(answer.pending_entries)) == (b"standing", [3])
    assert list(answer.waiting_for) == ["a recollection of the third member"]
    assert [(each.log_key, each.size) for each in answer.followed] == [(OneMore.KEY, 2)]
    assert not head_at(kernel, size=3).head.endswith(OneMore.LINE)
    assert head_at(kernel, log_key=OneMore.KEY, size=2).head == "head of 2"
    copy = page(kernel, log_key=OneMore.KEY, start=1)
    assert (list(copy.records), copy.start, copy.size) == ([b"second"], 1, 2)
    beyond = code_of(lambda: page(kernel, log_key=OneMore.KEY, start=3))
    assert beyond == "entry-unknown"


def test_without_witnesses_no_other_log_is_known(kernel: Running) -> None:
    assert code_of(lambda: head_at(kernel, log_key=b"\x0c" * 32)) == "log-unknown"
    assert code_of(lambda: page(kernel, log_key=b"\x0c" * 32)) == "log-unknown"
    assert page(kernel, log_key=kernel.keystore.log_key).size == ENTRIES


# --- proofs ---


def test_every_entry_is_proved_in_every_tree_that_has_it(kernel: Running) -> None:
    records = list(page(kernel).records)
    for size in range(1, ENTRIES + 1):
        for number in range(size):
            answer = included(kernel, number=number, size=size)
            head = verified(kernel, answer.head)
            assert (answer.number, answer.size, head.size) == (number, size, size)
            assert answer.record == records[number]
            proof = Inclusion(number, size, tuple(answer.path))
            verify_inclusion(proof, leaf_hash(answer.record), head.root)


def test_a_decision_is_proved_by_its_id(kernel: Running) -> None:
    _, answer = signed(kernel, 4)
    proof = included(kernel, decision_id=answer.decision_id)
    assert leaf_hash(proof.record) == answer.decision_id
    assert (proof.number, proof.size, proof.head) == (ENTRIES, ENTRIES + 1, answer.head)
    assert included(kernel).number == 0


def test_what_is_not_in_the_tree_is_not_proved(kernel: Running) -> None:
    assert included(kernel, number=ENTRIES - 1).number == ENTRIES - 1
    assert code_of(lambda: included(kernel, number=ENTRIES)) == "entry-unknown"
    assert code_of(lambda: included(kernel, number=2**64 - 1)) == "entry-unknown"
    assert code_of(lambda: included(kernel, decision_id=b"\x01" * 32)) == "entry-unknown"
    assert code_of(lambda: included(kernel, decision_id=b"\x01")) == "request-malformed"
    assert included(kernel, number=3, size=4).size == 4
    assert code_of(lambda: included(kernel, number=3, size=3)) == "proof-span-invalid"
    assert code_of(lambda: included(kernel, number=3, size=ENTRIES + 1)) == "head-size-unknown"


def test_every_head_is_proved_to_go_on_to_every_later_one(kernel: Running) -> None:
    for new in range(1, ENTRIES + 1):
        for old in range(1, new + 1):
            answer = grown(kernel, old_size=old, new_size=new)
            roots = [verified(kernel, head_at(kernel, size=size).head).root for size in (old, new)]
            assert (answer.old_size, answer.new_size) == (old, new)
            assert verified(kernel, answer.head).size == new
            verify_consistency(Consistency(old, new, tuple(answer.path)), *roots)
    assert grown(kernel, old_size=1).new_size == ENTRIES


def test_trees_in_another_order_are_not_proved(kernel: Running) -> None:
    assert grown(kernel, old_size=3, new_size=3).path == []
    assert code_of(lambda: grown(kernel, old_size=0)) == "proof-span-invalid"
    assert code_of(lambda: grown(kernel, old_size=4, new_size=3)) == "proof-span-invalid"
    assert code_of(lambda: grown(kernel, old_size=2**64 - 1)) == "proof-span-invalid"
    assert code_of(lambda: grown(kernel, old_size=1, new_size=ENTRIES + 1)) == "head-size-unknown"


# --- a journal that was changed, a kernel that does not sign ---


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        ("UPDATE entries SET leaf = randomblob(32) WHERE number = 2", {"number": 1}),
        ("UPDATE entries SET record = x'00' WHERE number = 1", {"number": 1}),
        ("DELETE FROM entries WHERE number = 2", {"number": 1}),
        ("DELETE FROM entries WHERE number = 1", {"number": 1}),
        ("UPDATE checkpoint SET note = lower(note)", {"number": 1}),
        ("UPDATE entries SET leaf = randomblob(32) WHERE number = 2", {"number": 1, "size": 4}),
    ],
)
def test_a_changed_journal_gives_no_proof_and_has_no_old_head_signed(
    kernel: Running, member: Member, statement: str, asked: dict[str, int]
) -> None:
    """The administrator changes a leaf and has the kernel sign 'the head of four entries': a head that it
    never signed would convict an honest member of a fork."""
    assert included(kernel, **asked).number == 1
    with closing(sqlite3.connect(member.folder / "journal.sqlite")) as connection, connection:
        connection.execute(statement)
    assert code_of(lambda: included(kernel, **asked)) == "journal-tampered"
    if "leaf" in statement:
        assert code_of(lambda: head_at(kernel, size=4)) == "journal-tampered"
        assert code_of(lambda: grown(kernel, old_size=3)) == "journal-tampered"


def test_the_log_is_served_by_a_kernel_that_records_nothing_any_more(kernel: Running) -> None:
    """A head of another history by our own log key locks; auditors and members go on reading."""
    from signer.journal.note import sign_head

    origin = origin_of(REGTEST.genesis_hash, kernel.keystore.log_key)
    other = sign_head(Head(origin, 2, b"\x09" * 32), kernel.keystore)
    request = request_of(kernel, 4)
    request.last_seen_head = other
    assert code_of(lambda: kernel.sign(request)) == "state-rolled-back"
    request.last_seen_head = ""
    assert code_of(lambda: kernel.sign(request)) == "state-rolled-back"
    assert verified(kernel, head_at(kernel).head).size == ENTRIES
    assert page(kernel).size == ENTRIES
    assert included(kernel, number=3).size == ENTRIES
    assert grown(kernel, old_size=2).new_size == ENTRIES


def test_reading_the_log_writes_nothing(kernel: Running, member: Member) -> None:
    head = head_at(kernel, size=3).head
    included(kernel, number=1)
    grown(kernel, old_size=1)
    page(kernel)
    assert verified(kernel, head).size == 3
    report = verify_journal(member.folder / "journal.sqlite", head)
    assert report.entries == ENTRIES


# --- receipts ---


def receipt_from(message: t.Receipt) -> Receipt:
    answer = Answer(
        message.decision_id,
        message.verdict,
        message.request_digest,
        message.txid,
        message.size,
        message.root,
    )
    return Receipt(answer, message.signature)


def log_of(running: Running) -> str:
    return origin_of(REGTEST.genesis_hash, running.keystore.log_key)


def test_each_signature_comes_with_a_receipt_bound_to_its_head(kernel: Running) -> None:
    request, answer = signed(kernel, 4)
    receipt = receipt_from(answer.receipt)
    said = verify_receipt(receipt, log_of(kernel), kernel.keystore.log_key)
    head = read_head(read_note(answer.head).text)
    assert said == Answer(
        decision_id=answer.decision_id,
        verdict="signed",
        request_digest=sha256(request.SerializeToString()),
        txid=answer.txid,
        size=head.size,
        root=head.root,
    )
    proof = included(kernel, decision_id=said.decision_id, size=said.size)
    path = Inclusion(proof.number, said.size, tuple(proof.path))
    verify_inclusion(path, said.decision_id, said.root)


def test_a_retry_gets_a_receipt_of_the_same_entry_under_a_newer_head(kernel: Running) -> None:
    request, first = signed(kernel, 4)
    refused_answer_again = refused_answer(kernel)[1]
    again = kernel.sign(request)
    assert again.receipt.decision_id == first.receipt.decision_id
    assert again.receipt.size >= first.receipt.size
    assert refused_answer_again.receipt is not None
    for each in (first, again):
        verify_receipt(receipt_from(each.receipt), log_of(kernel), kernel.keystore.log_key)


def test_a_receipt_of_another_entry_or_head_does_not_verify(kernel: Running) -> None:
    _, first = signed(kernel, 4)
    receipt, other = first.receipt, t.Receipt()
    for name, value in (
        ("decision_id", b"\x01" * 32),
        ("size", receipt.size - 1),
        ("root", b"\x02" * 32),
        ("verdict", "refused"),
        ("txid", b"\x03" * 32),
        ("request_digest", b"\x04" * 32),
    ):
        other.CopyFrom(receipt)
        setattr(other, name, value)
        code = code_of(
            lambda: verify_receipt(receipt_from(other), log_of(kernel), kernel.keystore.log_key)
        )
        assert code == "receipt-invalid"
    said = verify_receipt(receipt_from(receipt), log_of(kernel), kernel.keystore.log_key)
    assert said.decision_id == first.decision_id


def test_a_refusal_on_record_comes_with_a_receipt(kernel: Running) -> None:
    request, refusal = refused_answer(kernel)
    assert refusal.receipt is not None
    said = verify_receipt(refusal.receipt, log_of(kernel), kernel.keystore.log_key)
    assert (said.verdict, said.txid, said.decision_id) == ("refused", b"", refusal.decision_id)
    assert said.request_digest == sha256(request.SerializeToString())
    proof = included(kernel, decision_id=said.decision_id, size=said.size)
    assert leaf_hash(proof.record) == refusal.decision_id


def test_a_refusal_without_an_entry_has_no_receipt(kernel: Running) -> None:
    """A malformed request is counted and not recorded: there is nothing to sign for."""
    request = request_of(kernel, 4)
    request.psbt = b"no psbt"
    with pytest.raises(Refusal) as caught:
        kernel.sign(request)
    assert (caught.value.decision_id, caught.value.receipt) == (b"", None)
