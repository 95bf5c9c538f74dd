"""A described spend answers as a verified one would, and nobody signs it."""

from dataclasses import replace

import pytest

from policies.analysis.described import (
    Circumstances,
    DescribedRecord,
    DescribedSpend,
    DescribedWords,
    Verdict,
    anchor_terms,
    described_coins,
    move_terms,
    payments_of,
    question_of,
    recorded_payments,
    statements_of,
    verdict_of,
    words_about,
)
from signer.bitcoin.transaction import Txid
from signer.bitcoin.units import Sats, Weight
from signer.core.approve import approve
from signer.core.errors import Fault
from signer.core.evidence import CoinTerms
from signer.core.payment import WithdrawalTerms
from signer.core.question import ask
from signer.core.spend import Change, Kind, VerifiedSpend
from tests.policies import world
from tests.policies.world import BRIDGE, NEXT, NOW, P2WPKH, VAULT, WATCHERS

TWO = WATCHERS[:2]
PAID = DescribedSpend(VAULT, payments=payments_of([(50_000_000, P2WPKH)]), fee=Sats(2_000))


def around(spend: DescribedSpend, record: DescribedRecord | None = None) -> Circumstances:
    """Two watchers say all that is asked."""
    return Circumstances(NOW, words_about(spend, TWO, TWO), record or DescribedRecord())


def codes(spend: DescribedSpend, record: DescribedRecord | None = None) -> tuple[str, ...]:
    return verdict_of(BRIDGE, question_of(spend, around(spend, record))).codes


def described(of: VerifiedSpend) -> DescribedSpend:
    """The same spend, described."""
    return DescribedSpend(
        vault=of.vault,
        kind=of.kind,
        payments=of.payments,
        fee=of.fee,
        weight=of.weight,
        input_count=of.input_count,
        output_count=of.output_count,
        path_index=of.path_index,
        anchor=of.anchor,
        to=of.to,
        moved=of.moved,
        change=of.change,
        is_replaceable=of.is_replaceable,
    )


@pytest.mark.parametrize(
    "spend",
    [
        world.spend(),
        world.spend((world.payment(amount=100_000_001), world.payment(2, 5_000))),
        world.spend(fee=300_000),
        world.anchor(),
        replace(world.anchor(), fee=Sats(60_000)),
        world.sweep(),
        world.sweep(path_index=1),
        world.rotation(),
    ],
)
def test_a_described_spend_is_answered_as_a_verified_one(spend: VerifiedSpend) -> None:
    same = described(spend)
    facts = ("kind", "path", "vsize", "outflow", "input_count", "output_count", "is_replaceable")
    for fact in facts:
        assert getattr(same, fact) == getattr(spend, fact)
    evidence = world.authorized(*((terms, TWO) for terms in statements_of(same)))
    verified = ask(spend, evidence, world.FixedView(), NOW)
    asked = question_of(same, around(same))
    assert (asked.anchored, asked.swept) == (verified.anchored, verified.swept)
    assert (asked.binding.new, asked.binding.charge) == (
        verified.binding.new,
        verified.binding.charge,
    )
    seen, expected = (
        [(reason.code, reason.observed) for reason in BRIDGE.spend_objections(question)]
        for question in (asked, verified)
    )
    assert seen == expected


def test_nobody_consents_to_what_is_only_described() -> None:
    question = question_of(PAID, around(PAID))
    assert verdict_of(BRIDGE, question).verdict is Verdict.SIGN
    with pytest.raises(Fault):
        approve(question, BRIDGE)


def test_refused_with_every_code() -> None:
    dear = replace(PAID, fee=Sats(300_000), weight=Weight(4))
    answer = verdict_of(BRIDGE, question_of(dear, around(dear)))
    assert answer.verdict is Verdict.REFUSE
    assert answer.codes == ("fee-rate-out-of-range", "fee-too-high")


def test_without_words_nothing_is_proven() -> None:
    assert verdict_of(BRIDGE, question_of(PAID, Circumstances(NOW))).codes == (
        "coin-unproven",
        "attestation-missing",
    )


def test_words_say_what_they_are_made_of() -> None:
    words = words_about(PAID, TWO, WATCHERS)
    (terms,) = statements_of(PAID)
    (coin,) = PAID.coins
    (seen,) = words.coin_statements(coin.outpoint, coin.prevout)
    assert isinstance(seen, CoinTerms)
    assert words.attestors(terms, NOW) == set(TWO)
    assert words.attestors(seen, NOW) == set(WATCHERS)
    assert words.attestors(replace(terms, amount=Sats(1)), NOW) == set()
    assert [[key for key, _ in pairs] for pairs in words.said.values()] == [sorted(TWO)]
    assert (dict(words.coins), words.attestations) == ({}, ())
    assert DescribedWords().said == {}


def test_statements_of_each_kind() -> None:
    (batch,) = statements_of(described(world.anchor(5)))
    assert batch == anchor_terms(world.anchor(5).anchor, 4, batch.previous_root)
    sweep = described(world.sweep())
    assert statements_of(sweep) == (move_terms(sweep),)
    assert move_terms(sweep).to_fingerprint == NEXT.fingerprint
    assert move_terms(replace(sweep, to=None)).to_fingerprint == NEXT.fingerprint
    rotation = described(world.rotation())
    assert move_terms(rotation).kind == 2


def test_coins_stand_for_all_inputs() -> None:
    assert len(replace(PAID, input_count=3).coins) == 3
    assert len(replace(PAID, input_count=1_000_000).coins) == 16
    crowd = replace(described(world.anchor()), input_count=9)
    assert "anchor-too-many-inputs" in codes(crowd)
    assert "anchor-too-many-inputs" not in codes(replace(crowd, input_count=8))


def test_a_bump_is_charged_the_difference_and_asks_nobody() -> None:
    record = DescribedRecord(
        withdrawals=recorded_payments(VAULT, PAID.payments), fee_on_record=Sats(1_500)
    )
    silent = Circumstances(NOW, words_about(PAID, (), TWO), record)
    question = question_of(PAID, silent)
    assert question.binding.charge == 500
    assert verdict_of(BRIDGE, question).verdict is Verdict.SIGN
    first = question_of(PAID, replace(silent, record=DescribedRecord()))
    assert verdict_of(BRIDGE, first).codes == ("attestation-missing",)


def test_windows_count_the_described_charges() -> None:
    charges = ((NOW - 86_400, Sats(7), 1), (NOW - 5, Sats(949_998_000), 2))
    record = DescribedRecord(charges=charges)
    assert record.outflow_since(b"", NOW - 86_400) == 949_998_000
    assert record.withdrawals_since(b"", NOW - 86_401) == 3
    assert record.charges_since(b"", NOW - 6) == charges[1:]
    assert codes(PAID, record) == ()
    more = DescribedRecord(charges=((NOW - 5, Sats(949_998_001), 2),))
    assert codes(PAID, more) == ("outflow-exceeded",)


def test_a_described_hold_holds() -> None:
    assert codes(PAID, DescribedRecord(held=NOW + 1)) == ("withdrawal-held",)
    assert codes(PAID, DescribedRecord(held=NOW)) == ()


def test_described_batches_keep_their_root() -> None:
    spend = described(world.anchor(5))
    root = spend.anchor.state_root
    assert codes(spend, DescribedRecord(batches={(b"PGWD", 5): root})) == ()
    other = DescribedRecord(batches={(b"PGWD", 5): b"\x09" * 32, (b"GAME", 9): root})
    assert codes(spend, other) == ("batch-root-conflict",)
    assert other.highest_batch(b"PGWD") == 5
    assert DescribedRecord().highest_batch(b"PGWD") is None


def test_a_used_statement_is_used() -> None:
    sweep = described(world.sweep())
    assert codes(sweep) == ()
    used = DescribedRecord(nonces=frozenset((move_terms(sweep).nonce,)))
    assert codes(sweep, used)[0] == "sweep-statement-used"


def test_approved_moves_and_officers() -> None:
    sweep = described(world.sweep())
    record = DescribedRecord(officers=frozenset((b"k" * 32,)), moves=(move_terms(sweep),))
    question = question_of(sweep, Circumstances(NOW, record=record))
    assert question.swept == move_terms(sweep)
    assert [officer for officer, _ in record.approvers(b"")] == [b"k" * 32]


def test_change_within_the_lookahead() -> None:
    near = replace(PAID, change=Change(0, Sats(1), 999))
    assert codes(near) == ()
    far = replace(PAID, change=Change(0, Sats(1), 1_000))
    assert codes(far) == ("change-index-too-high",)


def test_what_is_not_described_stands_in_no_rules_way() -> None:
    record, coin = DescribedRecord(attested_since=5), described_coins(VAULT, 1)[0]
    terms = WithdrawalTerms(bytes(32), Sats(1), P2WPKH)
    assert record.twins(b"", Sats(1), P2WPKH) == ()
    assert record.spenders(coin.outpoint) == record.pinned_to(coin.outpoint) == ()
    assert record.recorded_coin(b"", coin.outpoint) is None
    assert record.payers(bytes(32)) == frozenset()
    assert record.version(Txid(bytes(32))) is None
    assert record.first_attested(b"", terms, b"") == 5
    assert record.terms_of(bytes(32)) == frozenset()


def test_no_other_member_holds_what_is_described() -> None:
    record, coin = DescribedRecord(), described_coins(VAULT, 1)[0]
    id_ = bytes(32)
    assert record.loose_pins_of(id_) == record.struck_of(id_) == frozenset()
    assert record.held_payers(id_) == record.held_spenders(coin.outpoint) == frozenset()
    assert record.closing_since(b"", ()) == 0


def test_payments_are_numbered() -> None:
    first, second = payments_of([(1, P2WPKH), (2, P2WPKH)])
    assert (first.vout, second.vout) == (0, 1)
    assert first.withdrawal_id != second.withdrawal_id
    assert Kind.WITHDRAWAL is PAID.kind
