"""The PostgreSQL store: what it refuses to run on, and what it does when the server or a replica is gone."""

import sys
from contextlib import closing
from pathlib import Path

import pytest

from signer.journal import postgres_session
from signer.journal.audit import verify_journal
from signer.journal.database import Contradiction, StoreFull
from signer.journal.place import PostgresPlace
from signer.journal.postgres_store import PostgresWriter
from signer.journal.store import create_journal, store_at
from tests.journal.desk import (
    GENESIS,
    Policy,
    Signer,
    case_number,
    desk,
    open_desk,
    pay,
)
from tests.journal.refusing import refusal
from tests.journal.tampering import tables_of, tamper
from tests.postgres import Cluster, programs

# --- which servers and connections are used ---


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("synchronous_commit", "off", "on"),
        ("synchronous_commit", "local", "remote_apply"),
        ("synchronous_commit", "remote_write", "on"),
    ],
)
def test_a_server_that_may_lose_a_commit(
    postgres: Cluster, made: PostgresPlace, name: str, bad: str, good: str
) -> None:
    database = postgres.name_of(made)
    postgres.run_sql(f"ALTER DATABASE {database} SET {name} = {bad}")
    with refusal("journal-not-durable") as detail:
        open_desk(made)
    assert f"{name} = {bad}" in detail[0]
    postgres.run_sql(f"ALTER DATABASE {database} SET {name} = {good}")
    open_desk(made).close()


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_wait_for_its_disk(
    postgres: Cluster, made: PostgresPlace, name: str
) -> None:
    postgres.configure(name, "off")
    with refusal("journal-not-durable"):
        open_desk(made)
    postgres.configure(name, "on")
    open_desk(made).close()


def test_a_server_that_is_too_old(made: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(postgres_session, "OLDEST", 990_000)
        with refusal("journal-unavailable") as detail:
            open_desk(made)
        assert "older" in detail[0]
    open_desk(made).close()


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with refusal("journal-unavailable"):
        open_desk(PostgresPlace(f"postgresql://u@/db?host={tmp_path}"))


def test_nothing_comes_from_the_environment(
    made: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGAPPNAME", "something else")  # we say ourselves what we are
    open_desk(made).close()
    monkeypatch.setenv("PGOPTIONS", "-c synchronous_commit=off")
    with refusal("journal-unavailable") as detail:
        open_desk(made)
    assert "PGOPTIONS" in detail[0]


def test_without_the_driver(made: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "signer.journal.postgres_store", None)
    with refusal("journal-unavailable") as detail:
        store_at(made)
    assert "pegwarden[postgres]" in detail[0]


def test_a_password_stands_in_a_file(tmp_path: Path) -> None:
    binaries = programs()
    assert binaries is not None
    secret = tmp_path / "password"
    secret.write_text("correct horse\nnot this\n")
    cluster = Cluster(binaries, passphrase="correct horse")
    try:
        url = cluster.place("postgres").url
        create_journal(PostgresPlace(url, secret), GENESIS, Signer())
        with refusal("journal-unavailable") as detail:
            open_desk(PostgresPlace(url))
        assert "password" in detail[0]
        with refusal("journal-unavailable") as detail:
            open_desk(PostgresPlace(url, tmp_path / "nothing"))
        assert "password file" in detail[0]
        secret.write_text("another\n")
        with refusal("journal-unavailable") as detail:
            open_desk(PostgresPlace(url, secret))
        assert "correct" not in detail[0]
        assert "another" not in detail[0]
    finally:
        cluster.remove()


# --- whose tables they are ---


def test_a_database_without_a_journal(empty: PostgresPlace) -> None:
    with refusal("journal-missing"):
        store_at(empty).writer()
    assert not store_at(empty).exists()
    create_journal(empty, GENESIS, Signer())
    assert store_at(empty).exists()
    with refusal("journal-exists"):
        create_journal(empty, GENESIS, Signer())


def test_a_schema_of_somebody_else(postgres: Cluster, empty: PostgresPlace) -> None:
    postgres.run_sql("CREATE SCHEMA pegwarden", postgres.name_of(empty))
    with refusal("journal-foreign"):
        store_at(empty).writer()
    with refusal("journal-exists"):
        create_journal(empty, GENESIS, Signer())


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (number BIGINT)",
        "CREATE VIEW more AS SELECT number FROM entries",
        "CREATE INDEX more ON entries (leaf, number)",
        "DROP INDEX moves_by_nonce",
        "ALTER TABLE moves ADD COLUMN more BIGINT",
        "ALTER TABLE moves ALTER COLUMN expiry TYPE INTEGER",
        "ALTER TABLE moves ALTER COLUMN expiry DROP NOT NULL",
        "ALTER TABLE moves ALTER COLUMN expiry SET DEFAULT 1",
        "ALTER TABLE moves ADD CHECK (expiry > 0)",
        "ALTER TABLE governance DROP CONSTRAINT governance_one_check",
        "ALTER TABLE nonces DROP CONSTRAINT nonces_pkey",
        'ALTER TABLE refusals ALTER COLUMN code TYPE TEXT COLLATE "en-x-icu"',
        "ALTER TABLE moves ENABLE ROW LEVEL SECURITY",
        "CREATE RULE more AS ON DELETE TO moves DO INSTEAD NOTHING",
        "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER more BEFORE INSERT ON spends FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
)
def test_a_schema_that_is_not_ours_to_the_letter(made: PostgresPlace, change: str) -> None:
    """A trigger that forgets rows, a key that is gone: refused before anything is read by it."""
    open_desk(made).close()
    tamper(made, change)
    with refusal("journal-tampered"):
        open_desk(made)
    with refusal("journal-tampered"), store_at(made).snapshot():
        pass


def test_a_newer_schema(made: PostgresPlace) -> None:
    tamper(made, "UPDATE made SET schema = schema + 1")
    with refusal("journal-schema-unknown"):
        open_desk(made)
    tamper(made, "UPDATE made SET schema = schema - 1")
    open_desk(made).close()


# --- what a statement can hold ---


def test_what_no_column_can_hold_is_this_decision_s_fault(made: PostgresPlace) -> None:
    with closing(PostgresWriter(made)) as writer:
        for caller, code in (("a\x00b", "c"), ("x" * 9_000_000, "c")):
            writer.begin()
            with pytest.raises(Contradiction):
                writer.execute("INSERT INTO counters VALUES (?,?,1)", (caller, code))
            writer.rollback()
        writer.begin()
        with pytest.raises(OverflowError):
            writer.execute("INSERT INTO counters VALUES (?,?,?)", ("a", "c", 2**63))
        writer.execute("INSERT INTO counters VALUES (?,?,?)", ("a", "c", 2**63 - 1))
        writer.commit()
    with tables_of(made) as tables:
        assert tables.execute("SELECT caller, times FROM counters").fetchall() == [("a", 2**63 - 1)]


def test_a_server_whose_disk_is_full(made: PostgresPlace) -> None:
    """As the server says it, at a statement or at the end."""
    full = "DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$"
    late = (
        "CREATE FUNCTION pg_temp.full() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TEMP TABLE late (number BIGINT)",
        "CREATE CONSTRAINT TRIGGER full_late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION pg_temp.full()",
    )
    with closing(PostgresWriter(made)) as writer:
        writer.compact()
        writer.begin()
        with pytest.raises(StoreFull, match="no space"):
            writer.execute(full)
        writer.rollback()
        for statement in late:
            writer.execute(statement)
        writer.begin()
        writer.execute("INSERT INTO late VALUES (1)")
        with pytest.raises(StoreFull, match="no space"):
            writer.commit()
        writer.rollback()
        writer.begin()
        writer.commit()


def test_a_full_server_is_not_asked_to_keep_refusals_for_a_minute(
    made: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk(made) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(PostgresWriter, "commit", _full)
            with refusal("journal-disk-full"):
                pay(journal, case_number(1))
        assert any(each.startswith("disk low: the database") for each in journal.failures())
        with refusal("outflow-exceeded"):
            pay(journal, case_number(1), Policy(outflow=0))
        assert verify_journal(made).entries == 1
        pay(journal, case_number(1))
    assert verify_journal(made).entries == 2


def _full(_: PostgresWriter) -> None:
    raise StoreFull("no space")
