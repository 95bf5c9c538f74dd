"""Standardness at its limits: the last that passes, the first that does not, and what the refusal says."""

from dataclasses import replace

import pytest

from signer.bitcoin.script import DUST_LIMIT, push_data, script_type
from signer.bitcoin.transaction import MAX_STANDARD_WEIGHT, Transaction, TxOut
from signer.bitcoin.units import Sats
from signer.core.errors import VerificationError
from signer.core.standard import verify_standard
from tests.core.test_extract import CARRIER, CHANGE, FINAL, PAID, PREVOUTS, with_outputs, with_stack

P2TR = b"\x51\x20" + b"\x79" * 32
TAPROOT = tuple(replace(each, script_pubkey=P2TR) for each in PREVOUTS)


def said(transaction: Transaction, prevouts: tuple[TxOut, ...] = PREVOUTS) -> tuple[str, str, str]:
    with pytest.raises(VerificationError) as refusal:
        verify_standard(transaction, prevouts)
    assert refusal.value.code == "transaction-not-standard"
    (objection,) = refusal.value.objections
    return objection.detail, objection.observed, objection.limit


def test_what_a_refusal_says() -> None:
    assert said(replace(FINAL, version=3)) == ("the version", "3", "2")
    assert said(with_outputs(replace(CARRIER, amount=Sats(1)), CHANGE)) == (
        "sat in the OP_RETURN output 0", "1", "0",
    )  # fmt: skip
    long = replace(CARRIER, script_pubkey=b"\x6a" + push_data(bytes(81)))
    assert said(with_outputs(PAID, long)) == (
        "bytes of the OP_RETURN output 1", "84", "at most 83",
    )  # fmt: skip
    unknown = replace(PAID, script_pubkey=b"\x52\x02ab")
    detail, observed, limit = said(with_outputs(CHANGE, unknown))
    assert (detail, observed) == ("the type of output 1", script_type(unknown.script_pubkey))
    assert limit.split(", ") == list(DUST_LIMIT)
    assert said(with_outputs(CARRIER, CARRIER)) == ("OP_RETURN outputs", "2", "1")
    assert said(with_outputs(PAID, replace(CHANGE, amount=Sats(329)))) == (
        "sat in output 1", "329", "at least 330",
    )  # fmt: skip
    assert said(with_stack((bytes(3_601),))) == ("bytes of witness script", "3601", "at most 3600")
    assert said(with_stack((bytes(81), b"\x51"))) == (
        "witness items", "1, the longest of 81 bytes", "100 of 80 bytes",
    )  # fmt: skip


def test_witness_of_a_taproot_leaf() -> None:
    """Leaf and control block are not items, and the leaf is no witness script."""
    leaf, control = bytes(3_601), bytes(97)
    assert verify_standard(with_stack((bytes(80), leaf, control)), TAPROOT) > 0
    assert said(with_stack((bytes(81), leaf, control)), TAPROOT)[0] == "witness items"


def test_weight_to_the_unit() -> None:
    many = with_outputs(*[replace(PAID, amount=Sats(294))] * 3_200)
    rich = tuple(replace(each, amount=Sats(10_000_000)) for each in PREVOUTS)
    stack = many.witnesses[0][:-1]

    def weighing(script: int) -> Transaction:
        return replace(many, witnesses=((*stack, bytes(script)), many.witnesses[1]))

    length = 1_000 + MAX_STANDARD_WEIGHT - weighing(1_000).weight
    assert 253 <= length <= 3_600
    assert weighing(length).weight == 400_000
    assert verify_standard(weighing(length), rich) > 0
    assert said(weighing(length + 1), rich) == ("weight units", "400001", "at most 400000")


def test_fee_to_the_satoshi() -> None:
    least = -(-FINAL.vsize // 10)
    inflow = sum(each.amount for each in PREVOUTS)

    def paying(fee: int) -> Transaction:
        return with_outputs(PAID, replace(CHANGE, amount=Sats(inflow - PAID.amount - fee)))

    assert verify_standard(paying(least), PREVOUTS) == least
    assert said(paying(least - 1)) == (
        "sat of fee", f"{least - 1} for {FINAL.vsize} vB", "at least 100 per kvB",
    )  # fmt: skip
