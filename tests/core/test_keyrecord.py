"""Key records: proven by both keys, or refused; each refusal one field away from a record that passes."""

from dataclasses import replace

import pytest

from signer.bitcoin.network import SIGNET
from signer.bitcoin.secp import ORDER
from signer.core.errors import Refusal
from signer.core.keyrecord import (
    MAX_RECORD,
    SignedRecord,
    read_signed,
    record_text,
    signed_text,
    verify_record,
)
from tests.ceremony.members import (
    account_secret,
    log_key,
    log_signature_by,
    possession_by,
    record_of,
    signed_record,
)
from tests.federation import MEMBERS

GOOD = signed_record()


def unproven(signed: SignedRecord) -> None:
    with pytest.raises(Refusal) as caught:
        verify_record(signed)
    assert caught.value.code == "key-record-unproven"


def high_s(der: bytes) -> bytes:
    """The same signature with the other S."""
    r_end = 4 + der[3]
    s = ORDER - int.from_bytes(der[r_end + 2 :], "big")
    digits = s.to_bytes(33, "big")
    digits = digits if digits[1] & 0x80 else digits[1:]
    inner = der[2:r_end] + b"\x02" + bytes((len(digits),)) + digits
    return b"\x30" + bytes((len(inner),)) + inner


def test_a_record_of_a_key_and_a_log_key_is_proven() -> None:
    assert verify_record(GOOD) == GOOD.record
    assert read_signed(signed_text(GOOD)) == GOOD


def test_every_line_is_signed_by_both() -> None:
    record = GOOD.record
    for other in (
        replace(record, network=SIGNET),
        replace(record, member="mallory"),
        replace(record, key=MEMBERS[1].key_text),
        replace(record, key=record.key.partition("]")[2]),
        replace(record, log_key=log_key("bob")),
        replace(record, statement_key=b"\x01" * 32),
    ):
        if other.network == record.network:
            unproven(replace(GOOD, record=other))
        assert record_text(other) != record_text(record)
    assert verify_record(GOOD) == record


def test_each_proof_is_needed_and_is_that_key_s() -> None:
    """A member that lists another's key, or a key that nobody has, takes a signer away from the vault."""
    record = GOOD.record
    for possession in (
        b"",
        bytes(70),
        possession_by(account_secret(1), record),
        possession_by(account_secret(0), record_of(1)),
        high_s(GOOD.possession),
        GOOD.possession + b"\x01",
    ):
        unproven(replace(GOOD, possession=possession))
    for log_signature in (
        b"",
        bytes(64),
        log_signature_by("bob", record),
        log_signature_by("alice", record_of(1)),
        GOOD.log_signature[:63],
    ):
        unproven(replace(GOOD, log_signature=log_signature))
    again = replace(GOOD, possession=possession_by(account_secret(0), record))
    assert verify_record(again) == record


def test_a_record_waits_for_its_token() -> None:
    waiting = replace(GOOD, possession=b"")
    assert read_signed(signed_text(waiting)) == waiting
    unproven(waiting)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network", "testnet3"), ("genesis", "00" * 32), ("member", "Alice"), ("member", ""),
        ("member", "a" * 65), ("key", "tpub"), ("key", f"{MEMBERS[0].key_text}/0"), ("log key", "00" * 31),
        ("log key", "zz" * 32), ("statement key", ""), ("possession", "0"),
        ("log signature", "xx"), ("log signature", "00" * 2_000),
    ],
)  # fmt: skip
def test_a_record_s_values_are_bounded(key: str, value: str) -> None:
    lines = signed_text(GOOD).split("\n")
    changed = [f"{key}: {value}" if line.startswith(f"{key}:") else line for line in lines]
    assert changed != lines
    with pytest.raises(Refusal) as caught:
        read_signed("\n".join(changed))
    assert caught.value.code == "key-record-malformed"


def test_a_record_has_one_form() -> None:
    text = signed_text(GOOD)
    lines = text.split("\n")
    wrong = ["", text[:-1], text + "\n", text + "note: 1\n", text.upper()]
    wrong += ["\n".join([*lines[:at], *lines[at + 1 :]]) for at in range(len(lines) - 1)]
    wrong += [text.replace("48'/1'", "48h/1'")]
    for each in wrong:
        with pytest.raises(Refusal) as caught:
            read_signed(each)
        assert caught.value.code == "key-record-malformed"
    assert read_signed(text) == GOOD


def test_a_record_s_length_is_bounded() -> None:
    """By its proofs, which are of any length until they are verified."""
    names = ("a", "ab")  # two digits are a byte: with one of these names an even number is left
    texts = [
        replace(GOOD, record=replace(GOOD.record, member=name), log_signature=b"") for name in names
    ]
    (short,) = (each for each in texts if len(signed_text(each)) % 2 == 0)
    room = (MAX_RECORD - len(signed_text(short))) // 2
    longest = replace(short, log_signature=bytes(room))
    assert len(signed_text(longest)) == MAX_RECORD
    assert read_signed(signed_text(longest)) == longest
    with pytest.raises(Refusal) as caught:
        read_signed(signed_text(replace(short, log_signature=bytes(room + 1))))
    assert caught.value.code == "key-record-malformed"
