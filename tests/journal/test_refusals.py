"""Refusals on record, and those that are only counted."""

from collections.abc import Iterator

import pytest

from signer.bitcoin.hashes import sha256
from signer.core.errors import Refusal, unverified
from signer.journal.audit import read_entries, verify_journal
from signer.journal.budget import CallerBudget
from signer.journal.entry import RefusedEntry
from signer.journal.growth import HOUR
from signer.journal.journal import Journal
from signer.journal.place import Place
from signer.ports.recording import RefusedRequest
from tests.core.spends import NOW
from tests.journal.desk import (
    POLICY_ID,
    ManualClock,
    Policy,
    case_number,
    desk,
    pay,
)

STERN = Policy(outflow=0)


@pytest.fixture
def journal(place: Place) -> Iterator[Journal]:
    with desk(place) as opened:
        yield opened


def denied(journal: Journal, number: int, policy: Policy, caller: str = "relayer") -> Refusal:
    with pytest.raises(Refusal) as caught:
        pay(journal, case_number(number), policy, caller)
    return caught.value


def refusal_of(number: int, request: bytes = b"", caller: str = "relayer") -> RefusedRequest:
    digest = sha256(b"request %d" % number)
    return RefusedRequest(
        caller, digest, request, POLICY_ID, unverified("input-foreign", "x" * 400)
    )


def test_a_refusal_is_recorded_and_raised(journal: Journal, place: Place) -> None:
    refusal = denied(journal, 1, STERN)
    assert refusal.code == "outflow-exceeded"
    stored = next(read_entries(place, 1))
    assert stored.leaf == refusal.decision_id
    assert isinstance(stored.entry, RefusedEntry)
    assert stored.entry.code == "outflow-exceeded"
    assert stored.entry.request.startswith(b"request ")
    assert pay(journal, case_number(1)).decision_id != refusal.decision_id


def test_a_repeated_refusal_is_counted_only(journal: Journal, place: Place) -> None:
    first, second = denied(journal, 1, STERN), denied(journal, 1, STERN)
    assert first.decision_id == second.decision_id
    other = denied(journal, 1, STERN, caller="another relayer")
    assert other.decision_id != first.decision_id
    assert len(list(read_entries(place, 0))) == 3


def test_after_an_hour_a_refusal_is_recorded_again(place: Place) -> None:
    clock = ManualClock()
    with desk(place, clock) as journal:
        first = denied(journal, 1, STERN)
        clock.moment = NOW + HOUR - 1
        assert denied(journal, 1, STERN).decision_id == first.decision_id
        clock.moment = NOW + HOUR
        assert denied(journal, 1, STERN).decision_id != first.decision_id


def test_nobody_fills_the_disk_with_refusals(place: Place) -> None:
    clock = ManualClock()
    with desk(place, clock, CallerBudget(refusals=3)) as journal:
        found = [denied(journal, number, STERN).decision_id for number in range(5)]
        assert [bool(decision) for decision in found] == [True, True, True, False, False]
        assert denied(journal, 9, STERN, caller="another relayer").decision_id
        clock.moment = NOW + HOUR
        assert denied(journal, 4, STERN).decision_id
    assert verify_journal(place).entries == 6


def test_full_input_is_kept_within_its_budget(place: Place) -> None:
    with desk(place, budget=CallerBudget(refused_bytes=10)) as journal:
        for number, size in enumerate((6, 5, 4, 1)):
            journal.record_refusal(refusal_of(number, b"r" * size))
    kept = [each.entry.request for each in read_entries(place, 1)]  # type: ignore[union-attr]
    assert kept == [b"r" * 6, b"", b"r" * 4, b""]


def test_a_refusal_before_deliberation_is_recorded(journal: Journal, place: Place) -> None:
    refused = refusal_of(1, b"request")
    journal.record_refusal(refused)
    stored = next(read_entries(place, 1))
    assert refused.refusal.decision_id == stored.leaf
    assert isinstance(stored.entry, RefusedEntry)
    assert (stored.entry.code, stored.entry.request) == ("input-foreign", b"request")


def test_what_is_worth_no_entry_is_counted(place: Place) -> None:
    with desk(place) as journal:
        for _ in range(3):
            journal.count("stranger", "psbt-magic")
        denied(journal, 1, STERN)
        denied(journal, 1, STERN)
        journal.count("stranger", "psbt-magic")
    with desk(place) as journal:
        connection = journal._writer._tables
        rows = connection.execute("SELECT * FROM counters ORDER BY caller").fetchall()
    assert rows == [("relayer", "outflow-exceeded", 1), ("stranger", "psbt-magic", 4)]
