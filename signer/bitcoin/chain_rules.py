"""What a kind of network demands of its headers.

1. Difficulty changes every 2016 headers, by the time between first and last of a period (2015 steps: Core's
   count), at least a quarter and at most four times of two weeks; in integers, capped, then made compact.
2. `StrictRules` (mainnet, signet) have no field and no branch for an exception: no value of them allows one.
3. Testnets 3 and 4 demand least difficulty after twenty minutes of silence, and after such headers again what
   the period began with: no other bits are within one. Not where a period starts. Testnet 3 counts on from
   the last, even from such a one.
4. Testnet 4 (BIP-94) counts on from a period's first header, and a period begins at most 600 s before the end
   of the one before.
5. Regtest's difficulty is its limit.
6. A version is at least what is due at its height (BIP-34, BIP-66, BIP-65).
"""

from dataclasses import dataclass

from signer.bitcoin.tail import Tail
from signer.bitcoin.target import bits_of, target_of

PERIOD = 2_016
"""Headers between two changes of difficulty."""
SPACING = 600
"""Seconds between two headers, as wished."""
TIMESPAN = PERIOD * SPACING
_SILENCE = 2 * SPACING
_TIMEWARP = 600

Versions = tuple[tuple[int, int], ...]
"""(height, least version from it on), heights ascending."""
NEWEST_VERSION = 4
"""No rule asks for more."""
_ANY_VERSION = -(1 << 31)


def retargeted(bits: int, seconds: int, limit_bits: int) -> int:
    """The bits of the next period: those given, after a period that took so many seconds (rule 1)."""
    seconds = min(max(seconds, TIMESPAN // 4), TIMESPAN * 4)
    return bits_of(min(target_of(bits) * seconds // TIMESPAN, target_of(limit_bits)))


def _relaxed(tail: Tail, time: int, limit_bits: int) -> int:
    """Rule 3, within a period."""
    return limit_bits if time > tail.time + _SILENCE else tail.first_bits


@dataclass(frozen=True, slots=True)
class StrictRules:
    """Mainnet's kind: retargeting, and nothing else (rule 2)."""

    genesis: bytes
    """80 bytes."""
    limit_bits: int
    """Of the easiest target."""
    versions: Versions

    def required_bits(self, tail: Tail, _: int) -> int:
        """The bits of the header after `tail`, whatever its time."""
        if (tail.height + 1) % PERIOD:
            return tail.bits
        return retargeted(tail.bits, tail.time - tail.first_time, self.limit_bits)

    def earliest_start(self, _: Tail) -> int:
        """The least time of a period's first header, beside its median: none."""
        return 0


@dataclass(frozen=True, slots=True)
class Testnet3Rules:
    """Testnet 3: as mainnet, with the twenty-minute exception."""

    genesis: bytes
    """80 bytes."""
    limit_bits: int
    """Of the easiest target."""
    versions: Versions

    def required_bits(self, tail: Tail, time: int) -> int:
        """The bits of the header after `tail` if it has that time."""
        if (tail.height + 1) % PERIOD:
            return _relaxed(tail, time, self.limit_bits)
        return retargeted(tail.bits, tail.time - tail.first_time, self.limit_bits)

    def earliest_start(self, _: Tail) -> int:
        """The least time of a period's first header, beside its median: none."""
        return 0


@dataclass(frozen=True, slots=True)
class Testnet4Rules:
    """Testnet 4 (BIP-94): the exception is no base for the next period, and time is not warped."""

    genesis: bytes
    """80 bytes."""
    limit_bits: int
    """Of the easiest target."""
    versions: Versions

    def required_bits(self, tail: Tail, time: int) -> int:
        """The bits of the header after `tail` if it has that time."""
        if (tail.height + 1) % PERIOD:
            return _relaxed(tail, time, self.limit_bits)
        return retargeted(tail.first_bits, tail.time - tail.first_time, self.limit_bits)

    def earliest_start(self, tail: Tail) -> int:
        """The least time of a period's first header after `tail`, beside its median."""
        return tail.time - _TIMEWARP


@dataclass(frozen=True, slots=True)
class RegtestRules:
    """Regtest: whoever asks for a header gets one. For tests alone."""

    genesis: bytes
    """80 bytes."""
    limit_bits: int
    """Of every target."""
    versions: Versions

    def required_bits(self, _: Tail, __: int) -> int:
        """The limit."""
        return self.limit_bits

    def earliest_start(self, _: Tail) -> int:
        """None: there are no periods."""
        return 0


ChainRules = StrictRules | Testnet3Rules | Testnet4Rules | RegtestRules


def least_version(versions: Versions, height: int) -> int:
    """The least version that a header of that height has (rule 6)."""
    return max((least for since, least in versions if height >= since), default=_ANY_VERSION)
