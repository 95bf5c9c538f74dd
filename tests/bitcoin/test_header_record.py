"""A tail made again from a record is the one that following made."""

from copy import copy
from random import Random

import pytest

from signer.bitcoin.chain import extend, follow
from signer.bitcoin.chain_rules import PERIOD, ChainRules
from signer.bitcoin.checkpoint import Checkpoint, seed
from signer.bitcoin.header_record import tail_at
from tests.bitcoin.mined import (
    EASY,
    EASY_TESTNET3,
    EASY_TESTNET4,
    NOW,
    MemoryRecord,
    begun,
    next_on,
)
from tests.bitcoin.refused import refused

LATE = (1_201, 700, 900, 2_000, -60)
"""Seconds; more than twenty minutes among them, for the testnets' exception."""


@pytest.mark.parametrize("rules", [EASY, EASY_TESTNET3, EASY_TESTNET4])
def test_the_same_tail_from_a_record(rules: ChainRules) -> None:
    """At genesis, around the tenth header, and on both sides of a change of difficulty."""
    random, (record, tail) = Random(13), begun(rules)
    looked_at = {0, 1, 9, 10, 11, 12, *range(2_010, 2_030)}
    for height in range(PERIOD + 20):
        if height in looked_at:
            assert tail_at(record, record.tip()) == tail
        step = random.choice(LATE if random.random() < 0.1 else (300, 500))
        link = follow(rules, tail, next_on(rules, tail, step), NOW)
        record.links[link.hash] = link
        record.chain.append(link)
    assert tail.bits != rules.limit_bits or tail.first_bits != rules.limit_bits
    _from_a_checkpoint(rules, record)


def _from_a_checkpoint(rules: ChainRules, record: MemoryRecord) -> None:
    """What starts there goes on as what started at genesis; and nothing follows earlier headers."""
    links = record.chain[PERIOD - 10 : PERIOD + 1]
    headers = b"".join(each.raw for each in links)
    start = seed(rules, Checkpoint(PERIOD, links[-1].hash, links[-1].work, headers))
    assert start == links
    later = MemoryRecord.of(start)
    first = tail_at(later, later.tip())
    assert first == tail_at(record, links[-1])
    rest = record.chain[PERIOD + 1 :]
    end, followed = extend(rules, copy(first), b"".join(each.raw for each in rest), NOW)
    assert followed == rest
    assert end == tail_at(record, rest[-1])
    with refused("header-before-start"):
        tail_at(later, links[-2])
    assert tail_at(record, links[-2]).height == PERIOD - 1
