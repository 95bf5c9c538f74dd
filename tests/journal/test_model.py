"""J1, J2 and J3 on the real store against a reference that is written from the design alone.

Invariants: any two recorded transactions that pay one withdrawal share a coin, so no chain confirms both;
whoever spends a pin pays its withdrawal; no two recorded anchors give one batch two roots; windows hold what
the reference adds up; a restart changes nothing.
"""

import itertools
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signer.core.errors import Refusal
from signer.core.evidence import AnchorTerms
from signer.core.spend import VerifiedSpend
from signer.journal.audit import verify_journal
from tests import federation
from tests.core.spends import NOW, Coin, authorized, good_case, withdrawal_id
from tests.journal.desk import ManualClock, anchor_case, deliberation, move, open_desk

VAULT = federation.vault().fingerprint
COINS = tuple(Coin(salt=salt, amount=50_000_000 + salt * 10_000_000) for salt in range(4))
AMOUNTS = {1: 10_000_000, 2: 15_000_000, 3: 9_000_000}
WINDOW = 3_600
ROOTS = (b"\x21" * 32, b"\x23" * 32)
MAGICS = (b"PGWD", b"ELSE")
BATCHES = st.integers(1, 4)


class Reference:
    """What design section 8 says, with nothing of ours but the transactions."""

    def __init__(self) -> None:
        self.pins: dict[int, Coin] = {}
        self.recorded: dict[bytes, tuple[frozenset[int], frozenset[Coin], int]] = {}
        self.charges: list[tuple[int, int, int]] = []
        self.roots: dict[tuple[bytes, int], bytes] = {}
        self.anchored: list[AnchorTerms] = []

    def consents_to_anchor(self, terms: AnchorTerms, coin: Coin) -> bool:
        highest = max((batch for magic, batch in self.roots if magic == terms.magic), default=0)
        root = self.roots.get((terms.magic, terms.batch))
        before = self.roots.get((terms.magic, terms.previous_batch), terms.previous_root)
        in_order = root == terms.root or (root is None and terms.batch > highest)
        return in_order and before == terms.previous_root and coin not in self.pins.values()

    def record_anchor(self, spend: VerifiedSpend, terms: AnchorTerms, coin: Coin, now: int) -> None:
        self.roots[terms.magic, terms.batch] = terms.root
        self.anchored.append(terms)
        self.recorded[spend.transaction.txid] = (frozenset(), frozenset({coin}), spend.fee)
        self.charges.append((now, spend.fee, 0))

    def consents(self, spend: VerifiedSpend, paid: frozenset[int], coins: frozenset[Coin]) -> bool:
        for number in paid & self.pins.keys():
            if self.pins[number] not in coins:
                return False
        for number, pin in self.pins.items():
            if pin in coins and number not in paid:
                return False
        return all(self.pin_for(number, coins) for number in paid - self.pins.keys())

    def pin_for(self, number: int, coins: frozenset[Coin]) -> Coin | None:
        free = [
            coin
            for coin in coins
            if all(number in paid for paid, spent, _ in self.recorded.values() if coin in spent)
        ]
        return min(free, key=lambda coin: (-coin.amount, coin.outpoint), default=None)

    def record(
        self, spend: VerifiedSpend, paid: frozenset[int], coins: frozenset[Coin], now: int
    ) -> None:
        fresh = paid - self.pins.keys()
        self.pins |= {number: self.pin_for(number, coins) for number in fresh}  # type: ignore[misc]
        first = min(self.pins[number].outpoint for number in paid)
        dearest = max(
            (
                fee
                for others, _, fee in self.recorded.values()
                if others and min(self.pins[number].outpoint for number in others) == first
            ),
            default=0,
        )
        charge = sum(AMOUNTS[number] for number in fresh) + max(0, spend.fee - dearest)
        self.recorded[spend.transaction.txid] = (paid, coins, spend.fee)
        self.charges.append((now, charge, len(fresh)))


class JournalMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = ManualClock()
        self.journal = open_desk(self.folder / "journal", self.clock)
        self.reference = Reference()
        self.requests: list[VerifiedSpend] = []

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
        assert self.journal.record(deliberation(spend)).head == before

    @rule(seconds=st.sampled_from([1, WINDOW - 1, WINDOW]))
    def time_passes(self, seconds: int) -> None:
        self.clock.moment += seconds

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = open_desk(self.folder / "journal", self.clock)

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

    def teardown(self) -> None:
        self.journal.close()
        verify_journal(self.folder / "journal")
        shutil.rmtree(self.folder)


TestJournalMachine = JournalMachine.TestCase
TestJournalMachine.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
