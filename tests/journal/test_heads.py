"""Heads kept outside the journal. Invariant: a log that does not have a head of ours that is known records
nothing but a new epoch, now and after every restart; and what the log has never stops it."""

from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from signer.core.acts import NewEpoch, Scope, SignedAct
from signer.core.errors import Refusal
from signer.core.notices import Notice, OfficerNotice
from signer.journal.head_file import SLOT, HeadFile
from signer.journal.journal import Journal, JournalSetting
from signer.journal.note import Head, origin_of, sign_head, verify_head
from signer.journal.store import create_journal, store_at
from signer.ports.reading import Reading
from signer.ports.recording import Noted, Passage
from tests.core.spends import NOW
from tests.journal.desk import FIRST_LEAF, GENESIS, POLICY_ID, ManualClock, Signer
from tests.officers import Officer

SIGNER = Signer()
ORIGIN = origin_of(GENESIS.genesis_hash, SIGNER.log_key)
CAROL = Officer("carol")


def opened(folder: Path) -> Journal:
    """The journal in that folder with its head file."""
    place = folder / "journal.sqlite"
    if not store_at(place).exists():
        create_journal(place, GENESIS, SIGNER)
    head_file = folder / "journal.sqlite.head"
    return Journal(place, JournalSetting(SIGNER, ManualClock(), FIRST_LEAF, head_file=head_file))


def epoch_act(abandoned: int, epoch: int = 0, entries: int = 1) -> NewEpoch:
    return NewEpoch(Scope(SIGNER.log_key, epoch, entries), abandoned, b"\x0e" * 32, NOW)


@cache
def said(number: int) -> SignedAct:
    """One act for each number, byte for byte the same."""
    return CAROL.says(epoch_act(number, epoch=9), NOW + 60)


def noted(journal: Journal, number: int, passage: Passage = Passage.ORDINARY) -> Noted:
    """One more entry; each number another one."""

    def decide(_: Reading, now: int) -> tuple[Notice, ...]:
        return (OfficerNotice(now, "test", POLICY_ID, said(number)),)

    return journal.note(decide, passage)


def open_epoch(journal: Journal, act: NewEpoch) -> None:
    signed = CAROL.says(act, NOW + 60)
    journal.note(lambda _, now: (OfficerNotice(now, "test", POLICY_ID, signed),), Passage.WHILE_OLD)
    journal.settle_heads()


def refused(journal: Journal, number: int = 90) -> str:
    with pytest.raises(Refusal) as caught:
        noted(journal, number)
    return caught.value.code


def kept(folder: Path) -> tuple[int, int]:
    """(epoch, entries of the head) in the file."""
    with closing(HeadFile(folder / "journal.sqlite.head")) as file:
        found = file.found(SIGNER.log_key, ORIGIN)
    assert found is not None
    return found[1].epoch, found[1].size


def saved(folder: Path) -> dict[Path, bytes]:
    """What a backup of the database takes: its files, and not the head file."""
    paths = (folder / f"journal.sqlite{end}" for end in ("", "-wal", "-shm"))
    return {path: path.read_bytes() if path.exists() else b"" for path in paths}


def restore(content: dict[Path, bytes]) -> None:
    for path, found in content.items():
        path.unlink(missing_ok=True)
        if found:
            path.write_bytes(found)


def restored(folder: Path, entries: int = 5) -> bytes:
    """A member whose journal was put back to two entries after it had so many; its newest head."""
    with closing(opened(folder)) as journal:
        noted(journal, 1)
    old = saved(folder)
    with closing(opened(folder)) as journal:
        head = [noted(journal, number).head for number in range(2, entries)][-1]
    restore(old)
    return head.encode()


def test_the_newest_head_is_kept_beside_the_journal(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as journal:
        assert kept(tmp_path) == (0, 1)
        head = noted(journal, 1).head
        assert kept(tmp_path) == (0, 2)
        assert head.encode() in (tmp_path / "journal.sqlite.head").read_bytes()
    with closing(opened(tmp_path)) as journal:
        noted(journal, 2)
        assert journal.heads.contrary is None
    path = tmp_path / "journal.sqlite.head"
    assert path.stat().st_size == SLOT
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_journal_that_is_restored_alone_records_nothing(tmp_path: Path) -> None:
    """The journal comes from a backup; the head file beside it says what it has lost."""
    head = restored(tmp_path).decode()
    for _ in range(2):
        with closing(opened(tmp_path)) as journal:
            assert refused(journal) == "state-rolled-back"
            assert [each.code for each in journal.stopped_by()] == ["state-rolled-back"]
            with journal.reading() as reading:
                assert reading.size() == 2, "it can still be read"
            lost = verify_head(head, SIGNER.log_key)
            assert journal.contrary_head() == (lost.size, lost.root)
        assert kept(tmp_path) == (0, 5), "and no restart forgets it"


def test_a_journal_beside_an_older_head_goes_on(tmp_path: Path) -> None:
    """Power failed before the disk had the newest head: the file is a little behind."""
    with closing(opened(tmp_path)) as journal:
        noted(journal, 1)
    older = (tmp_path / "journal.sqlite.head").read_bytes()
    with closing(opened(tmp_path)) as journal:
        noted(journal, 2)
    (tmp_path / "journal.sqlite.head").write_bytes(older)
    with closing(opened(tmp_path)) as journal:
        noted(journal, 3)
    assert kept(tmp_path) == (0, 4)


def test_a_journal_of_the_same_size_but_another_history_is_stopped(tmp_path: Path) -> None:
    restored(tmp_path, entries=4)
    (tmp_path / "journal.sqlite.head").rename(tmp_path / "away")
    with closing(opened(tmp_path)) as journal:
        noted(journal, 70)
        noted(journal, 71)
    (tmp_path / "away").rename(tmp_path / "journal.sqlite.head")
    with closing(opened(tmp_path)) as journal:
        assert refused(journal) == "state-rolled-back"


def test_a_head_that_a_caller_shows_is_not_forgotten(tmp_path: Path) -> None:
    head = restored(tmp_path).decode()
    (tmp_path / "journal.sqlite.head").unlink()
    with closing(opened(tmp_path)) as journal:
        noted(journal, 70)
        for _ in range(2):
            with pytest.raises(Refusal, match="state-rolled-back"):
                journal.confirm_head(head)
        assert refused(journal) == "state-rolled-back"
    with closing(opened(tmp_path)) as journal:
        assert refused(journal) == "state-rolled-back"
    assert kept(tmp_path) == (0, 5)


def test_of_several_contrary_heads_the_largest_is_told(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as journal:
        for size in (7, 9, 8):
            with pytest.raises(Refusal, match="state-rolled-back"):
                journal.confirm_head(sign_head(Head(ORIGIN, size, b"\x0c" * 32), SIGNER))
        assert journal.contrary_head() == (9, b"\x0c" * 32)
    assert kept(tmp_path) == (0, 9)


def test_what_the_log_has_again_stops_it_no_more(tmp_path: Path) -> None:
    """The lost entries come back, verbatim, from a member that has them: `settle_heads` looks again."""
    whole = tmp_path / "whole"
    whole.mkdir()
    head = restored(whole)
    with closing(opened(whole)) as journal:
        assert refused(journal) == "state-rolled-back"
        journal.settle_heads()
        assert refused(journal) == "state-rolled-back", "nothing came back yet"
        for number in (2, 3, 4):
            noted(journal, number, Passage.WHILE_OLD)
            assert kept(whole) == (0, 5), "the head that was lost stays until it is reached"
        journal.settle_heads()
        journal.settle_heads()
        assert journal.contrary_head() is None
        with journal.reading() as reading:
            assert reading.head().encode() == head
        noted(journal, 5)
    assert kept(whole) == (0, 6)


def test_a_new_epoch_gives_up_what_is_lost(tmp_path: Path) -> None:
    head = restored(tmp_path).decode()
    with closing(opened(tmp_path)) as journal:
        open_epoch(journal, epoch_act(4))
        assert refused(journal) == "state-rolled-back", "a larger head is not given up"
        open_epoch(journal, epoch_act(5, epoch=1))
        noted(journal, 70)
        assert kept(tmp_path) == (2, 5)
        with pytest.raises(Refusal) as caught:
            journal.confirm_head(head)
        assert caught.value.code == "head-abandoned"
        noted(journal, 71)
    with closing(opened(tmp_path)) as journal:
        noted(journal, 72)


def test_a_second_restore_after_a_new_epoch_is_found(tmp_path: Path) -> None:
    """The head file says its epoch: what the first epoch gave up is no excuse for the second."""
    restored(tmp_path, entries=9)
    with closing(opened(tmp_path)) as journal:
        open_epoch(journal, epoch_act(9))
    old = saved(tmp_path)
    with closing(opened(tmp_path)) as journal:
        noted(journal, 70)
    assert kept(tmp_path) == (1, 4)
    restore(old)
    with closing(opened(tmp_path)) as journal:
        assert refused(journal) == "state-rolled-back"


def test_a_crash_between_a_new_epoch_and_its_head_is_no_rollback(tmp_path: Path) -> None:
    restored(tmp_path)
    before = (tmp_path / "journal.sqlite.head").read_bytes()
    with closing(opened(tmp_path)) as journal:
        open_epoch(journal, epoch_act(5))
    (tmp_path / "journal.sqlite.head").write_bytes(before)
    with closing(opened(tmp_path)) as journal:
        noted(journal, 70)
