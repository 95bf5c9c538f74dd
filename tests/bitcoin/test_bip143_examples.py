"""BIP-143's worked examples, all of them: every preimage, digest, signature and signed transaction.

1. The digest of SIGHASH_ALL is ours. The other types (NONE, SINGLE, and each with ANYONECANPAY) are ones that
   the kernel cannot express, by design: their digests are the BIP's ten fields, written here.
2. Every signature verifies by our code under exactly one published key. Three have a high S value, which our
   code refuses by design (BIP-146): they verify with the S that is low.
3. Every signed transaction is accepted by Core's consensus code, and none with an amount changed.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from signer.bitcoin.codec import Reader, u32, u64, var_bytes
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.script import p2wsh
from signer.bitcoin.secp import ORDER, BadSignature, verify_ecdsa
from signer.bitcoin.sighash import SIGHASH_ALL, SegwitV0Sighash
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxOut, parse_transaction
from signer.bitcoin.units import COIN, Sats
from signer.consensus import verify_consensus
from signer.core.errors import Refusal
from tests.vectors import vector_path

NONE, SINGLE, ANYONE_CAN_PAY = 2, 3, 0x80
UNIT = re.compile(r"The following(?: is an unsigned)? transaction")
TRANSACTION = re.compile(r"\b(0[12]000000[0-9a-f]{110,})\b")
PREVOUT = re.compile(r"scriptPubKey\s*:\s*([0-9a-f]+),? value: ([0-9.]+)")
PREIMAGE = re.compile(r"preimage[^:\n]*:\s*([0-9a-f]+)")
DIGEST = re.compile(r"sig[Hh]ash:\s*([0-9a-f]{64})\b")
KEY = re.compile(r"(?:\b|21)(0[23][0-9a-f]{64})\b")
SIGNATURE = re.compile(r"\b(?:4[78])?(304[45]02[0-9a-f]{134,142})\b")


class Fields(NamedTuple):
    """What a preimage says beside hashes and transaction-wide numbers."""

    outpoint: OutPoint
    script_code: bytes
    amount: Sats
    kind: int


class Unit(NamedTuple):
    """The text about one transaction."""

    text: str
    transactions: tuple[Transaction, ...]
    """The unsigned one first, if it is there."""
    spent: dict[OutPoint, TxOut]

    @property
    def signed(self) -> list[Transaction]:
        return [transaction for transaction in self.transactions if transaction.witnesses]


def units() -> Iterator[Unit]:
    """The seven transactions of the five sections; one is signed in two orders of its inputs."""
    text = vector_path("bips/bip143/bip143_examples.txt").read_text()
    for part in UNIT.split(text)[1:]:
        texts = [each for each in TRANSACTION.findall(part) if each not in PREIMAGE.findall(part)]
        found = tuple(parse_transaction(bytes.fromhex(each)) for each in texts)
        outputs = [
            TxOut(Sats(round(float(value) * COIN)), bytes.fromhex(script))
            for script, value in PREVOUT.findall(part)
        ] or [TxOut(Sats(200_000), p2wsh(found[0].witnesses[0][-1]))]
        inputs = [txin.previous for txin in found[0].inputs]
        yield Unit(part, found, dict(zip(inputs, outputs, strict=True)))


def fields_of(preimage: bytes) -> Fields:
    reader = Reader(preimage[4 + 32 + 32 :], "script")
    outpoint = OutPoint(Txid(reader.take(32)), reader.u32())
    script_code, amount = reader.var_bytes(), Sats(reader.u64())
    return Fields(outpoint, script_code, amount, int.from_bytes(preimage[-4:], "little"))


def digest_after(unit: Unit, preimage: re.Match[str]) -> bytes:
    """The digest that is published for this preimage: the next one in the text."""
    found = DIGEST.search(unit.text, preimage.end())
    assert found is not None
    return bytes.fromhex(found[1])


def bip143_preimage(transaction: Transaction, fields: Fields) -> bytes:
    """The ten fields of BIP-143, for any type."""
    places = [txin.previous for txin in transaction.inputs]
    index, base = places.index(fields.outpoint), fields.kind & 0x1F
    anyone = bool(fields.kind & ANYONE_CAN_PAY)
    outpoints = b"".join(place.serialize() for place in places)
    sequences = b"".join(u32(txin.sequence) for txin in transaction.inputs)
    outputs = [txout.serialize() for txout in transaction.outputs]
    if base == SINGLE:
        outputs = outputs[index : index + 1]
    return b"".join(
        (
            u32(transaction.version),
            bytes(32) if anyone else hash256(outpoints),
            bytes(32) if anyone or base in (NONE, SINGLE) else hash256(sequences),
            fields.outpoint.serialize(),
            var_bytes(fields.script_code),
            u64(fields.amount),
            u32(transaction.inputs[index].sequence),
            bytes(32) if base == NONE or not outputs else hash256(b"".join(outputs)),
            u32(transaction.locktime),
            u32(fields.kind),
        )
    )


def test_every_preimage_and_digest() -> None:
    kinds: Counter[int] = Counter()
    for unit in units():
        transaction = unit.transactions[0]
        for match in PREIMAGE.finditer(unit.text):
            preimage = bytes.fromhex(match[1])
            fields = fields_of(preimage)
            published = digest_after(unit, match)
            assert bip143_preimage(transaction, fields) == preimage
            assert hash256(preimage) == published
            index = [txin.previous for txin in transaction.inputs].index(fields.outpoint)
            ours = SegwitV0Sighash(transaction).digest(index, fields.script_code, fields.amount)
            assert (ours == published) == (fields.kind == SIGHASH_ALL)
            assert unit.spent[fields.outpoint].amount == fields.amount
            kinds[fields.kind] += 1
    assert kinds == {0x01: 5, 0x02: 1, 0x03: 3, 0x81: 1, 0x82: 1, 0x83: 3}


def low(signature: bytes) -> bytes:
    """A DER signature (no type) with the S value that is below half the order."""
    size = signature[3]
    s = int.from_bytes(signature[6 + size :], "big")
    number = min(s, ORDER - s)
    body = signature[2 : 4 + size] + b"\x02"
    tail = number.to_bytes(number.bit_length() // 8 + 1, "big")
    body += bytes((len(tail),)) + tail
    return b"\x30" + bytes((len(body),)) + body


def verifies(pubkey: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        verify_ecdsa(pubkey, digest, signature)
    except (BadSignature, Malformed):
        return False
    return True


def test_every_signature() -> None:
    """For each digest: the signatures of its type that verify, and the keys that they verify under."""
    as_published = made_low = 0
    for unit in units():
        keys = {bytes.fromhex(each) for each in KEY.findall(unit.text)}
        signatures = {bytes.fromhex(each) for each in SIGNATURE.findall(unit.text)}
        for match in PREIMAGE.finditer(unit.text):
            kind = fields_of(bytes.fromhex(match[1])).kind
            digest = digest_after(unit, match)
            pairs = [(key, each) for key in keys for each in signatures if each[-1] == kind]
            good = [pair for pair in pairs if verifies(pair[0], digest, low(pair[1][:-1]))]
            strict = [pair for pair in good if verifies(pair[0], digest, pair[1][:-1])]
            assert good
            assert len({key for key, _ in good}) == len({each for _, each in good}) == len(good)
            as_published += len(strict)
            made_low += len(good) - len(strict)
    assert (as_published, made_low) == (12, 3)


def test_every_signed_transaction() -> None:
    accepted = 0
    for unit in units():
        for signed in unit.signed:
            prevouts = tuple(unit.spent[txin.previous] for txin in signed.inputs)
            verify_consensus(signed, prevouts)
            wrong = (*prevouts[:-1], prevouts[-1]._replace(amount=Sats(prevouts[-1].amount + 1)))
            with pytest.raises(Refusal) as refusal:
                verify_consensus(signed, wrong)
            assert refusal.value.code == "consensus-refused"
            accepted += 1
    assert accepted == 8
