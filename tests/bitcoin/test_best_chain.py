"""Which chain is best, and what a batch changes."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest

from signer.bitcoin.best_chain import Advance, ChainBounds, HeaderChain
from signer.bitcoin.burial import Burial, burial
from signer.bitcoin.chain import follow
from signer.bitcoin.chain_rules import ChainRules
from signer.bitcoin.checkpoint import seed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header_record import tail_at
from signer.bitcoin.tail import Link, Tail
from tests.bitcoin.mined import (
    EASY,
    EASY_TESTNET3,
    NOW,
    MemoryRecord,
    Wish,
    begun,
    grown,
    mined,
    next_on,
)
from tests.bitcoin.refused import refused
from tests.bitcoin.test_checkpoint import GOOD

DEPTH = 6
BOUNDS = ChainBounds(DEPTH, 0)


class Bench:
    """A chain and its record, for batches."""

    def __init__(self, rules: ChainRules = EASY, height: int = 10, step: int = 600) -> None:
        self.rules = rules
        self.record, tail = begun(rules)
        self.chain = HeaderChain(rules, self.record, BOUNDS)
        self.sent = self.record.tip()
        """The last header."""
        raws = grown(rules, tail, [step] * height)
        for at in range(0, height, 1_500):
            self.send(raws[at : at + 1_500])

    def send(self, raws: Sequence[bytes]) -> Advance:
        advance = self.chain.advance(b"".join(raws), NOW)
        self.record.write(advance)
        self.sent = advance.last
        return advance

    def tail(self, below: int = 0) -> Tail:
        """Of the best chain, so many headers below its tip."""
        return tail_at(self.record, self.record.chain[-1 - below])

    def branch(self, below: int, count: int, root: bytes = b"b" * 32) -> list[bytes]:
        """Good headers, not sent, that leave the best chain there."""
        return grown(self.rules, self.tail(below), [600] * count, root)


def test_headers_on_the_tip() -> None:
    bench = Bench()
    raws = bench.branch(0, 3)
    advance = bench.send(raws)
    assert [each.raw for each in advance.new] == raws
    assert advance.joined == advance.new
    assert (advance.left, advance.last) == ((), advance.new[-1])
    assert bench.record.tip() == advance.last
    assert advance.last.height == 13
    assert advance.last.work == 14 * 2


def test_what_is_on_record_is_passed_over() -> None:
    bench = Bench()
    raws = [each.raw for each in bench.record.chain]
    for known in (raws, raws[1:], raws[4:6], raws[10:]):
        again = bench.send(known)
        assert (again.new, again.joined, again.left) == ((), (), ())
        assert again.last.raw == known[-1]
    more = bench.branch(0, 2)
    advance = bench.send([*raws, *more])
    assert [each.raw for each in advance.new] == more


def test_headers_that_follow_nothing_on_record() -> None:
    bench = Bench()
    first, second, third = bench.branch(0, 3)
    with refused("header-unlinked"):
        bench.send([second, third])
    with refused("header-unlinked"):
        bench.send([first, third])
    known = [each.raw for each in bench.record.chain]
    with refused("header-unlinked"):
        bench.send([known[3], known[5]])
    assert bench.send([first, second, third]).new


def test_the_first_of_two_equal_chains_stays() -> None:
    bench = Bench()
    tip = bench.record.tip()
    branch = bench.branch(2, 3)
    aside = bench.send(branch[:2])
    assert (len(aside.new), aside.joined, aside.left) == (2, (), ())
    assert bench.record.tip() == tip
    over = bench.send(branch[2:])
    assert bench.record.tip() == over.last
    assert [each.raw for each in over.joined] == branch
    assert [each.height for each in over.left] == [9, 10]


def test_a_reorganisation_keeps_both_branches_and_can_be_undone() -> None:
    bench = Bench()
    before = list(bench.record.chain)
    over = bench.send(bench.branch(2, 3))
    assert list(over.left) == before[-2:]
    assert bench.record.chain[:-3] == before[:-2]
    assert all(bench.record.link(each.hash) == each for each in (*before, *over.new))
    back = grown(EASY, tail_at(bench.record, before[-1]), [600] * 2, b"c" * 32)
    again = bench.send(back)
    assert list(again.joined) == [*before[-2:], *again.new]
    assert again.left == over.joined
    assert bench.record.chain == [*before, *again.new]


def test_a_longer_chain_with_less_work_loses() -> None:
    """Testnet's exception makes it: three headers of least difficulty against one of four times as much."""
    bench = Bench(EASY_TESTNET3, height=2_015, step=100)
    bench.send(bench.branch(0, 2))
    fork, tip = bench.record.chain[-2:]
    assert tip.work - fork.work == 8
    easy = grown(EASY_TESTNET3, bench.tail(1), [1_201] * 4)
    longer = bench.send(easy[:3])
    assert longer.last.height == tip.height + 2
    assert longer.last.work == tip.work - 2
    assert (longer.joined, bench.record.tip()) == ((), tip)
    assert bench.send(easy[3:]).joined == ()  # as much work, and later
    more = grown(EASY_TESTNET3, tail_at(bench.record, bench.sent), [1_201])
    assert len(bench.send(more).joined) == 5


def test_branches_leave_at_most_so_deep() -> None:
    bench = Bench()
    deep, deeper = bench.branch(DEPTH, 8), bench.branch(DEPTH + 1, 9)
    for count in (1, DEPTH + 1):
        with refused("header-fork-too-deep"):
            bench.send(deeper[:count])
    assert bench.send(deep[:1]).joined == ()
    assert len(bench.send(deep[1:]).left) == DEPTH


@pytest.mark.parametrize(("least", "taken"), [(22, False), (23, True)])
def test_cheap_headers_that_came_first_lock_nobody_out(least: int, taken: bool) -> None:
    """Before the chain has the work that Bitcoin's is known to have, no branch is too deep."""
    bench = Bench()
    assert bench.record.tip().work == 22
    chain = HeaderChain(EASY, bench.record, ChainBounds(DEPTH, least))
    deeper = b"".join(bench.branch(DEPTH + 1, DEPTH + 2))
    advance = chain.advance(deeper, NOW)
    assert len(advance.left) == (DEPTH + 1 if taken else 0)
    assert (advance.dispute is None) is taken


def test_a_better_chain_that_leaves_too_deep_is_told_and_not_followed() -> None:
    """Whoever spoke first may have lied: the kernel must not go on as if nothing had been said."""
    bench = Bench()
    before = list(bench.record.chain)
    deeper = bench.branch(DEPTH + 1, DEPTH + 2)
    advance = bench.send(deeper)
    assert (advance.new, advance.joined, advance.left, advance.last) == ((), (), (), before[-1])
    assert advance.dispute is not None
    assert (advance.dispute.fork, advance.dispute.last.raw) == (10 - DEPTH - 1, deeper[-1])
    assert bench.record.chain == before
    with refused("header-fork-too-deep"):
        bench.send(deeper[:-1])  # as much work, not more


@pytest.mark.parametrize("place", [0, 3, -1])
def test_the_chain_that_people_name_is_followed(place: int) -> None:
    """`follow`: whichever of its headers they name, and nothing else by it."""
    bench = Bench()
    deeper, other = bench.branch(DEPTH + 1, 9), bench.branch(DEPTH + 1, 9, b"o" * 32)
    bounds = ChainBounds(DEPTH, 0, follow=hash256(deeper[place]))
    bench.chain = HeaderChain(EASY, bench.record, bounds)
    assert bench.send(other).dispute is not None
    assert len(bench.send(deeper).left) == DEPTH + 1
    with refused("header-fork-too-deep"):
        bench.send(other[:1])


def test_a_branch_that_is_followed_comes_in_pieces() -> None:
    bench = Bench()
    deeper = bench.branch(DEPTH + 1, 9)
    bounds = ChainBounds(DEPTH, 0, follow=hash256(deeper[0]))
    bench.chain = HeaderChain(EASY, bench.record, bounds)
    assert bench.send(deeper[:2]).joined == ()
    assert bench.send(deeper[2:4]).joined == ()
    assert len(bench.send(deeper[4:]).joined) == 9


SETTLED = DEPTH * 600 // 2


@pytest.mark.parametrize(("age", "is_bound"), [(SETTLED - 1, False), (SETTLED, True)])
def test_what_came_just_now_settles_nothing(age: int, is_bound: bool) -> None:
    """A few headers made in silence and shown first, after a long time without sources: the honest chain that
    comes next is deeper, and better."""
    bench = Bench()
    bench.chain = HeaderChain(EASY, bench.record, ChainBounds(DEPTH, 0, 600))
    bench.record.moments = {each.hash: NOW - age for each in bench.record.chain}
    advance = bench.send(bench.branch(DEPTH + 1, DEPTH + 2))
    assert (advance.dispute is not None) is is_bound
    assert len(advance.left) == (0 if is_bound else DEPTH + 1)


def test_of_what_would_be_replaced_the_first_so_deep_counts() -> None:
    """Below it all may be old: `depth` headers above the fork, and the next, must have stood for long."""
    for newest, is_bound in ((9, False), (10, True)):
        bench = Bench()
        bench.chain = HeaderChain(EASY, bench.record, ChainBounds(DEPTH, 0, 600))
        chain = bench.record.chain
        bench.record.moments = {
            each.hash: NOW - SETTLED * (each.height <= newest) for each in chain
        }
        assert bench.record.tip().height == 10  # the seventh above the fork
        advance = bench.send(bench.branch(DEPTH + 1, DEPTH + 2))
        assert (advance.dispute is not None) is is_bound


class Counting(MemoryRecord):
    """Counts what is looked up."""

    asked = 0

    def link(self, block_hash: bytes) -> Link | None:
        self.asked += 1
        return super().link(block_hash)


def test_what_cost_no_work_costs_little() -> None:
    """A header without work, or beyond the limit, is refused before anything old is looked at."""
    bench = Bench(height=60)
    counted = Counting(bench.record.links, bench.record.chain)
    chain = HeaderChain(EASY, counted, BOUNDS)
    good = bench.branch(40, 1)[0]
    for raw, code in (
        (good[:72] + (0x2100_FFFF).to_bytes(4, "little") + good[76:], "header-bits"),
        (good[:72] + bytes(4) + good[76:], "header-bits"),
        (without_work(good), "header-work"),
    ):
        counted.asked = 0
        with refused(code):
            chain.advance(raw, NOW)
        assert counted.asked < 4
    with refused("header-fork-too-deep"):
        chain.advance(good, NOW)


def without_work(raw: bytes) -> bytes:
    """The same with a nonce that has no work."""
    for nonce in range(1_000):
        changed = raw[:76] + nonce.to_bytes(4, "little")
        if hash256(changed)[-1] & 0x80:
            return changed
    raise AssertionError("every nonce has work")


def test_a_walk_back_ends_where_depth_does() -> None:
    """A long branch from before the chain was heavy costs nobody who names it later."""
    bench = Bench(height=100)
    free = HeaderChain(EASY, bench.record, ChainBounds(DEPTH, 10**9))
    aside = bench.branch(95, 90)
    bench.record.write(free.advance(b"".join(aside), NOW))
    tip = bench.record.link(hash256(aside[-1]))
    assert tip is not None
    more = grown(EASY, tail_at(bench.record, tip), [600])
    counted = Counting(bench.record.links, bench.record.chain)
    with refused("header-fork-too-deep"):
        HeaderChain(EASY, counted, BOUNDS).advance(more[0], NOW)
    assert counted.asked < 60


def test_a_branch_grows_too_deep() -> None:
    bench = Bench()
    aside = bench.branch(4, 3)
    bench.send(aside[:1])
    bench.send(bench.branch(0, 2))
    assert bench.send(aside[1:2]).new
    bench.send(bench.branch(0, 1))
    with refused("header-fork-too-deep"):
        bench.send(aside[2:])


def test_nothing_leaves_before_a_checkpoint() -> None:
    record = MemoryRecord.of(seed(EASY, GOOD))
    chain = HeaderChain(EASY, record, BOUNDS)
    tail = tail_at(record, record.tip())
    before = record.chain[-2]
    raw = mined(before.hash, Wish(tail.time + 1, merkle_root=b"x" * 32))
    with refused("header-before-start"):
        chain.advance(raw, NOW)
    assert chain.advance(next_on(EASY, tail), NOW).joined
    known = chain.advance(GOOD.headers, NOW)
    assert (known.last, known.new) == (record.tip(), ())


def test_a_bad_header_refuses_its_batch_and_nothing_is_remembered() -> None:
    bench = Bench()
    first, second = bench.branch(0, 2)
    bad = second[:72] + bytes(8)
    with refused("header-bits"):
        bench.send([first, bad])
    assert bench.record.tip().height == 10
    assert bench.send([first, second]).last.height == 12


def test_a_batch_that_was_not_written_is_asked_for_again() -> None:
    """The store failed after `advance`: the chain's memory of it is no record."""
    bench = Bench()
    first, second = bench.branch(0, 2)
    assert bench.chain.advance(first, NOW).new
    with refused("header-unlinked"):
        bench.send([second])
    assert bench.send([first]).new
    assert bench.send([second]).joined


def test_burial_in_blocks_and_work() -> None:
    """On both sides of a change of difficulty, down to genesis."""
    bench = Bench(height=2_018, step=100)
    chain = bench.record.chain
    own = [chain[0].work, *(b.work - a.work for a, b in pairwise(chain))]
    assert (own[0], own[2_015], own[2_016]) == (2, 2, 8)
    works = accumulate(reversed(own))
    for blocks, (link, work) in enumerate(zip(reversed(chain), works, strict=True), 1):
        assert burial(bench.record, link.hash) == Burial(blocks, work)
    assert burial(bench.record, bytes(32)) == Burial(0, 0)


def test_a_reorganisation_unburies() -> None:
    bench = Bench()
    two = bench.record.chain[-2:]
    assert [burial(bench.record, each.hash).blocks for each in two] == [2, 1]
    bench.send(bench.branch(1, 2))
    assert [burial(bench.record, each.hash).blocks for each in two] == [3, 0]
    assert burial(bench.record, two[1].hash) == Burial(0, 0)


@pytest.mark.parametrize("below", [0, 3])
def test_a_tail_is_the_same_remembered_or_not(below: int) -> None:
    """Batches on the chain's own last tail, and on one that is made again."""
    bench = Bench()
    tail, raws = bench.tail(below), bench.branch(below, 2)
    expected = [follow(EASY, tail, raw, NOW) for raw in raws]
    assert list(bench.send(raws).new) == expected
