"""Headers on record that no chain made: `journal verify` finds out who can write to the database."""

from dataclasses import replace
from pathlib import Path

import pytest

from signer.bitcoin.hashes import hash256
from signer.bitcoin.tail import Link
from signer.bitcoin.target import work_of
from signer.journal.audit import verify_journal
from signer.journal.copies import copy_journal, export_journal, import_journal
from signer.journal.header_record import row_of
from signer.journal.place import Place
from tests.bitcoin.mined import EASY_BITS, Wish, mined, unmined
from tests.bitcoin.test_checkpoint import GOOD
from tests.journal.desk import Signer
from tests.journal.headers import CHAIN, best_of, bring, names, on_top, trunk, with_headers
from tests.journal.refusing import refusal
from tests.journal.tampering import tables_of, tamper

RAWS = trunk(12)
RIVAL = on_top(RAWS[:8], 3)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A journal with both branches."""
    file = tmp_path / "journal"
    with with_headers(file) as journal:
        bring(journal, RAWS)
        bring(journal, RIVAL, "two")
    return file


def test_headers_that_were_verified_are_verified_again(place: Place) -> None:
    with with_headers(place) as journal:
        bring(journal, RAWS)
        bring(journal, RIVAL, "two")
    assert verify_journal(place).headers == 1 + 12 + 3


def test_a_record_from_a_checkpoint_verifies(file: Path) -> None:
    with with_headers(file, replace(CHAIN, checkpoint=GOOD)):
        pass
    assert verify_journal(file).headers == 11


FALSE = (
    "UPDATE headers SET work = x'ff' WHERE height = 12",
    "UPDATE headers SET work = x'ff' WHERE height = 0",
    "UPDATE headers SET short = 7 WHERE height = 12",
    "UPDATE headers SET raw = (SELECT raw FROM headers WHERE height = 3) WHERE height = 4",
    "DELETE FROM headers WHERE height = 5",
    "DELETE FROM headers WHERE height = 0",
    "UPDATE headers SET height = 13 WHERE height = 12",
    "UPDATE headers_aside SET work = x'ff'",
    "UPDATE headers_aside SET height = height + 1",
    "UPDATE headers_aside SET short = 7",
    "DELETE FROM headers_aside WHERE height = 9",
    "UPDATE header_sources SET hash = zeroblob(32) WHERE source = 'two'",
)


@pytest.mark.parametrize("statement", FALSE)
def test_headers_that_were_changed_are_found(kept: Path, statement: str) -> None:
    assert verify_journal(kept).headers == 16
    tamper(kept, statement)
    with refusal("journal-tampered"):
        verify_journal(kept)


def test_a_header_beside_the_chain_has_its_work(kept: Path) -> None:
    previous = names(RAWS)[11]
    wish = Wish(2_000_000_000, EASY_BITS)
    for make, is_good in ((mined, True), (unmined, False)):
        raw = make(previous, wish)
        with tables_of(kept) as tables:
            link = Link(hash256(raw), 13, 13 * 2 + work_of(EASY_BITS), raw)
            tables.execute("DELETE FROM headers_aside WHERE height = 13")
            tables.execute(
                "INSERT INTO headers_aside (raw, height, short, moment, work) VALUES (?,?,?,?,?)",
                row_of(link, 1),
            )
        if is_good:
            assert verify_journal(kept).headers == 17
            continue
        with refusal("journal-tampered"):
            verify_journal(kept)


def test_a_copy_of_a_changed_record_is_refused_and_an_import_has_none(
    kept: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "exported"
    export_journal(kept, exported)
    tamper(kept, FALSE[0])
    with refusal("journal-tampered"):
        copy_journal(kept, tmp_path / "copy")
    imported = tmp_path / "imported"
    assert import_journal(exported, imported, Signer().log_key).headers == 0
    with with_headers(imported) as journal:
        assert best_of(journal) == []
        assert bring(journal, RAWS).added == 12
