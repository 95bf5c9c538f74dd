"""Bech32 and Bech32m. Invariant: any text is decoded and encodes back to itself, or is Malformed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.bech32 import (
    BECH32,
    BECH32M,
    bech32_decode,
    bech32_encode,
    segwit_decode,
    segwit_encode,
)
from signer.bitcoin.script import witness_script_pubkey
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import load_json

P2WPKH = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def sections(bip: str) -> list[list[Any]]:
    return [section["items"] for section in load_json(f"bips/{bip}.json")["sections"]]


@pytest.mark.parametrize(
    ("bip", "constant", "good", "bad"), [("bip173", BECH32, 7, 12), ("bip350", BECH32M, 7, 14)]
)
def test_strings(bip: str, constant: int, good: int, bad: int) -> None:
    valid, invalid, *_ = sections(bip)
    for item in valid:
        text = item["value"][0]
        prefix, digits, found = bech32_decode(text)
        assert found == constant
        assert bech32_encode(prefix, digits, constant) == text.lower()
    for item in invalid:
        decoded = unless_refused("bech32-malformed", bech32_decode, unescaped(item))
        assert decoded is None or decoded[2] != constant, item
    assert (len(valid), len(invalid)) == (good, bad)


def unescaped(item: Any) -> str:
    """Three invalid strings begin with an unprintable byte that stands in the note."""
    note, text = item["note"], str(item["value"][0])
    return chr(int(note[2:4], 16)) + text if note.startswith("0x") else text


def test_bip350_addresses() -> None:
    _, _, valid, invalid = sections("bip350")
    for item in valid:
        text, script = item["value"]
        prefix, version, program = segwit_decode(text)
        assert witness_script_pubkey(version, program).hex() == script
        assert segwit_encode(prefix, version, program) == text.lower()
    assert (len(valid), len(invalid)) == (8, 15)
    assert prefixes_accepted(invalid) == ["tc"]


def prefixes_accepted(items: list[Any]) -> list[str]:
    """`tc` is well formed but of no network: `address.script_of` refuses it."""
    decoded = [
        unless_refused("bech32-malformed", segwit_decode, item["value"][0]) for item in items
    ]
    return [address[0] for address in decoded if address is not None]


def test_bip173_addresses_of_later_versions_are_refused_since_bip350() -> None:
    _, _, valid, invalid = sections("bip173")
    accepted = 0
    for item in valid:
        text, script = item["value"]
        if script.startswith("00"):
            assert witness_script_pubkey(*segwit_decode(text)[1:]).hex() == script
            accepted += 1
        else:
            with refused("bech32-malformed"):
                segwit_decode(text)
    assert (len(valid), accepted, len(invalid)) == (6, 3, 10)
    assert prefixes_accepted(invalid) == ["tc"]


@pytest.mark.parametrize(
    ("version", "size"), [(0, 20), (0, 32), (1, 2), (1, 32), (1, 40), (2, 33), (16, 3)]
)
def test_programs_that_exist(version: int, size: int) -> None:
    program = bytes(range(size))
    assert segwit_decode(segwit_encode("bc", version, program)) == ("bc", version, program)


@pytest.mark.parametrize(
    ("version", "size"), [(-1, 32), (17, 32), (0, 19), (0, 21), (0, 33), (1, 1), (1, 41), (16, 0)]
)
def test_programs_that_do_not_exist(version: int, size: int) -> None:
    with refused("bech32-malformed"):
        segwit_encode("bc", version, bytes(size))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "bc1",
        "bc1qqqqq",  # shorter than a checksum
        P2WPKH[2:],  # no prefix
        P2WPKH[:-1] + "b",  # not a digit
        P2WPKH[:-1] + "5",  # checksum
        P2WPKH + "\n",
        "\u212a" + P2WPKH,  # the Kelvin sign is a k in lower case
        "BC1" + P2WPKH[3:],  # mixed case
        bech32_encode("bc", [], BECH32),  # no version
        bech32_encode("bc", [0] * 33, BECH32M),  # Bech32m for version 0
        bech32_encode("bc", [1] + [0] * 52, BECH32),  # Bech32 for version 1
        bech32_encode("bc", [17] + [0] * 52, BECH32M),  # version 17
        bech32_encode("bc", [1] + [0] * 51 + [1], BECH32M),  # padding is not zero
        bech32_encode("bc", [1] + [0] * 9, BECH32M),  # 5 bits of padding
        bech32_encode("b" * 84, [], BECH32) + "q",  # 91 characters
    ],
)
def test_refuses_what_is_not_a_segwit_address(text: str) -> None:
    with refused("bech32-malformed"):
        segwit_decode(text)


def test_its_twins_pass() -> None:
    assert segwit_decode(P2WPKH) == segwit_decode(P2WPKH.upper())
    assert segwit_decode(bech32_encode("bc", [0] * 33, BECH32))[2] == bytes(20)
    assert segwit_decode(bech32_encode("bc", [1] + [0] * 52, BECH32M))[2] == bytes(32)
    assert segwit_decode(bech32_encode("bc", [1] + [0] * 8, BECH32M))[2] == bytes(5)
    assert bech32_decode(bech32_encode("b" * 83, [], BECH32))[1] == []
    assert bech32_decode(bech32_encode("!~", [3], BECH32)) == ("!~", [3], BECH32)
    for outside in (" ", "\x7f"):
        with refused("bech32-malformed"):
            bech32_decode(bech32_encode(outside, [3], BECH32))


PROGRAMS = st.tuples(st.integers(1, 16), st.binary(min_size=2, max_size=40)) | st.tuples(
    st.just(0), st.binary(min_size=20, max_size=20) | st.binary(min_size=32, max_size=32)
)


@given(PROGRAMS, st.integers(0, 200), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_one_wrong_character_never_passes(pair: tuple[int, bytes], place: int, letter: str) -> None:
    version, program = pair
    text = segwit_encode("bcrt", version, program)
    assert segwit_decode(text) == ("bcrt", version, program)
    place = 5 + place % (len(text) - 5)
    if text[place] != letter:
        with refused("bech32-malformed"):
            segwit_decode(text[:place] + letter + text[place + 1 :])


@given(st.text(max_size=95) | st.text("bc1qpzry9x8gf2tvdw0", max_size=95))
def test_any_text_is_decoded_or_malformed(text: str) -> None:
    decoded = unless_refused("bech32-malformed", segwit_decode, text)
    if decoded is not None:
        assert segwit_encode(*decoded) == text.lower()
