"""What one request may cost and one answer may weigh: each bound with its twin one step inside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.codec import compact_size
from signer.bitcoin.errors import Malformed
from signer.core.errors import Refusal
from signer.core.extract import MAX_PSBTS
from signer.methods import records
from tests.core.spends import Coin, good_case, withdrawal_id
from tests.kernel.room import Member, Running, attested, construct_request, sign_request

COIN = Coin()
CASE = good_case((COIN,))


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Running]:
    running = Member(tmp_path / "m", 0).init().start()
    yield running
    running.stop()


def code_of(kernel: Running, method: str, request: object) -> str:
    try:
        kernel.call(method, request)
    except (Refusal, Malformed) as refusal:
        return refusal.code
    return "answered"


def with_versions(kernel: Running, count: int) -> list[bytes]:
    """The txids of so many versions of withdrawal 1, oldest first."""
    fee = 0
    txids: list[bytes] = []
    for _ in range(count):
        built = kernel.construct(construct_request((COIN,), min_fee_sat=fee))
        kernel.sign(sign_request(built, [] if txids else attested((COIN,))))
        fee = built.fee_sat + 1_000
        txids.append(built.unsigned_txid)
    return txids


def page(kernel: Running, **asked: object) -> pb.GetWithdrawalResponse:
    request = pb.GetWithdrawalRequest(withdrawal_id=withdrawal_id(1), **asked)  # type: ignore[arg-type]
    return pb.GetWithdrawalResponse.FromString(kernel.call("GetWithdrawal", request))


def test_versions_come_in_pages(kernel: Running) -> None:
    txids = with_versions(kernel, 3)
    whole = page(kernel)
    assert [each.txid for each in whole.withdrawal.versions] == txids
    assert (
        whole.next_versions_page_token,
        len(page(kernel, versions_page_size=3).withdrawal.versions),
    ) == (b"", 3)
    first = page(kernel, versions_page_size=2)
    assert [each.txid for each in first.withdrawal.versions] == txids[:2]
    token = first.next_versions_page_token
    rest = page(kernel, versions_page_size=2, versions_page_token=token)
    assert [each.txid for each in rest.withdrawal.versions] == txids[2:]
    assert rest.next_versions_page_token == b""
    assert all(each.psbt and each.inputs for each in whole.withdrawal.versions)


def test_a_page_ends_early_when_its_psbts_are_large(
    kernel: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    txids = with_versions(kernel, 2)
    size = sum(len(each.psbt) for each in page(kernel).withdrawal.versions)
    for most, shown in ((size, 2), (size - 1, 1), (1, 1)):
        monkeypatch.setattr(records, "MAX_PSBT_BYTES", most)
        answer = page(kernel)
        assert [each.txid for each in answer.withdrawal.versions] == txids[:shown]
        assert bool(answer.next_versions_page_token) == (shown < 2)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"versions_page_size": 100}, {"versions_page_size": 101}),
        (
            {"versions_page_token": b"\x7f" + b"\xff" * 7},
            {"versions_page_token": b"\x80" + bytes(7)},
        ),
        ({"versions_page_token": bytes(8)}, {"versions_page_token": bytes(7)}),
    ],
)
def test_pages_that_cannot_be_asked_for(
    kernel: Running, good: dict[str, object], bad: dict[str, object]
) -> None:
    with_versions(kernel, 1)
    page(kernel, **good)
    with pytest.raises(Refusal) as caught:
        page(kernel, **bad)
    assert caught.value.code == "request-malformed"


def test_a_listing_names_versions_and_carries_no_psbt(kernel: Running) -> None:
    """One page was 61 MB once."""
    txids = with_versions(kernel, 2)
    answer = kernel.call("ListWithdrawals", pb.ListWithdrawalsRequest(vault_id="peg"))
    (info,) = pb.ListWithdrawalsResponse.FromString(answer).withdrawals
    assert [each.txid for each in info.versions] == sorted(txids)
    assert not any(each.psbt or each.inputs for each in info.versions)


def test_psbts_are_counted_before_they_are_read(kernel: Running) -> None:
    def extracting(psbt: bytes, count: int) -> pb.ExtractTxRequest:
        return pb.ExtractTxRequest(vault_id="peg", psbts=[psbt] * count)

    assert code_of(kernel, "ExtractTx", extracting(CASE.psbt_bytes, MAX_PSBTS)) == "answered"
    assert code_of(kernel, "ExtractTx", extracting(b"no PSBT", MAX_PSBTS)) == "psbt-magic"
    for count in (0, MAX_PSBTS + 1):
        assert code_of(kernel, "ExtractTx", extracting(b"no PSBT", count)) == "request-malformed"


def test_previous_transactions_are_counted_before_they_are_read(kernel: Running) -> None:
    raw = COIN.previous.serialize()

    def proving(previous: list[bytes]) -> pb.ValidateOpReturnRequest:
        return pb.ValidateOpReturnRequest(
            vault_id="peg", transaction=raw, previous_transactions=previous
        )

    assert code_of(kernel, "ValidateOpReturn", proving([raw] * 500)) == "answered"
    assert code_of(kernel, "ValidateOpReturn", proving([raw] * 501)) == "request-malformed"
    large = 8 * 1024 * 1024 - len(raw)
    assert code_of(kernel, "ValidateOpReturn", proving([bytes(large)])) == "transaction-malformed"
    assert code_of(kernel, "ValidateOpReturn", proving([bytes(large + 1)])) == "request-malformed"


def test_the_subject_is_no_larger_than_what_nodes_relay(kernel: Running) -> None:
    for size, code in ((400_000, "transaction-malformed"), (400_001, "request-malformed")):
        asked = pb.ValidateOpReturnRequest(vault_id="peg", transaction=bytes(size))
        assert code_of(kernel, "ValidateOpReturn", asked) == code


def test_a_hostile_coin_is_refused_by_its_counts(kernel: Running) -> None:
    """A megabyte of empty witness items, where one coin's previous transaction should stand."""
    raw = COIN.previous.serialize()

    def offering(items: int) -> pb.ConstructWithdrawalTxRequest:
        request = construct_request((COIN,))
        witness = compact_size(items) + bytes(items)
        request.coins[0].previous_tx = raw[:4] + b"\x00\x01" + raw[4:-4] + witness + raw[-4:]
        return request

    parts = len(COIN.previous.inputs) + len(COIN.previous.outputs)
    assert code_of(kernel, "ConstructWithdrawalTx", offering(300_000 - parts)) == "answered"
    assert code_of(kernel, "ConstructWithdrawalTx", offering(300_001 - parts)) == "psbt-too-many"
