"""Notices in the writer's transaction: what stays, what goes, who is stopped (see signer.journal.noting)."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from signer.bitcoin.units import MAX_MONEY
from signer.core.acts import HoldWithdrawal
from signer.core.errors import (
    Fault,
    LimitExceeded,
    Objection,
    Pending,
    PolicyDenied,
    Refusal,
    malformed,
)
from signer.core.notices import AttestedNotice, Notice
from signer.core.witnesses import Witnesses
from signer.journal.audit import read_entries, verify_journal
from signer.journal.entry import Entry, RefusedEntry, SignedEntry
from signer.journal.journal import Journal
from signer.journal.note import Head, origin_of, sign_head, verify_head
from signer.journal.place import Place
from signer.ports.reading import Reading
from signer.ports.recording import Noted, Passage
from tests.core.spends import NOW, authorized, withdrawal_id
from tests.journal.desk import (
    GENESIS,
    ManualClock,
    Policy,
    Signer,
    case_number,
    deliberation,
    desk,
    pay,
)
from tests.journal.words import (
    QUORUM,
    VAULT,
    approval,
    attested,
    noted,
    said,
    terms_of,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def journal(place: Place, clock: ManualClock) -> Iterator[Journal]:
    with desk(place, clock) as opened:
        yield opened
    verify_journal(place)


def entries(place: Place) -> list[Entry]:
    return [stored.entry for stored in read_entries(place, 1)]


def decide_with(
    journal: Journal, number: int, policy: Policy, *notices: Notice, now: int = NOW
) -> None:
    """Ask for that withdrawal; the deliberation has these notices."""
    case = case_number(number)
    asked = deliberation(case.verify(), authorized(case), policy)
    journal.record(replace(asked, notices=lambda _, when: notices if when == now else ()))


def test_a_note_is_answered_with_its_entries_and_a_head(journal: Journal, place: Place) -> None:
    notices = (attested(terms_of(1)), said(approval(1)))
    answer = noted(journal, *notices)
    stored = list(read_entries(place, 1))
    assert tuple(each.leaf for each in stored) == answer.decision_ids
    assert tuple(each.entry for each in stored) == notices
    assert verify_head(answer.head, Signer().log_key).size == 3
    assert noted(journal) == Noted((), answer.head)


def test_a_note_sees_the_record_and_the_effective_time(
    journal: Journal, clock: ManualClock
) -> None:
    noted(journal, attested(terms_of(1)))
    clock.moment -= 50
    seen = []

    def look(reading: Reading, now: int) -> tuple[Notice, ...]:
        seen.append((now, reading.now(), reading.first_attested(VAULT, terms_of(1), QUORUM)))
        return ()

    journal.note(look)
    assert seen == [(NOW, NOW, NOW)]


def test_a_refused_note_leaves_nothing_and_goes_to_its_caller(
    journal: Journal, place: Place
) -> None:
    refusal = malformed("act-malformed", "not an officer's text")

    def refuse(_: Reading, __: int) -> tuple[Notice, ...]:
        raise refusal

    with pytest.raises(Refusal) as caught:
        journal.note(refuse)
    assert caught.value is refusal
    assert not refusal.decision_id
    assert entries(place) == []


@pytest.mark.parametrize(
    "bad",
    [
        attested(terms_of(2), now=NOW + 1),
        attested(terms_of(2), now=NOW - 1),
        attested(terms_of(2, MAX_MONEY + 1)),
        attested(),
    ],
    ids=["later", "earlier", "more than there is", "nothing"],
)
def test_a_notice_that_would_not_read_back_is_a_fault(
    journal: Journal, place: Place, bad: Notice
) -> None:
    with pytest.raises((Fault, Refusal)) as caught:
        noted(journal, attested(terms_of(1)), bad)
    assert isinstance(caught.value, Fault)
    assert entries(place) == []
    noted(journal, attested(terms_of(1)), attested(terms_of(2, MAX_MONEY)))


def test_clocks_start_though_the_request_is_refused(journal: Journal, place: Place) -> None:
    with pytest.raises(PolicyDenied) as caught:
        decide_with(journal, 1, Policy(outflow=0), attested(terms_of(1)))
    assert [type(entry) for entry in entries(place)] == [type(attested()), RefusedEntry]
    assert caught.value.decision_id == next(iter(read_entries(place, 2))).leaf
    with journal.reading() as reading:
        assert reading.first_attested(VAULT, terms_of(1), QUORUM) == NOW


def test_what_waits_is_an_answer_without_an_entry(journal: Journal, place: Place) -> None:
    with pytest.raises(Pending) as caught:
        decide_with(journal, 1, Policy(waits=True), attested(terms_of(1)))
    assert [missing.code for missing in caught.value.missing] == ["approval-missing"]
    assert [type(entry) for entry in entries(place)] == [type(attested())]
    with pytest.raises(Pending):
        decide_with(journal, 1, Policy(waits=True))
    decide_with(journal, 1, Policy())
    assert [type(entry) for entry in entries(place)] == [type(attested()), SignedEntry]


def test_the_decision_sees_the_notices(journal: Journal) -> None:
    case = case_number(1)
    asked = deliberation(case.verify(), authorized(case))
    seen = []

    def decide(reading: Reading, now: int) -> object:
        seen.append(reading.first_attested(VAULT, terms_of(1), QUORUM))
        return asked.decide(reading, now)

    journal.record(replace(asked, decide=decide, notices=lambda *_: (attested(terms_of(1)),)))  # type: ignore[arg-type]
    assert seen == [NOW]


def test_clocks_stay_though_the_decision_fails(journal: Journal, place: Place) -> None:
    case = case_number(1)

    def fail(_: Reading, __: int) -> object:
        raise ZeroDivisionError

    asked = replace(deliberation(case.verify()), notices=lambda *_: (attested(terms_of(1)),))
    with pytest.raises(Fault):
        journal.record(replace(asked, decide=fail))  # type: ignore[arg-type]
    assert entries(place) == [attested(terms_of(1))]


def test_no_decision_without_its_notices(journal: Journal, place: Place) -> None:
    with pytest.raises(Fault):
        decide_with(journal, 1, Policy(), attested(terms_of(1), now=NOW - 1))
    assert entries(place) == []

    def refuse(_: Reading, __: int) -> tuple[Notice, ...]:
        raise LimitExceeded(Objection("officer-budget-exhausted", "too often"))

    case = case_number(1)
    with pytest.raises(LimitExceeded):
        journal.record(replace(deliberation(case.verify(), authorized(case)), notices=refuse))
    assert entries(place) == []


def test_a_retry_starts_no_clock(journal: Journal, place: Place) -> None:
    pay(journal, case_number(1))
    decide_with(journal, 1, Policy(), attested(terms_of(1)))
    assert [type(entry) for entry in entries(place)] == [SignedEntry]


def test_a_hold_stops_a_retry(journal: Journal, clock: ManualClock, place: Place) -> None:
    first = pay(journal, case_number(1))
    noted(journal, said(HoldWithdrawal(withdrawal_id(1), NOW + 50)))
    with pytest.raises(PolicyDenied) as caught:
        pay(journal, case_number(1))
    assert caught.value.code == "withdrawal-held"
    assert caught.value.objections[0].not_before == NOW + 50
    clock.moment = NOW + 50
    assert pay(journal, case_number(1)).decision_id == first.decision_id


def due_once(*notices: Notice) -> Callable[[Reading, int], tuple[Notice, ...]]:
    """These, when their time has come, unless they are on record."""

    def due(reading: Reading, now: int) -> tuple[Notice, ...]:
        known = [each for _, _, each in reading.notices(0, 99)]
        return tuple(each for each in notices if each not in known and each.clock <= now)

    return due


def test_what_is_due_is_recorded_first(place: Place, clock: ManualClock) -> None:
    step = attested(terms_of(7), now=NOW + 10)
    with desk(place, clock, due=due_once(step)) as journal:
        noted(journal)
        assert entries(place) == []
        clock.moment = NOW + 10
        seen = []

        def look(reading: Reading, _: int) -> tuple[Notice, ...]:
            seen.append(reading.first_attested(VAULT, terms_of(7), QUORUM))
            return ()

        head = journal.note(look).head
        assert seen == [NOW + 10]
        assert verify_head(head, Signer().log_key).size == 2
        pay(journal, case_number(1))
    assert entries(place)[0] == step
    assert verify_journal(place).entries == 3


def test_nobody_is_answered_when_what_is_due_fails(place: Place) -> None:
    wrong = [attested(terms_of(1), now=NOW - 1)]
    with desk(place, due=lambda *_: tuple(wrong)) as journal:
        with pytest.raises(Fault):
            pay(journal, case_number(1))
        assert entries(place) == []
        wrong.clear()
        pay(journal, case_number(1))


def test_nothing_is_noted_in_another_history(journal: Journal) -> None:
    origin = origin_of(GENESIS.genesis_hash, GENESIS.log_key)
    noted(journal, said(approval(1)))
    with pytest.raises(Refusal):
        journal.confirm_head(sign_head(Head(origin, 2, b"\x09" * 32), Signer()))
    with pytest.raises(Refusal) as caught:
        noted(journal, said(approval(2)))
    assert caught.value.code == "state-rolled-back"


def test_a_writer_without_an_answer_to_a_note(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(journal._writer, "submit", lambda *_: None)
        with pytest.raises(Fault):
            noted(journal)
    assert noted(journal).decision_ids == ()


@pytest.mark.parametrize("lags", [False, True])
def test_no_clock_starts_while_time_may_lag(journal: Journal, place: Place, lags: bool) -> None:
    """Of a vault with witnesses: what was decided is on record, and at the end of the start time jumps."""
    if lags:
        journal.gate.shut(Objection("agreement-starting", "a start goes on"), Passage.ORDINARY)
    case = case_number(1)
    asked = replace(
        deliberation(case.verify(), authorized(case)),
        notices=lambda *_: (attested(terms_of(1)),),
        witnesses=Witnesses((b"\x01" * 32, b"\x02" * 32), 2),
    )
    with pytest.raises(Refusal, match="agreement-starting"):
        journal.record(asked)
    found = [type(each) for each in entries(place)]
    assert found == [*([] if lags else [AttestedNotice]), RefusedEntry]
