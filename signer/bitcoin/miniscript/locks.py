"""What `older(n)` and `after(n)` ask of a transaction (BIP-65, BIP-68, BIP-112).

1. `older` compares the 16 value bits within one unit: blocks, or 512 seconds when bit 22 is set. Bits
   beyond these are not looked at by consensus: `older(65536)` locks nothing.
2. `after` compares within one unit: heights below 500,000,000, Unix seconds from there on.
3. A lock of 0 stands for none: `older(0)` and `after(0)` do not exist in miniscript.
"""

from signer.bitcoin.transaction import LOCKTIME_THRESHOLD

SEQUENCE_TIME_FLAG = 1 << 22
SEQUENCE_VALUE = 0xFFFF
SEQUENCE_MASK = SEQUENCE_TIME_FLAG | SEQUENCE_VALUE


def older_in_time(number: int) -> bool:
    """Whether `older(number)` counts 512-second units, not blocks."""
    return bool(number & SEQUENCE_TIME_FLAG)


def after_in_time(number: int) -> bool:
    """Whether `after(number)` is a time, not a height."""
    return number >= LOCKTIME_THRESHOLD


def older_met(number: int, sequence: int) -> bool:
    """Whether an nSequence lock of `sequence` satisfies `older(number)`, 0 standing for no lock in both."""
    if number == 0:
        return True
    if sequence == 0 or older_in_time(number) != older_in_time(sequence):
        return False
    return number & SEQUENCE_VALUE <= sequence & SEQUENCE_VALUE


def after_met(number: int, locktime: int) -> bool:
    """Whether an nLockTime of `locktime` satisfies `after(number)`, 0 standing for no lock in both."""
    if number == 0:
        return True
    return after_in_time(number) == after_in_time(locktime) and number <= locktime
