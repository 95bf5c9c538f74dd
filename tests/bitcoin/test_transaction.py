"""Transactions. Invariant: parse(serialize(t)) == t, and for any bytes that parse,
serialize(parse(bytes)) == bytes; all others are Malformed."""

from dataclasses import replace

import pbk
import pytest
from btclib.tx.tx import Tx
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.codec import Reader, compact_size, u32, u64
from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import (
    OutPoint,
    Transaction,
    Txid,
    TxIn,
    TxOut,
    display,
    parse_transaction,
    parse_unsigned,
    read_output,
    txid_from_display,
)
from signer.bitcoin.units import MAX_MONEY, Sats
from tests.bitcoin.refused import refused, unless_refused
from tests.bitcoin.transactions import core_rows, transactions
from tests.vectors import load_json, vector_path

EITHER = "transaction-malformed or amount-out-of-range"
TXID = Txid(bytes(range(32)))
INPUT = TxIn(OutPoint(TXID, 1), b"", 0xFFFFFFFD)
OUTPUT = TxOut(Sats(50_000), b"\x00\x14" + bytes(20))
PLAIN = Transaction(2, (INPUT,), (OUTPUT,), 7)
SEGWIT = replace(PLAIN, witnesses=((b"", b"sig"),))


def fresh(transaction: Transaction) -> Transaction:
    """An equal transaction that does not remember the bytes it was read from."""
    return replace(transaction)


def assert_reads_as_written(data: bytes) -> Transaction:
    transaction = parse_transaction(data)
    again = fresh(transaction)
    assert again.serialize() == data == transaction.serialize()
    assert again.stripped == transaction.stripped
    assert again.txid == transaction.txid
    assert parse_transaction(again.serialize()) == transaction
    return transaction


def test_core_tx_valid_against_two_implementations() -> None:
    """Same bytes, txid, sizes and fields as Bitcoin Core's own code and as btclib."""
    ran = 0
    for data, _ in core_rows("tx_valid"):
        ours = assert_reads_as_written(data)
        core = pbk.Transaction(data)
        assert bytes(core) == data
        assert bytes(core.txid) == ours.txid
        assert str(core.txid) == display(ours.txid)
        assert len(core.inputs) == len(ours.inputs)
        assert [output.amount for output in core.outputs] == [o.amount for o in ours.outputs]
        foreign = Tx.parse(data, check_validity=False)
        assert foreign.id[::-1] == ours.txid
        assert (foreign.weight, foreign.vsize) == (ours.weight, ours.vsize)
        ran += 1
    assert ran == 121


def test_core_tx_invalid() -> None:
    """What is wrong with most is not for a parser to see; the rest is named here."""
    ran, codes = 0, []
    for data, _ in core_rows("tx_invalid"):
        try:
            ours = assert_reads_as_written(data)
        except Malformed as error:
            codes.append(error.code)
        else:
            assert bytes(pbk.Transaction(data).txid) == ours.txid
        ran += 1
    assert ran == 93
    # An amount below zero, one above MAX_MONEY, a sum above it; no outputs.
    assert sorted(codes) == ["amount-out-of-range"] * 3 + ["transaction-malformed"]


def test_core_sighash_transactions() -> None:
    """500 random ones without witness are read as they were written. (Their types are not ours to sign.)"""
    rows = [row for row in load_json("bitcoin-core/src_test_data/sighash.json") if len(row) == 5]
    for raw, *_ in rows:
        data = bytes.fromhex(raw)
        assert assert_reads_as_written(data).txid == bytes(pbk.Transaction(data).txid)
    assert len(rows) == 500


def test_other_public_transactions() -> None:
    """BIP-341's nine-input transaction and rust-bitcoin's witness of a megabyte."""
    wallet = load_json("bips/bip341/wallet-test-vectors.json")["keyPathSpending"][0]
    signed = assert_reads_as_written(bytes.fromhex(wallet["auxiliary"]["fullySignedTx"]))
    unsigned = assert_reads_as_written(bytes.fromhex(wallet["given"]["rawUnsignedTx"]))
    assert len(signed.inputs) == len(unsigned.inputs) == 9
    text = vector_path("rust-bitcoin/huge_witness.hex").read_text()
    huge = assert_reads_as_written(bytes.fromhex(text))
    assert huge.txid == bytes(pbk.Transaction(huge.serialize()).txid)
    assert len(huge.serialize()) > 100_000


@given(transactions())
def test_writing_is_undone_by_reading(transaction: Transaction) -> None:
    assert parse_transaction(transaction.serialize()) == transaction
    assert_reads_as_written(transaction.serialize())
    assert bytes(pbk.Transaction(transaction.serialize()).txid) == transaction.txid


@given(transactions(), st.data())
def test_changed_bytes_are_read_exactly_or_malformed(
    transaction: Transaction, source: st.DataObject
) -> None:
    data = bytearray(transaction.serialize())
    place = source.draw(st.integers(0, len(data) - 1))
    data[place : place + source.draw(st.integers(0, 3))] = source.draw(st.binary(max_size=4))
    for changed in (bytes(data), bytes(data[:place])):
        unless_refused(EITHER, assert_reads_as_written, changed)


@given(st.binary(max_size=120))
def test_any_bytes_are_read_exactly_or_malformed(data: bytes) -> None:
    for prefix in (b"", u32(2) + b"\x01", u32(2) + b"\x00\x01\x01"):
        unless_refused(EITHER, assert_reads_as_written, prefix + data)
        transaction = unless_refused(EITHER, parse_unsigned, prefix + data)
        if transaction is not None:
            assert fresh(transaction).stripped == prefix + data


def test_a_plain_and_a_segwit_transaction() -> None:
    assert PLAIN.stripped == SEGWIT.stripped
    assert PLAIN.txid == SEGWIT.txid
    assert PLAIN.serialize() == PLAIN.stripped
    assert SEGWIT.serialize().hex() == (
        PLAIN.stripped[:4].hex() + "0001" + PLAIN.stripped[4:-4].hex() + "020003736967" + "07000000"
    )
    assert SEGWIT.weight == 4 * len(PLAIN.stripped) + 2 + 6
    assert SEGWIT.vsize == len(PLAIN.stripped) + 2
    assert replace(PLAIN, witnesses=((),)).serialize() == PLAIN.serialize()


INPUT_BYTES, OUTPUT_BYTES = INPUT.serialize(), OUTPUT.serialize()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN.serialize()[:4],
        PLAIN.serialize()[:-1],
        PLAIN.serialize() + b"\0",
        SEGWIT.serialize()[:-1],
        SEGWIT.serialize() + b"\0",
        u32(2) + b"\0\2" + SEGWIT.serialize()[6:],  # unknown flag
        u32(2) + b"\0\0" + u32(0),  # neither inputs nor outputs
        u32(2) + b"\0\1" + PLAIN.serialize()[4:-4] + b"\0" + u32(7),  # flag without a witness
        u32(2) + b"\0\1\0\1" + OUTPUT_BYTES + u32(7),  # segwit without inputs
        u32(2) + b"\0\1\1" + INPUT_BYTES + b"\0\1\1a" + u32(7),  # segwit without outputs
        u32(2) + b"\1" + INPUT_BYTES + b"\0" + u32(7),  # no outputs
        u32(2) + b"\xfd\1\0" + PLAIN.serialize()[5:],  # the count 1 in three bytes
        u32(2) + b"\2" + PLAIN.serialize()[5:],  # two inputs announced
        u32(2) + b"\1" + INPUT_BYTES + b"\2" + OUTPUT_BYTES + u32(7),
    ],
)
def test_bytes_that_are_no_transaction(data: bytes) -> None:
    with refused("transaction-malformed"):
        parse_transaction(data)


def test_counts_cost_nothing() -> None:
    """A count of 2^64 - 1 in a transaction of some bytes is refused before anything is allocated."""
    most = compact_size(2**64 - 1)
    for data in (
        u32(2) + most + bytes(80),
        u32(2) + b"\1" + INPUT_BYTES + most + bytes(80),
        u32(2) + b"\0\1\1" + INPUT_BYTES + b"\1" + OUTPUT_BYTES + most + u32(7),
        u32(2) + b"\1" + INPUT_BYTES[:36] + most + bytes(80),
    ):
        with refused("transaction-malformed"):
            parse_transaction(data)


def test_amounts() -> None:
    def with_amounts(*amounts: int) -> bytes:
        outputs = b"".join(u64(amount) + b"\0" for amount in amounts)
        return u32(2) + b"\1" + INPUT_BYTES + compact_size(len(amounts)) + outputs + u32(0)

    assert parse_transaction(with_amounts(MAX_MONEY)).outputs[0].amount == MAX_MONEY
    assert len(parse_transaction(with_amounts(MAX_MONEY - 1, 1)).outputs) == 2
    for amounts in ((MAX_MONEY + 1,), (2**64 - 1,), (2**63,), (MAX_MONEY, 1)):
        with refused("amount-out-of-range"):
            parse_transaction(with_amounts(*amounts))
        with refused("amount-out-of-range"):
            parse_unsigned(with_amounts(*amounts))
    with refused("amount-out-of-range"):
        read_output(Reader(u64(MAX_MONEY + 1) + b"\0", "transaction"))


def test_the_unsigned_form_may_be_empty() -> None:
    """A PSBT's transaction is never read as segwit, and its caller counts inputs and outputs."""
    empty = u32(2) + b"\0\0" + u32(0)
    assert parse_unsigned(empty) == Transaction(2, (), (), 0)
    without_inputs = u32(2) + b"\0\1" + OUTPUT_BYTES + u32(0)
    assert parse_unsigned(without_inputs).outputs == (OUTPUT,)
    marker_read_as_no_inputs = u32(2) + b"\0\1\1" + bytes(50)
    with refused("transaction-malformed"):
        parse_unsigned(marker_read_as_no_inputs)


def test_txids_as_people_write_them() -> None:
    text = display(TXID)
    assert text == "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100"
    assert txid_from_display(text) == TXID
    assert str(INPUT.previous) == f"{text}:1"
    for wrong in (text[:-1], text + "0", text.upper(), text[:-1] + "g", text[:-1] + "\u0661", ""):
        with refused("txid-malformed"):
            txid_from_display(wrong)


def test_outpoints_are_ordered_by_internal_bytes_then_number() -> None:
    low, high = Txid(b"\0" * 31 + b"\xff"), Txid(b"\1" + b"\0" * 31)
    unordered = [OutPoint(high, 0), OutPoint(low, 256), OutPoint(low, 2)]
    assert sorted(unordered) == [OutPoint(low, 2), OutPoint(low, 256), OutPoint(high, 0)]
