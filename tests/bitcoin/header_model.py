"""Headers judged slowly: a node for each, pointers back, nothing carried along.

Written from Core's rules (arith_uint256, pow, ContextualCheckBlockHeader), BIP-94 and BIP-113, and sharing no
code with signer/bitcoin: compact targets are digits here, and spans are fractions.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

INTERVAL = 2016
TWO_WEEKS = Fraction(14 * 24 * 60 * 60)
TEN_MINUTES = 600


@dataclass(frozen=True)
class Params:
    """Core's consensus parameters, as far as headers go."""

    pow_limit: int
    allow_min_difficulty: bool = False
    no_retargeting: bool = False
    enforce_bip94: bool = False
    version_heights: tuple[int, int, int] = (1 << 40, 1 << 40, 1 << 40)
    """Where BIP-34, BIP-66 and BIP-65 are buried."""


@dataclass(frozen=True, eq=False)
class Node:
    """A header in the tree."""

    raw: bytes
    before: "Node | None"
    height: int
    work: int

    @cached_property
    def name(self) -> bytes:
        return hashed(self.raw)

    @cached_property
    def time(self) -> int:
        return number(self.raw, 68)

    @cached_property
    def bits(self) -> int:
        return number(self.raw, 72)

    def back(self) -> Iterator["Node"]:
        """Itself, then its ancestors."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.before


def number(raw: bytes, at: int) -> int:
    """Four bytes, the last one counting most."""
    return int(raw[at : at + 4][::-1].hex(), 16)


def hashed(raw: bytes) -> bytes:
    """SHA-256 twice."""
    return hashlib.new("sha256", hashlib.new("sha256", raw).digest()).digest()


def expanded(bits: int) -> int:
    """The target of a compact form without sign: its digits, moved."""
    size, digits = bits >> 24, f"{bits & 0xFF_FFFF:06x}"
    return int(digits[: 2 * size] + "00" * (size - 3) or "0", 16)


def shortened(target: int) -> int:
    """The compact form: the first three bytes, the first of them below 128."""
    digits = f"{target:x}"
    digits = "0" * (len(digits) % 2) + digits
    digits = "00" + digits if int(digits[:2], 16) >= 128 else digits
    return int(f"{len(digits) // 2:02x}{digits[:6]:0<6}", 16)


def proof(bits: int) -> int:
    """GetBlockProof, as Core counts without the number 2^256."""
    target = expanded(bits)
    return (2**256 - 1 - target) // (target + 1) + 1


def next_target(base: int, seconds: int, pow_limit: int) -> int:
    """The compact target after a period on `base` that took so long."""
    ratio = min(max(Fraction(seconds), TWO_WEEKS / 4), TWO_WEEKS * 4) / TWO_WEEKS
    return shortened(min(int(expanded(base) * ratio), pow_limit))


def next_bits(last: Node, time: int, params: Params) -> int:
    """GetNextWorkRequired."""
    easiest = shortened(params.pow_limit)
    if (last.height + 1) % INTERVAL:
        if not params.allow_min_difficulty:
            return last.bits
        if time > last.time + 2 * TEN_MINUTES:
            return easiest
        usual = (n for n in last.back() if n.height % INTERVAL == 0 or n.bits != easiest)
        return next(usual).bits
    if params.no_retargeting:
        return last.bits
    first = next(node for node in last.back() if node.height == last.height - (INTERVAL - 1))
    base = first.bits if params.enforce_bip94 else last.bits
    return next_target(base, last.time - first.time, params.pow_limit)


def median_time_past(last: Node) -> int:
    """BIP-113."""
    times = [node.time for _, node in zip(range(11), last.back(), strict=False)]
    return sorted(times)[len(times) // 2]


def faults(last: Node, raw: bytes, now: int, params: Params) -> set[str]:
    """All that is wrong with a header after `last`, by our codes."""
    time, bits, version = number(raw, 68), number(raw, 72), number(raw, 0)
    version -= 2**32 if version >= 2**31 else 0
    height, due = last.height + 1, next_bits(last, time, params)
    old = sum(height >= each for each in params.version_heights)
    boundary = params.enforce_bip94 and height % INTERVAL == 0
    found = {
        "header-unlinked": raw[4:36] != last.name,
        "header-bits": bits != due,
        "header-work": int(hashed(raw)[::-1].hex(), 16) > min(expanded(due), _own(bits)),
        "header-time-early": time <= median_time_past(last),
        "header-time-ahead": time - now > 7200,
        "header-version": old > 0 and version < old + 1,
        "header-time-warp": boundary and time < last.time - 600,
    }
    return {code for code, wrong in found.items() if wrong}


def _own(bits: int) -> int:
    """The target that a header says, where it says one: it may lack that one's work, too."""
    try:
        return expanded(bits)
    except Exception:
        return 2**256


def after(last: Node, raw: bytes) -> Node:
    """The node of a header that has no fault."""
    return Node(raw, last, last.height + 1, last.work + proof(number(raw, 72)))
