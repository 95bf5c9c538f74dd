"""The stored tree: leaves and tiles written by appending, read by proofs, missed and compared."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signer.bitcoin.hashes import sha256
from signer.core.errors import Objection, Refusal
from signer.journal.audit import verify_journal
from signer.journal.budget import CallerBudget
from signer.journal.database import Tables
from signer.journal.entry import RefusedEntry
from signer.journal.log import append
from signer.journal.merkle import Frontier
from signer.journal.proofs import (
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)
from signer.journal.sqlite_tables import scratch_tables
from signer.journal.tiles import StoredTree
from signer.ports.recording import RefusedRequest
from tests.journal.desk import POLICY_ID, desk
from tests.journal.test_proofs import mth

SIZE = 66_000
"""Two tiles of height 16 and more than 256 of height 8."""


def entry(number: int) -> RefusedEntry:
    objection = Objection("rate-exceeded", "too often")
    return RefusedEntry(number, "relayer", sha256(b"%d" % number), b"", (objection,), b"")


@pytest.fixture(scope="module")
def grown() -> Iterator[tuple[Tables, Frontier, list[bytes]]]:
    with scratch_tables() as tables:
        frontier, leaves = Frontier(), []
        for number in range(SIZE):
            frontier, leaf = append(tables, frontier, entry(number))
            leaves.append(leaf)
        yield tables, frontier, leaves


def test_appending_writes_the_tiles(grown: tuple[Tables, Frontier, list[bytes]]) -> None:
    tables, _, leaves = grown
    rows = tables.execute("SELECT height, place, root FROM tiles ORDER BY height, place").fetchall()
    expected = [(8, place) for place in range(SIZE >> 8)] + [(16, 0)]
    assert [row[:2] for row in rows] == expected
    assert rows[0][2] == mth(leaves[:256])
    assert rows[-2][2] == mth(leaves[(SIZE >> 8) * 256 - 256 : (SIZE >> 8) * 256])
    assert rows[-1][2] == mth(leaves[:65_536])


@settings(deadline=None)
@given(st.data())
def test_proofs_from_the_store(
    grown: tuple[Tables, Frontier, list[bytes]], data: st.DataObject
) -> None:
    tables, frontier, leaves = grown
    tree = StoredTree(tables, frontier)
    size = data.draw(st.sampled_from([1, 255, 256, 257, 65_535, 65_536, 65_537, SIZE]))
    number, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root, old_root = tree.root(size), tree.root(old)
    assert root is not None
    assert old_root is not None
    verify_inclusion(prove_inclusion(number, size, tree), leaves[number], root)
    verify_consistency(prove_consistency(old, size, tree), old_root, root)


def test_the_root_of_every_size_it_has_had_and_of_no_other(
    grown: tuple[Tables, Frontier, list[bytes]],
) -> None:
    tables, frontier, leaves = grown
    tree = StoredTree(tables, frontier)
    assert tree.root(SIZE) == frontier.root()
    for size in (1, 2, 255, 256, 300, 65_536):
        assert tree.root(size) == mth(leaves[:size])
    assert tree.root(0) is None
    assert tree.root(SIZE + 1) is None


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM entries WHERE number = 700", "DELETE FROM tiles WHERE height = 8 AND place = 1"],
)
def test_a_missing_hash_is_no_proof(statement: str) -> None:
    with scratch_tables() as tables:
        frontier = Frontier()
        for number in range(800):
            frontier, _ = append(tables, frontier, entry(number))
        tree = StoredTree(tables, frontier)
        prove_inclusion(701, 800, tree)
        tables.execute(statement)
        with pytest.raises(Refusal) as caught:
            prove_inclusion(701, 800, tree)
    assert caught.value.code == "journal-tampered"


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "journal.sqlite"
    with desk(path, budget=CallerBudget(refusals=1_000)) as journal:
        for number in range(300):
            refusal = Refusal(Objection("coin-unproven", "no statement"))
            request = b"request %d" % number
            journal.record_refusal(
                RefusedRequest("relayer", sha256(request), request, POLICY_ID, refusal)
            )
    return path


def test_tiles_are_compared_by_verify(long: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(long.read_bytes())
    assert verify_journal(path).entries == 301
    statements = (
        "UPDATE tiles SET root = randomblob(32)",
        "UPDATE tiles SET place = 1",
        "DELETE FROM tiles",
        "INSERT INTO tiles VALUES (8, 1, randomblob(32))",
    )
    for statement in statements:
        path.write_bytes(long.read_bytes())
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(statement)
        with pytest.raises(Refusal) as caught:
            verify_journal(path)
        assert caught.value.code == "journal-tampered"
        assert "table tiles" in caught.value.objections[0].detail
