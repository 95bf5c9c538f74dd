"""Journals in a database."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from signer.journal.place import PostgresPlace
from signer.journal.store import create_journal
from tests.journal.desk import GENESIS, Signer

if TYPE_CHECKING:
    from tests.postgres import Cluster


@pytest.fixture
def empty(postgres: "Cluster") -> PostgresPlace:
    return postgres.new_place()


@pytest.fixture
def made(empty: PostgresPlace) -> PostgresPlace:
    create_journal(empty, GENESIS, Signer())
    return empty


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a new journal can be made, for what no store does in its own way."""
    return tmp_path / "journal"
