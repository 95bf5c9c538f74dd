"""Crashes: whatever step fails or dies, no answer without a durable entry, and a retry succeeds (J4)."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from signer.core.errors import Fault, Refusal
from signer.core.spend import ApprovedSpend, RecordedSpend
from signer.core.view import View
from signer.journal import decide, fold, writer
from signer.journal.audit import verify_journal
from signer.journal.database import StoreError, WriterTables
from signer.journal.place import Place
from tests import federation
from tests.journal.desk import case_number, deliberation, desk, open_desk, pay, rivals
from tests.journal.tampering import tamper
from tests.journal.words import approval, attested, noted, said, terms_of

VAULT = federation.vault().fingerprint


class Boom(Exception):
    """Something that nobody expects."""


def full(*_: object) -> None:
    raise StoreError("database or disk is full")


def boom(*_: object) -> None:
    raise Boom


class Broken:
    """Tables that fail when they are told to."""

    def __init__(self, tables: WriterTables, statement: str) -> None:
        self._tables, self._statement = tables, statement

    def __getattr__(self, name: str) -> object:
        return getattr(self._tables, name)

    def begin(self) -> None:
        self._fail_at("BEGIN")
        self._tables.begin()

    def commit(self) -> None:
        self._fail_at("COMMIT")
        self._tables.commit()

    def execute(self, statement: str, *arguments: Any) -> Any:
        self._fail_at(statement)
        return self._tables.execute(statement, *arguments)

    def executemany(self, statement: str, *arguments: Any) -> Any:
        self._fail_at(statement)
        return self._tables.executemany(statement, *arguments)

    def _fail_at(self, statement: str) -> None:
        if statement.startswith(self._statement):
            raise StoreError("disk I/O error")


STEPS = (
    (fold, "apply"),
    (decide, "append"),
    (decide, "signed_entry"),
    (writer, "signed_note"),
    (writer, "write_checkpoint"),
    (writer, "read_checkpoint"),
)


@pytest.mark.parametrize("how", [full, boom])
@pytest.mark.parametrize(("module", "name"), STEPS, ids=[name for _, name in STEPS])
def test_a_step_that_fails_leaves_nothing_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch, module: object, name: str, how: object
) -> None:
    with desk(place) as journal:
        pay(journal, case_number(1))
        with monkeypatch.context() as patch:
            patch.setattr(module, name, how)
            with pytest.raises((Refusal, Fault)) as caught:
                pay(journal, case_number(2))
        if how is full:
            assert isinstance(caught.value, Refusal)
            assert caught.value.code == "journal-unavailable"
        else:
            assert isinstance(caught.value, Fault)
        assert verify_journal(place).entries == 2
        assert pay(journal, case_number(2)).decision_id
    assert verify_journal(place).entries == 3


@pytest.mark.parametrize("how", [full, boom])
@pytest.mark.parametrize(
    ("module", "name"),
    [step for step in STEPS if step[1] != "signed_entry"],
)
def test_a_note_that_fails_leaves_nothing_behind(
    place: Place, monkeypatch: pytest.MonkeyPatch, module: object, name: str, how: object
) -> None:
    with desk(place) as journal:
        noted(journal, said(approval(1)))
        with monkeypatch.context() as patch:
            patch.setattr(module, name, how)
            with pytest.raises((Refusal, Fault)) as caught:
                noted(journal, attested(terms_of(1)), said(approval(2)))
        assert isinstance(caught.value, Refusal if how is full else Fault)
        assert verify_journal(place).entries == 2
        assert len(noted(journal, attested(terms_of(1)), said(approval(2))).decision_ids) == 2
    assert verify_journal(place).entries == 4


@pytest.mark.parametrize("statement", ["BEGIN", "SAVEPOINT", "INSERT INTO entries", "COMMIT"])
def test_a_disk_that_fails_at_any_statement(place: Place, statement: str) -> None:
    with desk(place) as journal:
        connection = journal._writer._tables
        journal._writer._tables = Broken(connection, statement)  # type: ignore[assignment]
        with pytest.raises(Refusal) as caught:
            pay(journal, case_number(1))
        assert caught.value.code == "journal-unavailable"
        journal._writer._tables = connection
        assert verify_journal(place).entries == 1
        assert pay(journal, case_number(1)).decision_id


def test_a_decision_that_contradicts_the_record_is_a_fault(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should J1's rule ever be wrong, the tables' keys still hold: one pin for one withdrawal."""
    one, other = rivals(2)
    with desk(place) as journal:
        first = pay(journal, one)
        with monkeypatch.context() as patch:
            patch.setattr("signer.journal.reading.TableReading.withdrawal", lambda *_: None)
            patch.setattr("signer.journal.reading.TableReading.pins_of", lambda *_: frozenset())
            with pytest.raises(Fault):
                pay(journal, other)
        assert pay(journal, one).decision_id == first.decision_id
    assert verify_journal(place).entries == 2


def test_a_record_that_is_changed_under_a_running_kernel(place: Place) -> None:
    with desk(place) as journal:
        pay(journal, case_number(1))
        tamper(place, "UPDATE checkpoint SET size = 5")
        with pytest.raises(Refusal) as caught:
            pay(journal, case_number(2))
        assert caught.value.code == "journal-tampered"


def test_a_version_that_points_to_another_entry(place: Place) -> None:
    with desk(place) as journal:
        first = pay(journal, case_number(1))
        tamper(place, "UPDATE versions SET entry = 0")
        with pytest.raises(Fault):
            pay(journal, case_number(1))
        tamper(place, "UPDATE versions SET entry = 1")
        assert pay(journal, case_number(1)).decision_id == first.decision_id


def test_a_writer_without_an_answer_is_a_fault(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk(place) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(journal._writer, "submit", lambda *_: None)
            with pytest.raises(Fault):
                pay(journal, case_number(1))
        assert pay(journal, case_number(1)).decision_id


def test_counts_that_cannot_be_written_are_kept(place: Place) -> None:
    with desk(place) as journal:
        journal.count("stranger", "psbt-magic")
        connection = journal._writer._tables
        journal._writer._tables = Broken(connection, "INSERT INTO counters")  # type: ignore[assignment]
        with pytest.raises(Refusal) as caught:
            pay(journal, case_number(1))
        assert caught.value.code == "journal-unavailable"
        journal._writer._tables = connection
        pay(journal, case_number(1))
        rows = connection.execute("SELECT * FROM counters").fetchall()
    assert rows == [("stranger", "psbt-magic", 1)]


@pytest.mark.parametrize("most", [1, 64])
def test_who_waits_when_the_journal_closes_is_answered(
    place: Place, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """While one decision is made two more and the end of all wait behind it."""
    monkeypatch.setattr(writer, "MAX_BATCH", most)
    begun, go_on = threading.Event(), threading.Event()
    works = [deliberation(case_number(number).verify()) for number in range(3)]

    def slow(view: View, now: int) -> ApprovedSpend:
        begun.set()
        assert go_on.wait(60)
        return works[0].decide(view, now)

    journal = open_desk(place)
    tickets = [writer._Ticket(replace(works[0], decide=slow)), *map(writer._Ticket, works[1:])]
    journal._writer._waiting.put(tickets[0])
    assert begun.wait(60)
    for ticket in (*tickets[1:], None):
        journal._writer._waiting.put(ticket)
    go_on.set()
    answers = [ticket.answer.result(60) for ticket in tickets]
    journal.close()
    assert len({each.decision_id for each in answers if isinstance(each, RecordedSpend)}) == 3
    assert verify_journal(place).entries == 4


def test_counts_survive_a_failed_commit(place: Place) -> None:
    with desk(place) as journal:
        journal.count("stranger", "psbt-magic")
        connection = journal._writer._tables
        journal._writer._tables = Broken(connection, "INSERT INTO entries")  # type: ignore[assignment]
        with pytest.raises(Refusal):
            pay(journal, case_number(1))
        journal._writer._tables = connection
        pay(journal, case_number(1))
        rows = connection.execute("SELECT * FROM counters").fetchall()
    assert rows == [("stranger", "psbt-magic", 1)]
