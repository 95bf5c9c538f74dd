"""Migrations: never silent, in whole or not at all, and only from schemas that are known."""

import hashlib
from pathlib import Path

import pytest

from signer.core.errors import Refusal
from signer.journal.audit import verify_journal
from signer.journal.migrations import MIGRATIONS, Migration, migrate_journal
from signer.journal.place import Place
from signer.journal.schema import CLAIMS, VERSION
from signer.journal.schema import tables_of as named
from tests.conftest import Places
from tests.journal.desk import case_number, desk, open_desk, pay
from tests.journal.headers import bring, open_with_headers, trunk, with_headers
from tests.journal.tampering import tables_of, tamper
from tests.journal.words import attested, noted, terms_of

(PLACES,) = (each for each in CLAIMS if each.startswith("CREATE TABLE places "))
OLD_PLACES = "CREATE TABLE places (vault BLOB NOT NULL, highest INTEGER NOT NULL)"
LATER = named(tuple(each for step in MIGRATIONS for each in step.statements))
"""Tables that schema 1 has not."""
LEADS_HERE = (Migration(VERSION, ("DROP TABLE places", PLACES)),)


def set_version(place: Place, version: int) -> None:
    if isinstance(place, Path):
        tamper(place, f"PRAGMA user_version = {version}")
    else:
        tamper(place, f"UPDATE made SET schema = {version}")  # noqa: S608


@pytest.fixture
def older(place: Place) -> Place:
    """A journal as an earlier version might have left it: a table less well made, and empty."""
    with desk(place) as journal:
        pay(journal, case_number(1))
        noted(journal, attested(terms_of(2)))
    blob, integer = ("BLOB", "INTEGER") if isinstance(place, Path) else ("BYTEA", "BIGINT")
    old = OLD_PLACES.replace("BLOB", blob).replace("INTEGER", integer)
    tamper(place, "DROP TABLE places", old)
    set_version(place, VERSION - 1)
    return place


@pytest.fixture
def first(place: Place) -> Place:
    """A journal of schema 1: what later ones brought is not there."""
    with desk(place) as journal:
        pay(journal, case_number(1))
        noted(journal, attested(terms_of(2)))
    tamper(place, *(f"DROP TABLE {table}" for table in reversed(LATER)))
    set_version(place, 1)
    return place


def refused(place: Place, *migrations: Migration) -> str:
    with pytest.raises(Refusal) as caught:
        migrate_journal(place, migrations)
    return caught.value.code


def state_of(place: Place) -> object:
    """A file byte for byte; of a database what its tables hold."""
    if isinstance(place, Path):
        return hashlib.sha256(place.read_bytes()).hexdigest()
    with tables_of(place) as tables:
        columns = (
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'pegwarden' ORDER BY table_name, ordinal_position"
        )
        versions = tables.execute("SELECT * FROM versions ORDER BY txid").fetchall()
        made = tables.execute("SELECT * FROM made").fetchall()
        return tables.execute(columns).fetchall(), versions, made


def test_an_older_journal_is_opened_after_it_was_migrated_and_not_before(older: Place) -> None:
    before = state_of(older)
    for _ in range(2):
        with pytest.raises(Refusal) as caught:
            open_desk(older)
        assert caught.value.code == "journal-schema-unknown"
        assert state_of(older) == before
    assert migrate_journal(older, LEADS_HERE) == (VERSION,)
    report = verify_journal(older)
    with tables_of(older) as tables:
        assert tables.execute("SELECT count(*) FROM places").fetchone() == (2,)
    with desk(older) as journal:
        assert pay(journal, case_number(1)).head == report.head
    assert migrate_journal(older, LEADS_HERE) == ()


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((), "journal-schema-unknown"),
        ((Migration(VERSION, ("DROP TABLE places",)),), "journal-tampered"),
        ((Migration(VERSION, ("DROP TABLE nothing",)),), "journal-unavailable"),
    ],
    ids=["no way", "a way elsewhere", "a way that ends"],
)
def test_a_migration_that_does_not_lead_here_changes_nothing(
    older: Place, steps: tuple[Migration, ...], code: str
) -> None:
    before = state_of(older)
    assert refused(older, *steps) == code
    assert state_of(older) == before
    assert migrate_journal(older, LEADS_HERE) == (VERSION,)


def test_a_journal_that_does_not_verify_is_not_migrated(older: Place) -> None:
    tamper(older, "UPDATE entries SET leaf = record WHERE number = 1")
    before = state_of(older)
    assert refused(older, *LEADS_HERE) == "journal-tampered"
    assert state_of(older) == before


def test_a_newer_journal_is_left_as_found(place: Place) -> None:
    open_desk(place).close()
    set_version(place, VERSION + 1)
    before = state_of(place)
    assert refused(place, *LEADS_HERE) == "journal-schema-unknown"
    assert state_of(place) == before
    set_version(place, VERSION)
    assert migrate_journal(place, LEADS_HERE) == ()


def test_what_is_no_journal_is_left_as_found(tmp_path: Path, places: Places) -> None:
    assert refused(places.new(), *LEADS_HERE) == "journal-missing"
    foreign = tmp_path / "foreign"
    tamper(foreign, "CREATE TABLE entries (number INTEGER)")
    before = state_of(foreign)
    assert refused(foreign, *LEADS_HERE) == "journal-foreign"
    assert state_of(foreign) == before


def test_nobody_else_may_have_the_file_open(older: Place) -> None:
    if not isinstance(older, Path):
        return  # other writers wait for their turn
    newest = older.with_name("newest")
    with desk(newest):
        assert refused(newest, *LEADS_HERE) == "journal-locked"
    assert migrate_journal(newest, LEADS_HERE) == ()


def test_a_journal_of_the_first_schema_keeps_headers_once_it_was_migrated(first: Place) -> None:
    assert {"headers", "headers_aside", "header_sources"} <= set(LATER)
    with pytest.raises(Refusal) as caught:
        open_with_headers(first)
    assert caught.value.code == "journal-schema-unknown"
    assert migrate_journal(first) == tuple(range(2, VERSION + 1))
    report = verify_journal(first)
    assert (report.entries, report.headers) == (3, 0)
    with with_headers(first) as journal:
        assert pay(journal, case_number(1)).head == report.head
        assert bring(journal, trunk(3)).tip.height == 3
    assert verify_journal(first).headers == 4
    assert migrate_journal(first) == ()


def test_the_migrations_are_numbered_and_lead_to_this_version() -> None:
    assert [each.number for each in MIGRATIONS] == list(range(2, VERSION + 1))
