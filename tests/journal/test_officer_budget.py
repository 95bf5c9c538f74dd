"""What officers and proposing callers may write within an hour."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from signer.core.acts import HoldDestination, HoldWithdrawal, LiftHolds
from signer.core.errors import (
    LimitExceeded,
    Objection,
)
from signer.core.notices import Notice
from signer.journal.audit import read_entries, verify_journal
from signer.journal.codec import encode_entry
from signer.journal.entry import Entry
from signer.journal.growth import HOUR
from signer.journal.journal import Journal
from signer.journal.noting import (
    OFFICER_ACTS,
    OFFICER_HOLDS,
    OFFICER_MOVES,
    OFFICER_REPEATS,
    PROPOSAL_BYTES,
    PROPOSALS,
)
from signer.journal.place import Place
from tests.core.spends import NOW, withdrawal_id
from tests.journal.desk import (
    ManualClock,
    desk,
)
from tests.journal.words import (
    EXPIRES,
    OFFICERS,
    approval,
    move_approval,
    noted,
    proposed,
    rejection,
    said,
    subject,
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


def exhausted(journal: Journal, *notices: Notice) -> Objection:
    with pytest.raises(LimitExceeded) as caught:
        noted(journal, *notices)
    assert caught.value.code == "officer-budget-exhausted"
    return caught.value.objections[0]


def test_an_officer_s_acts_of_an_hour_end(
    journal: Journal, clock: ManualClock, place: Place
) -> None:
    noted(journal, said(approval(0)))
    clock.moment = NOW + 5
    many = [said(approval(number), now=NOW + 5) for number in range(1, OFFICER_ACTS + 1)]
    assert exhausted(journal, *many).not_before == NOW + HOUR
    assert len(entries(place)) == 1
    noted(journal, *many[:-1])
    assert exhausted(journal, many[-1]).not_before == NOW + HOUR
    noted(journal, said(approval(999), OFFICERS[1], now=NOW + 5))
    clock.moment = NOW + HOUR
    noted(journal, said(approval(999), now=NOW + HOUR))
    assert exhausted(journal, said(approval(998), now=NOW + HOUR)).not_before == NOW + 5 + HOUR


def test_an_officer_s_acts_about_one_subject_end(journal: Journal, clock: ManualClock) -> None:
    acts = [said(approval(1), expires=EXPIRES + each) for each in range(OFFICER_REPEATS + 1)]
    noted(journal, *acts[:-1])
    assert exhausted(journal, acts[-1]).not_before is None
    noted(journal, said(approval(1), OFFICERS[1]), said(approval(2)))
    lift = LiftHolds(OFFICERS[1])
    noted(journal, *[said(lift, expires=EXPIRES + each) for each in range(OFFICER_REPEATS + 1)])


def test_a_thief_s_approvals_do_not_use_up_the_owner_s_no(journal: Journal, place: Place) -> None:
    """Whoever stole a key approves till the budget of one subject, and of the hour, is used up. Its owner
    still rejects and holds, and the others' approvals of that officer's end there."""
    repeated = [said(approval(0), expires=EXPIRES + each) for each in range(OFFICER_REPEATS)]
    others = [said(approval(number)) for number in range(1, OFFICER_ACTS - OFFICER_REPEATS + 1)]
    noted(journal, *repeated, *others)
    exhausted(journal, said(approval(0), expires=EXPIRES + 99))
    exhausted(journal, said(approval(998)))
    noted(journal, said(rejection(0)))
    noted(journal, said(HoldWithdrawal(withdrawal_id(0), NOW + 50)))
    noted(journal, said(HoldDestination(b"\x00\x14" + b"\x05" * 20, NOW + 50)))
    with journal.reading() as reading:
        assert reading.rejecters(subject(approval(0))) == (OFFICERS[0],)
        assert reading.approvers(subject(approval(0))) == ()
        assert reading.held_until(withdrawal_id(0), b"") == NOW + 50
    assert len(entries(place)) == OFFICER_ACTS + 3


def test_an_officer_s_holds_of_an_hour_end(journal: Journal, clock: ManualClock) -> None:
    """Holds of seconds, one after another, of things that do not exist: the record must not fill up."""
    holds = [said(HoldWithdrawal(withdrawal_id(each), NOW + 1)) for each in range(OFFICER_HOLDS)]
    noted(journal, *holds)
    one_more = HoldWithdrawal(withdrawal_id(999), NOW + HOUR + 9)
    exhausted(journal, said(one_more))
    noted(journal, said(one_more, OFFICERS[1]))
    clock.moment = NOW + HOUR
    exhausted(journal, said(one_more, now=NOW + HOUR))
    clock.moment = NOW + HOUR + 1
    noted(journal, said(one_more, now=NOW + HOUR + 1))


def test_an_officer_s_open_moves_end(journal: Journal, clock: ManualClock) -> None:
    moves = [said(move_approval(each), expires=NOW + 2 * HOUR) for each in range(OFFICER_MOVES)]
    noted(journal, *moves)
    clock.moment = NOW + HOUR
    further = said(move_approval(OFFICER_MOVES), now=NOW + HOUR)
    assert exhausted(journal, further).not_before == NOW + 2 * HOUR
    noted(journal, said(move_approval(OFFICER_MOVES), OFFICERS[1], now=NOW + HOUR))
    noted(journal, said(approval(1), now=NOW + HOUR))
    clock.moment = NOW + 2 * HOUR
    noted(journal, said(move_approval(OFFICER_MOVES), now=NOW + 2 * HOUR))
    with journal.reading() as reading:
        assert reading.approvers(subject(move_approval(OFFICER_MOVES)))


def test_a_caller_s_proposals_of_an_hour_end(journal: Journal, clock: ManualClock) -> None:
    noted(journal, *[proposed(b"policy %d" % each) for each in range(PROPOSALS)])
    assert exhausted(journal, proposed(b"another")).not_before == NOW + HOUR
    noted(journal, replace(proposed(b"another"), caller="another officer"))
    clock.moment = NOW + HOUR
    noted(journal, proposed(b"one more", now=NOW + HOUR))


def test_a_caller_s_proposed_bytes_of_an_hour_end(journal: Journal, clock: ManualClock) -> None:
    """A megabyte of policy, twenty times an hour, would fill a disk in a month."""
    big = PROPOSAL_BYTES // 4
    noted(journal, *[proposed(b"%d" % each * big) for each in range(3)])
    clock.moment = NOW + 5
    assert exhausted(journal, proposed(b"x" * big, now=NOW + 5)).not_before == NOW + HOUR
    exhausted(journal, proposed(b"a" * 10, now=NOW + 5), proposed(b"x" * big, now=NOW + 5))
    noted(journal, proposed(b"x" * (big - 2_000), now=NOW + 5))
    noted(journal, replace(proposed(b"x" * big, now=NOW + 5), caller="another officer"))
    clock.moment = NOW + HOUR
    noted(journal, proposed(b"y" * (2 * big), now=NOW + HOUR))


def test_the_bytes_of_proposals_are_bounded_to_one(journal: Journal, place: Place) -> None:
    """The boundary, and that one always fits, however large."""
    noted(journal, proposed(b"a"))
    (first,) = read_entries(place, 1)
    room = PROPOSAL_BYTES - len(encode_entry(first.entry))
    exhausted(journal, proposed(b"b" * (room + 1)))
    noted(journal, proposed(b"b" * room))
    noted(journal, replace(proposed(b"b" * (PROPOSAL_BYTES + 1)), caller="another officer"))
