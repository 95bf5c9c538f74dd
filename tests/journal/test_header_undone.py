"""What relied on a block that is not on the best chain locks, once, whether this record saw it leave or
not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from signer.core.control import lock_objection
from signer.core.deposits import ReorganisedNotice, Undone
from signer.journal.codec import decode_entry
from signer.journal.header_chain import ChainSetting
from signer.journal.header_keeper import HeaderKeeper
from signer.journal.journal import Journal
from signer.journal.undone import record_undone
from tests.journal.headers import CHAIN, LONELY, bring, names, on_top, trunk, with_headers
from tests.journal.test_deposits_codec import DEPOSIT, FACTS, noted

RAWS, HEIGHT = trunk(12), 10
ELSEWHERE = b"\x0e" * 32
GOOD = names(RAWS)[HEIGHT - 1]
STALE = on_top(RAWS[:9], 1, b"r" * 32)
RIVAL = on_top(RAWS[:9], 4, b"a" * 32)
"""Better than RAWS."""


@contextmanager
def journal_of(
    tmp_path: Path, block: bytes = GOOD, setting: ChainSetting = LONELY
) -> Iterator[Journal]:
    """Without headers, as after an import; a deposit is attested that relies on that block at HEIGHT."""
    with with_headers(tmp_path / "journal", setting, on_changed=record_undone) as journal:
        noted(journal, replace(DEPOSIT, facts=replace(FACTS, block_hash=block, height=HEIGHT)))
        yield journal


def reorganisations(journal: Journal) -> list[tuple[Undone, ...]]:
    """What they name; the last one locks."""
    with journal.reading() as reading:
        entries = [decode_entry(reading.record(number)) for number in range(reading.size())]
        found = [each.undone for each in entries if isinstance(each, ReorganisedNotice)]
        assert (lock_objection(reading.control()) is not None) is bool(found)
    return found


@pytest.mark.parametrize(
    ("block", "is_locked"), [(names(RAWS)[HEIGHT - 1], False), (ELSEWHERE, True)]
)
def test_another_block_is_there_from_the_first(
    tmp_path: Path, block: bytes, is_locked: bool
) -> None:
    """After an import the headers are brought anew, and one on which an entry relied is not among them. It
    never left this record, and what was attested is in no chain all the same."""
    with journal_of(tmp_path, block) as journal:
        bring(journal, RAWS[:9])
        assert reorganisations(journal) == []
        bring(journal, RAWS[9:])
        assert reorganisations(journal) == ([(Undone(1, ELSEWHERE, HEIGHT),)] if is_locked else [])


def test_one_source_that_comes_first_with_a_block_of_its_own_locks_nothing(tmp_path: Path) -> None:
    """A block that was mined beside the one that counts costs whoever kept it nothing."""
    with journal_of(tmp_path, setting=CHAIN) as journal:
        bring(journal, [*RAWS[:9], *STALE])
        bring(journal, RAWS[:9], "two")
        assert reorganisations(journal) == []
        for source in ("two", "one"):
            bring(journal, RAWS, source)
        assert reorganisations(journal) == []


def test_it_is_judged_when_enough_vouch_for_what_is_there(tmp_path: Path) -> None:
    with journal_of(tmp_path, setting=CHAIN) as journal:
        bring(journal, [*RAWS[:9], *STALE])
        assert reorganisations(journal) == []
        bring(journal, [*RAWS[:9], *STALE], "two")
        assert reorganisations(journal) == [(Undone(1, GOOD, HEIGHT),)]


def test_it_is_judged_when_the_chain_has_the_work_that_bitcoin_has(tmp_path: Path) -> None:
    light = replace(LONELY, bounds=replace(LONELY.bounds, least_work=24))
    with journal_of(tmp_path, setting=light) as journal:
        bring(journal, [*RAWS[:9], *STALE])
        assert reorganisations(journal) == []  # 22 of 24
        bring(journal, RIVAL[:2])
        assert reorganisations(journal) == [(Undone(1, GOOD, HEIGHT),)]


def test_a_block_that_enough_vouched_for_is_gone_when_one_shows_more_work(tmp_path: Path) -> None:
    with journal_of(tmp_path, setting=CHAIN) as journal:
        for source in ("one", "two"):
            bring(journal, RAWS, source)
        bring(journal, RIVAL)
        assert reorganisations(journal) == [(Undone(1, GOOD, HEIGHT),)]


def test_what_is_on_record_already_is_not_said_again_after_an_import(tmp_path: Path) -> None:
    """The officers have unlocked since; the chain is the same, and its headers are brought anew."""
    with journal_of(tmp_path, ELSEWHERE) as journal:
        noted(journal, ReorganisedNotice(DEPOSIT.clock, (Undone(1, ELSEWHERE, HEIGHT),)))
        bring(journal, RAWS)
        bring(journal, RIVAL)
        assert len(reorganisations(journal)) == 1


def test_a_block_that_comes_back_and_leaves_again_is_said_again(tmp_path: Path) -> None:
    there = on_top([*RAWS[:9], *RIVAL], 4)
    with journal_of(tmp_path) as journal:
        bring(journal, RAWS)
        bring(journal, RIVAL)
        bring(journal, there[:1])
        assert len(reorganisations(journal)) == 1
        bring(journal, on_top(RAWS, 3))
        assert len(reorganisations(journal)) == 1  # the way back undoes nothing
        bring(journal, there[1:])
        assert reorganisations(journal) == [(Undone(1, GOOD, HEIGHT),)] * 2


LONG = on_top([*RAWS[:9], *RIVAL], 8)
"""What goes on from RIVAL."""
THREE = replace(CHAIN, sources=("one", "two", "three"))
HEAVY = replace(LONELY, bounds=replace(LONELY.bounds, least_work=1_000))
CONFIGURED = {
    "fewer sources are needed": ((CHAIN, "one"), (LONELY, "one")),
    "less work is needed": ((HEAVY, "one"), (LONELY, "two")),
    "a source is named again": ((THREE, "three"), (CHAIN, "one"), (THREE, "one")),
}


@pytest.mark.parametrize("times", CONFIGURED.values(), ids=CONFIGURED)
def test_who_is_believed_may_be_configured_otherwise_before(
    tmp_path: Path, times: tuple[tuple[ChainSetting, str], ...]
) -> None:
    """The chain is the same; by whom it was shown is enough since a restart, and no header raises that."""
    with journal_of(tmp_path, setting=CHAIN):
        pass
    for setting, source in times:
        with with_headers(tmp_path / "journal", setting, on_changed=record_undone) as journal:
            assert reorganisations(journal) == []
            bring(journal, [*RAWS[:9], *RIVAL], source)
    with with_headers(tmp_path / "journal", times[-1][0], on_changed=record_undone) as journal:
        assert reorganisations(journal) == [(Undone(1, GOOD, HEIGHT),)]


def test_of_two_replicas_the_one_that_settles_judges(tmp_path: Path) -> None:
    """One brings a branch of one source, by which less is settled; the other one, by which it is again, had
    judged these heights before."""
    ours, theirs = on_top(RAWS[:8], 3, b"d" * 32), on_top(RAWS[:8], 6, b"c" * 32)
    block = names(ours)[HEIGHT - 9]
    longer = on_top([*RAWS[:8], *ours], 2)
    with journal_of(tmp_path, block, setting=CHAIN) as journal:
        assert journal.headers is not None
        other = HeaderKeeper(journal.in_turn, CHAIN, record_undone)
        for source in ("one", "two"):
            bring(journal, [*RAWS[:8], *ours], source)
        bring(journal, longer, "two")
        other.submit("one", b"".join(theirs[:4]))
        other.submit("one", b"".join(theirs[4:]))
        assert reorganisations(journal) == []
        bring(journal, [*theirs, *on_top([*RAWS[:8], *theirs], 1)], "two")
        assert reorganisations(journal) == [(Undone(1, block, HEIGHT),)]


def test_a_block_that_came_back_and_left_while_one_alone_vouched_is_said_again(
    tmp_path: Path,
) -> None:
    """Officers saw it back, and unlocked."""
    back = on_top(RAWS, 3)
    with journal_of(tmp_path, setting=CHAIN) as journal:
        for source in ("one", "two"):
            bring(journal, RAWS, source)
        bring(journal, RIVAL, "one")
        bring(journal, on_top(RAWS[:9], 5, b"c" * 32), "two")
        bring(journal, back, "one")
        assert len(reorganisations(journal)) == 1
        bring(journal, LONG[:4], "one")
        assert reorganisations(journal) == [(Undone(1, GOOD, HEIGHT),)] * 2


def test_a_block_above_a_shorter_and_better_chain_is_gone(tmp_path: Path) -> None:
    """A reorganisation judges the heights that the old chain had and the new one has not, too."""
    with with_headers(tmp_path / "journal", LONELY, on_changed=record_undone) as journal:
        bring(journal, RAWS)
        noted(journal, replace(DEPOSIT, facts=replace(FACTS, block_hash=ELSEWHERE, height=13)))
        bring(journal, on_top(RAWS[:10], 3))
        with journal.reading() as reading:
            assert lock_objection(reading.control()) is not None
