"""How fast callers make the log grow. Invariant: no number of them makes it too fast for its readers."""

from dataclasses import replace
from pathlib import Path

import pytest

from signer.core.errors import LimitExceeded, Objection, Refusal
from signer.journal import growth, pace
from signer.journal.audit import read_entries, verify_journal
from signer.journal.budget import CallerBudget
from signer.journal.journal import Journal
from signer.journal.place import Place
from tests.core.spends import NOW
from tests.journal.desk import ManualClock, Policy, case_number, desk, pay
from tests.journal.test_waiting import asked, awaited_of, settle, start
from tests.journal.words import approval, noted, proposed, said

RELAYER, HOSTILE = "relayer", tuple(f"hostile {each}" for each in range(5))
STERN = Policy(outflow=0)
UNLIMITED = CallerBudget(version_bytes=1 << 40, versions=1 << 20)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second pays 20 bytes of the log's, and 2 of a caller's; readers allow a third more."""
    for name, size in (("PER_HOUR", 72_000), ("FREE", 24_000), ("FULL", 80_000), ("SHARE", 7_200)):
        monkeypatch.setattr(growth, name, size)
    monkeypatch.setattr(pace, "PER_HOUR", 96_000)
    monkeypatch.setattr(pace, "BURST", 88_000)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def vary(journal: Journal, fee: int, caller: str = RELAYER) -> Objection | None:
    """Why another version of withdrawal 1 is refused; None when it is recorded."""
    try:
        pay(journal, case_number(1, fee=fee), caller=caller)
    except LimitExceeded as refusal:
        return refusal.objections[0]
    return None


def fill(journal: Journal, caller: str = HOSTILE[0], fee: int = 10_000) -> Objection:
    """Versions of withdrawal 1 until that caller must wait."""
    while (found := vary(journal, fee, caller)) is None:
        fee += 1
    return found


def sizes(place: Place, caller: str | None = None) -> list[int]:
    return [
        each.size
        for each in read_entries(place, 0)
        if caller in (None, getattr(each.entry, "caller", ""))
    ]


def read_on(place: Place) -> None:
    """Raises LimitExceeded `member-log-too-fast` where another member reads it no further."""
    kept: pace.Pace | None = None
    for each in read_entries(place, 0):
        kept = pace.gone_on(kept, [(each.entry.clock, each.size)], each.entry.clock)


def test_it_is_slower_than_others_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside what a start takes of a dishonest member: less than half of what it wrote."""
    monkeypatch.undo()
    assert growth.PER_HOUR < pace.PER_HOUR
    assert growth.FREE < growth.FULL < growth.FULL_OF_GRANTS <= pace.BURST // 2


def test_who_comes_first_writes_while_the_log_owes_little(place: Place, clock: ManualClock) -> None:
    with desk(place, clock, UNLIMITED) as journal:
        found = fill(journal)
        _, *entries = sizes(place)  # what the genesis owed is paid
        assert sum(entries[:-1]) <= growth.FREE < sum(entries)
        share = growth.SHARE + entries[-1]
        assert found.code == "version-budget-exhausted"
        assert found.observed == f"{sum(entries)} bytes, {share} of this caller"
    verify_journal(place)


def test_another_caller_has_a_share_of_its_own(place: Place, clock: ManualClock) -> None:
    """An honest relayer is not starved: it pays on while a hostile one waits, up to its share."""
    with desk(place, clock, UNLIMITED) as journal:
        fill(journal)
        for number in (2, 3):
            pay(journal, case_number(number))
        fill(journal, RELAYER, 20_000)
        own = sizes(place, RELAYER)
        assert sum(own[:-1]) <= growth.SHARE < sum(own)
        with pytest.raises(LimitExceeded, match="version-budget-exhausted"):
            pay(journal, case_number(9))
        pay(journal, case_number(9), caller="a third")


def test_not_before_is_the_second_in_which_it_passes(place: Place, clock: ManualClock) -> None:
    """What comes first: its own share is paid, or the log owes less than FREE."""
    with desk(place, clock, UNLIMITED) as journal:
        for caller in HOSTILE:
            found = fill(journal, caller, 20_000 + 100 * HOSTILE.index(caller))
            assert found.not_before is not None
            clock.moment = found.not_before - 1
            assert vary(journal, 90_000, caller) is not None
            clock.moment += 1
            assert vary(journal, 20_050 + 100 * HOSTILE.index(caller), caller) is None
    verify_journal(place)


def test_no_number_of_callers_goes_beyond_the_whole(place: Place, clock: ManualClock) -> None:
    """An edge that invents names."""
    with desk(place, clock, UNLIMITED) as journal:
        names = (f"name {each}" for each in range(100))
        waits = [vary(journal, 10_000 + each, name) for each, name in enumerate(names)]
        whole = sizes(place)
        assert waits[-1] is not None
        assert sum(whole[:-1]) <= growth.FULL < sum(whole)
        assert waits[-1].not_before is not None
        clock.moment = waits[-1].not_before - 1
        assert vary(journal, 20_000, "another") is not None
        clock.moment += 1
        assert vary(journal, 20_000, "another") is None


def test_a_retry_and_words_of_officers_pass_always(place: Place, clock: ManualClock) -> None:
    with desk(place, clock, UNLIMITED) as journal:
        fill(journal)
        before = len(sizes(place))
        assert vary(journal, 10_000, HOSTILE[0]) is None
        assert len(sizes(place)) == before
        noted(journal, said(approval(2)))
        assert len(sizes(place)) == before + 1


def test_its_refusals_are_only_counted(place: Place, clock: ManualClock) -> None:
    with desk(place, clock, UNLIMITED) as journal:
        fill(journal)
        before = len(sizes(place))
        for caller, is_recorded in ((HOSTILE[0], False), (RELAYER, True)):
            with pytest.raises(Refusal) as caught:
                pay(journal, case_number(2), STERN, caller=caller)
            assert caught.value.code == "outflow-exceeded"
            assert bool(caught.value.decision_id) is is_recorded
        assert len(sizes(place)) == before + 1


def test_nor_do_proposals_make_it_grow(place: Place, clock: ManualClock) -> None:
    """Of one caller; another has its share."""
    big = proposed(b"p" * 30_000)
    with desk(place, clock) as journal:
        noted(journal, big)
        with pytest.raises(LimitExceeded) as caught:
            noted(journal, replace(big, policy=b"another"))
        assert caught.value.code == "officer-budget-exhausted"
        later = caught.value.objections[0].not_before
        assert later is not None
        clock.moment = later - 1
        noted(journal, replace(big, policy=b"other", caller="another", clock=clock.moment))
        clock.moment = later + 60
        noted(journal, replace(big, policy=b"another", clock=clock.moment))


def test_what_becomes_void_counts(tmp_path: Path, clock: ManualClock) -> None:
    """Each caller within its budget, with a new withdrawal each time."""
    with desk(tmp_path / "journal.sqlite", clock) as journal:
        start(journal)
        for caller in HOSTILE:
            with pytest.raises(LimitExceeded, match="version-budget-exhausted"):  # noqa: PT012
                for _ in range(30):
                    settle(journal, awaited_of(journal, asked(1, caller)), agreed=False)
        awaited_of(journal, asked(2))


def test_what_is_owed_outlives_the_process(place: Place, clock: ManualClock) -> None:
    with desk(place, clock, UNLIMITED) as journal:
        found = fill(journal)
    with desk(place, clock, UNLIMITED) as journal:
        assert vary(journal, 90_000, HOSTILE[0]) == found
    verify_journal(place)


@pytest.mark.parametrize("is_bounded", [True, False])
def test_hostile_callers_for_hours(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, *, is_bounded: bool
) -> None:
    """Five write all that they can in each quarter of an hour: other members read the log on, and the honest
    relayer pays in each second one. Without a bound over all of them nobody reads it on."""
    if not is_bounded:
        monkeypatch.setattr(growth, "FREE", 1 << 40)
    path = tmp_path / "journal.sqlite"
    with desk(path, clock, UNLIMITED) as journal:
        for quarter in range(12):
            for at, caller in enumerate(HOSTILE):
                fee = 10_000 + 100 * (5 * quarter + at)
                for more in range(8):
                    if vary(journal, fee + more, caller) is not None:
                        break
            if quarter % 2:
                pay(journal, case_number(100 + quarter))
            clock.moment = NOW + (quarter + 1) * 900
    if is_bounded:
        read_on(path)
        return
    with pytest.raises(LimitExceeded, match="member-log-too-fast"):
        read_on(path)
