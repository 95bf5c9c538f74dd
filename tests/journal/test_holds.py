"""Holds, lifts and moves, as the tables answer about them."""

from collections.abc import Iterator

import pytest

from signer.core.acts import HoldDestination, HoldWithdrawal, LiftHolds
from signer.core.errors import Fault
from signer.journal.audit import verify_journal
from signer.journal.journal import Journal
from signer.journal.place import Place
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.journal.desk import (
    ManualClock,
    desk,
    move,
    sweep_case,
    sweep_terms,
)
from tests.journal.words import (
    OFFICERS,
    VAULT,
    move_approval,
    noted,
    said,
    subject,
    sweep_of,
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def journal(place: Place, clock: ManualClock) -> Iterator[Journal]:
    with desk(place, clock) as opened:
        yield opened
    verify_journal(place)


def test_approved_moves_until_they_are_used(journal: Journal, clock: ManualClock) -> None:
    sweep = sweep_case(Coin(salt=9)).verify()
    used = sweep_terms(sweep, b"u" * 16)
    late = move_approval(2)
    noted(
        journal,
        said(move_approval(1)),
        said(late, OFFICERS[0], NOW + 10),
        said(type(late)(VAULT, used)),
        said(type(late)(b"\x09" * 32, sweep_of(3))),
    )
    with journal.reading() as reading:
        assert set(reading.approved_moves(VAULT)) == {sweep_of(1), sweep_of(2), used}
        assert reading.approvers(subject(late)) == ((OFFICERS[0], NOW + 10),)
    move(journal, sweep, used)
    noted(journal, said(type(late)(VAULT, used), OFFICERS[1]))
    clock.moment = NOW + 10
    with journal.reading() as reading:
        assert reading.approved_moves(VAULT) == (sweep_of(1),)
    noted(
        journal,
        said(late, OFFICERS[0], NOW + 20, NOW + 10),
        said(late, OFFICERS[0], NOW + 15, NOW + 10),
    )
    clock.moment = NOW + 19
    with journal.reading() as reading:
        assert set(reading.approved_moves(VAULT)) == {sweep_of(1), sweep_of(2)}


def test_holds_of_a_withdrawal_or_a_destination(journal: Journal, clock: ManualClock) -> None:
    first, other = withdrawal_id(1), withdrawal_id(2)
    noted(journal, said(HoldWithdrawal(first, NOW + 50)))
    with journal.reading() as reading:
        assert reading.held_until(first, USER_SCRIPT) == NOW + 50
        assert reading.held_until(other, USER_SCRIPT) == 0
        assert reading.holds_by(OFFICERS[0]) == (NOW + 50,)
    noted(journal, said(HoldDestination(USER_SCRIPT, NOW + 70), OFFICERS[1]))
    noted(journal, said(HoldWithdrawal(first, NOW + 60), OFFICERS[1]))
    clock.moment = NOW + 60
    with journal.reading() as reading:
        assert reading.held_until(first, b"\x6a") == NOW + 60
        assert reading.held_until(other, USER_SCRIPT) == NOW + 70
        assert reading.holds_by(OFFICERS[0]) == ()
        assert reading.holds_by(OFFICERS[1]) == (NOW + 70,)


def test_a_lift_ends_what_that_officer_holds_by_then(journal: Journal) -> None:
    first, other = withdrawal_id(1), withdrawal_id(2)
    noted(
        journal,
        said(HoldWithdrawal(first, NOW + 90)),
        said(HoldDestination(USER_SCRIPT, NOW + 80)),
        said(HoldWithdrawal(first, NOW + 50), OFFICERS[1]),
    )
    lift = LiftHolds(OFFICERS[0])
    noted(journal, said(lift, OFFICERS[1]), said(lift, OFFICERS[2]))
    with journal.reading() as reading:
        assert reading.held_until(first, USER_SCRIPT) == NOW + 50
        assert reading.holds_by(OFFICERS[0]) == ()
    noted(journal, said(HoldWithdrawal(other, NOW + 70)))
    with journal.reading() as reading:
        assert reading.held_until(other, USER_SCRIPT) == NOW + 70


def test_the_last_hold_of_an_officer_is_remembered(journal: Journal, clock: ManualClock) -> None:
    """Ended or lifted, it is the one that a later series is measured by."""
    with journal.reading() as reading:
        assert reading.last_hold(OFFICERS[0]) == 0
    noted(
        journal,
        said(HoldWithdrawal(withdrawal_id(1), NOW + 90)),
        said(HoldDestination(USER_SCRIPT, NOW + 80)),
        said(HoldWithdrawal(withdrawal_id(1), NOW + 99), OFFICERS[1]),
    )
    clock.moment = NOW + 200
    with journal.reading() as reading:
        assert reading.last_hold(OFFICERS[0]) == NOW + 90
        assert reading.last_hold(OFFICERS[1]) == NOW + 99
        assert reading.last_hold(OFFICERS[2]) == 0
    noted(journal, said(LiftHolds(OFFICERS[0]), OFFICERS[1], now=NOW + 200))
    with journal.reading() as reading:
        assert reading.last_hold(OFFICERS[0]) == NOW + 90
    noted(journal, said(HoldWithdrawal(withdrawal_id(2), NOW + 300), now=NOW + 200))
    with journal.reading() as reading:
        assert reading.last_hold(OFFICERS[0]) == NOW + 300


def test_an_officer_holds_a_thing_once(journal: Journal) -> None:
    """Should the kernel ever be wrong about it, the primary key still holds."""
    hold = HoldWithdrawal(withdrawal_id(1), NOW + 50)
    noted(journal, said(hold))
    with pytest.raises(Fault):
        noted(journal, said(HoldWithdrawal(withdrawal_id(1), NOW + 90)))
    with journal.reading() as reading:
        assert reading.held_until(withdrawal_id(1), b"") == NOW + 50
        assert len(reading.acts_about(subject(hold))) == 1
