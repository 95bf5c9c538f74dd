"""The end of a chain of headers: its last header, with all that the next one is judged by.

Rule 1: a tail moves by `chain.follow` alone, one verified header at a time; or it is made again from
        headers on record (`resume`). Both give the same.
Rule 2: the median of its times is not after its own. For a header comes after the median of those before it,
        and taking it in moves the median no further than to it.
Rule 3: nothing older is asked for: eleven times (BIP-113) and the first header of the period (retargeting).
"""

from dataclasses import dataclass
from typing import NamedTuple

MEDIAN_OF = 11
"""Headers (BIP-113)."""


class Link(NamedTuple):
    """A verified header, as it is kept."""

    hash: bytes
    """32 bytes, internal order."""
    height: int
    work: int
    """Of the whole chain up to it, its own included: expected hashes."""
    raw: bytes
    """80 bytes."""


@dataclass(slots=True)
class Tail:
    """A verified header and what follows from it and its ancestors. It moves: to keep one, copy it."""

    hash: bytes
    """32 bytes, internal order."""
    height: int
    work: int
    """Of the whole chain up to it, its own included: expected hashes."""
    time: int
    """Unix seconds, as the header says."""
    bits: int
    times: tuple[int, ...]
    """Of this header and up to ten before it, this one's last. Fewer only near genesis."""
    first_time: int
    """Of the first header of its period."""
    first_bits: int
    """Of the first header of its period."""

    @property
    def median_time(self) -> int:
        """The median of `times` (BIP-113; of an even number the upper one, as Core has it)."""
        return sorted(self.times)[len(self.times) // 2]
