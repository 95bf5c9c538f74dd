from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import bound, made, member
from tests.cli.desk import Desk
from tests.kernel.histories import History
from tests.replay.past import Past


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """A short history with some of everything; not to be changed."""
    history = History(tmp_path_factory.mktemp("past"), seed=1)
    history.sample()
    return Past(history)


@pytest.fixture
def pegwarden(capsys: pytest.CaptureFixture[str]) -> Desk:
    """The command, in this process."""
    return Desk(capsys)


@pytest.fixture
def room(tmp_path: Path) -> History:
    """A history of this test's own, without a decision."""
    return History(tmp_path)


__all__ = ["bound", "made", "member"]
