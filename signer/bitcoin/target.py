"""Targets: the number that a header's hash may not exceed, its compact form, and the work it stands for.

Rule 1: the compact form is 1 byte of size, a sign bit and 23 bits of mantissa: mantissa * 256^(size - 3).
Rule 2: negative, zero, above 256 bits, and any other form than Core's own (the shortest) are refused.
Rule 3: writing cuts off what 23 bits cannot hold, towards zero, as Core does (arith_uint256).
Rule 4: the work of a header is the number of hashes expected until one does not exceed its target.
"""

from functools import lru_cache

from signer.bitcoin.errors import Malformed

_MANTISSA = 0x007F_FFFF


@lru_cache(maxsize=64)  # a period has one or two, a million headers less than 500
def target_of(bits: int) -> int:
    """The target of a compact form, 1 to 2^256 - 1. Raises Malformed `target-malformed`."""
    mantissa, size = bits & _MANTISSA, bits >> 24
    target = mantissa << 8 * size >> 24
    if not 0 < target < 1 << 256 or bits_of(target) != bits:  # which has no sign
        raise Malformed("target-malformed", f"bits {bits:08x} are not the short form of a target")
    return target


def bits_of(target: int) -> int:
    """The compact form of a target of 1 to 2^256 - 1, cut off (rule 3)."""
    size = target.bit_length() // 8 + 1  # one bit more than the number has, for the sign
    return size << 24 | target << 24 >> 8 * size


@lru_cache(maxsize=64)
def work_of(bits: int) -> int:
    """Hashes expected until one does not exceed that target (Core's GetBlockProof)."""
    return (1 << 256) // (target_of(bits) + 1)
