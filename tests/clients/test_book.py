"""What a relayer learns from the members' records alone."""

from dataclasses import dataclass, field
from typing import TypeVar, cast

import pytest
from google.protobuf.message import Message

from clients.member import Member, Refused
from clients.relayer.book import Book, claims_of
from clients.relayer.federation import Federation
from pegwarden.v1 import kernel_pb2, types_pb2
from signer.bitcoin.psbt.writer import InputDraft, OutputDraft, draft_psbt
from signer.bitcoin.transaction import OutPoint, Txid, TxOut
from signer.bitcoin.units import Sats

Answer = TypeVar("Answer", bound=Message)
A, B, C, D = (bytes([letter]) * 32 for letter in b"abcd")
P, Q, R = (OutPoint(Txid(bytes([letter]) * 32), 0) for letter in b"pqr")


def info(
    withdrawal_id: bytes, pin: OutPoint, *together: bytes, amount: int = 0, paid: bytes = b""
) -> kernel_pb2.WithdrawalInfo:
    return kernel_pb2.WithdrawalInfo(
        withdrawal_id=withdrawal_id,
        amount_sat=amount or withdrawal_id[0],
        script_pubkey=b"script",
        pin=types_pb2.OutPoint(txid=pin.txid, vout=pin.vout),
        pinned_together=[withdrawal_id, *together],
        versions=[kernel_pb2.Version(txid=paid)] if paid else [],
    )


def test_a_family_is_all_that_any_member_pinned_together() -> None:
    book = Book(
        (info(A, P, B), info(B, P, A), info(A, Q), info(B, R, C), info(C, R, B), info(D, Q))
    )
    assert book.family(A) == (A, B, C)
    assert book.pins(book.family(A)) == (P, Q, R)
    assert book.family(D) == (D,)
    assert book.others_pins((A, B, C)) == {Q}
    assert book.ids() == (A, B, C, D)


def test_twins_belong_together() -> None:
    book = Book((info(A, P, amount=5), info(B, Q, amount=5), info(C, R, amount=6)))
    assert book.family(A) == (A, B)
    assert book.family(C) == (C,)


def test_an_unknown_withdrawal_is_alone() -> None:
    assert Book(()).family(A) == (A,)
    assert Book(()).pins((A,)) == ()


def test_what_a_version_pays() -> None:
    book = Book((info(A, P, paid=b"1"), info(B, P, paid=b"1"), info(B, P, paid=b"2"), info(C, R)))
    assert (book.paid_by(b"1"), book.paid_by(b"2"), book.paid_by(b"3")) == ((A, B), (B,), ())


def test_claims_are_found_again_in_the_outputs() -> None:
    outputs = tuple(OutputDraft(TxOut(Sats(amount), b"script")) for amount in (98, 7, 97, 98))
    psbt = draft_psbt(2, 0, (InputDraft(P, 0xFFFFFFFD),), outputs)
    infos = (info(A, P), info(B, P), info(C, P, amount=98))
    claims = [(claim.withdrawal_id, claim.vout) for claim in claims_of(psbt, infos)]
    assert claims == [(A, 2), (B, 0), (C, 3)]


@dataclass
class Paging:
    """A member that shows one row on each page."""

    name: str = "paging"
    asked: list[bytes] = field(default_factory=list)

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        if isinstance(request, kernel_pb2.GetWithdrawalRequest):
            self.asked.append(request.versions_page_token)
            page = len(request.versions_page_token)
            response = kernel_pb2.GetWithdrawalResponse(
                withdrawal=info(request.withdrawal_id, P, paid=bytes([page])),
                next_versions_page_token=b"." * (page + 1) if page < 2 else b"",
            )
            return cast(Answer, response)
        assert isinstance(request, kernel_pb2.ListWithdrawalsRequest)
        self.asked.append(request.page_token)
        rows = [A, B, C]
        place = len(request.page_token)
        return cast(
            Answer,
            kernel_pb2.ListWithdrawalsResponse(
                withdrawals=[info(rows[place], P)],
                next_page_token=b"." * (place + 1) if place < 2 else b"",
            ),
        )


class Silent:
    name = "silent"

    def ask(self, *_: object) -> object:
        raise Refused("silent", "FAILED_PRECONDITION", types_pb2.Refusal(code="withdrawal-unknown"))


def test_every_page_of_every_member_is_read() -> None:
    first, second = Paging(), Paging()
    members = tuple(cast(Member, each) for each in (first, Silent(), second))
    federation = Federation(members, "peg")
    assert [each.withdrawal_id for each in federation.listed()] == [A, B, C] * 2
    assert first.asked == second.asked == [b"", b".", b".."]
    whole = federation.on_record(A)
    assert [[version.txid for version in each.versions] for each in whole] == [
        [b"\0", b"\1", b"\2"]
    ] * 2


@dataclass
class Windowed:
    """A member with that window of change indexes."""

    first: int
    end: int
    name: str = "windowed"

    def ask(self, *_: object) -> kernel_pb2.GetInfoResponse:
        vault = kernel_pb2.VaultInfo(
            vault_id="peg", next_change_index=self.first, change_index_end=self.end
        )
        return kernel_pb2.GetInfoResponse(vaults=[vault])


@pytest.mark.parametrize(
    ("windows", "index"),
    [([(3, 23), (5, 25)], 5), ([(0, 20), (19, 39)], 19), ([(0, 20), (20, 40)], 19)],
)
def test_a_change_index_in_every_members_window(windows: list[tuple[int, int]], index: int) -> None:
    members = tuple(cast(Member, Windowed(*window)) for window in windows)
    assert Federation(members, "peg").next_change_index() == index
