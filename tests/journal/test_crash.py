"""Crashes: whatever step fails or dies, no answer without a durable entry, and a retry succeeds (J4)."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from signer.core.errors import Fault, Refusal
from signer.core.spend import ApprovedSpend, RecordedSpend
from signer.core.view import View
from signer.journal import decide, fold, writer
from signer.journal.audit import read_entries, verify_journal
from signer.journal.database import StoreError, WriterTables
from signer.journal.place import Place
from tests import federation
from tests.core.spends import NOW, withdrawal_id
from tests.journal.desk import case_number, deliberation, desk, open_desk, pay, rivals
from tests.journal.tampering import tamper
from tests.journal.words import QUORUM, approval, attested, noted, said, terms_of

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


WRITE_FOR_EVER = """
import sys
from contextlib import closing
from tests.journal.desk import case_number, open_desk, pay
from tests.journal.tampering import place_named
from tests.journal.words import attested, noted, terms_of
journal = open_desk(place_named(sys.argv[1]))
for number in range(int(sys.argv[2]), 10_000):
    noted(journal, attested(terms_of(number)))
    recorded = pay(journal, case_number(number))
    print(number, recorded.decision_id.hex(), flush=True)
"""


def test_kill_9_loses_no_answer_and_counts_nothing_twice(place: Place) -> None:
    """A real process is killed while it writes; what it answered is on record, once."""
    answered: dict[int, bytes] = {}
    start = 0
    for answers in (1, 7, 4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(place), str(start)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(answers):
            number, decision = process.stdout.readline().split()
            answered[int(number)] = bytes.fromhex(decision)
        os.kill(process.pid, signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                number, decision = line.split()
                answered[int(number)] = bytes.fromhex(decision)
        process.wait()
        process.stdout.close()
        start = max(answered) + 1
    report = verify_journal(place)
    leaves = {each.leaf for each in read_entries(place, 1)}
    assert set(answered.values()) <= leaves
    assert report.entries - 1 - 2 * len(answered) <= 6  # recorded, killed before the answer
    with desk(place) as journal:
        for paid, leaf in answered.items():
            assert pay(journal, case_number(paid)).decision_id == leaf
        pay(journal, case_number(start))
        with journal.reading() as reading:
            recorded = len(reading.withdrawals(b"", 10_000))
            assert reading.outflow_since(VAULT, 0) == recorded * 60_010_000
            assert reading.withdrawal(withdrawal_id(start)) is not None
            clocks = [reading.first_attested(VAULT, terms_of(each), QUORUM) for each in answered]
            assert clocks == [NOW] * len(answered)


FILL = """
import resource, sys
from pathlib import Path
from signer.core.errors import Refusal
from tests.journal.desk import case_number, open_desk, pay
path = Path(sys.argv[1])
journal = open_desk(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
for number in range(1_000):
    try:
        pay(journal, case_number(number))
    except Refusal as refusal:
        print("refused", number, refusal.code)
        break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("then", number, pay(journal, case_number(number)).decision_id.hex())
journal.close()
"""


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    """The file may not grow: refused by name, nothing half written; with room again all goes on."""
    path = tmp_path / "journal"
    open_desk(path).close()
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, check=False
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["refused", "then"], done.stderr
    assert lines[0][2] == "journal-unavailable"
    assert lines[0][1] == lines[1][1]
    assert int(lines[0][1]) > 5
    assert verify_journal(path).entries == 2 + int(lines[1][1])
