"""Integers and byte strings. Invariant: what is read is exactly what writing gives, or Malformed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.codec import Reader, compact_size, u32, u64, var_bytes
from tests.bitcoin.refused import refused, unless_refused

EDGES = [0, 1, 0xFC, 0xFD, 0xFFFF, 0x1_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0xFFFF_FFFF_FFFF_FFFF]


@pytest.mark.parametrize("value", EDGES)
def test_compact_size_at_its_edges(value: int) -> None:
    reader = Reader(compact_size(value), "transaction")
    assert reader.compact_size() == value
    reader.end()


@pytest.mark.parametrize(
    ("data", "least"),
    [("fd{}", 0xFD), ("fe{}", 0x1_0000), ("ff{}", 0x1_0000_0000)],
)
def test_compact_size_in_a_longer_form(data: str, least: int) -> None:
    width = {"fd": 2, "fe": 4, "ff": 8}[data[:2]]
    form = bytes.fromhex(data[:2])
    assert Reader(form + least.to_bytes(width, "little"), "script").compact_size() == least
    with refused("script-malformed"):
        Reader(form + (least - 1).to_bytes(width, "little"), "script").compact_size()


@given(st.integers(0, 0xFFFF_FFFF_FFFF_FFFF))
def test_compact_size_is_undone(value: int) -> None:
    assert Reader(compact_size(value), "script").compact_size() == value


@given(st.binary(max_size=12))
def test_any_bytes_are_a_canonical_compact_size_or_malformed(data: bytes) -> None:
    reader = Reader(data, "transaction")
    value = unless_refused("transaction-malformed", reader.compact_size)
    if value is not None:
        assert compact_size(value) == data[: reader.position]


def test_reads_in_order() -> None:
    reader = Reader(b"\x07" + u32(8) + u64(9) + var_bytes(b"ten") + b"end", "script")
    assert (reader.u8(), reader.u32(), reader.u64()) == (7, 8, 9)
    assert (reader.var_bytes(), reader.take(3)) == (b"ten", b"end")
    reader.end()


@pytest.mark.parametrize(
    ("read", "enough"),
    [
        (Reader.u8, b"\0"),
        (Reader.u32, bytes(4)),
        (Reader.u64, bytes(8)),
        (Reader.compact_size, b"\xfd\xff\xff"),
        (Reader.var_bytes, b"\x02ab"),
        (lambda reader: reader.take(3), b"abc"),
        (lambda reader: reader.count(2), b"\x02abcd"),
        (lambda reader: reader.skip_strings(2, 1, 2), b"-\x01a++-\x00++"),
        (lambda reader: reader.skip_strings(1), b"\xfd\xfd\x00" + bytes(253)),
        (lambda reader: reader.pairs(9), b"\x01a\x01b\x00"),
        (lambda reader: reader.pairs(9), b"\xfd\xfd\x00" + bytes(254) + b"\x00"),
        (Reader.end, b""),
    ],
)
def test_one_byte_too_few(read: object, enough: bytes) -> None:
    assert callable(read)
    read(Reader(enough, "transaction"))
    missing = b"x" if enough == b"" else enough[:-1]  # for `end`: one too many
    with refused("transaction-malformed"):
        read(Reader(missing, "transaction"))


STRINGS = st.binary(max_size=3) | st.binary(min_size=252, max_size=254)


@given(st.lists(st.tuples(STRINGS, STRINGS).filter(lambda pair: pair[0]), max_size=4))
def test_pairs_are_read_as_single_strings_are(pairs: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(var_bytes(first) + var_bytes(second) for first, second in pairs) + b"\x00"
    reader = Reader(data + b"rest", "psbt")
    assert reader.pairs(9) == pairs
    assert reader.take(4) == b"rest"
    reader.end()


def test_no_more_pairs_are_read_than_asked_for() -> None:
    data = b"\x01a\x01b" * 5 + b"\x00"
    reader = Reader(data, "psbt")
    assert reader.pairs(3) == [(b"a", b"b")] * 3
    assert reader.pairs(2) == [(b"a", b"b")] * 2
    reader.end()
    assert Reader(data, "psbt").pairs(5) == Reader(data, "psbt").pairs(6) == [(b"a", b"b")] * 5


@given(st.lists(STRINGS, max_size=4), st.integers(0, 2), st.integers(0, 2))
def test_skipping_ends_where_reading_does(strings: list[bytes], before: int, after: int) -> None:
    data = b"".join(bytes(before) + var_bytes(each) + bytes(after) for each in strings)
    reader = Reader(data + b"rest", "psbt")
    reader.skip_strings(len(strings), before, after)
    assert reader.take(4) == b"rest"


@given(st.binary(max_size=20))
def test_any_bytes_are_skipped_exactly_or_malformed(data: bytes) -> None:
    skipping, reading = Reader(data, "script"), Reader(data, "script")
    read = unless_refused("script-malformed", lambda: [reading.var_bytes() for _ in range(2)])
    if read is None:
        with refused("script-malformed"):
            skipping.skip_strings(2)
    else:
        skipping.skip_strings(2)
        assert skipping.position == reading.position


@given(st.binary(max_size=20))
def test_any_bytes_are_pairs_exactly_or_malformed(data: bytes) -> None:
    reader = Reader(data, "script")
    pairs = unless_refused("script-malformed", lambda: reader.pairs(9))
    if pairs is not None:
        written = b"".join(var_bytes(first) + var_bytes(second) for first, second in pairs)
        assert data[: reader.position] == written + b"\x00"


def test_a_huge_length_costs_nothing() -> None:
    """A length of 2^64 - 1 is compared with what is left before anything is allocated."""
    for read in (
        Reader.var_bytes,
        lambda reader: reader.count(1),
        lambda reader: reader.skip_strings(1),
        lambda reader: reader.pairs(9),
    ):
        with refused("transaction-malformed"):
            read(Reader(b"\xff" * 9, "transaction"))
