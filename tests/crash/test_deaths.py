"""The harness itself: every point is reached, and a kernel that gets one thing wrong is found out."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from signer.journal import writer
from signer.journal.heads import KnownHeads
from signer.journal.log import Checkpoint, write_checkpoint
from signer.journal.reading import TableReading
from signer.journal.sqlite_store import SqliteTables
from tests.crash.alone import Alone
from tests.crash.deaths import Deaths
from tests.crash.fate import Fate
from tests.crash.points import STEPS, beside, commit_points


@pytest.fixture
def fate() -> Iterator[Fate]:
    with Fate().installed() as installed:
        yield installed


def test_every_point_is_reached(tmp_path: Path) -> None:
    deaths = Deaths(tmp_path, Random(1)).happen(0)
    assert deaths.wrong == []
    assert beside(STEPS) - deaths.points == set()
    for kind in ("Signed", "Refused", "Agreed", "Heard", "Started", "counts"):
        assert set(commit_points(kind)) - deaths.points == set(), kind
    for table in ("entries", "versions", "withdrawals", "spends", "charges", "pending", "holdings"):
        assert f"after INSERT {table}" in deaths.points
    assert "after DELETE withdrawals" in deaths.points  # a void


def forget(monkeypatch: pytest.MonkeyPatch, fate: Fate, kind: str) -> None:
    """Commits of such entries do nothing, once."""
    commit = SqliteTables.commit
    forgotten: list[str] = []

    def forgetful(tables: SqliteTables) -> None:
        if fate.who and fate._here.who == fate.who and fate._here.kind == kind and not forgotten:
            forgotten.append(kind)
            tables.rollback()
        else:
            commit(tables)

    monkeypatch.setattr(SqliteTables, "commit", forgetful)


def test_an_answer_without_a_durable_entry_is_found(
    tmp_path: Path, fate: Fate, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = Alone(tmp_path / "alone", fate, Random(1))
    alone.live("new", "", "after signed", 1)
    assert alone.wrong == []
    forget(monkeypatch, fate, "Signed")
    alone.live("new", "", "after signed", 1)
    assert any("signed unrecorded" in each for each in alone.wrong)


def test_a_head_that_leaves_before_its_commit_is_found(
    tmp_path: Path, fate: Fate, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, known, begin = Alone(tmp_path / "alone", fate, Random(1)), [], KnownHeads.begin

    def remembered(heads: KnownHeads, reading: TableReading) -> None:
        known.append(heads)
        begin(heads, reading)

    def early(tables: SqliteTables, checkpoint: Checkpoint) -> None:
        write_checkpoint(tables, checkpoint)
        known[-1].keep(checkpoint.note)

    monkeypatch.setattr(KnownHeads, "begin", remembered)
    alone.live("new", "", "after call", 2)  # a restart
    assert alone.wrong == []
    monkeypatch.setattr(writer, "write_checkpoint", early)
    alone.live("new", "", "before commit of Signed", 1)
    assert any("state-rolled-back" in each for each in alone.wrong)
