"""What one caller may write within an hour without a new word of an attestor."""

import pytest

from signer.core.errors import MAX_OBJECTIONS, LimitExceeded, Objection, Refusal
from signer.core.evidence import AnchorTerms
from signer.journal.audit import verify_journal
from signer.journal.budget import DEFAULT_BUDGET, CallerBudget
from signer.journal.codec import encode_entry
from signer.journal.growth import HOUR
from signer.journal.journal import Journal
from signer.journal.place import Place
from signer.journal.record import refused_entry
from signer.ports.recording import RefusedRequest
from tests.conftest import Places
from tests.core.spends import NOW, Coin
from tests.journal.desk import (
    ManualClock,
    Policy,
    anchor_case,
    anchor_terms,
    case_number,
    desk,
    move,
    pay,
    sweep_case,
    sweep_terms,
)

THREE = CallerBudget(versions=3)


def vary(journal: Journal, fee: int, caller: str = "relayer") -> str:
    """The code with which another version of withdrawal 1 is refused; empty when it is recorded."""
    try:
        pay(journal, case_number(1, fee=fee), caller=caller)
    except Refusal as refusal:
        return refusal.code
    return ""


def test_the_default_budget() -> None:
    assert (DEFAULT_BUDGET.versions, DEFAULT_BUDGET.version_bytes) == (300, 64 * 1024 * 1024)


def test_free_versions_end(place: Place) -> None:
    """A relayer varies one withdrawal's fee for ever, below what is charged already: each was an entry."""
    with desk(place, budget=THREE) as journal:
        pay(journal, case_number(1, fee=20_000))
        assert [vary(journal, fee) for fee in (10_001, 10_002, 10_003)] == ["", "", ""]
        with pytest.raises(LimitExceeded) as caught:
            pay(journal, case_number(1, fee=10_004))
        assert caught.value.code == "version-budget-exhausted"
        assert caught.value.objections[0].not_before == NOW + HOUR
        assert caught.value.decision_id
    assert verify_journal(place).entries == 1 + 1 + 3 + 1


def test_versions_that_charge_a_satoshi_each_end_too(place: Place) -> None:
    with desk(place, budget=THREE) as journal:
        pay(journal, case_number(1))
        assert [vary(journal, fee) for fee in (10_001, 10_002, 10_003)] == ["", "", ""]
        assert vary(journal, 10_004) == "version-budget-exhausted"


def test_others_retries_and_new_words_are_not_affected(place: Place) -> None:
    with desk(place, budget=THREE) as journal:
        pay(journal, case_number(1))
        for fee in (10_001, 10_002, 10_003):
            vary(journal, fee)
        assert vary(journal, 10_004) == "version-budget-exhausted"
        assert vary(journal, 10_002) == ""  # on record
        assert vary(journal, 10_004, caller="another relayer") == ""
        pay(journal, case_number(2))
        sweep = sweep_case(Coin(salt=9)).verify()
        move(journal, sweep, sweep_terms(sweep))
        move(journal, anchor_case(anchor_terms(), Coin(salt=8)).verify(), anchor_terms())
        assert vary(journal, 10_005) == "version-budget-exhausted"


def test_the_same_anchor_again_and_again(place: Place) -> None:
    def anchor(salt: int, terms: AnchorTerms) -> str:
        try:
            move(journal, anchor_case(terms, Coin(salt=salt)).verify(), terms)
        except Refusal as refusal:
            return refusal.code
        return ""

    with desk(place, budget=CallerBudget(versions=2)) as journal:
        assert [anchor(salt, anchor_terms(1)) for salt in range(3)] == ["", "", ""]
        assert anchor(3, anchor_terms(1)) == "version-budget-exhausted"
        assert anchor(3, anchor_terms(3)) == ""


def test_a_sweep_without_a_statement_counts(place: Place) -> None:
    with desk(place, budget=CallerBudget(versions=1)) as journal:
        move(journal, sweep_case(Coin(salt=1)).verify())
        with pytest.raises(LimitExceeded) as caught:
            move(journal, sweep_case(Coin(salt=2)).verify())
        assert caught.value.code == "version-budget-exhausted"


def test_bytes_are_counted_to_the_last(places: Places) -> None:
    """The first version of each hour fits, however large."""
    one = received(places.new())
    for spare, codes in (
        (0, ["", "", "version-budget-exhausted"]),
        (-1, ["", "version-budget-exhausted"]),
    ):
        with desk(places.new(), budget=CallerBudget(version_bytes=2 * one + spare)) as journal:
            pay(journal, case_number(1, fee=20_000))
            assert [vary(journal, 10_001 + at) for at in range(len(codes))] == codes
    with desk(places.new(), budget=CallerBudget(version_bytes=1)) as journal:
        pay(journal, case_number(1, fee=20_000))
        assert vary(journal, 10_001) == ""
        assert vary(journal, 10_002) == "version-budget-exhausted"


def received(place: Place) -> int:
    """Bytes that one version of these tests counts for."""
    with desk(place) as journal:
        pay(journal, case_number(1, fee=20_000))
        vary(journal, 10_001)
        rows = journal._writer._tables.execute("SELECT received FROM repeats").fetchall()
    assert len(rows) == 1
    return int(rows[0][0])


def test_not_before_is_the_second_in_which_it_passes(place: Place) -> None:
    clock = ManualClock()
    with desk(place, clock, CallerBudget(versions=2)) as journal:
        pay(journal, case_number(1, fee=20_000))
        for moment in (10, 20):
            clock.moment = NOW + moment
            assert vary(journal, 10_000 + moment) == ""
        with pytest.raises(LimitExceeded) as caught:
            pay(journal, case_number(1, fee=11_000))
        assert caught.value.objections[0].not_before == NOW + 10 + HOUR
        clock.moment = NOW + 10 + HOUR - 1
        assert vary(journal, 11_000) == "version-budget-exhausted"
        clock.moment += 1
        assert vary(journal, 11_000) == ""


def test_a_refused_version_does_not_count(place: Place) -> None:
    with desk(place, budget=THREE) as journal:
        pay(journal, case_number(1))
        for fee in (30_000, 40_000, 50_000):
            with pytest.raises(Refusal) as caught:
                pay(journal, case_number(1, fee=fee), Policy(outflow=0))
            assert caught.value.code == "outflow-exceeded"
        assert vary(journal, 10_001) == ""


@pytest.mark.parametrize(("letter", "most"), [("x", 4_000_000), ("\U0001f600", 10_000_000)])
def test_what_refusals_take_of_the_disk_in_an_hour(letter: str, most: int) -> None:
    """docs/journal.md names these bounds: the largest entries that a caller's refusals can become."""
    texts = (letter * 1_000,) * 3
    refusal = Refusal(*(Objection("outflow-exceeded", *texts) for _ in range(MAX_OBJECTIONS)))
    refused = RefusedRequest("relayer", bytes(32), b"", bytes(32), refusal)
    entry = len(encode_entry(refused_entry(refused, NOW, 0)))
    budget = DEFAULT_BUDGET
    assert most / 2 < budget.refusals * entry + budget.refused_bytes <= most
