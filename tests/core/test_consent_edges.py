"""Consent at its edges: what is frozen, several statements about one anchor, held pins, joined words."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.hashes import hash256
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint
from signer.bitcoin.units import Sats
from signer.core.approve import approve
from signer.core.candidate import judged
from signer.core.control import ControlState
from signer.core.errors import Objection, Pending, PolicyDenied
from signer.core.evidence import Statement, authorize, joined
from signer.core.freeze import FREEZE
from signer.core.payment import WithdrawalId, WithdrawalTerms
from signer.core.pins import bind
from signer.core.question import Question, ask
from signer.core.recall import recall
from signer.core.released import ReleasedNotice
from signer.core.spend import AwaitedSpend, Ungranted
from tests import federation
from tests.core.model_view import ModelView
from tests.core.spends import NOW, Case, Coin, attestations, good_case
from tests.core.test_approve import CoinQuorumPolicy
from tests.core.test_freeze import OPENED
from tests.core.test_statements import COINS, KEYS, anchor_case, root, terms
from tests.federation import WATCHERS

BIG, FRESH = Coin(salt=0), Coin(salt=2)


def paid_by(case: Case) -> WithdrawalTerms:
    (payment,) = case.verify().payments
    return payment.terms


@dataclass
class Asks(CoinQuorumPolicy):
    """Two attestors' word for each payment; approvals, too, if it waits."""

    waits: bool = False
    refuses: bool = False

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        for payment in question.spend.payments:
            if len(question.authorized.attestors(payment.terms, question.now)) < 2:
                yield Objection("attestation-missing", "two")
        if self.waits:
            yield Objection("approval-missing", "an officer")
        if self.refuses:
            yield Objection("fee-too-high", "dear")

    def waiting(self, question: Question) -> tuple[Objection, ...]:
        reasons = tuple(self.spend_objections(question))
        return reasons if [each.code for each in reasons] == ["approval-missing"] else ()


def frozen(expiry: int, policy: Asks, view: ModelView | None = None) -> list[str]:
    """The codes after a new epoch, where the words expire then."""
    case = good_case((BIG,))
    said = attestations(case, (BIG,), expiry=NOW + 1_800)
    said += tuple(each.attest(case.vault.realm, expiry, paid_by(case)) for each in WATCHERS[:2])
    now = expiry - FREEZE
    coins = tuple(each.attest(case.vault.realm, now + 1_800, BIG.terms) for each in WATCHERS[:2])
    words = authorize((*said, *coins), case.vault.realm, KEYS)
    question = ask(case.verify(), words, view or ModelView(said_of_kernel=OPENED), now)
    try:
        approve(question, policy)
    except (PolicyDenied, Pending) as no:
        found = no.missing if isinstance(no, Pending) else no.objections
        return [each.code for each in found]
    return []


def test_what_is_not_on_record_is_frozen_by_a_new_epoch() -> None:
    """`withdrawal-frozen`; a word from a second after the stated time will do."""
    assert frozen(NOW + FREEZE, Asks()) == ["withdrawal-frozen"]
    assert frozen(NOW + FREEZE + 1, Asks()) == []
    assert frozen(NOW + FREEZE, Asks(), ModelView()) == []


def test_what_waits_for_officers_is_frozen_too_and_what_is_refused_says_why() -> None:
    assert frozen(NOW + FREEZE, Asks(waits=True)) == ["withdrawal-frozen", "approval-missing"]
    assert frozen(NOW + FREEZE + 1, Asks(waits=True)) == ["approval-missing"]
    assert frozen(NOW + FREEZE, Asks(refuses=True)) == ["fee-too-high"]


@dataclass
class WantsPrevious(CoinQuorumPolicy):
    """Consents to the anchor behind that root."""

    previous: bytes

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        if question.anchored is None or question.anchored.previous_root != self.previous:
            yield Objection("attestation-missing", "another statement")


def test_of_several_statements_about_one_anchor_the_one_that_the_policy_wants_is_taken() -> None:
    case = anchor_case(0, 7, root(7))
    here, there = terms(7, root(7), root(6)), terms(7, root(7), root(5))
    said: list[Statement] = [here, there]
    words = attestations(case, COINS) + tuple(
        each.attest(case.vault.realm, NOW + 60, statement)
        for statement in said
        for each in WATCHERS[: 2 if statement is here else 3]
    )
    question = ask(case.verify(), authorize(words, case.vault.realm, KEYS), ModelView(), NOW)
    for wanted in (here, there):
        assert approve(question, WantsPrevious(wanted.previous_root)).anchored == wanted
    with pytest.raises(PolicyDenied):
        approve(question, WantsPrevious(root(4)))


@dataclass
class Holds(ModelView):
    """Holds pins for another member."""

    held: dict[WithdrawalId, frozenset[OutPoint]] = field(default_factory=dict)

    def pins_of(self, withdrawal_id: WithdrawalId) -> frozenset[OutPoint]:
        return self.held.get(withdrawal_id, frozenset())


def test_a_pin_that_is_held_for_another_is_adopted() -> None:
    """Else the two versions need not conflict. Without it the largest coin is pinned."""
    small = Coin(amount=30_000_000, salt=5)
    case = good_case((BIG, small))
    paid = paid_by(case).withdrawal_id
    assert bind(case.verify(), Holds()).new_pins == ((paid, BIG.terms.outpoint),)
    held = Holds(held={paid: frozenset({small.terms.outpoint})})
    assert bind(case.verify(), held).new_pins == ((paid, small.terms.outpoint),)
    elsewhere = Holds(held={paid: frozenset({FRESH.terms.outpoint})})
    assert bind(case.verify(), elsewhere).new_pins == ((paid, BIG.terms.outpoint),)
    both = Holds(held={paid: frozenset({small.terms.outpoint, BIG.terms.outpoint})})
    lower = min(small.terms.outpoint, BIG.terms.outpoint)
    assert bind(case.verify(), both).new_pins == ((paid, lower),)


def test_words_of_two_calls_count_together_and_each_key_once() -> None:
    realm, case = federation.vault().realm, good_case((BIG,))
    owed = paid_by(case)
    first, second = (each.attest(realm, NOW + 60, owed) for each in WATCHERS[:2])
    coin = WATCHERS[0].attest(realm, NOW + 60, BIG.terms)
    other = WATCHERS[1].attest(realm, NOW + 60, replace(BIG.terms, height=BIG.terms.height + 1))
    known, more = (authorize(each, realm, KEYS) for each in ((first, coin), (second, first, other)))
    both = joined(known, more)
    assert both.attestors(owed, NOW) == {WATCHERS[0].key, WATCHERS[1].key}
    assert both.said[owed] == authorize((first, second), realm, KEYS).said[owed]
    assert both.coins[BIG.terms.outpoint] == (
        *known.coins[BIG.terms.outpoint],
        *more.coins[BIG.terms.outpoint],
    )
    assert both.attestations == (*known.attestations, *more.attestations)
    assert joined(known, known).coins == known.coins


def test_what_stops_a_retry_is_told_in_the_order_of_the_rules() -> None:
    """The code of a refusal is its first objection's: a paused kernel says so, whatever else is true."""
    view, case = ModelView(), good_case((BIG,))
    words = authorize(attestations(case, (BIG,)), case.vault.realm, KEYS)
    approved = approve(ask(case.verify(), words, view, NOW), CoinQuorumPolicy())
    view.record(approved)
    version = view.version(approved.spend.transaction.txid)
    assert version is not None
    recall(approved.spend, version, view, NOW)
    paid = paid_by(case)
    view.holds[paid.withdrawal_id] = NOW + 60
    view.closed[paid.withdrawal_id] = NOW
    view.said_of_kernel = ControlState(locked=1)
    with pytest.raises(PolicyDenied) as caught:
        recall(approved.spend, version, view, NOW)
    codes = [each.code for each in caught.value.objections]
    assert codes == ["kernel-locked", "withdrawal-closed", "withdrawal-held"]


def test_a_release_names_what_is_buried() -> None:
    notice = ReleasedNotice(
        NOW, "r", bytes(32), bytes(32), WithdrawalTerms(bytes(32), Sats(1), b""), None,
        (b"first", b"last"), b"", (),
    )  # fmt: skip
    assert notice.killer == hash256(b"last")


def test_an_entry_without_its_grants_is_pending_and_names_them() -> None:
    missing = Objection("agreement-pending", "two members")
    awaited = AwaitedSpend(good_case((BIG,)).verify(), 7, bytes(32), "head")
    ungranted = Ungranted(awaited, missing)
    assert isinstance(ungranted, Pending)
    assert (ungranted.awaited, ungranted.missing) == (awaited, (missing,))


def test_a_descriptor_is_judged_as_a_vault() -> None:
    vault, objections = judged(with_checksum(federation.vault().text), REGTEST)
    assert vault is not None
    assert (vault.fingerprint, objections) == (federation.vault().fingerprint, ())
    assert judged("wsh(", REGTEST)[0] is None
    assert len(judged("wsh(", REGTEST)[1]) == 1
