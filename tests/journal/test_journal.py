"""Record, then sign (J4): retries, refusals, budgets, time, and many callers at once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import pytest

from signer.core.errors import Fault, Refusal
from signer.core.evidence import Authorized
from signer.core.spend import ApprovedSpend, AwaitedSpend, RecordedSpend
from signer.core.view import View
from signer.journal.audit import read_entries, verify_journal
from signer.journal.entry import SignedEntry
from signer.journal.journal import Journal
from signer.journal.note import verify_head
from signer.journal.place import Place
from signer.journal.writer import _Ticket
from tests import federation
from tests.core.spends import HEIGHT, NOW, Case, Coin, authorized, withdrawal_id
from tests.journal.desk import (
    Policy,
    Signer,
    case_number,
    deliberation,
    desk,
    open_desk,
    pay,
    rivals,
)

VAULT = federation.vault().fingerprint
STERN = Policy(outflow=0)
Answer = RecordedSpend | AwaitedSpend | Refusal | Fault


@pytest.fixture
def journal(place: Place) -> Iterator[Journal]:
    with desk(place) as opened:
        yield opened


def denied(journal: Journal, number: int, policy: Policy, caller: str = "relayer") -> Refusal:
    with pytest.raises(Refusal) as caught:
        pay(journal, case_number(number), policy, caller)
    return caught.value


def test_a_recorded_spend_is_in_a_signed_head(journal: Journal, place: Place) -> None:
    recorded = pay(journal, case_number(1))
    head = verify_head(recorded.head, Signer().log_key)
    assert head.size == 2
    stored = list(read_entries(place, 1))
    assert [each.leaf for each in stored] == [recorded.decision_id]
    assert verify_journal(place).head == recorded.head


def test_an_entry_holds_what_was_signed(journal: Journal, place: Place) -> None:
    case = case_number(1)
    spend = case.verify()
    journal.record(deliberation(spend, authorized(case, (Coin(salt=1),))))
    entry = next(read_entries(place, 1)).entry
    assert isinstance(entry, SignedEntry)
    assert entry.claims.txid == spend.transaction.txid
    assert entry.claims.coins[0].height == HEIGHT
    assert entry.claims.charge == 60_010_000
    assert entry.psbt == case.psbt_bytes
    assert entry.signing[0][4] == spend.tasks[0].digest


def test_the_view_answers_as_recorded(journal: Journal) -> None:
    case = case_number(1)
    recorded = pay(journal, case)
    coin, txid = Coin(salt=1).outpoint, recorded.spend.transaction.txid
    with journal.reading() as reading:
        withdrawal = reading.withdrawal(withdrawal_id(1))
        assert withdrawal is not None
        assert withdrawal.terms == case.withdrawal_terms()[0]
        assert withdrawal.pin == coin
        assert reading.pinned_to(coin) == (withdrawal_id(1),)
        assert reading.spenders(coin) == (txid,)
        assert reading.payers(withdrawal_id(1)) == {txid}
        assert reading.payers(withdrawal_id(2)) == frozenset()
        assert reading.twins(VAULT, withdrawal.terms.amount, withdrawal.terms.script_pubkey) == (
            withdrawal,
        )
        assert reading.dearest_fee(coin) == 10_000
        assert reading.next_index(VAULT, 0) == reading.next_index(VAULT, 1) == 1
        assert reading.charges_since(VAULT, 0) == ((NOW, 60_010_000, 1),)
        version = reading.version(txid)
        assert version is not None
        assert version.decision_id == recorded.decision_id
        assert version.terms == frozenset(case.withdrawal_terms())
        assert reading.head() == recorded.head
        assert reading.now() == NOW


def test_the_view_of_nothing(journal: Journal) -> None:
    coin = Coin().outpoint
    with journal.reading() as reading:
        assert reading.withdrawal(withdrawal_id(1)) is None
        assert reading.version(coin.txid) is None
        assert reading.pinned_to(coin) == reading.spenders(coin) == ()
        assert reading.dearest_fee(coin) == reading.outflow_since(VAULT, 0) == 0
        assert reading.withdrawals_since(VAULT, 0) == reading.next_index(VAULT, 0) == 0
        assert reading.charges_since(VAULT, 0) == ()
        assert list(reading.versions_of(withdrawal_id(1))) == []


def test_listings_page_in_order(journal: Journal) -> None:
    for number in (1, 2, 3):
        pay(journal, case_number(number))
    ids = sorted(withdrawal_id(number) for number in (1, 2, 3))
    with journal.reading() as reading:
        assert reading.withdrawals(b"", 2) == tuple(ids[:2])
        assert reading.withdrawals(ids[1], 9) == (ids[2],)
        coins = reading.coins(VAULT, None, 9)
        assert [row.outpoint for row in coins] == sorted(
            Coin(salt=number).outpoint for number in (1, 2, 3)
        )
        assert reading.coins(VAULT, coins[0].outpoint, 1) == coins[1:2]
        assert reading.coins(b"\x00" * 32, None, 9) == ()
        assert [len(row.spent_by) for row in coins] == [1, 1, 1]


def test_versions_are_listed_oldest_first(journal: Journal) -> None:
    fees = [10_000, 30_000, 20_000]
    for fee in fees:
        pay(journal, case_number(1, fee=fee))
    with journal.reading() as reading:
        rows = list(reading.versions_of(withdrawal_id(1)))
        assert list(reading.versions_of(withdrawal_id(1), after=rows[0].entry)) == rows[1:]
        assert list(reading.versions_of(withdrawal_id(1), after=rows[2].entry)) == []
    assert [row.fee for row in rows] == fees
    assert rows[0].psbt == case_number(1).psbt_bytes
    assert rows[0].inputs == (Coin(salt=1).outpoint,)


def test_a_coin_without_a_statement_that_counts_has_no_height(journal: Journal) -> None:
    case = case_number(1)
    journal.record(deliberation(case.verify()))
    with journal.reading() as reading:
        assert reading.coins(VAULT, None, 1)[0].height == -1
    coin = Coin(salt=1)
    bump = case_number(1, fee=20_000)
    journal.record(deliberation(bump.verify(), authorized(bump, (coin,))))
    with journal.reading() as reading:
        assert reading.coins(VAULT, None, 1)[0].height == HEIGHT


def test_a_retry_gets_the_same_decision_and_no_entry(journal: Journal, place: Place) -> None:
    first = pay(journal, case_number(1))
    pay(journal, case_number(2))
    again = pay(journal, case_number(1), STERN)
    assert again.decision_id == first.decision_id
    assert verify_head(again.head, Signer().log_key).size == 3
    assert len(list(read_entries(place, 0))) == 3


def test_a_retry_with_another_signing_list_is_refused(journal: Journal) -> None:
    """An approval on record must not carry signatures that it was not given for."""
    case = case_number(1)
    pay(journal, case)
    assert journal.record(deliberation(case.verify(ours=(0,)))).decision_id
    with pytest.raises(Refusal) as caught:
        journal.record(deliberation(case.verify(ours=(0, 1))))
    assert caught.value.code == "retry-mismatch"
    assert caught.value.decision_id


def test_a_bug_in_a_decision_is_a_fault_of_that_decision_alone(
    journal: Journal, place: Place
) -> None:
    def broken(view: View, now: int) -> ApprovedSpend:
        raise ZeroDivisionError

    spend = case_number(1).verify()
    with pytest.raises(Fault):
        journal.record(replace(deliberation(spend), decide=broken))
    pay(journal, case_number(1))
    assert verify_journal(place).entries == 2


def test_consent_to_another_spend_or_time_is_a_fault(journal: Journal) -> None:
    mine, other = deliberation(case_number(1).verify()), deliberation(case_number(2).verify())
    with pytest.raises(Fault):
        journal.record(replace(mine, decide=other.decide))
    with pytest.raises(Fault):
        journal.record(replace(mine, decide=lambda view, now: mine.decide(view, now + 1)))
    assert journal.record(mine).decision_id


def test_evidence_that_cannot_be_written_is_a_fault(journal: Journal, place: Place) -> None:
    """A stranger's key of 31 bytes would make an entry that nobody can read."""
    case = case_number(1)
    good = authorized(case)
    strange = Authorized(
        good.said, good.coins, (*good.attestations, type(good.attestations[0])(
            b"\x01" * 31, NOW, good.attestations[0].statements, b"\x02" * 64)),
    )  # fmt: skip
    with pytest.raises(Fault):
        journal.record(deliberation(case.verify(), strange))
    journal.record(deliberation(case.verify(), good))
    assert verify_journal(place).entries == 2


def test_two_requests_cannot_both_pin_in_one_batch(place: Place) -> None:
    """Sixteen callers race to pay one withdrawal from sixteen coins: one wins, whoever it is."""
    with desk(place) as journal:
        answers = in_threads([partial(pay, journal, rival) for rival in rivals(16)])
    paid = [answer for answer in answers if isinstance(answer, RecordedSpend)]
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert len(paid) == 1
    assert {refusal.code for refusal in refused} == {"withdrawal-pinned"}
    assert verify_journal(place).entries == 17


def test_many_callers_share_commits_and_lose_nothing(place: Place) -> None:
    cases = {number: case_number(number) for number in range(48)}
    deliberations = [deliberation(case.verify(), authorized(case)) for case in cases.values()]
    with desk(place) as journal:
        answers = in_threads([partial(journal.record, each) for each in deliberations])
        with journal.reading() as reading:
            assert len(reading.withdrawals(b"", 99)) == 48
            assert reading.outflow_since(VAULT, 0) == 48 * 60_010_000
    assert all(isinstance(answer, RecordedSpend) for answer in answers)
    assert len({answer.decision_id for answer in answers if not isinstance(answer, Fault)}) == 48
    assert verify_journal(place).entries == 49


def test_a_closed_journal_is_unavailable(place: Place) -> None:
    journal = open_desk(place)
    pay(journal, case_number(1))
    journal.close()
    with pytest.raises(Refusal) as caught:
        pay(journal, case_number(2))
    assert caught.value.code == "journal-unavailable"


def commit_together(journal: Journal, cases: list[Case]) -> None:
    """All in one commit."""
    words = [deliberation(case.verify(), authorized(case)) for case in cases]
    journal._writer._serve_batch([_Ticket(word) for word in words])


def in_threads(calls: Sequence[Callable[[], RecordedSpend | AwaitedSpend]]) -> list[Answer]:
    """What each call returned or raised."""
    answers: list[Answer] = [Fault("no answer")] * len(calls)
    start = threading.Barrier(len(calls))

    def run(place: int) -> None:
        start.wait()
        try:
            answers[place] = calls[place]()
        except (Refusal, Fault) as error:
            answers[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
