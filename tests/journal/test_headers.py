"""Headers on record: best chain and branches, kept or refused as a whole, in both stores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from signer.bitcoin.best_chain import ChainBounds
from signer.bitcoin.burial import Burial
from signer.bitcoin.checkpoint import seed
from signer.bitcoin.header_record import ancestry
from signer.bitcoin.tail import Link
from signer.core.errors import Fault, LimitExceeded, Objection, VerificationError
from signer.journal import header_keeper
from signer.journal.copies import copy_journal
from signer.journal.database import Rows, Tables, Value
from signer.journal.decide import Session
from signer.journal.header_chain import TableChain
from signer.journal.header_record import TableHeaders
from signer.journal.place import Place
from signer.journal.room import Space
from signer.ports.recording import Passage
from tests.bitcoin.mined import EASY
from tests.bitcoin.refused import refused
from tests.bitcoin.test_checkpoint import GOOD
from tests.conftest import Places
from tests.core.spends import NOW
from tests.journal.desk import ManualClock, case_number, desk, pay
from tests.journal.headers import (
    CHAIN,
    LONELY,
    best_of,
    bring,
    chain_of,
    names,
    on_top,
    open_with_headers,
    trunk,
    with_headers,
)
from tests.journal.refusing import refusal
from tests.journal.tampering import tables_of, tamper
from tests.journal.test_crash import Broken

DAY = 24 * 3_600
START = seed(EASY, GOOD)[-1]
AT_CHECKPOINT = replace(CHAIN, checkpoint=GOOD)
RAWS = trunk(12)
FORK = RAWS[:8]
"""What both branches have."""
RIVAL = on_top(FORK, 5)
"""One more header than the four of RAWS."""


def test_a_record_starts_at_genesis(place: Place) -> None:
    with with_headers(place) as journal, chain_of(journal) as chain:
        genesis = chain.tip()
        assert genesis == seed(EASY, None)[0] == chain.best(0) == chain.start()
        assert chain.link(genesis.hash) == genesis
        assert [chain.best(1), chain.link(bytes(32))] == [None, None]
        assert chain.received(genesis.hash) is None
        assert list(chain.locator()) == [genesis.hash]
        assert chain.tip_seen().since == chain.vouched() == 0


def test_a_journal_without_a_chain_has_none(file: Path) -> None:
    with desk(file) as journal:
        assert journal.headers is None
        with journal.reading() as reading:
            assert reading.chain() is None


def test_headers_are_there_when_the_journal_is_opened_again(place: Place) -> None:
    with with_headers(place) as journal:
        brought = bring(journal, RAWS)
        assert (brought.added, brought.left, brought.equivocated) == (12, 0, False)
        assert brought.last == brought.tip
        assert brought.tip.raw == RAWS[-1]
    with with_headers(place) as journal:
        again = bring(journal, RAWS)
        assert (again.added, again.tip) == (0, brought.tip)
        assert best_of(journal) == names(RAWS)
        with chain_of(journal) as chain:
            assert [chain.received(each) for each in names(RAWS)] == [NOW] * 12
            assert chain.tip_seen().since == NOW
            assert chain.tip_seen().work == chain.tip().work == 26
        assert bring(journal, on_top(RAWS, 1)).tip.height == 13


def test_a_reorganisation_there_and_back(place: Place) -> None:
    """Both branches stay on record; the way back is another reorganisation."""
    clock, changed = ManualClock(), list[tuple[int, int]]()
    with with_headers(
        place, LONELY, on_changed=lambda _, *told: changed.append(told[:2]), clock=clock
    ) as journal:
        bring(journal, RAWS)
        clock.moment = NOW + 60
        over = bring(journal, RIVAL)
        assert (over.added, over.left, over.tip.raw) == (5, 4, RIVAL[-1])
        assert best_of(journal) == names(FORK + RIVAL)
        assert changed == [(0, 12), (9, 13)]
        clock.moment = NOW + 120
        back = bring(journal, RAWS[8:] + on_top(RAWS, 2))
        assert (back.added, back.left) == (2, 5)
        assert best_of(journal) == names(RAWS + on_top(RAWS, 2))
        assert changed[2:] == [(9, 14)]
        with chain_of(journal) as chain:
            assert [chain.link(each) is not None for each in names(RIVAL)] == [True] * 5
            assert chain.received(names(RAWS)[-1]) == NOW
            assert chain.received(names(RIVAL)[-1]) == NOW + 60
            assert chain.tip_seen().since == NOW + 120
    assert len(changed) == 3


def test_headers_beside_the_best_chain_leave_the_tip(file: Path) -> None:
    clock = ManualClock()
    with with_headers(file, clock=clock) as journal:
        bring(journal, RAWS)
        clock.moment = NOW + 60
        aside = bring(journal, RIVAL[:4])
        assert (aside.added, aside.left, aside.last.raw) == (4, 0, RIVAL[3])
        assert aside.tip.raw == RAWS[-1]
        with chain_of(journal) as chain:
            assert chain.tip_seen().since == NOW
            assert chain.burial(names(RIVAL)[0]) == Burial(0, 0)


def test_a_bad_header_refuses_its_batch(file: Path) -> None:
    bad = RAWS[11][:72] + bytes(4) + RAWS[11][76:]
    with with_headers(file) as journal:
        with refused("header-bits"):
            bring(journal, [*RAWS[:11], bad])
        assert best_of(journal) == []
        with refused("header-malformed"):
            bring(journal, [b"header"])
        assert bring(journal, RAWS).added == 12


STATEMENTS = (
    "INSERT INTO headers ",
    "DELETE FROM headers ",
    "INSERT INTO headers_aside",
    "INSERT INTO header_sources",
    "COMMIT",
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_disk_that_fails_within_a_reorganisation_leaves_all_as_it_was(
    place: Place, statement: str
) -> None:
    with with_headers(place) as journal:
        bring(journal, RAWS)
        connection = journal._writer._tables
        journal._writer._tables = Broken(connection, statement)  # type: ignore[assignment]
        with refusal("journal-unavailable"):
            bring(journal, RIVAL, "two")
        journal._writer._tables = connection
        assert best_of(journal) == names(RAWS)
        with chain_of(journal) as chain:
            assert chain.link(names(RIVAL)[0]) is None
            assert [each.height for each in chain.sources()] == [12, 0]
        assert bring(journal, RIVAL, "two").left == 4


def test_what_is_not_told_of_those_that_left_is_not_taken(file: Path) -> None:
    def fails(_: Session, __: int, ___: int, left: Sequence[Link]) -> None:
        if left:
            raise ValueError

    with with_headers(file, on_changed=fails) as journal:
        bring(journal, RAWS)
        with pytest.raises(Fault):
            bring(journal, RIVAL)
        assert best_of(journal) == names(RAWS)


def test_headers_are_taken_while_signing_is_stopped(file: Path) -> None:
    with with_headers(file) as journal:
        journal.gate.shut(Objection("kernel-locked", "it is"), Passage.WHILE_LOCKED)
        with refusal("kernel-locked"):
            pay(journal, case_number(1))
        assert bring(journal, RAWS).added == 12


def test_no_headers_are_taken_while_the_clock_has_stepped(file: Path) -> None:
    """What came then would look days old once the officers state the time: it would be buried at once."""
    with with_headers(file) as journal:
        journal.gate.shut(Objection("clock-stepped", "it has"), Passage.WHILE_LOCKED)
        with refusal("clock-stepped"):
            bring(journal, RAWS)
        journal.gate.reopen("clock-stepped")
        assert bring(journal, RAWS).added == 12


def test_refused_headers_take_no_share_of_the_reserve(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signer.journal.header_keeper.MAX_ASIDE", 3)
    with with_headers(file) as journal:
        bring(journal, RAWS)
        with refusal("header-side-branches-full"):
            bring(journal, RIVAL[:4])
        assert not journal._writer._copied
        bring(journal, RIVAL[:3])
        assert journal._writer._copied


def test_decisions_see_the_chain(file: Path) -> None:
    with with_headers(file) as journal:
        bring(journal, RAWS)

        def tip(session: Session) -> int:
            chain = session.reading().chain()
            return 0 if chain is None else chain.tip().height

        assert journal.in_turn(tip) == 12
        assert pay(journal, case_number(1)).decision_id


def test_a_chain_is_fresh_or_says_why_not(file: Path) -> None:
    """Each bound, at it and one past it."""
    bounds = replace(CHAIN.fresh, least_work=26, age=NOW - 1_296_688_602 - 7 * 600, silence=100)
    with with_headers(file, replace(CHAIN, fresh=bounds)) as journal:
        bring(journal, RAWS[:11])
        with chain_of(journal) as chain:
            assert stale(chain, NOW) == "header-chain-light"
        bring(journal, RAWS[11:])
        with chain_of(journal) as chain:
            assert chain.tip_seen().median_time == 1_296_688_602 + 7 * 600
            assert stale(chain, NOW) == ""
            assert stale(chain, NOW + 1) == "header-tip-stale"


def stale(chain: TableChain, now: int) -> str:
    try:
        chain.require_fresh(now)
    except VerificationError as error:
        return error.code
    return ""


def test_a_feed_that_is_frozen(file: Path) -> None:
    bounds = replace(CHAIN.fresh, age=NOW, silence=100)
    with with_headers(file, replace(CHAIN, fresh=bounds)) as journal:
        bring(journal, RAWS)
        with chain_of(journal) as chain:
            assert stale(chain, NOW + 100) == ""
            assert stale(chain, NOW + 101) == "header-feed-frozen"


def test_a_record_that_starts_at_a_checkpoint(place: Place) -> None:
    with with_headers(place, AT_CHECKPOINT) as journal, chain_of(journal) as chain:
        assert chain.tip() == START
        assert chain.start().height == START.height - 10
        assert [chain.received(each.hash) for each in seed(EASY, GOOD)] == [None] * 11
        assert chain.vouched() == chain.start().height


def test_a_record_of_another_chain_is_not_opened(file: Path) -> None:
    """A checkpoint beside a record from genesis, genesis beside one from a checkpoint, other work."""
    open_with_headers(file).close()
    with refusal("chain-record-differs"):
        open_with_headers(file, AT_CHECKPOINT)
    open_with_headers(file).close()
    tamper(file, "DELETE FROM headers")
    open_with_headers(file, AT_CHECKPOINT).close()
    with refusal("chain-record-differs"):
        open_with_headers(file)
    heavier = replace(GOOD, work=GOOD.work + 1)
    with refusal("chain-record-differs"):
        open_with_headers(file, replace(CHAIN, checkpoint=heavier))
    open_with_headers(file, AT_CHECKPOINT).close()


def test_a_backup_has_the_headers(places: Places) -> None:
    place, copy = places.new(), places.new()
    with with_headers(place) as journal:
        bring(journal, RAWS)
        bring(journal, RIVAL)
    copy_journal(place, copy)
    with with_headers(copy) as journal:
        assert best_of(journal) == names(FORK + RIVAL)
        assert bring(journal, RAWS[8:] + on_top(RAWS, 2)).left == 5


def test_hashes_that_begin_alike_are_told_apart(place: Place) -> None:
    """A hash is found by its first eight bytes, and told by all of them."""
    open_with_headers(place).close()
    with tables_of(place) as tables:
        genesis = seed(EASY, None)[0]
        other = genesis.hash[:8] + bytes(24)
        assert TableHeaders(tables).link(other) is None
        tables.execute("UPDATE headers SET short = (SELECT short FROM headers WHERE height = 0)")
        assert TableHeaders(tables).link(genesis.hash) == genesis


def test_going_back_reads_many_headers_at_once(place: Place) -> None:
    """Along the best chain, and from a branch beside it; each header is the one that was sent."""
    raws = trunk(600)
    aside = on_top(raws[:-3], 2)
    with with_headers(place) as journal:
        bring(journal, raws)
        bring(journal, aside)
    asked = list[str]()
    with tables_of(place) as tables:
        record = TableHeaders(Asked(tables, asked))  # type: ignore[arg-type]
        for chain in (raws, raws[:-3] + aside):
            last = record.link(names(chain)[-1])
            assert last is not None
            back = [each.raw for each in ancestry(record, last)]
            assert back == [*chain[::-1], EASY.genesis]
    assert len(asked) < 30


class Asked:
    """Tables that say what they were asked."""

    def __init__(self, tables: Tables, asked: list[str]) -> None:
        self._tables, self._asked = tables, asked

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
        self._asked.append(sql)
        return self._tables.execute(sql, parameters)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header_keeper, "MAX_ASIDE", 6)
    monkeypatch.setattr(header_keeper, "MAX_ASIDE_LIGHT", 9)


@pytest.mark.usefixtures("few")
def test_one_source_brings_so_many_headers_beside_the_best_chain(file: Path) -> None:
    """Its own bound, for a day; and a branch that becomes the best always passes."""
    clock = ManualClock()
    with with_headers(file, clock=clock) as journal:
        bring(journal, RAWS)
        bring(journal, RIVAL[:4])
        bring(journal, on_top(FORK, 2, b"c" * 32))
        with pytest.raises(LimitExceeded) as caught:
            bring(journal, on_top(FORK, 1, b"d" * 32))
        assert caught.value.code == "header-side-branches-full"
        assert caught.value.objections[0].not_before == NOW + DAY
        assert bring(journal, on_top(FORK, 4, b"d" * 32), "two").added == 4
        assert bring(journal, on_top(FORK, 5, b"e" * 32)).left == 4
        clock.moment = NOW + DAY - 1
        with refusal("header-side-branches-full"):
            bring(journal, on_top(FORK, 1, b"f" * 32))
        clock.moment = NOW + DAY
        assert bring(journal, on_top(FORK, 1, b"f" * 32)).added == 1


@pytest.mark.usefixtures("few")
def test_while_the_chain_is_light_the_bound_is_another_and_no_day_ends_it(file: Path) -> None:
    clock = ManualClock()
    light = replace(CHAIN, bounds=ChainBounds(6, 10**6))
    with with_headers(file, light, clock=clock) as journal:
        bring(journal, RAWS)
        for root in (b"b", b"c", b"d"):
            assert bring(journal, on_top((), 3, root * 32)).added == 3
        clock.moment = NOW + 2 * DAY
        with refusal("header-side-branches-full"):
            bring(journal, on_top((), 1, b"e" * 32))
        assert bring(journal, on_top((), 13, b"e" * 32)).left == 12


def test_while_the_reserve_is_in_use_headers_take_their_share(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with with_headers(file) as journal:
        monkeypatch.setattr(journal._room, "space", lambda: Space.RESERVE)
        monkeypatch.setattr(header_keeper, "HEADER_BYTES", (2 << 20) // 8)
        with refusal("journal-disk-full"):
            bring(journal, RAWS[:9])
        assert bring(journal, RAWS[:8]).added == 8
        with refusal("journal-disk-full"):
            bring(journal, RAWS)
        assert bring(journal, RAWS[:8]).added == 0
