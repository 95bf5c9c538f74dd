"""Connections to a database: who writes, and what comes of one that is lost or cut."""

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from signer.core.errors import Objection, Refusal
from signer.journal import postgres_session, postgres_store
from signer.journal.audit import read_entries, verify_journal
from signer.journal.database import CommitUnknown, StoreError
from signer.journal.log import append, read_checkpoint
from signer.journal.place import PostgresPlace
from signer.journal.postgres_store import PostgresStore, PostgresWriter
from signer.journal.store import store_at
from tests.journal.cuts import cut_decisions
from tests.journal.desk import ManualClock, desk
from tests.journal.refusing import refusal
from tests.journal.tampering import tables_of
from tests.journal.words import attested, noted, terms_of
from tests.postgres import Cluster, Wire, programs

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


@pytest.mark.parametrize(
    "step", ["postgres_store.verify_schema", "postgres_session._require_durable"]
)
def test_a_connection_that_is_lost_while_it_is_looked_at_is_none(
    made: PostgresPlace, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    asked = []

    def lost(connection: postgres_session.Connection, *_: object) -> None:
        asked.append(connection)
        raise psycopg.OperationalError("it is gone")

    with monkeypatch.context() as patch:
        patch.setattr(f"signer.journal.{step}", lost)
        with refusal("journal-unavailable") as detail:
            store_at(made).writer()
    assert "it is gone" in detail[0]
    assert [each.closed for each in asked] == [True]
    store_at(made).writer().close()


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


def test_decisions_that_are_cut_at_any_byte(wire: Wire, made: PostgresPlace) -> None:
    """The campaign `kill` cuts many more."""
    cuts = cut_decisions(wire, made, seed=1, count=20)
    assert cuts.wrong == []
    assert cuts.answered + cuts.recorded + cuts.lost == 20
    assert cuts.lost
    assert cuts.answered
