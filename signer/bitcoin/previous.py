"""Previous transactions: read for what they prove, the outputs that are spent, and for nothing else.

Rule 1: accepted is exactly what `parse_transaction` accepts (BIP-144), amounts in range included.
Rule 2: inputs and witness items do not become objects: a byte may announce one, and a request holds
        millions of bytes. For the same reason the parts of all transactions of a request are limited.
"""

from typing import NamedTuple

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.transaction import Txid, TxOut, read_output
from signer.bitcoin.units import sats_checked

MAX_PARTS = 300_000
"""Inputs, outputs and witness items. Those of the types in use that fill 8 MiB are fewer."""


class Allowance:
    """How many parts a request may still have."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_PARTS) -> None:
        self.left = left

    def take(self, count: int) -> int:
        """The count. Raises Malformed `psbt-too-many` when it is more than what is left."""
        self.left -= count
        if self.left < 0:
            raise Malformed(
                "psbt-too-many",
                "previous transactions with too many inputs, outputs, witness items",
            )
        return count


class PreviousTransaction(NamedTuple):
    """A well-formed transaction, of which only the outputs asked for become objects."""

    data: bytes
    stripped: bytes
    """Serialisation without witness."""
    txid: Txid
    outputs_at: list[int]
    """Where each output begins in `data`."""
    outputs_end: int
    """Where the last one ends."""

    def output_bytes(self, vout: int) -> bytes | None:
        """That output as it is written, if it exists."""
        if vout >= len(self.outputs_at):
            return None
        start, *after = self.outputs_at[vout : vout + 2]
        return self.data[start : after[0] if after else self.outputs_end]

    def output(self, vout: int) -> TxOut | None:
        """That output, if it exists."""
        data = self.output_bytes(vout)
        return None if data is None else read_output(Reader(data, "transaction"))


def read_previous(data: bytes, allowance: Allowance) -> PreviousTransaction:
    """The transaction that these bytes are.

    Raises Malformed `transaction-malformed`, `amount-out-of-range` or `psbt-too-many`.
    """
    reader = Reader(data, "transaction")
    reader.position = 4
    has_witness = data[4:5] == b"\x00"
    if has_witness and reader.take(2) != b"\x00\x01":
        raise Malformed("transaction-malformed", "unknown marker or flag")
    body = reader.position
    inputs = allowance.take(reader.count(41))
    reader.skip_strings(inputs, 36, 4)
    outputs_at = _skip_outputs(reader, allowance.take(reader.count(9)))
    outputs_end = reader.position
    stripped = data
    if has_witness:
        stripped = data[:4] + data[body : reader.position] + data[-4:]
        _skip_witnesses(reader, inputs, allowance)
    reader.position += 4
    reader.end()
    if not inputs or not outputs_at:
        raise Malformed("transaction-malformed", "no inputs or no outputs")
    return PreviousTransaction(data, stripped, Txid(hash256(stripped)), outputs_at, outputs_end)


def _skip_outputs(reader: Reader, count: int) -> list[int]:
    """Where each begins. No amount is negative: when their sum is in range, each of them is."""
    data, at, starts, total = reader.data, reader.position, [], 0
    for _ in range(count):
        starts.append(at)
        total += int.from_bytes(data[at : at + 8], "little")
        if at + 8 < len(data) and (size := data[at + 8]) < 0xFD:
            at += 9 + size
        else:
            reader.position = at + 8
            reader.skip_strings(1)
            at = reader.position
    reader.position = at
    sats_checked(total)
    return starts


def _skip_witnesses(reader: Reader, inputs: int, allowance: Allowance) -> None:
    items = 0
    for _ in range(inputs):
        count = allowance.take(reader.count(1))
        reader.skip_strings(count)
        items += count
    if not items:
        raise Malformed("transaction-malformed", "witness flag without a witness")
