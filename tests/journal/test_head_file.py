"""The file with the newest head beside the journal."""

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.journal.head_file import SLOT, HeadFile, Kept
from signer.journal.journal import Journal, JournalSetting
from signer.journal.note import Head, origin_of, sign_head
from signer.journal.store import create_journal
from signer.ticker import Ticker
from tests.core.spends import NOW
from tests.journal.desk import FIRST_LEAF, GENESIS, ManualClock
from tests.journal.test_heads import ORIGIN, SIGNER, kept, noted, opened, refused


def file_of(folder: Path, content: bytes) -> Path:
    path = folder / "journal.sqlite.head"
    path.write_bytes(content)
    return path


GOOD = Kept(NOW, sign_head(Head(ORIGIN, 1, b"\x0c" * 32), SIGNER))
BAD = {
    "cut short": GOOD.slot()[:-1],
    "longer": GOOD.slot() + b"\x00",
    "zeroes": bytes(SLOT),
    "not text": b"\xff" * SLOT,
    "no time": GOOD.slot().replace(b"seen ", b"been "),
    "not a number": GOOD.slot().replace(b"seen 1", b"seen x"),
    "another signature": GOOD.slot().replace(GOOD.note[-12:-8].encode(), b"AAAA"),
    "another log's head": Kept(
        NOW, sign_head(Head(origin_of(bytes(32), SIGNER.log_key), 1, bytes(32)), SIGNER)
    ).slot(),
    "more behind the head": GOOD.slot()[:-1] + b"x",
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_head_file_that_cannot_be_read_is_named_and_left_as_found(
    content: bytes, tmp_path: Path
) -> None:
    with closing(HeadFile(file_of(tmp_path, GOOD.slot()))) as file:
        found = file.found(SIGNER.log_key, ORIGIN)
        assert found is not None
        assert found[0] == GOOD
    path = file_of(tmp_path, content)
    with pytest.raises(Refusal) as caught:
        opened(tmp_path)
    assert caught.value.code == "head-file-unreadable"
    assert path.read_bytes() == content


def test_a_head_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite.head").mkdir()
    with pytest.raises(Refusal) as caught:
        opened(tmp_path)
    assert caught.value.code == "head-file-unreadable"


def test_a_head_that_cannot_be_written_is_told_and_stops_nothing(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as journal:
        file = journal.heads._setting.file
        assert file is not None
        there, away = file._descriptor, os.open("/dev/null", os.O_RDONLY)
        file._descriptor = away
        noted(journal, 1)
        (failure,) = journal.failures()
        assert "cannot be written" in failure
        with pytest.raises(Refusal, match="head-file-unreadable"):
            file.sync()
        file._descriptor = there
        os.close(away)
        noted(journal, 2)
        assert journal.failures() == ()


def test_the_file_says_when_the_journal_was_served(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as journal:
        assert journal.heads.seen == 0
        journal.tick()
        assert journal.heads.seen == NOW
        journal.heads.tick(NOW - 1)
        assert journal.heads.seen == NOW, "it never goes back"
        noted(journal, 1)
    with closing(opened(tmp_path)) as journal:
        assert journal.heads.seen == NOW
        assert kept(tmp_path) == (0, 2)


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    place = tmp_path / "journal.sqlite"
    create_journal(place, GENESIS, SIGNER)
    with closing(Journal(place, JournalSetting(SIGNER, ManualClock(), FIRST_LEAF))) as journal:
        noted(journal, 1)
        journal.tick()
        assert journal.failures() == ()
        with pytest.raises(Refusal, match="state-rolled-back"):
            journal.confirm_head(sign_head(Head(ORIGIN, 7, b"\x0c" * 32), SIGNER))
        assert refused(journal) == "state-rolled-back"
    assert not list(tmp_path.glob("*.head"))


def test_the_ticker_ticks_at_once_now_and_then_and_at_its_end() -> None:
    ticks, twice = list[int](), threading.Event()

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            twice.set()

    ticker = Ticker(tick, seconds=0)
    assert twice.wait(30)
    ticker.close()
    assert len(ticks) > 3
