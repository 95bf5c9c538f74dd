"""Transactions (BIP-144 serialisation, BIP-141 weight).

Rule 1: parsing accepts exactly what serialising writes: parse and serialise are inverse.
Rule 2: a txid is the double hash of the serialisation without witness. That 64 bytes could also be
        two hashes of a Merkle tree (CVE-2017-12842) is for `verify` to mind.
Rule 3: every amount is 0..MAX_MONEY (CVE-2010-5139), and so is their sum.
Rule 4: there is at least one input and one output; `parse_unsigned` leaves this to its caller.
"""

from dataclasses import dataclass
from functools import cached_property
from struct import Struct
from typing import NamedTuple, NewType

from signer.bitcoin.codec import Reader, compact_size, u32, u64, var_bytes
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.units import Sats, VBytes, Weight, sats_checked, vbytes_of

Txid = NewType("Txid", bytes)
"""32 bytes, internal byte order."""

MAX_STANDARD_WEIGHT = Weight(400_000)
"""Core's MAX_STANDARD_TX_WEIGHT."""
LOCKTIME_THRESHOLD = 500_000_000
"""Below it nLockTime is a height, from it on a time (BIP-65)."""


def display(txid: Txid) -> str:
    """A txid as people and Core's RPC write it: reversed, hexadecimal."""
    return txid[::-1].hex()


def txid_from_display(text: str) -> Txid:
    """The inverse of `display`. Raises Malformed `txid-malformed`."""
    if len(text) != 64 or not all(c in "0123456789abcdef" for c in text):
        raise Malformed("txid-malformed", "a txid is 64 lower-case hexadecimal digits")
    return Txid(bytes.fromhex(text)[::-1])


_BARE_INPUT = Struct("<32sIBI")
"""Outpoint, the length of an empty scriptSig, sequence."""


class OutPoint(NamedTuple):
    """Names a transaction output. Ordered by txid bytes (internal order), then vout."""

    txid: Txid
    vout: int

    def __str__(self) -> str:
        return f"{display(self.txid)}:{self.vout}"

    def serialize(self) -> bytes:
        """36 bytes: txid, vout little-endian."""
        return self.txid + u32(self.vout)


class TxOut(NamedTuple):
    """An output."""

    amount: Sats
    script_pubkey: bytes

    def serialize(self) -> bytes:
        """Amount, then script with its length."""
        return u64(self.amount) + var_bytes(self.script_pubkey)


class TxIn(NamedTuple):
    """An input without its witness."""

    previous: OutPoint
    script_sig: bytes
    sequence: int

    def serialize(self) -> bytes:
        """Outpoint, scriptSig with its length, sequence."""
        return self.previous.serialize() + var_bytes(self.script_sig) + u32(self.sequence)


@dataclass(frozen=True)
class Transaction:
    """A transaction. Without witnesses `witnesses` is empty; else it has one stack per input."""

    version: int
    """Unsigned, as BIP-68 and Core's policy read it."""
    inputs: tuple[TxIn, ...]
    outputs: tuple[TxOut, ...]
    locktime: int
    witnesses: tuple[tuple[bytes, ...], ...] = ()

    @cached_property
    def stripped(self) -> bytes:
        """Serialisation without witness: what the txid hashes."""
        parts = [u32(self.version), compact_size(len(self.inputs))]
        parts.extend(txin.serialize() for txin in self.inputs)
        parts.append(compact_size(len(self.outputs)))
        parts.extend(txout.serialize() for txout in self.outputs)
        parts.append(u32(self.locktime))
        return b"".join(parts)

    @cached_property
    def txid(self) -> Txid:
        """Double hash of the stripped serialisation."""
        return Txid(hash256(self.stripped))

    def serialize(self) -> bytes:
        """Serialisation for the network: with marker, flag and witnesses when there are any."""
        if not any(self.witnesses):
            return self.stripped
        stripped = self.stripped
        parts = [stripped[:4], b"\x00\x01", stripped[4:-4]]
        for stack in self.witnesses:
            parts.append(serialize_witness(stack))
        parts.append(stripped[-4:])
        return b"".join(parts)

    @property
    def weight(self) -> Weight:
        """3 x stripped size + total size (BIP-141)."""
        return Weight(3 * len(self.stripped) + len(self.serialize()))

    @property
    def vsize(self) -> VBytes:
        """Weight / 4, rounded up."""
        return vbytes_of(self.weight)


def serialize_witness(stack: tuple[bytes, ...]) -> bytes:
    """One input's witness: the number of items, then each with its length (BIP-144)."""
    return compact_size(len(stack)) + b"".join(var_bytes(item) for item in stack)


def read_witness(reader: Reader) -> tuple[bytes, ...]:
    """The inverse of `serialize_witness`."""
    return tuple([reader.var_bytes() for _ in range(reader.count(1))])


def _read_input(reader: Reader) -> TxIn:
    # Nearly all inputs that we read are of unsigned transactions: one call for those without a scriptSig.
    data, at = reader.data, reader.position
    if data[at + 36 : at + 37] == b"\x00" and at + 41 <= len(data):
        txid, vout, _, sequence = _BARE_INPUT.unpack_from(data, at)
        reader.position = at + 41
        return TxIn(OutPoint(txid, vout), b"", sequence)
    previous = OutPoint(Txid(reader.take(32)), reader.u32())
    return TxIn(previous, reader.var_bytes(), reader.u32())


def read_output(reader: Reader) -> TxOut:
    """One output: amount in 0..MAX_MONEY, then script."""
    amount = sats_checked(reader.u64())
    return TxOut(amount, reader.var_bytes())


def _read_body(reader: Reader) -> tuple[tuple[TxIn, ...], tuple[TxOut, ...]]:
    inputs = tuple([_read_input(reader) for _ in range(reader.count(41))])
    outputs = tuple([read_output(reader) for _ in range(reader.count(9))])
    sats_checked(sum([txout.amount for txout in outputs]))
    return inputs, outputs


def _with_stripped(transaction: Transaction, stripped: bytes) -> Transaction:
    """Remember the bytes just read: by rule 1 they are what serialising would write again."""
    transaction.__dict__["stripped"] = stripped
    return transaction


def parse_unsigned(data: bytes) -> Transaction:
    """A transaction in the serialisation without witness, whatever its number of inputs (BIP-174).

    Raises Malformed `transaction-malformed` or `amount-out-of-range`.
    """
    reader = Reader(data, "transaction")
    version = reader.u32()
    inputs, outputs = _read_body(reader)
    locktime = reader.u32()
    reader.end()
    return _with_stripped(Transaction(version, inputs, outputs, locktime), data)


def parse_transaction(data: bytes) -> Transaction:
    """A transaction with or without witness (BIP-144), with at least one input and one output.

    Raises Malformed `transaction-malformed` or `amount-out-of-range`.
    """
    if data[4:5] != b"\x00":
        transaction = parse_unsigned(data)
    else:
        transaction = _parse_with_witness(data)
    if not transaction.inputs or not transaction.outputs:
        raise Malformed("transaction-malformed", "no inputs or no outputs")
    return transaction


def _parse_with_witness(data: bytes) -> Transaction:
    reader = Reader(data, "transaction")
    version = reader.u32()
    if reader.take(2) != b"\x00\x01":
        raise Malformed("transaction-malformed", "unknown marker or flag")
    inputs, outputs = _read_body(reader)
    body = data[6 : reader.position]
    witnesses = tuple([read_witness(reader) for _ in inputs])
    if not any(witnesses):
        raise Malformed("transaction-malformed", "witness flag without a witness")
    locktime = reader.u32()
    reader.end()
    transaction = Transaction(version, inputs, outputs, locktime, witnesses)
    return _with_stripped(transaction, data[:4] + body + data[-4:])
