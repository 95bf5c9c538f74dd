import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk, MemberPlace, make_place


@pytest.fixture
def pegwarden(capsys: pytest.CaptureFixture[str]) -> Desk:
    """The command, in this process."""
    return Desk(capsys)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemberPlace]:
    """A member after `init`, not to be changed."""
    folder = tmp_path_factory.mktemp("made")
    yield make_place(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def bound(made: MemberPlace, tmp_path_factory: pytest.TempPathFactory) -> MemberPlace:
    """A member after `key bind`, not to be changed."""
    from tests.cli.desk import run

    place = made.copy(tmp_path_factory.mktemp("bound") / "copy")
    said = run("key", "bind", place.policy, *place.opened)
    assert said.status == 0, said
    return place


@pytest.fixture
def fresh(made: MemberPlace, tmp_path: Path) -> MemberPlace:
    """An unbound member of this test's own."""
    return made.copy(tmp_path / "copy")


@pytest.fixture
def member(bound: MemberPlace, tmp_path: Path) -> MemberPlace:
    """A bound member of this test's own."""
    return bound.copy(tmp_path / "copy")


@pytest.fixture(autouse=True)
def _logs_go_with_their_test() -> Iterator[None]:
    """`serve` sends events to the standard error that it finds, here one that ends with the test."""
    logger = logging.getLogger("pegwarden")
    before = (logger.handlers, logger.propagate, logger.level)
    yield
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])
