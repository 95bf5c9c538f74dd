"""Bugs that the campaign must find: each a small change of the second gate, its ledger or a secret's text."""

import hmac
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from keystore import leaving, ledger, ledger_fold, second_gate, shadows
from keystore.caps import DAY, late
from keystore.ledger import Account, Charged, Ledger
from keystore.second_gate import SecondGate
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.shadows import Shadows
from signer.bitcoin.transaction import OutPoint, TxOut
from signer.bitcoin.units import Sats
from signer.charged import Counting
from signer.core.errors import Fault, Objection, Refusal
from signer.core.question import TraceLine
from signer.core.spend import RecordedSpend, VerifiedSpend
from signer.core.vault import Vault
from signer.kernel import Kernel

Patch = pytest.MonkeyPatch


class Plant(NamedTuple):
    """A bug."""

    name: str
    make: Callable[[Patch], None]
    word: str
    """Of what is said when it is found."""
    first: int = 0
    """Seed of the first life."""


def _sharing_is_a_discount(patch: Patch) -> None:
    """What spends a coin together with an earlier transaction rides on that one: T1{a}, T2{a,b}, T3{b}."""
    grow = Ledger._grow

    def grow_all(self: Ledger, coin: bytes, charged: Charged, size: int) -> None:
        grow(self, coin, charged, size)
        for each in charged.inputs:
            name = each.txid + each.vout.to_bytes(4, "big")
            if self._stands(name) < charged.leaving:
                self._accounts[name] = Account(charged.leaving, charged.moment)

    patch.setattr(Ledger, "_grow", grow_all)


def _change_is_believed(patch: Patch) -> None:
    def staying(spend: VerifiedSpend, _: bytes) -> dict[int, Sats]:
        change = spend.change
        return {} if change is None else {change.vout: change.amount}

    patch.setattr(leaving, "_staying", staying)


def _amounts_are_believed(patch: Patch) -> None:
    def proven(spend: VerifiedSpend, index: int, _: object) -> TxOut:
        return spend.coins[index].prevout

    patch.setattr(leaving, "_proven", proven)


def _a_vault_is_what_it_says(patch: Patch) -> None:
    def fingerprint(vault: Vault) -> bytes:
        return vault.fingerprint

    patch.setattr(leaving, "fingerprint_of", fingerprint)


def _records_are_believed(patch: Patch) -> None:
    believing = SimpleNamespace(digest=hmac.digest, compare_digest=lambda *_: True)
    patch.setattr(ledger, "hmac", believing)


def _what_was_cut_is_forgotten(patch: Patch) -> None:
    caught_up = Ledger.catch_up

    def catch_up(self: Ledger, _: Iterable[Charged], size: int) -> None:
        caught_up(self, (), size)

    patch.setattr(Ledger, "catch_up", catch_up)


def _any_journal_will_do(patch: Patch) -> None:
    caught_up = Ledger.catch_up

    def catch_up(self: Ledger, recorded: Iterable[Charged], size: int) -> None:
        caught_up(self, recorded, max(size, self.size))

    patch.setattr(Ledger, "catch_up", catch_up)


def _what_was_asked_is_not_asked_again(patch: Patch) -> None:
    def charge(self: SecondGate, recorded: RecordedSpend) -> None:
        inputs, leaves = self._reckon(recorded.spend)
        if leaves > self._limits.caps.per_spend:
            raise Fault("too much")
        self._ledger.charge(Charged(inputs, leaves, self._now()), 0)

    patch.setattr(SecondGate, "charge", charge)


def _a_day_is_short(patch: Patch) -> None:
    patch.setattr(ledger, "DAY", DAY // 2)
    patch.setattr(ledger_fold, "DAY", DAY // 2)


def _downtime_counts_later(patch: Patch) -> None:
    """As it was when the campaign found it."""
    caught_up = SecondGate.catch_up
    _time_does_not_follow(patch)

    def catch_up(self: SecondGate, recorded: Iterable[Charged], size: int, _: int = 0) -> None:
        caught_up(self, recorded, size)

    patch.setattr(SecondGate, "catch_up", catch_up)


def _what_is_on_record_is_a_discount(patch: Patch) -> None:
    """As it was when the campaign found it: refused, and free after a restart."""
    patch.setattr(shadows, "_SHADOW", 0)


def _an_earlier_entry_stands_for_later_ones(patch: Patch) -> None:
    """As it was when the campaign found it."""
    place = Shadows.place

    def placed(
        self: Shadows, inputs: tuple[OutPoint, ...], leaving: int, moment: int
    ) -> bytes | None:
        told = [self._told.get(shadows._name(each), []) for each in inputs]
        stands = max(map(shadows._dearest, told)) >= leaving
        return None if stands else place(self, inputs, leaving, moment)

    patch.setattr(Shadows, "place", placed)


def _what_costs_nothing_is_never_late(patch: Patch) -> None:
    """As it was when it was found by argument."""
    patch.setattr(Ledger, "grown_at", lambda *_: 0)


def _time_does_not_follow(patch: Patch) -> None:
    def follow(self: SecondGate, now: int) -> None:
        if self._start is not None:
            self._ahead = self._start + self._passed() - now

    patch.setattr(SecondGate, "follow", follow)


def _nothing_stops_the_counting(patch: Patch) -> None:
    def started(_: Counting) -> None:
        """Whatever the start has come to."""

    patch.setattr(Counting, "_require_started", started)


def _an_explanation_counts(patch: Patch) -> None:
    """As it was when a reader found it."""
    line = Kernel._capped_line

    def counted(self: Kernel, *asked: Any) -> Iterator[TraceLine]:
        with suppress(Refusal):
            self.count()
        return line(self, *asked)

    _nothing_stops_the_counting(patch)
    patch.setattr(Kernel, "_capped_line", counted)


def _counted_before_the_time_is_stated(patch: Patch) -> None:
    """As it was when a reader found it."""
    _nothing_stops_the_counting(patch)
    _time_does_not_follow(patch)


def _charged_again_as_of_its_record(patch: Patch) -> None:
    def same(recorded: Charged, *_: int) -> Charged:
        return recorded

    patch.setattr(second_gate, "_at_the_latest", same)


def _signed_however_late(patch: Patch) -> None:
    """As it was when a reader found it."""
    _charged_again_as_of_its_record(patch)
    patch.setattr(second_gate, "late", lambda _: None)


def _a_retry_is_late(patch: Patch) -> None:
    ask = SecondGate._ask

    def asked(self: SecondGate, *about: Any) -> tuple[Objection, ...]:
        found = late(about[-1])
        return ask(self, *about) if found is None else (found,)

    patch.setattr(SecondGate, "_ask", asked)


def _each_version_costs_in_full(patch: Patch) -> None:
    def growth(_: Ledger, __: Iterable[OutPoint], leaves: Sats) -> int:
        return leaves

    def stands(_: Ledger, __: bytes) -> int:
        return 0

    patch.setattr(Ledger, "growth", growth)
    patch.setattr(Ledger, "_stands", stands)


def _nobody_waits_for_the_journal(patch: Patch) -> None:
    def now(self: SecondGate) -> int:
        return int((self._start or self._ledger.moment) + self._passed())

    patch.setattr(SecondGate, "_now", now)


def _a_secret_is_shown(patch: Patch) -> None:
    def shown(self: Secret) -> str:
        return f"<secret {self.expose(UNSAFE_EXPOSE).hex()}>"

    patch.setattr(Secret, "__repr__", shown)


def _refused_for_a_day(patch: Patch) -> None:
    """Nothing leaves the day's sum."""

    def used(self: Ledger, _: int) -> int:
        accounts = sum(account.stands for account in self._accounts.values())
        return accounts + self._shadows.count

    patch.setattr(Ledger, "used", used)


PLANTS = (
    Plant("sharing is a discount", _sharing_is_a_discount, "may leave", 120),
    Plant("change is believed", _change_is_believed, "leave"),
    Plant("amounts are believed", _amounts_are_believed, "leave", 25),
    Plant("a vault is what it says", _a_vault_is_what_it_says, "leave", 8),
    Plant("records are believed", _records_are_believed, "changed is taken"),
    Plant("what was cut is forgotten", _what_was_cut_is_forgotten, "may leave"),
    Plant("any journal will do", _any_journal_will_do, "shorter"),
    Plant("asked once", _what_was_asked_is_not_asked_again, "may leave"),
    Plant("a day is short", _a_day_is_short, "may leave", 4),
    Plant("downtime counts later", _downtime_counts_later, "may leave", 6),
    Plant("on record, a discount", _what_is_on_record_is_a_discount, "may leave", 5),
    Plant("earlier stands for later", _an_earlier_entry_stands_for_later_ones, "may leave", 40),
    Plant("free at any age", _what_costs_nothing_is_never_late, "may leave"),
    Plant("an explanation counts", _an_explanation_counts, "explanation"),
    Plant("counted too early", _counted_before_the_time_is_stated, "may leave", 4),
    Plant("signed however late", _signed_however_late, "may leave", 10),
    Plant("charged as of its record", _charged_again_as_of_its_record, "may leave", 4),
    Plant("a retry is late", _a_retry_is_late, "a retry is"),
    Plant("each version in full", _each_version_costs_in_full, "is charged"),
    Plant("nobody waits for the journal", _nobody_waits_for_the_journal, "before it"),
    Plant("a secret is shown", _a_secret_is_shown, "stands in"),
    Plant("the day never empties", _refused_for_a_day, "there is room"),
)
