"""A cut WAL loses the end of the log silently inside SQLite: the head file tells, and the files are kept."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.journal.journal import Journal, open_journal
from signer.journal.place import Place
from tests.journal.desk import FIRST_LEAF, ManualClock, Signer, open_desk
from tests.journal.words import attested, noted, terms_of


@dataclass(frozen=True)
class Member:
    place: Place
    head: Path

    def opened(self) -> closing[Journal]:
        journal = open_journal(
            self.place,
            signer=Signer(),
            clock=ManualClock(),
            expected_first_leaf=FIRST_LEAF,
            head_file=self.head,
        )
        return closing(journal)


def crashed(folder: Path, entries: int, left: int | None) -> tuple[Member, dict[str, bytes]]:
    """What a crash leaves of a journal with its WAL, cut to that many bytes; and its files."""
    alive = Member(folder / "alive" / "journal", folder / "alive" / "head")
    (folder / "alive").mkdir()
    open_desk(alive.place).close()
    dead = Member(folder / "dead" / "journal", folder / "dead" / "head")
    (folder / "dead").mkdir()
    with alive.opened() as journal:
        for number in range(entries):
            noted(journal, attested(terms_of(number)))
        for name in ("journal", "journal-wal", "head"):
            content = (folder / "alive" / name).read_bytes()
            cut = content[:left] if name == "journal-wal" else content
            (folder / "dead" / name).write_bytes(cut)
    files = {name: (folder / "dead" / name).read_bytes() for name in ("journal", "journal-wal")}
    return dead, files


@pytest.mark.parametrize("left", [0, 40_000])
def test_a_journal_whose_wal_was_cut_is_kept_and_signs_nothing(tmp_path: Path, left: int) -> None:
    dead, files = crashed(tmp_path, 20, left)
    head = dead.head.read_bytes()
    kept = tmp_path / "dead" / "journal.behind-21"
    for _ in range(2):  # a restart forgets nothing, and keeps no second copy
        with dead.opened() as journal, pytest.raises(Refusal) as caught:
            noted(journal, attested(terms_of(50)))
        assert caught.value.code == "state-rolled-back"
        assert {name: (kept / name).read_bytes() for name in files} == files
        assert dead.head.read_bytes() == head


def test_a_whole_wal_is_recovered_as_ever(tmp_path: Path) -> None:
    dead, _ = crashed(tmp_path, 20, None)
    with dead.opened() as journal:
        noted(journal, attested(terms_of(50)))
    assert [each.name for each in (tmp_path / "dead").iterdir() if "behind" in each.name] == []


def test_a_copy_that_cannot_be_kept_is_not_opened(tmp_path: Path) -> None:
    dead, files = crashed(tmp_path, 20, 0)
    (tmp_path / "dead" / "journal.behind-21.new").write_text("in the way")
    with pytest.raises(Refusal) as caught:
        dead.opened()
    assert caught.value.code == "journal-unavailable"
    assert {name: (tmp_path / "dead" / name).read_bytes() for name in files} == files
