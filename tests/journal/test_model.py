"""J1, J2, J3 and officers' words on the real store against a reference that is written from the design alone.

Invariants: any two recorded transactions that pay one withdrawal share a coin, so no chain confirms both;
whoever spends a pin pays its withdrawal; no two recorded anchors give one batch two roots; windows hold what
the reference adds up; a clock keeps its first moment; a rejection outweighs approvals; nothing that is held
is signed; a restart changes nothing.
"""

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from signer.core.acts import HoldDestination, HoldWithdrawal, LiftHolds, RejectWithdrawal
from signer.core.errors import Fault, Pending, PolicyDenied, Refusal
from signer.core.evidence import AnchorTerms
from signer.core.spend import VerifiedSpend
from signer.journal.audit import verify_journal
from signer.journal.place import Place
from tests.conftest import FilePlaces, Places
from tests.core.spends import NOW, USER_SCRIPT, Coin, authorized, good_case, withdrawal_id
from tests.journal.desk import ManualClock, Policy, anchor_case, deliberation, move, open_desk
from tests.journal.reference import AMOUNTS, Reference
from tests.journal.words import (
    OFFICERS,
    OTHER_QUORUM,
    QUORUM,
    VAULT,
    approval,
    attested,
    noted,
    said,
    subject,
    terms_of,
)

COINS = tuple(Coin(salt=salt, amount=50_000_000 + salt * 10_000_000) for salt in range(4))
WINDOW = 3_600
ROOTS = (b"\x21" * 32, b"\x23" * 32)
MAGICS = (b"PGWD", b"ELSE")
BATCHES = st.integers(1, 4)
NUMBERS = st.sampled_from(sorted(AMOUNTS))
QUORUMS = st.sampled_from([QUORUM, OTHER_QUORUM])
SPARE = Coin(salt=77)
"""Spent by what is never signed."""


class JournalMachine(RuleBasedStateMachine):
    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.clock = ManualClock()
        self.journal = open_desk(self.place, self.clock)
        self.reference = Reference()
        self.requests: list[VerifiedSpend] = []
        self.held: set[tuple[bytes, bytes]] = set()

    def is_held(self, numbers: Iterable[int]) -> bool:
        return any(self.reference.held_until(each) > self.clock.moment for each in numbers)

    @rule(
        coins=st.sets(st.sampled_from(COINS), min_size=1, max_size=3),
        numbers=st.sets(st.sampled_from(sorted(AMOUNTS)), min_size=1, max_size=3),
        fee=st.sampled_from([10_000, 20_000, 30_000]),
    )
    def request(self, coins: set[Coin], numbers: set[int], fee: int) -> None:
        chosen = tuple(sorted(coins, key=lambda coin: coin.outpoint))
        payments = tuple((number, AMOUNTS[number]) for number in sorted(numbers))
        case = good_case(chosen, payments, fee)
        spend = case.verify()
        txid = spend.transaction.txid
        paid, spent = frozenset(numbers), frozenset(coins)
        expected = txid in self.reference.recorded or self.reference.consents(spend, paid, spent)
        expected = expected and not self.is_held(numbers)
        try:
            self.journal.record(deliberation(spend, authorized(case, chosen)))
        except Refusal:
            assert not expected
            return
        assert expected
        if txid not in self.reference.recorded:
            self.reference.record(spend, paid, spent, self.clock.moment)
            self.requests.append(spend)

    @rule(
        coin=st.sampled_from(COINS),
        place=st.tuples(st.sampled_from(MAGICS), BATCHES),
        roots=st.tuples(st.sampled_from(ROOTS), st.sampled_from(ROOTS)),
        fee=st.sampled_from([10_000, 20_000]),
    )
    def anchor(
        self, coin: Coin, place: tuple[bytes, int], roots: tuple[bytes, bytes], fee: int
    ) -> None:
        magic, batch = place
        terms = AnchorTerms(magic, batch - 1, roots[0], batch, roots[1], b"\x22" * 32)
        spend = anchor_case(terms, coin, fee).verify()
        known = spend.transaction.txid in self.reference.recorded
        expected = known or self.reference.consents_to_anchor(terms, coin)
        try:
            move(self.journal, spend, terms)
        except Refusal:
            assert not expected
            return
        assert expected
        if not known:
            self.reference.record_anchor(spend, terms, coin, self.clock.moment)
            self.requests.append(spend)

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        spend = data.draw(st.sampled_from(self.requests))
        with self.journal.reading() as reading:
            before = reading.head()
        if self.is_held(self.reference.recorded[spend.transaction.txid][0]):
            with pytest.raises(PolicyDenied):
                self.journal.record(deliberation(spend))
        else:
            assert self.journal.record(deliberation(spend)).head == before

    @rule(
        number=NUMBERS,
        quorum=QUORUMS,
        how=st.sampled_from([Policy(outflow=0), Policy(waits=True), None]),
    )
    def attest(self, number: int, quorum: bytes, how: Policy | None) -> None:
        """With a request that is refused or waits, or as a proposal."""
        now = self.clock.moment
        notices = (attested(terms_of(number, AMOUNTS[number]), quorum=quorum, now=now),)
        self.reference.clocks.setdefault((number, quorum), now)
        if how is None:
            noted(self.journal, *notices)
            return
        spend = good_case((SPARE,), ((9, 1_000_000),)).verify()
        asked = deliberation(spend, policy=how)
        with pytest.raises((PolicyDenied, Pending)):
            self.journal.record(replace(asked, notices=lambda *_: notices))

    @rule(number=NUMBERS, officer=st.sampled_from(OFFICERS), days=st.integers(1, 3))
    def approve(self, number: int, officer: bytes, days: int) -> None:
        expiry = self.clock.moment + days * 86_400
        noted(
            self.journal,
            said(approval(number, AMOUNTS[number]), officer, expiry, self.clock.moment),
        )
        key = (number, officer)
        self.reference.approvals[key] = max(self.reference.approvals.get(key, 0), expiry)

    @rule(number=NUMBERS, officer=st.sampled_from(OFFICERS))
    def reject(self, number: int, officer: bytes) -> None:
        act = RejectWithdrawal(VAULT, terms_of(number, AMOUNTS[number]))
        noted(self.journal, said(act, officer, now=self.clock.moment))
        self.reference.rejected.add((number, officer))

    @rule(
        thing=st.sampled_from([*map(withdrawal_id, AMOUNTS), USER_SCRIPT]),
        officer=st.sampled_from(OFFICERS),
        seconds=st.sampled_from([1, WINDOW]),
    )
    def hold(self, thing: bytes, officer: bytes, seconds: int) -> None:
        until = self.clock.moment + seconds
        kind = HoldDestination if thing == USER_SCRIPT else HoldWithdrawal
        act = said(kind(thing, until), officer, now=self.clock.moment)
        if (thing, officer) in self.held:
            with pytest.raises(Fault):
                noted(self.journal, act)
        else:
            noted(self.journal, act)
            self.reference.holds[thing, officer] = until
            self.held.add((thing, officer))

    @rule(officer=st.sampled_from(OFFICERS))
    def lift(self, officer: bytes) -> None:
        now = self.clock.moment
        noted(self.journal, *(said(LiftHolds(officer), each, now=now) for each in OFFICERS[:2]))
        holds = self.reference.holds
        self.reference.holds = {key: end for key, end in holds.items() if key[1] != officer}

    @rule(seconds=st.sampled_from([1, WINDOW - 1, WINDOW]))
    def time_passes(self, seconds: int) -> None:
        self.clock.moment += seconds

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = open_desk(self.place, self.clock)

    @invariant()
    def versions_of_one_withdrawal_conflict(self) -> None:
        versions = self.reference.recorded.values()
        for (paid, coins, _), (others, other_coins, _) in itertools.combinations(versions, 2):
            assert not paid & others or coins & other_coins

    @invariant()
    def one_batch_has_one_root(self) -> None:
        for one, other in itertools.combinations(self.reference.anchored, 2):
            assert (one.magic, one.batch) != (other.magic, other.batch) or one.root == other.root
        with self.journal.reading() as reading:
            for magic, batch in itertools.product(MAGICS, range(5)):
                assert reading.batch_root(magic, batch) == self.reference.roots.get((magic, batch))

    @invariant()
    def totals_are_the_reference_s(self) -> None:
        now = self.clock.moment
        inside = [charge for charge in self.reference.charges if charge[0] > now - WINDOW]
        with self.journal.reading() as reading:
            assert reading.outflow_since(VAULT, now - WINDOW) == sum(c[1] for c in inside)
            assert reading.withdrawals_since(VAULT, now - WINDOW) == sum(c[2] for c in inside)
            assert reading.charges_since(VAULT, NOW - 1) == tuple(
                charge for charge in self.reference.charges if charge[1] or charge[2]
            )
            for number in AMOUNTS:
                withdrawal = reading.withdrawal(withdrawal_id(number))
                pin = self.reference.pins.get(number)
                assert (withdrawal and withdrawal.pin) == (pin and pin.outpoint)

    @invariant()
    def words_are_the_reference_s(self) -> None:
        with self.journal.reading() as reading:
            for number, amount in AMOUNTS.items():
                terms = terms_of(number, amount)
                for quorum in (QUORUM, OTHER_QUORUM):
                    started = self.reference.clocks.get((number, quorum))
                    assert reading.first_attested(VAULT, terms, quorum) == started
                given = reading.approvers(subject(approval(number, amount)))
                assert given == self.reference.approvers(number)
                until = reading.held_until(withdrawal_id(number), USER_SCRIPT)
                assert until == self.reference.held_until(number)
            waiting = {number for number, _ in self.reference.clocks} - self.reference.pins.keys()
            found = reading.attested_pending(VAULT, (QUORUM, OTHER_QUORUM), b"", 9)
            assert {each.withdrawal_id for each in found} == set(map(withdrawal_id, waiting))

    def teardown(self) -> None:
        self.journal.close()
        verify_journal(self.place)


def test_the_journal_does_what_the_reference_says(places: Places) -> None:
    """In PostgreSQL less often: there a new journal takes longer than what is done with it."""
    examples = 25 if isinstance(places, FilePlaces) else 6
    run_state_machine_as_test(
        lambda: JournalMachine(places.new()),
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        ),
    )
