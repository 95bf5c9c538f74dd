"""Who vouches for which header, and how deep that buries."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from signer.bitcoin.best_chain import ChainBounds
from signer.bitcoin.burial import Burial
from signer.bitcoin.errors import Malformed
from signer.bitcoin.tail import Link
from signer.journal import header_chain
from signer.journal.budget import DEFAULT_BUDGET
from signer.journal.decide import Session
from signer.journal.header_chain import ChainSetting, TableChain
from signer.journal.header_keeper import HeaderKeeper
from signer.journal.header_record import begin_headers
from signer.journal.journal import Journal
from signer.journal.merkle import Frontier
from signer.journal.place import Place
from signer.journal.sqlite_tables import scratch_tables
from signer.ports.recording import Passage
from tests.bitcoin.header_model import Node, hashed, proof
from tests.bitcoin.header_trees import DISPUTE, KINDS, Tree
from tests.bitcoin.header_trees import trunk as modelled_trunk
from tests.core.spends import NOW
from tests.journal.desk import ManualClock
from tests.journal.headers import (
    CHAIN,
    LONELY,
    bring,
    chain_of,
    names,
    on_top,
    trunk,
    with_headers,
)

RAWS = trunk(12)
FORK = RAWS[:8]
RIVAL = on_top(FORK, 5)
"""One more header than the four of RAWS."""


def vouched(journal: Journal) -> int:
    with chain_of(journal) as chain:
        return chain.vouched()


def equivocations(journal: Journal) -> list[int]:
    with chain_of(journal) as chain:
        return [each.equivocations for each in chain.sources()]


def test_one_of_two_sources_buries_nothing(file: Path) -> None:
    with with_headers(file) as journal:
        bring(journal, RAWS, "one")
        assert vouched(journal) == 0
        with chain_of(journal) as chain:
            assert chain.sources_needed() == 2
            assert chain.burial(names(RAWS)[0]) == Burial(0, 0)
        bring(journal, RAWS[:9], "two")
        assert vouched(journal) == 9
        with chain_of(journal) as chain:
            assert chain.burial(names(RAWS)[6]) == Burial(3, 6)
            assert chain.burial(names(RAWS)[8]) == Burial(1, 2)
            assert chain.burial(names(RAWS)[9]) == Burial(0, 0)
            assert chain.burial(bytes(32)) == Burial(0, 0)


def test_one_source_is_enough_where_one_is_needed(file: Path) -> None:
    with with_headers(file, LONELY) as journal:
        bring(journal, RAWS, "two")
        assert vouched(journal) == 12


def test_of_three_sources_the_silent_one_takes_nothing_away(file: Path) -> None:
    with with_headers(file, replace(CHAIN, sources=("one", "two", "three"))) as journal:
        bring(journal, RAWS, "three")
        bring(journal, RAWS, "one")
        assert vouched(journal) == 12
        with chain_of(journal) as chain:
            assert [(each.name, each.height) for each in chain.sources()] == [
                ("one", 12),
                ("two", 0),
                ("three", 12),
            ]


def test_a_source_that_is_no_longer_configured_does_not_count(file: Path) -> None:
    with with_headers(file) as journal:
        bring(journal, RAWS, "one")
        bring(journal, RAWS, "two")
    with with_headers(file, replace(CHAIN, sources=("one", "three"))) as journal:
        assert vouched(journal) == 0
        bring(journal, RAWS[:4], "three")
        assert vouched(journal) == 4


def test_an_older_batch_takes_nothing_back(file: Path) -> None:
    clock = ManualClock()
    with with_headers(file, LONELY, clock=clock) as journal:
        bring(journal, RAWS)
        clock.moment = NOW + 60
        assert not bring(journal, RAWS[:5]).equivocated
        assert vouched(journal) == 12
        with chain_of(journal) as chain:
            assert chain.sources()[0].moment == NOW
        bring(journal, RAWS)
        with chain_of(journal) as chain:
            seen = chain.sources()[0]
            assert (seen.hash, seen.moment) == (names(RAWS)[-1], NOW + 60)


@pytest.mark.parametrize(("count", "times"), [(3, 1), (4, 1), (5, 0)])
def test_who_goes_over_to_a_branch_with_no_more_work_equivocates(
    file: Path, count: int, times: int
) -> None:
    """Its word stays what it was; with more work it is a reorganisation, as nodes see them."""
    with with_headers(file, LONELY) as journal:
        bring(journal, RAWS)
        brought = bring(journal, RIVAL[:count])
        assert brought.equivocated is bool(times)
        assert equivocations(journal) == [times, 0]
        with chain_of(journal) as chain:
            (seen, _) = chain.sources()
            assert seen.hash == (names(RAWS)[-1] if times else names(RIVAL)[-1])
        assert vouched(journal) == (12 if times else 13)


def test_two_sources_on_two_branches_equivocate_not(file: Path) -> None:
    """Each vouches for what both branches have, until it goes over."""
    with with_headers(file) as journal:
        bring(journal, RAWS, "one")
        bring(journal, RIVAL[:4], "two")
        assert vouched(journal) == 8
        with chain_of(journal) as chain:
            assert chain.burial(names(RAWS)[7]) == Burial(1, 2)
        bring(journal, RIVAL[4:], "two")
        assert vouched(journal) == 8
        bring(journal, RIVAL, "one")
        assert vouched(journal) == 13
        assert equivocations(journal) == [0, 0]


def test_a_branch_of_one_source_takes_no_burial_from_what_both_have(file: Path) -> None:
    with with_headers(file) as journal:
        bring(journal, RAWS, "one")
        bring(journal, RAWS, "two")
        bring(journal, RIVAL, "two")
        with chain_of(journal) as chain:
            assert chain.tip().height == 13
            assert chain.burial(names(RAWS)[4]) == Burial(4, 8)
            assert chain.burial(names(RIVAL)[0]) == Burial(0, 0)


def test_a_block_counts_as_many_confirmations_as_its_time_on_record_allows(file: Path) -> None:
    """Twice as fast as blocks are found, and no faster: what is shown at once is young."""
    clock, slow = ManualClock(), replace(LONELY, bounds=ChainBounds(6, 0, spacing=600))
    with with_headers(file, slow, clock=clock) as journal:
        bring(journal, RAWS)
        for seconds, blocks in ((0, 1), (299, 1), (300, 2), (599, 2), (600, 3), (9_000, 12)):
            clock.moment = NOW + seconds
            with chain_of(journal) as chain:
                assert chain.burial(names(RAWS)[0]) == Burial(blocks, 2 * blocks)
                assert chain.burial(names(RAWS)[11]) == Burial(1, 2)
                assert chain.burial(chain.start().hash).blocks == 13


@pytest.mark.parametrize(("most", "height"), [(4, 0), (5, 8)])
def test_who_is_far_beside_the_best_chain_vouches_for_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch, most: int, height: int
) -> None:
    monkeypatch.setattr(header_chain, "_MOST_BESIDE", most)
    with with_headers(file) as journal:
        bring(journal, RAWS, "one")
        bring(journal, RIVAL[:4], "two")
        assert vouched(journal) == height


def test_what_sources_said_is_there_when_the_journal_is_opened_again(place: Place) -> None:
    with with_headers(place) as journal:
        bring(journal, RAWS, "one")
        bring(journal, RIVAL[:2], "one")
        bring(journal, RAWS[:9], "two")
    with with_headers(place) as journal:
        assert vouched(journal) == 9
        assert equivocations(journal) == [1, 0]


def test_a_locator_goes_back_in_growing_steps(file: Path) -> None:
    raws = trunk(40)
    with with_headers(file) as journal:
        bring(journal, raws)
        with chain_of(journal) as chain:
            heights = [link.height for each in chain.locator() if (link := chain.link(each))]
    assert heights == [40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 29, 25, 17, 1, 0]


Judged = tuple[int, int, frozenset[bytes]]


class Sources:
    """What three sources vouch for, by the model's nodes."""

    def __init__(self) -> None:
        self.words: dict[str, Node] = {}
        self.faults: Counter[str] = Counter()

    def hear(self, source: str, last: Node) -> None:
        old = self.words.get(source)
        if old is None or old in last.back() or (last.work > old.work and last not in old.back()):
            self.words[source] = last
        elif last not in old.back():
            self.faults[source] += 1

    def vouched(self, best: Node, needed: int, start: int) -> int:
        chain = list(best.back())
        heights = [
            next(each.height for each in chain if each in said)
            for said in (frozenset(word.back()) for word in self.words.values())
        ]
        return sorted(heights)[-needed] if len(heights) >= needed else start


class KeptTree(Tree):
    """A tree whose headers are kept in tables, too, brought by three sources."""

    def keep(self, session: Session) -> None:
        self.session = session
        begin_headers(session.tables, self.record.chain)
        self.bounds = ChainBounds(self.depth, self.least_work)
        self.setting = ChainSetting(
            self.kind.rules, self.bounds, CHAIN.fresh, ("a", "b", "c"), self.random.randrange(1, 4)
        )
        self.keeper = HeaderKeeper(self._in_turn, self.setting, self._told)
        self.said = Sources()
        self.judged, self.expected = list[Judged](), list[Judged]()
        self.judged_to = self.record.chain[0].height

    def _in_turn(self, work: Callable[[Session], object], _: Passage) -> object:
        return work(self.session)

    def _told(self, _: Session, lowest: int, highest: int, left: Sequence[Link]) -> None:
        self.judged.append((lowest, highest, frozenset(each.hash for each in left)))

    def apart(self) -> Iterator[str]:
        """Where the tables and the memory or the model disagree, over some batches."""
        for _ in range(12):
            raws, now = self.batch()
            data, source = b"".join(raws), self.random.choice("abc")
            self.session.now = now
            wrong, new = self.verdict(raws, now)
            ours = self._brought(source, data)
            theirs = self._answer(data, now)
            if isinstance(theirs, str):
                if ours != theirs.replace(DISPUTE, "header-chain-disputed"):
                    yield f"{ours}, not {theirs}"
                continue
            assert not wrong
            before = self._settled()
            self._take(theirs, new)
            self.said.hear(source, self.nodes[hashed(raws[-1])])
            after, joined = self._settled(), [each.height for each in theirs.joined]
            lowest, highest = min([self.judged_to, before, *joined]), max(before, after)
            if joined or highest > lowest:
                left = frozenset(each.hash for each in theirs.left)
                self.expected.append((lowest, highest, left))
            self.judged_to = after
            self.tally["reorganised" if theirs.left else "taken"] += 1
            yield from self._unlike(self.tables())

    def _settled(self) -> int:
        """Up to where what relied on blocks is judged."""
        start = self.record.chain[0].height
        if self.best.work < self.least_work:
            return start
        return self.said.vouched(self.best, self.setting.sources_needed, start)

    def _brought(self, source: str, data: bytes) -> str:
        try:
            self.keeper.submit(source, data)
        except Malformed as error:
            return error.code
        return ""

    def tables(self) -> TableChain:
        return TableChain(self.session.tables, self.setting, self.session.now)

    def _unlike(self, chain: TableChain) -> Iterator[str]:
        memory, needed = self.record, self.setting.sources_needed
        if chain.tip() != memory.tip() or chain.start() != memory.chain[0]:
            yield "another chain"
        heights = range(memory.chain[0].height - 1, memory.tip().height + 2)
        if any(chain.best(height) != memory.best(height) for height in heights if height >= 0):
            yield "another header at some height"
        if any(chain.link(each) != memory.link(each) for each in (*self.nodes, bytes(32))):
            yield "another header by hash"
        if self.judged != self.expected:
            yield "other heights are judged"
        if chain.vouched() != self.said.vouched(self.best, needed, memory.chain[0].height):
            yield f"vouched {chain.vouched()}"
        if [each.equivocations for each in chain.sources()] != [self.said.faults[s] for s in "abc"]:
            yield "other equivocations"
        top = next(islice(self.best.back(), self.best.height - chain.vouched(), None))
        node = self.random.choice(self.recent)
        deep = (top.height - node.height + 1, top.work - node.work + proof(node.bits))
        if node not in top.back():
            deep = (0, 0)
        if tuple(chain.burial(node.name)) != deep:
            yield f"another burial: {chain.burial(node.name)}, not {deep}"


def test_tables_say_what_a_simple_model_says_over_random_trees() -> None:
    random, kind, tally = Random(8), KINDS[3], Counter[str]()
    nodes = modelled_trunk(random, kind)
    for _ in range(25):
        tree = KeptTree(random, kind, nodes)
        with scratch_tables() as tables:
            tree.keep(Session(tables, Frontier(), 0, DEFAULT_BUDGET))
            assert list(tree.apart()) == []
        tally += tree.tally
        tally["equivocated"] += tree.said.faults.total()
    assert min(tally[each] for each in ("reorganised", "taken", "equivocated")) > 5
