"""One life of a vault key: what it signed, what must pass, and what was wrong. Steps are in `steps`.

1. A refusal or a Fault is an answer; what it says is searched for secrets.
2. A spend for which there is room, however one counts, is signed: the ledger's own records of the last 24
   hours, as if all were of now, and what it grew by since.
3. A signature counts if it is over what the transaction truly spends: a Taproot signature over a false
   amount is worth nothing to anybody.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import NamedTuple

from keystore.caps import DAY, LATE
from signer.bitcoin.units import Sats
from signer.clock import MAX_DIFFERENCE
from signer.core.digests import InputDigests
from signer.core.errors import Fault, Refusal
from signer.core.spend import RecordedSpend, VerifiedSpend
from signer.kernel import Kernel
from tests.custody.books import Books, Signed, most
from tests.custody.canaries import Watch
from tests.custody.coins import Order, Wallet
from tests.custody.lies import outflow
from tests.custody.member import Machine, Member, grown, records

REMEMBERED = 13 * DAY
"""A little less than an account is kept."""


class Known(NamedTuple):
    """An honest order that was signed."""

    order: Order
    recorded: RecordedSpend
    leaves: int
    charged_at: int
    """True time at which its signature last cost something."""


@dataclass
class Life:
    """A member, its coins, and what it did."""

    member: Member
    wallet: Wallet
    random: Random
    books: Books
    watch: Watch
    known: list[Known] = field(default_factory=list)
    held: list[tuple[Order, RecordedSpend]] = field(default_factory=list)
    """On record and not signed: refused in a race, or waiting for grants."""
    charged: list[tuple[int, int]] = field(default_factory=list)
    """(true time, sats): see `must_pass`."""
    lost_at: int = 0
    """True time of the last moment at which the ledger lost records, or forgot accounts."""
    grown_at: dict[int, int] = field(default_factory=dict)
    """Coin -> true time at which a spend of it last cost something."""
    floor: int = 0
    """Of the ledger's bytes those that nothing but it remembers."""
    number: int = 0
    wrong: list[str] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    _entered: set[bytes] = field(default_factory=set)

    @property
    def machine(self) -> Machine:
        return self.member.machine

    @contextmanager
    def refusable(self) -> Iterator[None]:
        """What is refused is told (1)."""
        try:
            yield
        except (Refusal, Fault) as error:
            self.watch.error(error)
            self.tally[error.code if isinstance(error, Refusal) else "fault"] += 1

    def refused(self, spend: VerifiedSpend) -> bool:
        """Whether the gate objects, asked by an honest core before it records."""
        self.member.counting()
        found = self.member.keystore.objections(spend, self.member.journal.effective)
        self.watch.show(*found)
        self.tally.update(each.code for each in found)
        if found and self.must_pass(self.leaves(spend)):
            self.wrong.append(f"{self.leaves(spend)} sat are refused, for which there is room")
        return bool(found)

    def pay(self, order: Order, spend: VerifiedSpend) -> Known | None:
        """As an honest core: recorded and signed."""
        recorded = self.record(spend)
        growth = self.sign(recorded)
        if growth is None:
            self.held.append((order, recorded))
            return None
        known = Known(order, recorded, self.leaves(spend), self.machine.true if growth else 0)
        self.known.append(known)
        return known

    def record(self, spend: VerifiedSpend) -> RecordedSpend:
        """An entry more."""
        return self.member.record(spend)

    def sign(self, recorded: RecordedSpend) -> int | None:
        """By how much the ledger grew; None where it is not signed."""
        before = grown(self.member.ledger.read_bytes())
        with self.refusable():
            try:
                self.member.sign(recorded)
            finally:
                growth = grown(self.member.ledger.read_bytes()) - before
                if growth:
                    self.books.charge(self._coins(recorded.spend), self.machine.true)
                    self.grown_at |= dict.fromkeys(self._coins(recorded.spend), self.machine.true)
            self.books.charge(self._coins(recorded.spend), self.machine.true)
            self.charged.append((self.machine.true, growth))
            self.tally["signed"] += 1
            self._enter(recorded.spend)
            return growth
        return None

    def explain(self, spend: VerifiedSpend) -> None:
        """As an honest core explains, at whatever stage of its start."""
        member = self.member
        before = (member.ledger.read_bytes(), len(member.keystore.behind()))
        core = SimpleNamespace(keystore=member.keystore, count=member.counting)
        lines = Kernel._capped_line(core, spend, member.journal.effective)  # type: ignore[arg-type]
        for line in lines:
            self.watch.show(*line.objections)
        if (member.ledger.read_bytes(), len(member.keystore.behind())) != before:
            self.wrong.append("an explanation counts")

    def leaves(self, spend: VerifiedSpend) -> int:
        """What truly leaves."""
        to_successor = self.member.limits.successor != b""
        return self.wallet.leaves(spend, to_successor=to_successor)

    def remembers(self, known: Known) -> bool:
        """Whether the ledger has it in a record, and on an account."""
        return known.charged_at > max(self.lost_at, self.machine.true - REMEMBERED)

    def is_overtaken(self, known: Known) -> bool:
        """Whether something cost more on its coins than it did, and too late for its entry."""
        since = known.recorded.recorded_at + LATE - 2 * MAX_DIFFERENCE
        return any(self.grown_at.get(each, 0) > since for each in self._coins(known.recorded.spend))

    def must_pass(self, leaves: int) -> bool:
        """Whether there is room for it (2)."""
        caps, since = self.member.limits.caps, self.machine.true - DAY
        held = sum(sats for moment, sats in self.charged if moment > since)
        return leaves <= caps.per_spend and held + leaves <= caps.per_day

    def caught_up(self) -> None:
        """After a start: what was signed in the last day is in the ledger again."""
        told = records(self.member.ledger.read_bytes())
        ends = max(
            [moment for moment, _ in told] + [self.member.journal.last],
            default=0,
        )
        recent = sum(sats for moment, sats in told if moment > ends - DAY)
        self.charged = [(self.machine.true, recent)]
        may_leave = most(self.books.of_the_day(self.machine.true))
        if may_leave > recent:
            self.wrong.append(f"{may_leave} sat may leave, the ledger has {recent}")

    def _enter(self, spend: VerifiedSpend) -> None:
        """Into the books, once (3)."""
        txid = spend.transaction.txid
        if txid in self._entered:
            return
        if not self._is_over_the_truth(spend):
            self.tally["useless signature"] += 1
            return
        self._entered.add(txid)
        leaves = self.leaves(spend)
        if outflow(spend, self.member.limits.successor) < leaves:
            self.wrong.append("signed, though the core says that less leaves")
        self.wrong += self.books.enter(Signed(self._coins(spend), leaves, self.machine.true))

    def _coins(self, spend: VerifiedSpend) -> frozenset[int]:
        numbers = {coin.outpoint: number for number, coin in self.wallet.made.items()}
        return frozenset(numbers[each.previous] for each in spend.transaction.inputs)

    def _is_over_the_truth(self, spend: VerifiedSpend) -> bool:
        inputs = spend.transaction.inputs
        coins = tuple(
            each._replace(
                prevout=each.prevout._replace(amount=Sats(self.wallet.amounts[txin.previous]))
            )
            for each, txin in zip(spend.coins, inputs, strict=True)
        )
        digests = InputDigests(spend.transaction, coins, self.wallet.house.vault)
        return any(
            digests.digest(each.input_index, each.leaf_hash) == each.digest for each in spend.tasks
        )
