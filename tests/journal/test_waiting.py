"""Entries that wait for grants (J6): awaited until they are agreed, and void after too long."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from signer.core.agreement.notices import AgreedNotice, StartedNotice, VoidNotice
from signer.core.errors import Refusal
from signer.core.spend import AwaitedSpend, RecordedSpend
from signer.core.witnesses import Witnesses
from signer.journal.budget import CallerBudget
from signer.journal.decide import MAX_WAITING, Session
from signer.journal.journal import Journal
from signer.ports.recording import Deliberation
from tests.core.spends import authorized
from tests.journal.desk import ManualClock, case_number, deliberation, desk

WITNESSES = Witnesses((b"\x01" * 32, b"\x02" * 32, b"\x03" * 32), 2)


def asked(number: int = 1, caller: str = "relayer", fee: int = 10_000) -> Deliberation:
    case = case_number(number, fee=fee)
    plain = deliberation(case.verify(), authorized(case), caller=caller)
    return replace(plain, witnesses=WITNESSES, waiting_for=lambda: ("two members",))


def start(journal: Journal) -> None:
    def work(session: Session) -> None:
        session.write(StartedNotice(session.now, session.incarnation, ()))

    journal.in_turn(work)


def settle(journal: Journal, awaited: AwaitedSpend, *, agreed: bool) -> None:
    def work(session: Session) -> None:
        about = (session.now, awaited.number, awaited.decision_id)
        session.write(AgreedNotice(*about, ()) if agreed else VoidNotice(*about, "timed-out"))

    journal.in_turn(work)


def awaited_of(journal: Journal, what: Deliberation) -> AwaitedSpend:
    found = journal.record(what)
    assert isinstance(found, AwaitedSpend)
    return found


def refused(journal: Journal, what: Deliberation) -> Refusal:
    with pytest.raises(Refusal) as caught:
        journal.record(what)
    return caught.value


def test_nothing_is_signed_before_it_is_agreed(tmp_path: Path) -> None:
    """A retry finds the same entry; once agreed it is recorded as what it was; void, it is a new one."""
    with desk(tmp_path / "journal.sqlite") as journal:
        start(journal)
        first = awaited_of(journal, asked(1))
        assert awaited_of(journal, asked(1)).number == first.number
        assert not journal.wait_settled(first.number, 0)
        settle(journal, first, agreed=True)
        assert journal.wait_settled(first.number, 0)
        recorded = journal.record(asked(1))
        assert isinstance(recorded, RecordedSpend)
        assert recorded.decision_id == first.decision_id
        second = awaited_of(journal, asked(2))
        settle(journal, second, agreed=False)
        assert journal.wait_settled(second.number, 0)
        assert awaited_of(journal, asked(2)).number > second.number


def test_who_waits_is_told(tmp_path: Path) -> None:
    with desk(tmp_path / "journal.sqlite") as journal:
        start(journal)
        awaited, told = awaited_of(journal, asked(1)), list[bool]()
        thread = threading.Thread(
            target=lambda: told.append(journal.wait_settled(awaited.number, 60))
        )
        thread.start()
        settle(journal, awaited, agreed=True)
        thread.join(30)
        assert told == [True]


def test_a_start_that_is_not_complete_signs_nothing(tmp_path: Path) -> None:
    """J6: every start is a restore. Retries of what is on record wait too."""
    path = tmp_path / "journal.sqlite"
    with desk(path) as journal:
        refusal = refused(journal, asked(1))
        assert refusal.code == "agreement-starting"
        assert refusal.objections[0].observed == "two members"
        start(journal)
        settle(journal, awaited_of(journal, asked(1)), agreed=True)
        awaited_of(journal, asked(2))
        assert isinstance(journal.record(asked(1)), RecordedSpend)
    with desk(path) as journal:
        assert refused(journal, asked(1)).code == "agreement-starting"
        unwitnessed = replace(asked(2), witnesses=Witnesses((), 0))
        assert refused(journal, unwitnessed).code == "agreement-starting"
        start(journal)
        assert isinstance(journal.record(asked(1)), RecordedSpend)
        awaited_of(journal, unwitnessed)


def test_a_caller_has_few_entries_that_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_WAITING == 64
    monkeypatch.setattr("signer.journal.decide.MAX_WAITING", 2)
    with desk(tmp_path / "journal.sqlite") as journal:
        start(journal)
        first = awaited_of(journal, asked(1))
        awaited_of(journal, asked(2))
        assert refused(journal, asked(3)).code == "agreement-too-many-pending"
        awaited_of(journal, asked(1))  # a retry is no entry more
        awaited_of(journal, asked(3, caller="another"))
        settle(journal, first, agreed=True)
        awaited_of(journal, asked(4))


def test_what_waits_too_long_is_void(tmp_path: Path) -> None:
    """After 120 s, in the writer's next turn; what an earlier start recorded is left: somebody may hold
    it."""
    path, clock = tmp_path / "journal.sqlite", ManualClock()
    with desk(path, clock) as journal:
        start(journal)
        first = awaited_of(journal, asked(1))
        clock.moment += 119
        second = awaited_of(journal, asked(2))
        assert not journal.wait_settled(first.number, 0)
        clock.moment += 1
        journal.note(lambda _, __: ())
        assert journal.wait_settled(first.number, 0)
        assert not journal.wait_settled(second.number, 0)
    clock.moment += 1_000
    with desk(path, clock) as journal:
        start(journal)
        journal.note(lambda _, __: ())
        assert not journal.wait_settled(second.number, 0)


def test_void_entries_fill_no_disk(tmp_path: Path) -> None:
    """Sign, let it be voided, sign again: the bytes count, though each time the withdrawal is new."""
    size = len(case_number(1).verify().psbt_bytes)
    budget, clock = CallerBudget(version_bytes=20 * size), ManualClock()
    with desk(tmp_path / "journal.sqlite", clock, budget) as journal:
        start(journal)
        times = 0
        with pytest.raises(Refusal) as caught:  # noqa: PT012 (how often it passes is not the point)
            while times < 20:
                settle(journal, awaited_of(journal, asked(1)), agreed=False)
                times += 1
        assert caught.value.code == "version-budget-exhausted"
        assert times > 3
        awaited_of(journal, asked(1, caller="another"))
        clock.moment += 3_601
        awaited_of(journal, asked(1))
