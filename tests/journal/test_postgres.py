"""The PostgreSQL store: what it refuses to run on, and what it does when the server or a replica is gone."""

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from signer.core.errors import Objection, Refusal
from signer.journal import postgres_session, postgres_store
from signer.journal.audit import read_entries, verify_journal
from signer.journal.database import CommitUnknown, Contradiction, StoreError
from signer.journal.log import append, read_checkpoint
from signer.journal.place import PostgresPlace
from signer.journal.postgres_store import PostgresStore, PostgresWriter
from signer.journal.store import create_journal, store_at
from tests.journal.desk import GENESIS, ManualClock, Signer, desk, open_desk
from tests.journal.tampering import tables_of, tamper
from tests.journal.words import attested, noted, terms_of
from tests.postgres import Cluster, Wire, programs


@pytest.fixture
def empty(postgres: Cluster) -> PostgresPlace:
    return postgres.new_place()


@pytest.fixture
def made(empty: PostgresPlace) -> PostgresPlace:
    create_journal(empty, GENESIS, Signer())
    return empty


@contextmanager
def refusal(code: str) -> Iterator[list[str]]:
    detail: list[str] = []
    with pytest.raises(Refusal) as caught:
        yield detail
    assert caught.value.code == code
    detail.append(caught.value.objections[0].detail)


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


# --- who writes ---


def test_one_writer_at_a_time(made: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres_session._SETTINGS, "lock_timeout", "20ms")
    with closing(PostgresWriter(made)) as first, closing(PostgresWriter(made)) as second:
        first.begin()
        with pytest.raises(StoreError, match="lock timeout"):
            second.begin()
        second.rollback()
        first.commit()
        second.begin()  # whose turn it is now
        with pytest.raises(StoreError, match="lock timeout"):
            first.begin()
        second.rollback()
        first.begin()
        first.rollback()


def test_a_writer_that_waits_gets_its_turn(made: PostgresPlace) -> None:
    with closing(PostgresWriter(made)) as first, closing(PostgresWriter(made)) as second:
        first.begin()
        waiting = threading.Thread(target=second.begin)
        waiting.start()
        while not _waits(made):
            pass
        assert waiting.is_alive()
        first.commit()
        waiting.join(60)
        assert not waiting.is_alive()
        second.rollback()


def _waits(place: PostgresPlace) -> bool:
    with tables_of(place) as tables:
        query = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return tables.execute(query).fetchone() is not None


def test_who_was_overtaken_records_nothing(
    made: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is lost on the way (a pooler that changes sessions): the entry's number is the fence."""
    monkeypatch.setattr(postgres_store, "_TAKE", "SELECT 1")
    with closing(PostgresWriter(made)) as first, closing(PostgresWriter(made)) as second:
        for writer in (first, second):
            writer.begin()
            assert read_checkpoint(writer).frontier.size == 1
        append(first, read_checkpoint(first).frontier, attested(terms_of(1)))
        first.commit()
        with pytest.raises(StoreError, match="another writer has recorded entry 1"):
            append(second, read_checkpoint(second).frontier, attested(terms_of(2)))
        second.rollback()
    (_, entry) = read_entries(made, 0)
    assert entry.entry == attested(terms_of(1))


def test_two_replicas_extend_one_log(made: PostgresPlace) -> None:
    with desk(made) as one, desk(made) as other:
        for number in range(3):
            noted(one, attested(terms_of(number)))
            noted(other, attested(terms_of(number + 10)))
        with one.reading() as here, other.reading() as there:
            assert here.head() == there.head()
    assert verify_journal(made).entries == 7


# --- connections that are lost ---


def drop_connections(cluster: Cluster, place: PostgresPlace) -> None:
    cluster.run_sql(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "  # noqa: S608 (our own name)
        f"WHERE datname = '{cluster.name_of(place)}'"
    )


def test_a_connection_that_is_lost_meanwhile_is_made_again(
    postgres: Cluster, made: PostgresPlace
) -> None:
    with desk(made) as journal:
        noted(journal, attested(terms_of(1)))
        with journal.reading() as reading:
            before = reading.head()
        drop_connections(postgres, made)
        with journal.reading() as reading:
            assert reading.head() == before
        drop_connections(postgres, made)
        noted(journal, attested(terms_of(2)))
    assert verify_journal(made).entries == 3


def test_a_reader_that_loses_its_connection_is_not_used_again(
    postgres: Cluster, made: PostgresPlace
) -> None:
    store = PostgresStore(made)
    with store.snapshot() as tables:
        drop_connections(postgres, made)
        with pytest.raises(StoreError):
            tables.execute("SELECT 1")
    with store.snapshot() as again:
        assert again is not tables
        assert again.execute("SELECT 1").fetchone() == (1,)
    with store.snapshot() as third:
        assert third is again
    store.close()


def test_a_transaction_that_loses_its_connection_records_nothing(
    postgres: Cluster, made: PostgresPlace
) -> None:
    with desk(made) as journal:

        def fail(*_: object) -> tuple[()]:
            drop_connections(postgres, made)
            return ()

        with refusal("journal-unavailable"):
            journal.note(lambda *_: (attested(terms_of(1)), *fail(), attested(terms_of(2))))
        assert verify_journal(made).entries == 1
        noted(journal, attested(terms_of(1)))
    assert verify_journal(made).entries == 2


@pytest.fixture
def wire(postgres: Cluster, made: PostgresPlace) -> Iterator[Wire]:
    between = Wire(postgres, postgres.name_of(made))
    yield between
    between.close()


def test_a_commit_whose_answer_is_lost_is_looked_for_and_found(
    wire: Wire, made: PostgresPlace
) -> None:
    with desk(wire.place) as journal:
        wire.cut = "after"
        said = noted(journal, attested(terms_of(1)))
        assert not wire.cut
        with journal.reading() as reading:
            assert reading.head() == said.head
    assert verify_journal(made).entries == 2


def test_a_commit_that_never_arrived_is_looked_for_and_refused(
    wire: Wire, made: PostgresPlace
) -> None:
    with desk(wire.place) as journal:
        wire.cut = "before"
        with refusal("journal-unavailable") as detail:
            noted(journal, attested(terms_of(1)))
        assert "lost before the commit" in detail[0]
        assert verify_journal(made).entries == 1
        noted(journal, attested(terms_of(1)))
    assert verify_journal(made).entries == 2


def test_a_commit_that_nobody_can_tell_of_is_refused_and_found_by_a_retry(
    wire: Wire, made: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is gone for longer than we look: nothing is released; the record says later what it was."""
    with desk(wire.place) as journal:
        with monkeypatch.context() as patch:
            patch.setattr("signer.journal.writer.LOOKS", (0.0, 0.0))
            patch.setattr(postgres_store, "_connected", _gone)
            wire.cut = "after"
            with refusal("journal-unavailable") as detail:
                noted(journal, attested(terms_of(1)))
        assert "a retry will say" in detail[0]
        assert verify_journal(made).entries == 2
        noted(journal, attested(terms_of(2)))
    assert verify_journal(made).entries == 3


def _gone(*_: object) -> None:
    raise Refusal(Objection("journal-unavailable", "nobody answers"))


def test_a_commit_without_an_entry_is_not_looked_for(wire: Wire, made: PostgresPlace) -> None:
    """What a turn writes besides entries could not be found by the head."""
    with desk(wire.place) as journal:
        wire.cut = "after"
        with refusal("journal-unavailable"):
            journal.in_turn(lambda session: None)
        assert journal.in_turn(lambda session: session.now) == ManualClock().now()


def test_a_commit_of_a_failed_transaction_is_no_commit(made: PostgresPlace) -> None:
    with closing(PostgresWriter(made)) as writer:
        writer.begin()
        with pytest.raises(StoreError):
            writer.execute("SELECT 1 / 0")
        with pytest.raises(StoreError, match="ROLLBACK"):
            writer.commit()
        writer.begin()
        writer.commit()


def test_a_deferred_objection_is_known_not_to_be_on_record(made: PostgresPlace) -> None:
    with closing(PostgresWriter(made)) as writer:
        writer.execute(
            "CREATE TEMP TABLE late (number BIGINT UNIQUE DEFERRABLE INITIALLY DEFERRED)"
        )
        writer.begin()
        for _ in range(2):
            writer.execute("INSERT INTO late VALUES (1)")
        with pytest.raises(StoreError) as caught:
            writer.commit()
        assert not isinstance(caught.value, CommitUnknown)
        writer.rollback()


def test_a_server_that_crashes_loses_nothing_that_was_answered() -> None:
    binaries = programs()
    assert binaries is not None
    cluster = Cluster(binaries)
    try:
        place = cluster.new_place()
        with desk(place) as journal:
            heads = [noted(journal, attested(terms_of(number))).head for number in range(5)]
            cluster.stop("immediate")
            with refusal("journal-unavailable"):
                noted(journal, attested(terms_of(5)))
            cluster.start()
            for head in heads:
                journal.confirm_head(head)
            noted(journal, attested(terms_of(5)))
        assert verify_journal(place).entries == 7
    finally:
        cluster.remove()


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
