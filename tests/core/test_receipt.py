"""Receipts: of one entry, one answer, one request, one head and one log."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signer.core.errors import VerificationError
from signer.core.receipt import Answer, Answered, Receipt, receipt_text, verify_receipt

KEY = Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)
LOG_KEY = KEY.public_key().public_bytes_raw()
LOG = f"pegwarden/{'0a' * 32}/{'0b' * 32}"
ANSWER = Answer(b"\x01" * 32, Answered.SIGNED, b"\x02" * 32, b"\x03" * 32, 7, b"\x04" * 32)


def signed(answer: Answer, log: str = LOG) -> Receipt:
    return Receipt(answer, KEY.sign(receipt_text(answer, log)))


def refused(receipt: Receipt, log: str = LOG, key: bytes = LOG_KEY) -> None:
    with pytest.raises(VerificationError) as caught:
        verify_receipt(receipt, log, key)
    assert caught.value.code == "receipt-invalid"


def test_the_text_is_read_as_it_is_signed() -> None:
    assert receipt_text(ANSWER, LOG).decode() == (
        "pegwarden/receipt/v1\n"
        f"log: {LOG}\n"
        f"decision: {'01' * 32}\n"
        "verdict: signed\n"
        f"request: {'02' * 32}\n"
        f"txid: {'03' * 32}\n"
        "size: 7\n"
        f"root: {'04' * 32}\n"
    )
    assert b"\ntxid: none\n" in receipt_text(replace(ANSWER, txid=b""), LOG)


@pytest.mark.parametrize("verdict", list(Answered))
def test_a_receipt_verifies(verdict: Answered) -> None:
    answer = replace(
        ANSWER, verdict=verdict, txid=b"" if verdict is Answered.REFUSED else b"t" * 32
    )
    assert verify_receipt(signed(answer), LOG, LOG_KEY) == answer


@pytest.mark.parametrize(
    "other",
    [
        replace(ANSWER, decision_id=b"\x11" * 32),
        replace(ANSWER, verdict=Answered.REFUSED),
        replace(ANSWER, request_digest=b"\x12" * 32),
        replace(ANSWER, txid=b"\x13" * 32),
        replace(ANSWER, txid=b""),
        replace(ANSWER, size=8),
        replace(ANSWER, root=b"\x14" * 32),
    ],
)
def test_a_receipt_of_another_entry_request_or_head_is_worth_nothing(other: Answer) -> None:
    refused(Receipt(other, signed(ANSWER).signature))
    assert verify_receipt(signed(other), LOG, LOG_KEY) == other


def test_a_tree_has_an_entry() -> None:
    first, none = replace(ANSWER, size=1), replace(ANSWER, size=0)
    assert verify_receipt(signed(first), LOG, LOG_KEY) == first
    refused(signed(none))


def test_a_receipt_of_another_log_or_key_is_worth_nothing() -> None:
    receipt = signed(ANSWER)
    refused(receipt, log=LOG.replace("0b", "0c"))
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x06" * 32).public_key().public_bytes_raw()
    refused(receipt, key=stranger)
    refused(receipt, key=b"no key")
    refused(Receipt(ANSWER, receipt.signature[:-1]))


@pytest.mark.parametrize(
    "strange",
    [
        replace(ANSWER, verdict="signed\nrequest: none"),
        replace(ANSWER, verdict=""),
        replace(ANSWER, decision_id=b""),
        replace(ANSWER, request_digest=b"\x02" * 33),
        replace(ANSWER, root=b""),
        replace(ANSWER, txid=b"\x03"),
        replace(ANSWER, size=0),
    ],
)
def test_a_field_has_one_form_whoever_signed(strange: Answer) -> None:
    refused(signed(strange))
