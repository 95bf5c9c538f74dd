"""What a strike and a closing leave: pinning anew, charges, twins, sweeps of pinned coins, retries (J1)."""

from collections.abc import Iterator

import pytest

from policies.loaded import LoadedPolicy
from signer.core.acts import move_subject
from signer.core.approve import approve, objections
from signer.core.errors import Objection, PolicyDenied
from signer.core.evidence import HORIZON, Attestation, StatementKind, SweepTerms, authorize
from signer.core.question import ask
from signer.core.recall import recall
from signer.core.spend import ApprovedSpend, VerifiedSpend
from signer.core.universal_rules import trace
from signer.core.view import WithdrawalState
from tests.core.model_view import ModelView
from tests.core.releases import LENIENT, OFFICERS, policy
from tests.core.spends import NOW, Case, Coin, change_draft, good_case, withdrawal_id
from tests.federation import WATCHERS, vault

WEEK = HORIZON[StatementKind.WITHDRAWAL]
DAY = 86_400
COINS = tuple(Coin(salt=salt, amount=100_000_000 - salt) for salt in range(4))
"""The first is the largest."""
NEXT = vault(first=3, name="next")


def said(case: Case, now: int, given: int) -> tuple[Attestation, ...]:
    """Words of two watchers: about withdrawals as if given at that time, about coins just now."""
    realm, found = case.vault.realm, list[Attestation]()
    for watcher in WATCHERS[:2]:
        if case.payments:
            found.append(watcher.attest(realm, given + WEEK, *case.withdrawal_terms()))
        found.append(watcher.attest(realm, now + 1_800, *(coin.terms for coin in COINS)))
    return tuple(found)


def decide(
    view: ModelView, case: Case, now: int = NOW, given: int = NOW, under: LoadedPolicy = LENIENT
) -> ApprovedSpend:
    words = authorize(said(case, now, given), case.vault.realm, under.attestors)
    approved = approve(ask(case.verify(), words, view, now), under)
    view.record(approved)
    return approved


def refused(
    view: ModelView, case: Case, now: int = NOW, given: int = NOW, under: LoadedPolicy = LENIENT
) -> set[str]:
    with pytest.raises(PolicyDenied) as caught:
        decide(view, case, now, given, under)
    return {each.code for each in caught.value.objections}


def pays(
    coin: int, *payments: tuple[int, int], more: tuple[int, ...] = (), fee: int = 10_000
) -> Case:
    coins = tuple(COINS[each] for each in (coin, *more))
    return good_case(coins, payments=payments or ((1, 60_000_000),), fee=fee)


def strike(view: ModelView, number: int, coin: int) -> None:
    before = view.struck_of(withdrawal_id(number))
    view.struck[withdrawal_id(number)] = before | {COINS[coin].outpoint}


def test_a_struck_withdrawal_is_pinned_anew_and_not_charged_again() -> None:
    view = ModelView()
    assert decide(view, pays(0)).charge == 60_010_000
    assert refused(view, pays(1)) == {"withdrawal-pinned"}
    strike(view, 1, 0)
    recorded = view.withdrawal(withdrawal_id(1))
    assert recorded is not None
    assert (recorded.pin, recorded.state) == (None, WithdrawalState.OPEN)
    again = decide(view, pays(1))
    assert again.new_pins == ((withdrawal_id(1), COINS[1].outpoint),)
    assert again.charge == 10_000
    assert view.withdrawals_since(again.spend.vault.fingerprint, NOW - 1) == 1
    assert refused(view, pays(2)) == {"withdrawal-pinned"}


def test_a_new_pin_after_a_strike_needs_fresh_coin_evidence() -> None:
    """The coin of an earlier version needs no word as a further input, but as a pin it does."""
    view = ModelView()
    decide(view, pays(0, more=(1,)))
    strike(view, 1, 0)
    case = pays(1)
    owed = tuple(
        watcher.attest(case.vault.realm, NOW + WEEK, *case.withdrawal_terms())
        for watcher in WATCHERS[:2]
    )
    words = authorize(owed, case.vault.realm, LENIENT.attestors)
    question = ask(case.verify(), words, view, NOW)
    assert [each.code for each in objections(question, LENIENT)] == ["coin-unproven"]
    assert decide(view, case).new_pins == ((withdrawal_id(1), COINS[1].outpoint),)


def test_a_struck_coin_is_never_a_pin_again() -> None:
    """A reorganisation deeper than release_depth brings it back: the withdrawal stays with its new pin."""
    view = ModelView()
    decide(view, pays(0))
    strike(view, 1, 0)
    assert refused(view, pays(0, fee=20_000)) == {"no-coin-to-pin"}
    assert decide(view, pays(0, more=(1,))).new_pins == ((withdrawal_id(1), COINS[1].outpoint),)


def test_a_strike_is_for_one_withdrawal() -> None:
    """Another one that is pinned to the same coin keeps its pin until it is struck for it, too."""
    view = ModelView()
    both = ((1, 40_000_000), (2, 30_000_000))
    decide(view, pays(0, *both))
    strike(view, 1, 0)
    assert view.pinned_to(COINS[0].outpoint) == (withdrawal_id(2),)
    assert refused(view, pays(1, *both)) == {"withdrawal-pinned"}
    strike(view, 2, 0)
    assert len(decide(view, pays(1, *both)).new_pins) == 2


def test_a_closed_withdrawal_is_never_signed_again() -> None:
    view = ModelView()
    approved = decide(view, pays(0))
    version = view.version(approved.spend.transaction.txid)
    assert version is not None
    recall(approved.spend, version, view, NOW)
    view.closed[withdrawal_id(1)] = NOW
    assert "withdrawal-closed" in refused(view, pays(0, fee=20_000), given=NOW + 1)
    with pytest.raises(PolicyDenied) as caught:
        recall(approved.spend, version, view, NOW)
    assert caught.value.code == "withdrawal-closed"


def test_the_coin_of_a_closed_withdrawal_binds_nobody() -> None:
    """Its pin is gone: what a reorganisation or another version left of the coin may be spent."""
    view = ModelView()
    decide(view, pays(0))
    other = pays(0, (2, 50_000_000), more=(1,))
    assert refused(view, other) == {"pin-spent-unpaid"}
    view.closed[withdrawal_id(1)] = NOW
    assert decide(view, other).new_pins == ((withdrawal_id(2), COINS[1].outpoint),)


def test_a_rotation_takes_the_withdrawals_along() -> None:
    """After a strike the next vault pays it, and its own windows and attestors count: it is charged there."""
    view = ModelView()
    decide(view, pays(0))
    strike(view, 1, 0)
    there = Coin(vault=NEXT, salt=7)
    case = good_case((there,))
    question = ask(case.verify(), authorize((), NEXT.realm, LENIENT.attestors), view, NOW)
    assert question.binding.new == case.verify().payments
    assert question.binding.charge == 60_010_000
    assert question.binding.new_pins == ((withdrawal_id(1), there.outpoint),)


# --- twins (ADR 0006) ---------------------------------------------------------------------------

TWIN = 10_000_000


def test_closing_frees_the_twin() -> None:
    """The second of two equal withdrawals waits until the first is closed; then it is paid alone."""
    view = ModelView()
    decide(view, pays(0, (1, TWIN)))
    second = pays(1, (2, TWIN))
    assert refused(view, second) == {"withdrawal-twin-open"}
    view.closed[withdrawal_id(1)] = NOW
    assert decide(view, second, now=NOW + 60, given=NOW + 1).charge == TWIN + 10_000


def test_a_struck_twin_does_not_block() -> None:
    """It has no pin that could be spent. When it is pinned anew it joins its twin's."""
    view = ModelView()
    decide(view, pays(0, (1, TWIN)))
    strike(view, 1, 0)
    decide(view, pays(1, (2, TWIN)))
    assert refused(view, pays(2, (1, TWIN))) == {"withdrawal-twin-open"}
    assert refused(view, pays(1, (1, TWIN), more=(2,))) == {"pin-spent-unpaid"}
    assert decide(view, pays(1, (1, TWIN), (2, TWIN), more=(2,))).new_pins == (
        (withdrawal_id(1), COINS[2].outpoint),
    )


def test_closings_do_not_let_three_members_pay_two_twins_three_times() -> None:
    """A relayer tells A that T1 pays W1 and B that it pays W2; it is buried, both close. It tells A that T2
    pays W2 and C that it pays W1; it is buried, both close. B now thinks that W1 is open and C that W2 is:
    T3 has two signatures, and nobody is dishonest. But the attestors, whose words from before T2 confirmed
    are still good, state neither burn again, since two such payments are confirmed."""
    a, b, c = ModelView(), ModelView(), ModelView()
    decide(a, pays(0, (1, TWIN)))
    decide(b, pays(0, (2, TWIN)))
    a.closed[withdrawal_id(1)] = b.closed[withdrawal_id(2)] = first = NOW + DAY
    between = first + 60  # one payment of two burns is confirmed: attestors state both
    decide(a, pays(1, (2, TWIN)), now=between, given=between)
    decide(c, pays(1, (1, TWIN)), now=between, given=between)
    a.closed[withdrawal_id(2)] = c.closed[withdrawal_id(1)] = second = between + DAY
    after = second + 60
    decide(b, pays(2, (1, TWIN)), now=after, given=between)  # B alone cannot tell
    assert refused(c, pays(2, (2, TWIN)), now=after, given=between) == {"attestation-missing"}
    assert refused(c, pays(2, (2, TWIN)), now=after, given=second) == {"attestation-missing"}
    decide(c, pays(2, (2, TWIN)), now=after, given=second + 1)


def test_two_equal_outputs_need_one_signature_over_both() -> None:
    """Three burns, two of them paid, each told differently to B and C: each has two ids left, and attestors
    state either one. In one transaction both would be paid, one too many; no attestor signs for both."""
    view = ModelView()
    decide(view, pays(0, (1, TWIN)))
    view.closed[withdrawal_id(1)] = NOW
    both = pays(1, (2, TWIN), (3, TWIN), more=(2,))
    realm, expiry = both.vault.realm, NOW + 1 + WEEK
    second, third = both.withdrawal_terms()
    coins = tuple(
        each.attest(realm, NOW + 1_800, *(coin.terms for coin in COINS)) for each in WATCHERS[:2]
    )

    def codes(*words: Attestation) -> list[str]:
        authorized = authorize((*coins, *words), realm, LENIENT.attestors)
        question = ask(both.verify(), authorized, view, NOW + 60)
        return [each.code for each in objections(question, LENIENT)]

    apart = tuple(
        each.attest(realm, expiry, terms) for each in WATCHERS[:2] for terms in (second, third)
    )
    assert codes(*apart) == ["attestation-missing"] * 2
    assert codes(*(each.attest(realm, expiry, second, third) for each in WATCHERS[:2])) == []


def test_a_version_of_each_does_not_speak_for_both() -> None:
    """What was recorded since the closing counts for exactly what one version paid."""
    view = ModelView()
    decide(view, pays(0, (1, TWIN)))
    view.closed[withdrawal_id(1)] = NOW
    decide(view, pays(1, (2, TWIN)), now=NOW + 60, given=NOW + 1)
    both = pays(1, (2, TWIN), (3, TWIN), more=(2,))
    assert refused(view, both, now=NOW + 90, given=NOW) == {"attestation-missing"}
    decide(view, both, now=NOW + 90, given=NOW + 1)
    bump = pays(1, (2, TWIN), (3, TWIN), more=(2,), fee=30_000)
    assert decide(view, bump, now=NOW + 91, given=NOW).new_pins == ()


def test_a_twin_on_record_needs_a_word_from_after_the_closing_too() -> None:
    """W2 joined W1 in a version that never confirmed; the one that did paid W1 alone."""
    view = ModelView()
    decide(view, pays(0, (1, TWIN)))
    decide(view, pays(0, (1, TWIN), (2, TWIN), more=(1,)))
    alone = pays(1, (2, TWIN), fee=20_000)
    view.closed[withdrawal_id(1)] = NOW
    assert refused(view, alone, now=NOW + 60, given=NOW) == {"attestation-missing"}
    decide(view, alone, now=NOW + 60, given=NOW + 1)
    bump = pays(1, (2, TWIN), fee=30_000)
    assert decide(view, bump, now=NOW + 90, given=NOW).charge == 10_000


def test_what_is_missing_after_a_closing_is_said() -> None:
    view = ModelView()
    decide(view, pays(0, (1, TWIN)))
    view.closed[withdrawal_id(1)] = NOW
    with pytest.raises(PolicyDenied, match="an equal one was closed"):
        decide(view, pays(1, (2, TWIN)), given=NOW)
    assert decide(view, pays(1, (3, TWIN + 1)), given=NOW).charge


# --- sweeps of pinned coins ---------------------------------------------------------------------


def sweep_case(*coins: int, fee: int = 10_000) -> Case:
    case = good_case(tuple(COINS[each] for each in coins), payments=(), fee=fee)
    return case.but(outputs=(change_draft(case.vault, case.outputs[0].txout.amount, 0),))


def move(case: Case, nonce: int = 1, fee: int = 10_000) -> SweepTerms:
    return SweepTerms(1, case.vault.fingerprint, 0, fee, bytes([nonce]) * 16)  # type: ignore[arg-type]


def approved_by(view: ModelView, case: Case, officers: int, nonce: int = 1) -> None:
    terms, fingerprint = move(case, nonce), case.vault.fingerprint
    view.moves[fingerprint] = (*view.moves.get(fingerprint, ()), terms)
    subject = move_subject(case.vault.network.genesis_hash, fingerprint, terms)
    view.approvals[subject] = dict.fromkeys(OFFICERS[:officers], NOW + 1)


@pytest.fixture
def sweeping() -> LoadedPolicy:
    return policy(sweeping=True)


def test_the_officers_quorum_may_sweep_a_pinned_coin(sweeping: LoadedPolicy) -> None:
    """One officer is enough for a sweep here, but not for one that takes a withdrawal's pin."""
    view, case = ModelView(), sweep_case(0)
    decide(view, pays(0), under=sweeping)
    approved_by(view, case, officers=1)
    assert refused(view, case, under=sweeping) == {"pin-spent-unpaid"}
    approved_by(view, case, officers=2)
    assert decide(view, case, under=sweeping).sweep_nonce == b"\x01" * 16
    assert refused(view, pays(1), under=sweeping) == {"withdrawal-pinned"}
    assert decide(view, pays(0, fee=20_000), under=sweeping).new_pins == ()


def test_attestors_alone_do_not_let_a_pin_go(sweeping: LoadedPolicy) -> None:
    view, case = ModelView(), sweep_case(0)
    decide(view, pays(0), under=sweeping)
    approved_by(view, case, officers=2)
    attested = policy(sweeping=True, when="attested(2, watchers)")
    words = (
        *said(case, NOW, NOW),
        *(each.attest(case.vault.realm, NOW + 60, move(case, nonce=2)) for each in WATCHERS),
    )
    view.moves.clear()
    question = ask(case.verify(), authorize(words, case.vault.realm, attested.attestors), view, NOW)
    assert [each.code for each in objections(question, attested)] == ["pin-spent-unpaid"]
    assert not attested.lets_pins_go(question)
    ungoverned = policy(sweeping=True, when="attested(2, watchers)", governed=False)
    assert not ungoverned.lets_pins_go(question)


def test_of_several_statements_the_one_that_lets_the_pin_go_is_taken(
    sweeping: LoadedPolicy,
) -> None:
    """No statement more turns a yes into a no: one with more voices, but without the quorum, is brought."""
    either = policy(sweeping=True, when="or(attested(2, watchers), approved(1, officers))")
    view, case = ModelView(), sweep_case(0)
    decide(view, pays(0), under=either)
    approved_by(view, case, officers=2)
    words = (
        *said(case, NOW, NOW),
        *(each.attest(case.vault.realm, NOW + 60, move(case, nonce=2)) for each in WATCHERS),
    )
    question = ask(case.verify(), authorize(words, case.vault.realm, either.attestors), view, NOW)
    assert question.swept == move(case, nonce=2)
    assert approve(question, either).sweep_nonce == b"\x01" * 16


def test_the_trace_says_that_a_pin_would_go(sweeping: LoadedPolicy) -> None:
    view, case = ModelView(), sweep_case(0)
    decide(view, pays(0), under=sweeping)

    def pins(spend: VerifiedSpend) -> Iterator[Objection]:
        words = authorize(said(case, NOW, NOW), case.vault.realm, sweeping.attestors)
        lines = trace(ask(spend, words, view, NOW), sweeping)
        return iter(next(line.objections for line in lines if line.rule == "pins"))

    assert [each.code for each in pins(case.verify())] == ["pin-spent-unpaid"]
    approved_by(view, case, officers=2)
    assert list(pins(case.verify())) == []
