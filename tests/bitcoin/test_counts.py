"""Every count is refused before anything is made of it, as soon as its parts cannot all be there.

At its bound: n parts of the least size pass the count (what comes of them is not asked here); with one byte
less, or with a count that is one more, the count itself is refused.
"""

from collections.abc import Callable

import pytest

from signer.bitcoin.codec import compact_size, u32
from signer.bitcoin.errors import Malformed
from signer.bitcoin.previous import Allowance, read_previous
from signer.bitcoin.psbt.values import read_tap_derivation
from signer.bitcoin.transaction import parse_transaction, parse_unsigned
from tests.bitcoin.refused import refused
from tests.bitcoin.test_transaction import INPUT, OUTPUT

Read = Callable[[bytes], object]
VERSION, MARKER = u32(2), b"\x00\x01"
ONE_INPUT, ONE_OUTPUT = b"\x01" + INPUT.serialize(), b"\x01" + OUTPUT.serialize()


def previous(data: bytes) -> object:
    return read_previous(data, Allowance())


def leaf_hashes(data: bytes) -> object:
    return read_tap_derivation(bytes(32), data)


COUNTS = [
    ("inputs", parse_unsigned, VERSION, 41),
    ("outputs", parse_unsigned, VERSION + ONE_INPUT, 9),
    ("inputs, segwit", parse_transaction, VERSION + MARKER, 41),
    ("outputs, segwit", parse_transaction, VERSION + MARKER + ONE_INPUT, 9),
    ("witness items", parse_transaction, VERSION + MARKER + ONE_INPUT + ONE_OUTPUT, 1),
    ("inputs of a previous transaction", previous, VERSION, 41),
    ("outputs of a previous transaction", previous, VERSION + ONE_INPUT, 9),
    ("witness items of one", previous, VERSION + MARKER + ONE_INPUT + ONE_OUTPUT, 1),
    ("leaf hashes", leaf_hashes, b"", 32),
]


def count_refused(read: Read, data: bytes) -> bool:
    try:
        read(data)
    except Malformed as refusal:
        return "items announced, too few bytes left" in refusal.detail
    return False


@pytest.mark.parametrize("parts", [1, 7, 100])
@pytest.mark.parametrize(
    ("read", "before", "least"), [row[1:] for row in COUNTS], ids=[row[0] for row in COUNTS]
)
def test_a_count_at_its_bound(read: Read, before: bytes, least: int, parts: int) -> None:
    filler = b"\xfb" * (parts * least)  # no part of it is a count that could be refused in turn
    assert not count_refused(read, before + compact_size(parts) + filler)
    assert count_refused(read, before + compact_size(parts) + filler[1:])
    assert count_refused(read, before + compact_size(parts + 1) + filler)


def test_the_allowance_of_a_request() -> None:
    allowance = Allowance()
    assert allowance.take(300_000) == 300_000
    with refused("psbt-too-many"):
        allowance.take(1)
    with refused("psbt-too-many"):
        Allowance().take(300_001)
