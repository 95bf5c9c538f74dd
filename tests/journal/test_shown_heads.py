"""Heads that callers show. Invariant: one by our log key that this log does not have stops it."""

from collections.abc import Iterator

import pytest

from signer.core.errors import Refusal
from signer.journal.journal import Journal
from signer.journal.note import Head, origin_of, sign_head
from signer.journal.place import Place
from tests.conftest import Places
from tests.journal.desk import (
    Signer,
    case_number,
    desk,
    pay,
)
from tests.journal.test_journal import commit_together
from tests.journal.test_refusals import refusal_of


@pytest.fixture
def journal(place: Place) -> Iterator[Journal]:
    with desk(place) as opened:
        yield opened


def test_a_head_of_ours_is_confirmed(place: Place) -> None:
    with desk(place) as journal:
        first = pay(journal, case_number(1)).head
        journal.confirm_head(first)
        journal.confirm_head(pay(journal, case_number(2)).head)
        journal.confirm_head(first)


def test_a_head_that_we_signed_but_do_not_reach(place: Place, places: Places) -> None:
    """A member is restored from an old copy: the relayer's last head gives it away."""
    with desk(place) as journal:
        pay(journal, case_number(1))
    old = places.copy(place)
    with desk(place) as journal:
        later = pay(journal, case_number(2)).head
    with desk(old) as journal:
        assert shown(journal, later) == "state-rolled-back"
    for number in (3, 4):  # as long as the other history, then longer
        with desk(old) as journal:
            pay(journal, case_number(number))
            assert shown(journal, later) == "state-rolled-back"


def test_a_head_of_a_size_that_this_history_never_released(place: Place, places: Places) -> None:
    """Both histories are longer than the head shown, but only one of them ever released it."""
    with desk(place) as journal:
        pay(journal, case_number(1))
    old = places.copy(place)
    with desk(place) as journal:
        later = pay(journal, case_number(2)).head
    with desk(old) as journal:
        commit_together(journal, [case_number(3), case_number(4)])
        assert shown(journal, journal_head(journal)) == ""
        assert shown(journal, later) == "state-rolled-back"


def test_after_a_rollback_nothing_is_recorded_until_a_restart(place: Place, places: Places) -> None:
    """Whoever does not show a head must not get the second signature from an old copy."""
    with desk(place) as journal:
        first = pay(journal, case_number(1))
    old = places.copy(place)
    with desk(place) as journal:
        later = pay(journal, case_number(2)).head
    with desk(old) as journal:
        assert pay(journal, case_number(1)).decision_id == first.decision_id
        assert shown(journal, later) == "state-rolled-back"
        for number in (1, 3):
            with pytest.raises(Refusal) as caught:
                pay(journal, case_number(number))
            assert caught.value.code == "state-rolled-back"
        assert shown(journal, first.head) == ""
        journal.record_refusal(refusal_of(1))  # what is refused is still written down
    with desk(old) as journal:
        assert pay(journal, case_number(1)).decision_id == first.decision_id


def test_a_head_of_somebody_else(journal: Journal) -> None:
    origin = origin_of(b"\x01" * 32, Signer().log_key)
    foreign = sign_head(Head(origin, 1, b"\x02" * 32), Signer())
    for head in ("", "nonsense", foreign):
        with pytest.raises(Refusal) as caught:
            journal.confirm_head(head)
        assert caught.value.code == "head-malformed"


def shown(journal: Journal, head: str) -> str:
    """The code with which the head is refused; empty when it is confirmed."""
    try:
        journal.confirm_head(head)
    except Refusal as refusal:
        return refusal.code
    return ""


def journal_head(journal: Journal) -> str:
    with journal.reading() as reading:
        return reading.head()
