"""One header after another: every refusal with its twin, one field away, that passes."""

from copy import copy
from dataclasses import replace

import pytest

from signer.bitcoin import chain
from signer.bitcoin.chain import extend, follow, split_headers
from signer.bitcoin.chain_rules import PERIOD, ChainRules, StrictRules
from signer.bitcoin.hashes import hash256
from signer.bitcoin.network_rules import MAINNET_RULES, TESTNET3_RULES
from signer.bitcoin.tail import Link, Tail
from signer.bitcoin.target import work_of
from tests.bitcoin.mined import (
    EASY,
    EASY_BITS,
    EASY_REGTEST,
    EASY_TESTNET3,
    EASY_TESTNET4,
    GENESIS,
    NOW,
    SPACING,
    Wish,
    begun,
    grown,
    mined,
    next_on,
    unmined,
)
from tests.bitcoin.refused import refused

TIME = 1_700_000_000
HARDER = 0x2030_0000


def a_tail(height: int = 100, **changed: object) -> Tail:
    """Of a chain whose headers came on time."""
    times = tuple(TIME - SPACING * before for before in range(11))[::-1]
    first = TIME - SPACING * (height % PERIOD)
    bits = EASY_BITS
    plain = Tail(bytes(31) + b"\x01", height, 1_000, TIME, bits, times, first, bits)
    return replace(plain, **changed)


def followed(raw: bytes, tail: Tail, rules: ChainRules = EASY, now: int = NOW) -> Link:
    """What is refused leaves the tail where it was."""
    before = copy(tail)
    try:
        return follow(rules, tail, raw, now)
    except Exception:
        assert tail == before
        raise


def test_a_tail_moves_to_the_header_that_follows() -> None:
    tail = a_tail()
    raw = next_on(EASY, tail)
    link = followed(raw, tail)
    assert link == Link(hash256(raw), 101, 1_002, raw)
    assert (tail.hash, tail.height, tail.work) == link[:3]
    assert (tail.time, tail.bits, tail.first_bits) == (TIME + SPACING, EASY_BITS, EASY_BITS)
    assert tail.times == tuple(TIME + SPACING - SPACING * before for before in range(11))[::-1]


def test_another_predecessor() -> None:
    tail = a_tail()
    raw = mined(bytes(32), Wish(TIME + 1))
    with refused("header-unlinked"):
        followed(raw, tail)
    assert followed(raw, replace(tail, hash=bytes(32)))


@pytest.mark.parametrize("bits", [HARDER, EASY_BITS - 1, EASY_BITS | 0x0080_0000, 0, 0x1D00_FFFF])
def test_other_bits(bits: int) -> None:
    tail = a_tail()
    good = mined(tail.hash, Wish(TIME + 1))
    with refused("header-bits"):
        followed(good[:72] + bits.to_bytes(4, "little") + good[76:], tail)
    assert followed(good, tail)


def test_a_hash_above_the_target() -> None:
    tail = a_tail()
    with refused("header-work"):
        followed(unmined(tail.hash, Wish(TIME + 1)), tail)
    assert followed(mined(tail.hash, Wish(TIME + 1)), tail)


def test_a_hash_equal_to_the_target_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can mine the bound itself: here the target is made to be the hash, and one below."""
    tail = a_tail()
    raw = mined(tail.hash, Wish(TIME + 1))
    number = int.from_bytes(hash256(raw), "little")
    monkeypatch.setattr(chain, "target_of", lambda _: number - 1)
    with refused("header-work"):
        followed(raw, tail)
    monkeypatch.setattr(chain, "target_of", lambda _: number)
    assert followed(raw, tail).work == 1_000 + work_of(EASY_BITS)


def test_times_after_the_median_of_eleven() -> None:
    median = TIME - 5 * SPACING
    for time, tail in ((median, a_tail()), (median - SPACING, a_tail())):
        with refused("header-time-early"):
            followed(mined(tail.hash, Wish(time)), tail)
    tail = a_tail()
    assert followed(mined(tail.hash, Wish(median + 1)), tail)
    assert (tail.time, tail.median_time) == (median + 1, median + 1)


def test_near_genesis_the_median_is_of_those_there_are() -> None:
    """Of an even number Core takes the upper one."""
    record, tail = begun(EASY)
    start = tail.time
    followed(next_on(EASY, tail, 100), tail)
    assert (tail.times, tail.median_time) == ((start, start + 100), start + 100)
    with refused("header-time-early"):
        followed(mined(tail.hash, Wish(start + 100)), tail)
    assert followed(mined(tail.hash, Wish(start + 101)), tail)
    assert record.tip().height == 0


def test_times_two_hours_ahead() -> None:
    tail = a_tail()
    raw = mined(tail.hash, Wish(TIME + 1 + 7_200))
    with refused("header-time-ahead"):
        followed(raw, tail, now=TIME)
    assert followed(raw, tail, now=TIME + 1)


def test_versions_that_are_too_old() -> None:
    rules = StrictRules(GENESIS, EASY_BITS, ((50, 2), (101, 4)))
    for version in (3, 1, 0, -1, -(2**31)):
        with refused("header-version"):
            tail = a_tail()
            followed(mined(tail.hash, Wish(TIME + 1, version=version)), tail, rules)
    for version, tail in ((4, a_tail()), (2**31 - 1, a_tail()), (3, a_tail(99)), (2, a_tail(99))):
        assert followed(mined(tail.hash, Wish(TIME + 1, version=version)), tail, rules)
    tail = a_tail()
    assert followed(mined(tail.hash, Wish(TIME + 1, version=-1)), tail, EASY)


def test_the_timewarp_of_testnet4() -> None:
    """A period that starts long before the last one's end would count its own time twice (BIP-94)."""
    for rules, step in ((EASY_TESTNET4, -600), (EASY_TESTNET3, -601), (EASY, -601)):
        tail = a_tail(PERIOD - 1)
        assert followed(next_on(rules, tail, step), tail, rules)
    tail = a_tail(PERIOD - 1)
    with refused("header-time-warp"):
        followed(next_on(EASY_TESTNET4, tail, -601), tail, EASY_TESTNET4)
    tail = a_tail(PERIOD - 2)
    assert followed(next_on(EASY_TESTNET4, tail, -601), tail, EASY_TESTNET4)


def test_a_period_starts_with_its_own_time_and_bits() -> None:
    tail = a_tail(PERIOD - 1, bits=HARDER, first_bits=HARDER)
    due = EASY.required_bits(tail, 0)
    assert due not in (HARDER, EASY_BITS)
    followed(next_on(EASY, tail, 7), tail)
    assert (tail.first_time, tail.first_bits) == (TIME + 7, due)
    followed(next_on(EASY, tail, 7), tail)
    assert (tail.first_time, tail.first_bits) == (TIME + 7, due)


def test_a_least_difficulty_forgery_on_mainnet_rules() -> None:
    """Twenty minutes of silence, then a header of least difficulty: testnet's rule, and a bridge's ruin."""
    hard = {"bits": HARDER, "first_bits": HARDER}
    for rules in (EASY_TESTNET3, EASY_TESTNET4, EASY_REGTEST):
        tail = a_tail(**hard)
        assert followed(mined(tail.hash, Wish(TIME + 1_201)), tail, rules)
    tail = a_tail(**hard)
    with refused("header-bits"):
        followed(mined(tail.hash, Wish(TIME + 1_201)), tail, EASY)
    assert followed(mined(tail.hash, Wish(TIME + 1_201, bits=HARDER)), tail, EASY)


def test_a_testnet_walks_back_over_its_exceptions() -> None:
    tail = a_tail(bits=HARDER, first_bits=HARDER)
    for step, bits in ((1_201, EASY_BITS), (1_300, EASY_BITS), (600, HARDER), (1_201, EASY_BITS)):
        raw = mined(tail.hash, Wish(tail.time + step, bits=bits))
        followed(raw, tail, EASY_TESTNET3)
        assert (tail.bits, tail.first_bits) == (bits, HARDER)
    assert MAINNET_RULES.limit_bits == TESTNET3_RULES.limit_bits


def test_a_batch_is_whole_headers() -> None:
    for data in (b"", GENESIS[:79], GENESIS + b"\0"):
        with refused("header-malformed"):
            split_headers(data)
    assert split_headers(GENESIS * 2) == [GENESIS, GENESIS]
    assert len(split_headers(GENESIS * 2_000)) == 2_000
    with refused("headers-too-many"):
        split_headers(GENESIS * 2_001)


def test_a_batch_moves_a_copy_or_nothing() -> None:
    tail = a_tail()
    raws = grown(EASY, copy(tail), [SPACING] * 3)
    before = copy(tail)
    end, links = extend(EASY, tail, b"".join(raws), NOW)
    assert tail == before
    assert [each.raw for each in links] == raws
    assert (end.hash, end.height, end.work) == links[-1][:3]
    with refused("header-unlinked"):
        extend(EASY, tail, raws[0] + raws[2], NOW)
    assert tail == before
