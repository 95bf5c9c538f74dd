"""Windows of time, and the time by which they are judged."""

from signer.journal.audit import read_entries
from signer.journal.growth import HOUR
from signer.journal.place import Place
from tests import federation
from tests.core.spends import NOW
from tests.journal.desk import (
    ManualClock,
    Policy,
    case_number,
    desk,
    pay,
)
from tests.journal.test_refusals import denied

VAULT = federation.vault().fingerprint
STERN = Policy(outflow=0)


def test_a_window_is_half_open(place: Place) -> None:
    """(now - w, now]: a charge leaves the window exactly w seconds after it was made."""
    clock = ManualClock()
    policy = Policy(outflow=100_000_000)
    with desk(place, clock) as journal:
        pay(journal, case_number(1), policy)
        clock.moment = NOW + HOUR - 1
        assert denied(journal, 2, policy).code == "outflow-exceeded"
        clock.moment = NOW + HOUR
        assert pay(journal, case_number(2), policy).decision_id


def test_windows_survive_a_restart(place: Place) -> None:
    policy = Policy(outflow=100_000_000)
    with desk(place) as journal:
        pay(journal, case_number(1), policy)
    with desk(place) as journal:
        with journal.reading() as reading:
            assert reading.outflow_since(VAULT, NOW - 1) == 60_010_000
            assert reading.outflow_since(VAULT, NOW) == 0
            assert reading.withdrawals_since(VAULT, NOW - 1) == 1
        assert denied(journal, 2, policy).code == "outflow-exceeded"


def test_time_never_goes_back(place: Place) -> None:
    clock = ManualClock(NOW + 500)
    policy = Policy(outflow=100_000_000)
    with desk(place, clock) as journal:
        pay(journal, case_number(1), policy)
    clock.moment = NOW - 9 * HOUR
    with desk(place, clock) as journal:
        assert denied(journal, 2, policy).code == "outflow-exceeded"
        with journal.reading() as reading:
            assert reading.now() == NOW + 500
    assert [each.entry.clock for each in read_entries(place, 1)] == [NOW + 500, NOW + 500]
