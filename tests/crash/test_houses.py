"""Whole processes that kill themselves at a point, or that something befalls."""

from pathlib import Path
from random import Random

import pytest

from signer.journal.room import FileRoom
from tests.crash import disasters
from tests.crash.companies import house, houses, served
from tests.crash.deaths import Deaths
from tests.crash.houses import ANY_MOMENT, House
from tests.crash.points import commit_points
from tests.crash.small_disk import small_disk
from tests.postgres import programs

BEFORE, TORN, AFTER = commit_points("Signed")
NO_SERVER = pytest.mark.skipif(programs() is None, reason="PostgreSQL 15 or newer is not installed")


@pytest.mark.parametrize("point", [BEFORE, TORN, AFTER, "before signed", "after call", ANY_MOMENT])
def test_it_dies_there_and_comes_back(tmp_path: Path, point: str) -> None:
    with house(tmp_path, Random(1)) as company:
        company.live("new", company.life, point, 1)
        assert company.life.deaths == 1
        assert company.end() == []


def test_it_dies_while_it_starts(tmp_path: Path) -> None:
    with house(tmp_path, Random(1)) as company:
        company.live("restart", company.life, "after head file written", 1)
        assert company.life.deaths == 1
        assert company.end() == []


@NO_SERVER
def test_it_dies_with_its_journal_in_a_database(tmp_path: Path) -> None:
    with served(tmp_path, Random(1)) as company:
        for deaths, point in enumerate((BEFORE, AFTER, "after INSERT versions"), 1):
            company.live("new", company.life, point, 1)
            assert company.life.deaths == deaths
        assert company.end() == []


def test_one_of_three_dies_while_it_grants(tmp_path: Path) -> None:
    with houses(tmp_path, Random(1)) as company:
        company.live("new", company.lives[1], "after commit of Heard", 1)
        assert company.lives[1].deaths == 1
        assert company.end() == []


def test_what_befalls_them(tmp_path: Path) -> None:
    """Each, one after another."""
    with house(tmp_path, Random(1)) as company:
        for disaster in company.disasters:
            company.befall(disaster)
        assert company.end() == []


@NO_SERVER
def test_what_befalls_those_with_a_database(tmp_path: Path) -> None:
    with served(tmp_path, Random(1)) as company:
        for disaster in company.disasters:
            company.befall(disaster)
        assert company.end() == []


def forgets_the_reserve() -> None:
    """A mistake."""
    FileRoom.give_back = lambda _: False  # type: ignore[method-assign]


def test_a_kernel_without_a_reserve_is_found(tmp_path: Path) -> None:
    with small_disk() as disk:
        if disk is None:
            pytest.skip("this user may mount no disk")
    with house(tmp_path, Random(1)) as company:
        life = company.life
        assert isinstance(life, House)
        life.stop()
        life.plant = forgets_the_reserve
        life.start()
        company.befall(disasters.disk_full)
        assert any("journal-disk-full" in each for each in company.wrong)


def test_a_few_in_turn(tmp_path: Path) -> None:
    found = Deaths(tmp_path, Random(1), {"house": house}).happen(3).toll
    assert found.wrong == []
    assert sum(found.died.values()) + found.missed == 3
