"""The harness itself: every point is reached, and a kernel that gets one thing wrong is found out."""

from pathlib import Path
from random import Random

import pytest

from signer.journal import writer
from signer.journal.heads import KnownHeads
from signer.journal.log import LogEnd, write_checkpoint
from signer.journal.reading import TableReading
from signer.journal.sqlite_tables import SqliteTables
from tests.crash.alone import Alone
from tests.crash.companies import alone, together
from tests.crash.deaths import Deaths
from tests.crash.fate import Fate
from tests.crash.lines import MEMBERS
from tests.crash.lives import Simulated
from tests.crash.points import STEPS, beside, commit_points
from tests.crash.together import Together


def test_every_point_is_reached(tmp_path: Path) -> None:
    deaths = Deaths(tmp_path, Random(1)).happen(0)
    assert deaths.toll.wrong == []
    assert beside(STEPS) - deaths.points == set()
    for kind in ("Signed", "Refused", "Agreed", "Heard", "Started", "counts"):
        assert set(commit_points(kind)) - deaths.points == set(), kind
    for table in ("entries", "versions", "withdrawals", "spends", "charges", "pending", "holdings"):
        assert f"after INSERT {table}" in deaths.points
    assert "after DELETE withdrawals" in deaths.points  # a void


def forget(monkeypatch: pytest.MonkeyPatch, fate: Fate, kind: str, then: str = "") -> None:
    """A commit of such an entry by whoever is watched does nothing, once; then it dies when it comes to that
    point, before it can notice."""
    commit = SqliteTables.commit
    forgotten: list[str] = []

    def forgetful(tables: SqliteTables) -> None:
        if not fate.is_watched() or fate.here.kind != kind or forgotten:
            commit(tables)
            return
        forgotten.append(kind)
        tables.rollback()
        if then:
            fate.point, fate.nth = then, fate.passed[then] + 1

    monkeypatch.setattr(SqliteTables, "commit", forgetful)


def fate_of(company: Alone | Together) -> Fate:
    (life, *_) = company.lives
    assert isinstance(life, Simulated)
    return life.fate


def test_an_answer_without_a_durable_entry_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alone(tmp_path, Random(1)) as company, monkeypatch.context() as patch:
        company.live("new", company.life, "after signed", 1)
        assert company.wrong == []
        forget(patch, fate_of(company), "Signed")
        company.live("new", company.life, "after signed", 1)
        assert any("signed unrecorded" in each for each in company.wrong)


def test_a_grant_without_a_durable_entry_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which commit it is, and who gives grants, is drawn: until it is one that had a grant."""
    for seed in range(6):
        (tmp_path / str(seed)).mkdir()
        with (
            together(tmp_path / str(seed), Random(seed)) as company,
            monkeypatch.context() as patch,
        ):
            assert company.wrong == []
            forget(patch, fate_of(company), "Heard", then="before call")
            company.live("new", company.lives[seed % MEMBERS], "", 0)
            if any("grant lost" in each for each in company.wrong):
                return
    raise AssertionError("never found")


def test_a_head_that_leaves_before_its_commit_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, begin = [], KnownHeads.begin

    def remembered(heads: KnownHeads, reading: TableReading) -> None:
        known.append(heads)
        begin(heads, reading)

    def early(tables: SqliteTables, checkpoint: LogEnd) -> None:
        write_checkpoint(tables, checkpoint)
        known[-1].keep(checkpoint.note)

    monkeypatch.setattr(KnownHeads, "begin", remembered)
    with alone(tmp_path, Random(1)) as company, monkeypatch.context() as patch:
        assert company.wrong == []
        patch.setattr(writer, "write_checkpoint", early)
        company.live("new", company.life, "before commit of Signed", 1)
        assert any("state-rolled-back" in each for each in company.wrong)
