"""Compact targets, against Core's own cases (arith_uint256_tests) and a model that counts in digits."""

from random import Random

import pytest

from signer.bitcoin.target import bits_of, target_of, work_of
from tests.bitcoin.header_model import expanded, proof, shortened
from tests.bitcoin.refused import refused, unless_refused

SHORT = [
    (0x0112_0000, 0x12),
    (0x0200_8000, 0x80),
    (0x0312_3456, 0x12_3456),
    (0x0400_8000, 0x80_0000),
    (0x0412_3456, 0x1234_5600),
    (0x0500_9234, 0x9234_0000),
    (0x2012_3456, 0x12_3456 << 232),
    (0x1D00_FFFF, 0xFFFF << 208),
    (0x207F_FFFF, 0x7F_FFFF << 232),
    (0x2100_FFFF, 0xFFFF << 240),
]


@pytest.mark.parametrize(("bits", "target"), SHORT)
def test_short_forms(bits: int, target: int) -> None:
    assert (target_of(bits), bits_of(target)) == (target, bits)


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        (0, "zero"),
        (0x0012_3456, "zero: no byte of the mantissa counts"),
        (0x0100_3456, "zero: the byte that counts is 0"),
        (0x2000_0000, "zero, in many bytes"),
        (0x01FE_DCBA, "negative"),
        (0x0492_3456, "negative"),
        (0x1D80_0000, "negative zero"),
        (0x1D80_FFFF, "mainnet's limit with a sign"),
        (0x2101_0000, "2^256"),
        (0x2112_3456, "overflow"),
        (0x2200_0100, "2^256, otherwise"),
        (0xFF12_3456, "overflow by far"),
        (0x0112_3456, "bytes that do not count"),
        (0x0300_0012, "0x12 in a long form"),
        (0x1E00_00FF, "mainnet's limit or so, one byte longer"),
    ],
)
def test_other_forms(bits: int, why: str) -> None:
    with refused("target-malformed"):
        target_of(bits)


def test_what_23_bits_cannot_hold_is_cut_off() -> None:
    assert bits_of((1 << 224) - 1) == 0x1D00_FFFF
    assert bits_of(0x12_3456_FF) == 0x0412_3456
    assert bits_of(1) == 0x0101_0000


def test_any_32_bits_are_short_or_refused() -> None:
    """Invariant: what is read is exactly what writing gives, or Malformed."""
    random, read = Random(8), 0
    for _ in range(3_000):
        bits = random.randrange(36) << 24 | random.randrange(1 << 24)
        target = unless_refused("target-malformed", target_of, bits)
        if target is not None:
            read += 1
            assert bits_of(target) == bits == shortened(target)
            assert target == expanded(bits)
    assert read > 500


def test_targets_are_written_as_the_model_does() -> None:
    random = Random(9)
    for _ in range(3_000):
        target = random.getrandbits(random.randrange(1, 257)) or 1
        assert bits_of(target) == shortened(target)


def test_work() -> None:
    assert work_of(0x1D00_FFFF) == 0x1_0001_0001  # Core's chainwork of mainnet's genesis
    assert work_of(0x207F_FFFF) == 2
    random = Random(10)
    for _ in range(500):
        bits = bits_of(random.getrandbits(random.randrange(1, 256)) | 1)
        assert work_of(bits) == proof(bits)
