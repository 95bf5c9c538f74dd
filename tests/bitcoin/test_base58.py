"""Base58Check. Invariant: any text either decodes and encodes back to itself, or is Malformed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.base58 import (
    MAX_TEXT,
    base58_decode,
    base58_encode,
    base58check_decode,
    base58check_encode,
)
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import load_json

ADDRESS = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"


def test_core_vectors() -> None:
    ran = read = 0
    for data, text in load_json("bitcoin-core/src_test_data/base58_encode_decode.json"):
        assert base58_encode(bytes.fromhex(data)) == text
        ran += 1
        if len(text) > MAX_TEXT:
            with refused("base58-malformed"):
                base58_decode(text)
        else:
            assert base58_decode(text) == bytes.fromhex(data)
            read += 1
    assert (ran, read) == (21, 20)


def test_decodes_with_its_checksum() -> None:
    data = base58check_decode(ADDRESS)
    assert data.hex() == "0077bff20c60e522dfaa3350c39b030a5d004e839a"
    assert base58check_encode(data) == ADDRESS


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS[:-1] + "3",  # checksum
        ADDRESS + "1",
        "1" + ADDRESS,
        " " + ADDRESS,
        ADDRESS + "\n",
        ADDRESS[:-1] + "0",  # not a digit
        ADDRESS[:-1] + "\u0661",
        "",
        "111",
        "\x00",
    ],
)
def test_refuses_what_is_not_base58check(text: str) -> None:
    with refused("base58-malformed"):
        base58check_decode(text)


def test_reads_128_characters_and_no_more() -> None:
    assert base58_decode("1" * 128) == bytes(128)
    with refused("base58-malformed"):
        base58_decode("1" * 129)


@given(st.binary(max_size=80))
def test_encoding_is_undone_by_decoding(data: bytes) -> None:
    assert base58check_decode(base58check_encode(data)) == data


@given(st.text(max_size=140) | st.text("123456789ABCDEFGHJKabcxyz", max_size=140))
def test_any_text_is_decoded_or_malformed(text: str) -> None:
    data = unless_refused("base58-malformed", base58_decode, text)
    if data is not None:
        assert base58_encode(data) == text
