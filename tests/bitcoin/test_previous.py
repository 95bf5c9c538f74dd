"""Previous transactions. Invariant: what `parse_transaction` accepts is accepted, with the same txid,
stripped form and outputs; all else is Malformed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.codec import compact_size, u32, u64
from signer.bitcoin.previous import Allowance, PreviousTransaction, read_previous
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    Txid,
    TxIn,
    TxOut,
    parse_transaction,
)
from signer.bitcoin.units import MAX_MONEY, Sats
from tests.bitcoin.refused import refused, unless_refused
from tests.bitcoin.transactions import core_rows, transactions

EITHER = "transaction-malformed or amount-out-of-range"
INPUT = TxIn(OutPoint(Txid(bytes(range(32))), 1), b"", 0xFFFFFFFD)
OUTPUT = TxOut(Sats(50_000), b"\x00\x14" + bytes(20))
PLAIN = Transaction(2, (INPUT,), (OUTPUT, OUTPUT._replace(amount=Sats(7))), 7)
SEGWIT = replace(PLAIN, witnesses=((b"", b"sig"),))


def previous(data: bytes) -> PreviousTransaction:
    return read_previous(data, Allowance())


def assert_same_verdict(data: bytes) -> None:
    expected = unless_refused(EITHER, parse_transaction, data)
    found = unless_refused(EITHER, previous, data)
    assert (found is None) == (expected is None)
    if expected is not None and found is not None:
        assert (found.txid, found.stripped) == (expected.txid, expected.stripped)
        vouts = range(len(expected.outputs))
        assert tuple(found.output(vout) for vout in vouts) == expected.outputs
        assert found.output(len(vouts)) is None


@given(transactions(), st.data())
def test_the_same_verdict_as_the_parser_that_builds_everything(
    transaction: Transaction, source: st.DataObject
) -> None:
    data = bytearray(transaction.serialize())
    assert_same_verdict(bytes(data))
    place = source.draw(st.integers(0, len(data) - 1))
    data[place : place + source.draw(st.integers(0, 3))] = source.draw(st.binary(max_size=4))
    assert_same_verdict(bytes(data))
    assert_same_verdict(bytes(data[:place]))


@given(st.binary(max_size=120))
def test_the_same_verdict_on_any_bytes(data: bytes) -> None:
    for prefix in (b"", u32(2) + b"\x01", u32(2) + b"\x00\x01\x01"):
        assert_same_verdict(prefix + data)


@pytest.mark.parametrize("name", ["tx_valid", "tx_invalid"])
def test_core_transactions(name: str) -> None:
    rows = list(core_rows(name))
    for data, _ in rows:
        assert_same_verdict(data)
    assert len(rows) > 80


@pytest.mark.parametrize("transaction", [PLAIN, SEGWIT])
def test_not_a_byte_more_or_less(transaction: Transaction) -> None:
    data = transaction.serialize()
    assert previous(data).output(1) == PLAIN.outputs[1]
    for wrong in (data[:-1], data + b"\x00", data[:4], b"", u32(2) + b"\x00\x00" + u32(0)):
        with refused("transaction-malformed"):
            previous(wrong)


def test_the_sum_of_amounts_is_in_range() -> None:
    def paying(*amounts: int) -> bytes:
        outputs = b"".join(u64(amount) + b"\x00" for amount in amounts)
        count = compact_size(len(amounts))
        return u32(2) + b"\x01" + INPUT.serialize() + count + outputs + u32(0)

    assert previous(paying(MAX_MONEY - 1, 1)).output(1) == TxOut(Sats(1), b"")
    for amounts in ((MAX_MONEY, 1), (MAX_MONEY + 1,), (2**64 - 1, 2**64 - 1)):
        with refused("amount-out-of-range"):
            previous(paying(*amounts))


@pytest.mark.parametrize(("transaction", "parts"), [(PLAIN, 3), (SEGWIT, 5)])
def test_parts_are_counted_before_they_are_read(transaction: Transaction, parts: int) -> None:
    data = transaction.serialize()
    allowance = Allowance(parts)
    read_previous(data, allowance)
    assert allowance.left == 0
    with refused("psbt-too-many"):
        read_previous(data, allowance)
    for fewer in range(parts):
        with refused("psbt-too-many"):
            read_previous(data, Allowance(fewer))
