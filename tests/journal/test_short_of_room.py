"""What goes on record while room is short. Invariant: refusals never touch the reserve."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from signer.core.errors import Refusal
from signer.journal import decide
from signer.journal.audit import verify_journal
from signer.journal.budget import DEFAULT_BUDGET, CallerBudget, budget_in
from signer.journal.database import StoreFull
from signer.journal.journal import Journal
from signer.journal.place import Place
from signer.journal.room import (
    Space,
)
from signer.journal.store import store_at
from tests.journal.desk import Policy, case_number, desk, pay
from tests.journal.tampering import tables_of
from tests.journal.words import approval, noted, proposed, said

MIB = 1 << 20


# --- what is recorded then ---


def test_what_remains_of_a_caller_s_budget() -> None:
    assert budget_in(Space.AMPLE, DEFAULT_BUDGET) is DEFAULT_BUDGET
    assert budget_in(Space.LOW, DEFAULT_BUDGET) == CallerBudget(refused_bytes=0, alike=1)
    scarce = CallerBudget(0, 0, versions=30, version_bytes=4 * MIB)
    assert budget_in(Space.RESERVE, DEFAULT_BUDGET) == scarce
    less = CallerBudget(versions=2, version_bytes=1)
    assert budget_in(Space.RESERVE, less) == CallerBudget(0, 0, 2, 1)


@contextmanager
def denied(code: str) -> Iterator[list[bytes]]:
    """The decision id that the refusal carries."""
    found: list[bytes] = []
    with pytest.raises(Refusal) as caught:
        yield found
    assert caught.value.code == code
    found.append(caught.value.decision_id)


STERN = Policy(outflow=0)
DOUBTING = Policy(coins_proven=False)


class Short:
    """A room in which space is what the test says."""

    def __init__(self) -> None:
        self.now = Space.AMPLE
        self.spare = 0

    def space(self) -> Space:
        return self.now

    def give_back(self) -> bool:
        self.spare -= 1
        return self.spare >= 0

    def shortage(self) -> str:
        return ""

    def close(self) -> None:
        """It holds nothing."""


@pytest.fixture
def short(place: Place, monkeypatch: pytest.MonkeyPatch) -> Short:
    room = Short()
    monkeypatch.setattr(type(store_at(place)), "room", lambda *_: room)
    return room


def test_of_a_caller_s_refusals_one_of_each_code_is_an_entry_while_little_is_free(
    place: Place, short: Short
) -> None:
    with desk(place) as journal:
        short.now = Space.LOW
        for number, policy, is_recorded in (
            (1, STERN, True),
            (1, STERN, True),  # the same again: the first one's
            (2, STERN, False),
            (2, DOUBTING, True),
            (3, DOUBTING, False),
        ):
            code = "outflow-exceeded" if policy is STERN else "coin-unproven"
            with denied(code) as found:
                pay(journal, case_number(number), policy)
            assert bool(found[0]) is is_recorded, number
        with denied("outflow-exceeded") as found:
            pay(journal, case_number(2), STERN, caller="another relayer")
        assert found[0]
        short.now = Space.AMPLE
        with denied("outflow-exceeded") as found:
            pay(journal, case_number(2), STERN)
        assert found[0]
    assert verify_journal(place).entries == 1 + 4
    with tables_of(place) as tables:
        counted = tables.execute("SELECT code, times FROM counters ORDER BY code").fetchall()
        kept = tables.execute("SELECT kept FROM refusals ORDER BY entry").fetchall()
    assert counted == [("coin-unproven", 1), ("outflow-exceeded", 2)]
    assert [bool(size) for (size,) in kept] == [False, False, False, True]


def test_while_the_reserve_is_in_use_refusals_are_counted_and_all_else_goes_on(
    place: Place, short: Short
) -> None:
    with desk(place) as journal:
        short.now = Space.RESERVE
        with denied("outflow-exceeded") as found:
            pay(journal, case_number(1), STERN)
        assert not found[0]
        assert verify_journal(place).entries == 1
        pay(journal, case_number(1))
        noted(journal, said(approval(2)))
    assert verify_journal(place).entries == 3


def test_versions_that_bind_nothing_new_have_a_small_budget_then(
    place: Place, short: Short
) -> None:
    with desk(place, budget=CallerBudget(versions=31)) as journal:
        short.now = Space.RESERVE
        for fee in range(31):
            pay(journal, case_number(1, fee=20_000 + fee))
        with denied("version-budget-exhausted"):
            pay(journal, case_number(1, fee=20_100))
        short.now = Space.LOW
        pay(journal, case_number(1, fee=20_100))


def test_all_callers_together_take_little_of_the_reserve_for_such_versions(
    place: Place, short: Short, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though one of each caller fits its own budget; what pays a new withdrawal is recorded as ever."""
    monkeypatch.setattr(decide, "MAX_SCARCE", 4_000)
    with desk(place) as journal:
        pay(journal, case_number(1, fee=50_000))
        for space, codes in ((Space.RESERVE, {"", "journal-disk-full"}), (Space.LOW, {""})):
            short.now = space
            assert {bumped(journal, 20_000 + each, f"{space} {each}") for each in range(9)} == codes
        short.now = Space.RESERVE
        assert bumped(journal, 30_000, "another") == ""  # in use anew
        pay(journal, case_number(2))


def bumped(journal: Journal, fee: int, caller: str) -> str:
    """The code with which another version of withdrawal 1 is refused; empty when it is recorded."""
    try:
        pay(journal, case_number(1, fee=fee), caller=caller)
    except Refusal as refusal:
        return refusal.code
    return ""


@pytest.mark.parametrize("space", list(Space))
def test_no_policy_is_proposed_while_the_reserve_is_in_use(
    place: Place, short: Short, space: Space
) -> None:
    with desk(place) as journal:
        short.now = space
        if space is Space.RESERVE:
            with denied("journal-disk-full"):
                noted(journal, proposed(b"a policy"))
        else:
            noted(journal, proposed(b"a policy"))
        noted(journal, said(approval(2)))


class Full:
    """Tables of a disk that is full for so many commits."""

    def __init__(self, tables: object, times: int) -> None:
        self._tables, self.times = tables, times

    def __getattr__(self, name: str) -> object:
        if name == "commit" and self.times:
            self.times -= 1
            raise StoreFull("database or disk is full")
        return getattr(self._tables, name)


def test_a_batch_that_finds_the_disk_full_is_done_again_while_the_reserve_lasts(
    place: Place, short: Short
) -> None:
    with desk(place) as journal:
        connection = journal._writer._tables
        short.spare = 2
        journal._writer._tables = Full(connection, 2)  # type: ignore[assignment]
        pay(journal, case_number(1))
        journal._writer._tables = Full(connection, 1)  # type: ignore[assignment]
        with denied("journal-disk-full") as found:
            pay(journal, case_number(2))
        assert not found[0]
        assert journal.failures() == ("the journal cannot record: database or disk is full",)
        assert verify_journal(place).entries == 2
        pay(journal, case_number(2))
        assert journal.failures() == ()
    assert verify_journal(place).entries == 3
