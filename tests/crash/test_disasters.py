"""What befalls a member beside deaths: the kernel stands it, and one that gets a thing wrong is found out."""

import fcntl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from signer.clock import EffectiveClock
from signer.journal import sqlite_store
from signer.journal.database import CommitUnknown
from signer.journal.head_file import HeadFile
from signer.journal.journal import Journal
from signer.journal.writer import Writer
from tests.crash import clones, disasters
from tests.crash.alone import Alone
from tests.crash.companies import alone, together
from tests.crash.fate import Fate
from tests.crash.lives import HEAD, Simulated
from tests.kernel import room
from tests.postgres import Cluster, Wire


@pytest.mark.parametrize("disaster", disasters.IN_FILES)
def test_a_member_stands_it(tmp_path: Path, disaster: disasters.Disaster) -> None:
    with alone(tmp_path, Random(1)) as company:
        company.befall(disaster)
        assert company.end() == []


def test_members_stand_a_clone(tmp_path: Path) -> None:
    with together(tmp_path, Random(1)) as company:
        company.befall(clones.clones)
        assert company.end() == []


def ignored(*_: object) -> None:
    """Does nothing."""


def by_the_wall(clock: EffectiveClock) -> int:
    return clock.wall()


def believed(clock: EffectiveClock, _: int) -> None:
    clock._follow_wall()


PLANTS: tuple[tuple[disasters.Disaster, tuple[tuple[Any, str, Callable[..., Any]], ...]], ...] = (
    (disasters.clock_steps_while_serving, ((EffectiveClock, "now", by_the_wall),)),
    (disasters.clock_steps_over_a_restart, ((EffectiveClock, "judge_alone", believed),)),
    (
        disasters.old_copy_put_back_while_serving,
        ((Writer, "_require_ours", ignored), (Journal, "confirm_head", ignored)),
    ),
    (
        disasters.old_copy_put_back_over_a_restart,
        ((HeadFile, "found", ignored), (Journal, "confirm_head", ignored)),
    ),
    (disasters.second_process, ((sqlite_store.fcntl, "flock", ignored),)),
    (disasters.both_started_at_once, ((fcntl, "flock", ignored),)),
    (disasters.clone_beside, ((Journal, "confirm_head", ignored),)),
)


@pytest.mark.parametrize(
    ("disaster", "mistakes"), PLANTS, ids=[each.__name__ for each, _ in PLANTS]
)
def test_a_mistake_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    disaster: disasters.Disaster,
    mistakes: tuple[tuple[Any, str, Callable[..., Any]], ...],
) -> None:
    with alone(tmp_path, Random(1)) as company, monkeypatch.context() as patch:
        assert company.wrong == []
        for owner, name, mistaken in mistakes:
            patch.setattr(owner, name, mistaken)
        disaster(company)
        assert company.wrong != []


def on_a_database(folder: Path, wire: Wire, fate: Fate) -> Alone:
    member = room.Member(folder / "member", 0, place=wire.place, head_name=HEAD).init()
    return Alone(Simulated(member, fate, folder), Random(1), folder)


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_connection_that_is_cut(tmp_path: Path, postgres: Cluster, cut: str) -> None:
    place = postgres.new_place()
    wire = Wire(postgres, postgres.name_of(place))
    with Fate().installed() as fate:
        company = on_a_database(tmp_path, wire, fate)
        for disaster in disasters.connection_cut(wire):
            if cut in disaster.__name__:
                company.befall(disaster)
        assert company.end() == []
    wire.close()


def test_a_lost_commit_that_is_believed_is_found(
    tmp_path: Path, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believing(writer: Writer, *_: object) -> None:
        with suppress(CommitUnknown):
            writer._tables.commit()

    place = postgres.new_place()
    wire = Wire(postgres, postgres.name_of(place))
    before, _ = disasters.connection_cut(wire)
    with Fate().installed() as fate:
        company = on_a_database(tmp_path, wire, fate)
        with monkeypatch.context() as patch:
            patch.setattr(Writer, "_commit", believing)
            before(company)
        assert company.wrong != []
        company.life.stop()
    wire.close()
