"""Headers against their ancestors: what follows a tail, and what does not.

1. A header names the one before it.
2. Its bits are exactly what the network's rules demand at that height.
3. Its hash, a little-endian number, does not exceed their target.
4. Its time is after the median of the eleven before it (BIP-113), and at most two hours ahead of our clock;
   where a period begins, BIP-94 binds it to the last one's, on networks that have it.
5. Its version is at least what is due at its height.
6. Work adds up.
This is the only way from bytes to a `Link`, for one header and for a million, but for the eleven with which a
record starts (`checkpoint`).
"""

from copy import copy

from signer.bitcoin.chain_rules import NEWEST_VERSION, PERIOD, ChainRules, least_version
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import FIELDS, HEADER_SIZE
from signer.bitcoin.tail import MEDIAN_OF, Link, Tail
from signer.bitcoin.target import target_of, work_of

MAX_HEADERS = 2_000
"""Of one batch: what Bitcoin's own `headers` message has."""
MOST_AHEAD = 2 * 3_600
"""Seconds (Core's MAX_FUTURE_BLOCK_TIME)."""


def split_headers(data: bytes) -> list[bytes]:
    """The headers of a batch, 80 bytes each. Raises Malformed `header-malformed` or `headers-too-many`."""
    if not data or len(data) % HEADER_SIZE:
        raise Malformed("header-malformed", f"{len(data)} bytes are not headers of {HEADER_SIZE}")
    if len(data) > MAX_HEADERS * HEADER_SIZE:
        raise Malformed("headers-too-many", f"{len(data) // HEADER_SIZE} at once")
    return [data[at : at + HEADER_SIZE] for at in range(0, len(data), HEADER_SIZE)]


def extend(rules: ChainRules, tail: Tail, data: bytes, now: int) -> tuple[Tail, list[Link]]:
    """The tail that a batch of headers leads to, and the headers; `now` in Unix seconds.

    All of them or none. Raises Malformed as `split_headers` and `follow` do.
    """
    moving = copy(tail)
    return moving, [follow(rules, moving, raw, now) for raw in split_headers(data)]


def follow(rules: ChainRules, tail: Tail, raw: bytes, now: int) -> Link:
    """Moves the tail to the header that these 80 bytes are, if it follows; else the tail stays.

    Raises Malformed `header-unlinked`, `header-bits`, `header-work`, `header-time-early`,
    `header-time-ahead`, `header-time-warp` or `header-version`.
    """
    version, previous, _, time, bits, _ = FIELDS.unpack(raw)
    block_hash, height = hash256(raw), tail.height + 1
    if previous != tail.hash:  # 1
        raise _wrong("header-unlinked", height, f"it follows {previous[::-1].hex()}")
    if bits != (due := rules.required_bits(tail, time)):  # 2
        raise _wrong("header-bits", height, f"{bits:08x} where {due:08x} is due")
    if int.from_bytes(block_hash, "little") > target_of(bits):  # 3
        raise _wrong("header-work", height, f"{block_hash[::-1].hex()} exceeds {bits:08x}")
    if time <= tail.time and time <= tail.median_time:  # 4: rule 2 of `tail` spares most medians
        raise _wrong("header-time-early", height, f"{time} is not after {tail.median_time}")
    if time > now + MOST_AHEAD:  # 4
        raise _wrong("header-time-ahead", height, f"{time} is {time - now} s ahead")
    if version < NEWEST_VERSION and version < least_version(rules.versions, height):  # 5
        raise _wrong("header-version", height, f"version {version} is too old")
    if height % PERIOD == 0:
        if time < rules.earliest_start(tail):  # 4
            raise _wrong("header-time-warp", height, f"{time} is before {tail.time} by too much")
        tail.first_time, tail.first_bits = time, bits
    tail.hash, tail.height, tail.time, tail.bits = block_hash, height, time, bits
    tail.times = (*tail.times[1 - MEDIAN_OF :], time)
    tail.work += work_of(bits)  # 6
    return Link(block_hash, height, tail.work, raw)


def _wrong(code: str, height: int, detail: str) -> Malformed:
    return Malformed(code, f"height {height}: {detail}")
