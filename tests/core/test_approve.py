"""Consent: pins (J1), coins, change and charges (J3), each with the request one field away."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from signer.core.approve import approve
from signer.core.catalogue import CATALOGUE
from signer.core.errors import (
    MAX_OBJECTIONS,
    Fault,
    Objection,
    Pending,
    PolicyDenied,
    VerificationError,
)
from signer.core.question import Question, ask
from signer.core.recall import recall
from signer.core.spend import ApprovedSpend, SpentCoin
from signer.core.universal_rules import trace
from tests.core.model_view import ModelView
from tests.core.spends import (
    NOW,
    Case,
    Coin,
    authorized,
    change_draft,
    good_case,
    payment_draft,
    withdrawal_id,
)


class CoinQuorumPolicy:
    """Consents to every spend; asks two attestors for each coin."""

    policy_id = b"\x01" * 32

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        statements = question.authorized.coin_statements(coin.outpoint, coin.prevout)
        said = [question.authorized.attestors(each, question.now) for each in statements]
        if max(map(len, said), default=0) < 2:
            yield Objection("coin-unproven", str(coin.outpoint))

    def lets_pins_go(self, question: Question) -> bool:
        return False

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        return iter(())

    def waiting(self, question: Question) -> tuple[Objection, ...]:
        return ()


class DenyingPolicy(CoinQuorumPolicy):
    """Consents to nothing, many times over."""

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        for number in range(20):
            yield Objection("policy-no-rule", f"objection {number}")


POLICY = CoinQuorumPolicy()
BIG, SMALL, FRESH = Coin(salt=0), Coin(amount=50_000_000, salt=1), Coin(salt=2)
ALL_COINS = (BIG, SMALL, FRESH)


def decide(
    view: ModelView, case: Case, now: int = NOW, coins: tuple[Coin, ...] = ALL_COINS
) -> ApprovedSpend:
    evidence = authorized(case, coins, expiry=now + 1_800)
    approved = approve(ask(case.verify(), evidence, view, now), POLICY)
    view.record(approved)
    return approved


def refused(view: ModelView, case: Case, coins: tuple[Coin, ...] = ALL_COINS) -> set[str]:
    with pytest.raises(PolicyDenied) as caught:
        decide(view, case, coins=coins)
    codes = {objection.code for objection in caught.value.objections}
    assert codes <= set(CATALOGUE)
    return codes


def test_first_version_pins_the_largest_coin() -> None:
    approved = decide(ModelView(), good_case((SMALL, BIG)))
    assert approved.new_pins == ((withdrawal_id(1), BIG.outpoint),)
    assert approved.first_pin == BIG.outpoint


def test_equal_coins_are_pinned_by_the_lowest_outpoint() -> None:
    approved = decide(ModelView(), good_case((FRESH, BIG)))
    assert approved.first_pin == min(BIG.outpoint, FRESH.outpoint)


def test_same_withdrawal_from_other_coins() -> None:
    """The classic double payment: the first version is still valid when the second is signed."""
    view = ModelView()
    decide(view, good_case((BIG,)))
    assert refused(view, good_case((FRESH,))) == {"withdrawal-pinned"}
    bump = decide(view, good_case((BIG, FRESH), fee=20_000))
    assert bump.new_pins == ()


def test_pin_spent_without_paying() -> None:
    view = ModelView()
    decide(view, good_case((BIG,)))
    other = good_case((BIG, FRESH), payments=((2, 60_000_000),))
    assert refused(view, other) == {"pin-spent-unpaid"}
    both = good_case((BIG, FRESH), payments=((1, 60_000_000), (2, 60_000_000)))
    assert decide(view, both).new_pins == ((withdrawal_id(2), FRESH.outpoint),)


def test_sweep_of_a_pin_does_not_pay() -> None:
    view = ModelView()
    decide(view, good_case((BIG,)))
    assert "pin-spent-unpaid" in refused(view, good_case((BIG,), payments=()))


def test_other_amount_or_script_for_a_withdrawal_on_record() -> None:
    view = ModelView()
    decide(view, good_case((BIG,)))
    assert refused(view, good_case((BIG,), payments=((1, 60_000_001),))) == {
        "withdrawal-terms-changed"
    }
    case = good_case((BIG,), fee=20_000)
    elsewhere = payment_draft(60_000_000, b"\x00\x14" + b"\x23" * 20)
    changed = case.but(outputs=(elsewhere, case.outputs[1]))
    assert refused(view, changed) == {"withdrawal-terms-changed"}
    assert decide(view, case).charge == 10_000


def test_no_coin_to_pin() -> None:
    """W2 cannot rely on a coin that a version without W2 may spend first."""
    view = ModelView()
    decide(view, good_case((BIG, SMALL)))
    other = good_case((SMALL,), payments=((2, 40_000_000),))
    assert refused(view, other) == {"no-coin-to-pin"}
    assert decide(view, good_case((SMALL, FRESH), payments=((2, 40_000_000),))).new_pins == (
        (withdrawal_id(2), FRESH.outpoint),
    )


def test_pin_is_never_a_coin_of_a_version_that_does_not_pay() -> None:
    view = ModelView()
    decide(view, good_case((SMALL,), payments=((1, 40_000_000),)))
    grown = good_case((SMALL, FRESH), payments=((1, 40_000_000), (2, 60_000_000)))
    assert decide(view, grown).new_pins == ((withdrawal_id(2), FRESH.outpoint),)


def test_phantom_coin() -> None:
    """A previous transaction that nobody mined would pin a withdrawal for ever."""
    assert refused(ModelView(), good_case((BIG,)), coins=(FRESH,)) == {"coin-unproven"}


def test_coin_statement_of_another_amount_does_not_count() -> None:
    lie = Coin(amount=BIG.amount)
    case = good_case((BIG,))
    evidence = authorized(case, (lie,))
    assert evidence.coin_statements(BIG.outpoint, BIG.previous.outputs[1])
    assert not evidence.coin_statements(BIG.outpoint, BIG.previous.outputs[0])


def test_recorded_coin_needs_no_fresh_evidence_for_the_same_withdrawal() -> None:
    view = ModelView()
    decide(view, good_case((BIG,)))
    assert decide(view, good_case((BIG,), fee=20_000), coins=()).charge == 10_000


def test_recorded_coin_is_proven_afresh_for_another_withdrawal() -> None:
    view = ModelView()
    decide(view, good_case((BIG, SMALL)))
    other = good_case((SMALL, FRESH), payments=((2, 40_000_000),))
    assert refused(view, other, coins=(FRESH,)) == {"coin-unproven"}
    assert decide(view, other).charge == 40_010_000


def test_change_index_within_the_lookahead() -> None:
    lookahead = BIG.vault.lookahead
    view = ModelView()
    assert refused(view, good_case((BIG,), change_index=lookahead)) == {"change-index-too-high"}
    decide(view, good_case((BIG,), change_index=lookahead - 1))
    second = good_case((FRESH,), payments=((2, 1_000_000),), change_index=2 * lookahead)
    assert refused(view, second) == {"change-index-too-high"}
    decide(view, good_case((FRESH,), payments=((2, 1_000_000),), change_index=2 * lookahead - 1))


def test_each_withdrawal_is_charged_once_and_only_the_dearest_fee() -> None:
    view = ModelView()
    assert decide(view, good_case((BIG,), fee=10_000)).charge == 60_010_000
    assert decide(view, good_case((BIG,), fee=30_000)).charge == 20_000
    assert decide(view, good_case((BIG,), fee=20_000)).charge == 0
    grown = good_case((BIG, FRESH), payments=((1, 60_000_000), (2, 5_000_000)), fee=40_000)
    approved = decide(view, grown)
    if approved.first_pin == BIG.outpoint:
        assert approved.charge == 5_000_000 + 10_000
    else:
        assert approved.charge == 5_000_000 + 40_000


def test_fee_of_a_transaction_without_pins_is_charged_in_full() -> None:
    view = ModelView()
    approved = decide(view, good_case((BIG,), payments=(), fee=7_000))
    assert (approved.first_pin, approved.charge) == (None, 7_000)


def test_objections_are_bounded() -> None:
    case = good_case()
    question = ask(case.verify(), authorized(case), ModelView(), NOW)
    with pytest.raises(PolicyDenied) as caught:
        approve(question, DenyingPolicy())
    assert len(caught.value.objections) == MAX_OBJECTIONS


def test_retry_is_recalled_only_if_it_is_the_same() -> None:
    view, case = ModelView(), good_case((BIG,))
    decide(view, case)
    version = view.version(case.verify().transaction.txid)
    assert version is not None
    recall(case.verify(), version, view, NOW)
    with pytest.raises(VerificationError) as caught:
        recall(case.verify(ours=(1,)), version, view, NOW)
    assert caught.value.code == "retry-mismatch"


def test_retry_with_another_withdrawal_for_the_same_output() -> None:
    """Same transaction, but the caller now says that it settles something else."""
    view, case = ModelView(), good_case((BIG,))
    decide(view, case)
    other = case.but(payments=(type(case.payments[0])(withdrawal_id(2), 0),))
    version = view.version(other.verify().transaction.txid)
    assert version is not None
    with pytest.raises(VerificationError) as caught:
        recall(other.verify(), version, view, NOW)
    assert caught.value.code == "retry-mismatch"


def test_trace_tells_every_universal_rule() -> None:
    view = ModelView()
    decide(view, good_case((BIG,)))
    case = good_case((FRESH,), change_index=900)
    question = ask(case.verify(), authorized(case, ()), view, NOW)
    lines = {line.rule: line for line in trace(question, POLICY)}
    assert {rule: line.passed for rule, line in lines.items()} == {
        "control": True,
        "pins": False,
        "coins": False,
        "change": False,
        "statements": True,
        "holds": True,
        "epochs": True,
    }
    assert lines["coins"].objections[0].code == "coin-unproven"
    good = good_case((BIG,), fee=20_000)
    passing = ask(good.verify(), authorized(good, ()), view, NOW)
    assert all(line.passed for line in trace(passing, POLICY))


def test_a_hold_stops_a_new_version_and_a_retry_until_it_ends() -> None:
    """An officer saw something odd: nothing more is signed, not even what is on record."""
    view, case = ModelView(), good_case((BIG,))
    view.holds[withdrawal_id(1)] = NOW + 1
    assert refused(view, case) == {"withdrawal-held"}
    view.holds = {case.outputs[0].txout.script_pubkey: NOW + 1}
    assert refused(view, case) == {"withdrawal-held"}
    view.holds = {withdrawal_id(1): NOW, withdrawal_id(2): NOW + 1}
    decide(view, case)
    version = view.version(case.verify().transaction.txid)
    assert version is not None
    recall(case.verify(), version, view, NOW)
    view.holds[withdrawal_id(1)] = NOW + 60
    with pytest.raises(PolicyDenied) as caught:
        recall(case.verify(), version, view, NOW)
    (held,) = caught.value.objections
    assert (held.code, held.not_before) == ("withdrawal-held", NOW + 60)


class PatientPolicy(CoinQuorumPolicy):
    """Consents to nothing yet: an approval is missing."""

    missing = Objection("approval-missing", "an officer", not_before=NOW + 9)

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        yield self.missing

    def waiting(self, question: Question) -> tuple[Objection, ...]:
        return (self.missing,)


def test_what_lacks_approvals_alone_is_pending_and_nothing_else_is() -> None:
    case, view = good_case((BIG,)), ModelView()
    with pytest.raises(Pending) as caught:
        approve(ask(case.verify(), authorized(case), view, NOW), PatientPolicy())
    assert caught.value.missing == (PatientPolicy.missing,)
    assert caught.value.not_before == NOW + 9
    assert Pending(Objection("approval-missing", "an officer")).not_before is None
    with pytest.raises(PolicyDenied) as denied:
        approve(ask(case.verify(), authorized(case, ()), view, NOW), PatientPolicy())
    codes = [objection.code for objection in denied.value.objections]
    assert codes == ["coin-unproven", "approval-missing"]


def test_consent_is_never_given_to_what_is_only_described() -> None:
    case = good_case((BIG,))
    question = ask(case.verify(), authorized(case), ModelView(), NOW)
    for lie in (
        replace(question, spend=SimpleNamespace(payments=())),
        replace(question, authorized=SimpleNamespace()),
    ):
        with pytest.raises(Fault):
            approve(lie, POLICY)


def test_change_draft_belongs_to_the_vault() -> None:
    assert (
        change_draft(BIG.vault, 1_000).txout.script_pubkey == BIG.vault.script(1, 0).script_pubkey
    )
