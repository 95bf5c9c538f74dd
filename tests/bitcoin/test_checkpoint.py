"""Where a record starts: genesis, or a checkpoint with all that it must carry."""

from collections.abc import Container
from dataclasses import replace
from itertools import pairwise

import pytest

from signer.bitcoin.chain_rules import PERIOD
from signer.bitcoin.checkpoint import Checkpoint, seed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import read_header
from signer.bitcoin.network_rules import MAINNET_RULES
from signer.bitcoin.tail import Link
from tests.bitcoin.mined import EASY, EASY_BITS, Wish, mined, unmined
from tests.bitcoin.refused import refused

TIME = 1_700_000_000


def eleven(*times: int, worked: Container[int] = range(11)) -> bytes:
    """Eleven linked headers at those times; those at these places with their work."""
    raws, previous = list[bytes](), bytes(32)
    for place, time in enumerate(times or range(TIME, TIME + 6_600, 600)):
        make = mined if place in worked else unmined
        raws.append(make(previous, Wish(time)))
        previous = hash256(raws[-1])
    return b"".join(raws)


def checkpoint(headers: bytes, **changed: object) -> Checkpoint:
    plain = Checkpoint(5 * PERIOD, hash256(headers[-80:]), 10**6, headers)
    return replace(plain, **changed)


GOOD = checkpoint(eleven())


def test_genesis() -> None:
    """Its work is Core's chainwork at height 0."""
    genesis = read_header(MAINNET_RULES.genesis)
    assert seed(MAINNET_RULES, None) == [
        Link(genesis.hash, 0, 0x1_0001_0001, MAINNET_RULES.genesis)
    ]


def test_a_checkpoint_and_the_ten_before() -> None:
    links = seed(EASY, GOOD)
    assert [each.height for each in links] == list(range(5 * PERIOD - 10, 5 * PERIOD + 1))
    assert b"".join(each.raw for each in links) == GOOD.headers
    assert links[-1].work == 10**6
    assert all(b.work - a.work == 2 for a, b in pairwise(links))
    assert all(hash256(each.raw) == each.hash for each in links)


@pytest.mark.parametrize("height", [0, -PERIOD, 1, PERIOD - 1, PERIOD + 1])
def test_heights_that_start_no_period(height: int) -> None:
    with refused("checkpoint-height"):
        seed(EASY, replace(GOOD, height=height))
    assert seed(EASY, replace(GOOD, height=PERIOD))


MEDIAN_LAST = [TIME + 600] * 6 + [TIME] * 4
UNSORTED = [*[TIME + 600, TIME] * 4, TIME + 600, TIME + 600]
"""Its sixth has the least time, and the median is the last's."""


@pytest.mark.parametrize(
    "wrong",
    [
        replace(GOOD, headers=GOOD.headers[80:]),
        replace(GOOD, headers=GOOD.headers[:-1]),
        replace(GOOD, headers=GOOD.headers + bytes(80)),
        replace(GOOD, headers=bytes(80) + GOOD.headers[80:]),
        replace(GOOD, headers=GOOD.headers[80:] + GOOD.headers[:80]),
        replace(GOOD, hash=bytes(32)),
        checkpoint(eleven(worked=range(10))),
        checkpoint(eleven(worked=range(1, 11))),
        checkpoint(eleven(*MEDIAN_LAST, TIME + 599)),
        checkpoint(eleven(*UNSORTED, TIME + 599)),
    ],
)
def test_headers_that_do_not_lead_to_it(wrong: Checkpoint) -> None:
    with refused("checkpoint-headers"):
        seed(EASY, wrong)
    assert seed(EASY, GOOD)
    assert seed(EASY, checkpoint(eleven(*MEDIAN_LAST, TIME + 600)))
    assert seed(EASY, checkpoint(eleven(*UNSORTED, TIME + 600)))


def test_each_header_takes_its_own_work_away() -> None:
    """On both sides of a change of difficulty the ten below have other work than the trusted one."""
    harder = 0x200F_FFFF
    raws, previous = list[bytes](), bytes(32)
    for place in range(11):
        bits = harder if place == 10 else EASY_BITS
        raws.append(mined(previous, Wish(TIME + 600 * place, bits)))
        previous = hash256(raws[-1])
    works = [each.work for each in seed(EASY, checkpoint(b"".join(raws)))]
    assert works[-1] - works[-2] == 16
    assert {b - a for a, b in pairwise(works[:-1])} == {2}


def test_bits_that_are_no_target() -> None:
    head = GOOD.headers[800:]
    bad = head[:72] + (EASY_BITS | 0x0080_0000).to_bytes(4, "little") + head[76:]
    with refused("target-malformed"):
        seed(EASY, checkpoint(GOOD.headers[:800] + bad))


def test_work_that_is_less_than_the_headers_own() -> None:
    for work in (22, 0, -1):
        with refused("checkpoint-work"):
            seed(EASY, replace(GOOD, work=work))
    assert seed(EASY, replace(GOOD, work=23))[0].work == 3
