"""Every predicate passes at its limit and refuses one past it, with its code."""

from dataclasses import replace

import pytest

from policies.predicates import SPEND_PREDICATES
from signer.bitcoin.burial import Burial
from signer.bitcoin.transaction import TxOut
from signer.bitcoin.units import Height, Sats, Weight
from signer.core.catalogue import CATALOGUE
from signer.core.chain_word import ChainWord, Placed
from signer.core.errors import Objection
from signer.core.evidence import CoinTerms
from signer.core.freshness import TipSeen
from signer.core.question import Policy, Question
from signer.core.spend import VerifiedSpend
from tests.policies.world import (
    CLOCK,
    FEDERATION,
    NOW,
    P2PKH,
    WATCHERS,
    FixedView,
    anchor,
    anchor_terms,
    approvals,
    authorized,
    codes,
    coin,
    coin_terms,
    final,
    later,
    on_record,
    payment,
    policy,
    policy_about,
    question,
    root,
    rotation,
    spend,
    sweep,
    sweep_terms,
)

HOUR = 3_600
LISTED = min(FEDERATION.lists[0].scripts)
TWO = (payment(1), payment(2, 40_000_000))
RECORDED = FixedView(withdrawals=(on_record(payment().terms),), fee_on_record=Sats(2_000))


def bumped(fee: int) -> Question:
    """A further version of a withdrawal on record."""
    return question(spend(fee=fee), authorized(), RECORDED)


def behind(of: VerifiedSpend, batch: int, before: bytes | None = None) -> Question:
    """An anchor that two watchers put behind that batch."""
    before = root(batch) if before is None else before
    terms = replace(anchor_terms(of), previous_batch=batch, previous_root=before)
    return question(of, authorized((terms, WATCHERS[:2])))


GAMES = b"GAME"
"""Its batches increase from 1,000; those of PGWD are contiguous from 1."""


def approved_by(of: VerifiedSpend, count: int, expiry: int = NOW + 1) -> Question:
    """With the word and the approval of so many watchers."""
    return question(of, view=FixedView(approvals=approvals(of, WATCHERS[:count], expiry)))


def attested_at(moment: int, digest: bytes = CLOCK) -> Question:
    """Two watchers vouched for the withdrawal first then."""
    return question(view=FixedView(clocks=((payment().terms, digest, moment),)))


def asked_by(caller: str) -> Question:
    return replace(question(), caller=caller)


def seen(
    blocks: int = 9, work: int = 9, age: int = 0, *, minted: bool = False, stale: str = ""
) -> Question:
    """With the coin so deep, by a chain whose tip is so old."""
    place = Placed(Height(3), Burial(blocks, work), minted)
    reasons = (Objection(stale, "as the test says"),) if stale else ()
    placed = {coin().outpoint.txid: place}
    return replace(
        question(), chain=ChainWord(TipSeen(9, NOW - age, NOW), Height(9), reasons, placed)
    )


def at(*charges: tuple[int, int, int]) -> FixedView:
    """Charges as (seconds ago, sat, withdrawals)."""
    return FixedView(tuple((NOW - ago, Sats(sat), new) for ago, sat, new in charges))


# (rule, code, question at the limit, question one past it)
BOUNDARIES = [
    ("fee_at_most(2000 sat)", "fee-too-high", question(), question(spend(fee=2_001))),
    (
        "fee_rate_between(10 sat/vB, 20 sat/vB)",
        "fee-rate-out-of-range",
        question(spend(fee=2_000)),
        question(spend(fee=1_999)),
    ),
    (
        "fee_rate_between(0.5 sat/vB, 10 sat/vB)",
        "fee-rate-out-of-range",
        question(spend(fee=2_000)),
        question(spend(fee=2_001)),
    ),
    (
        "payment_at_most(0.5 BTC)",
        "payment-too-large",
        question(),
        question(spend((payment(1), payment(2, 50_000_001)))),
    ),
    (
        "payment_at_least(0.5 BTC)",
        "payment-too-small",
        question(),
        question(spend((payment(1), payment(2, 49_999_999)))),
    ),
    (
        "spend_at_most(0.90002 BTC)",
        "spend-too-large",
        question(spend(TWO)),
        question(spend(TWO, fee=2_001)),
    ),
    (
        "outflow_at_most(1h, 0.50002 BTC)",
        "outflow-exceeded",
        question(),
        question(spend(fee=2_001)),
    ),
    (
        "outflow_at_most(1h, 0.50003 BTC)",
        "outflow-exceeded",
        question(view=at((HOUR, 50_000, 1), (HOUR - 1, 1_000, 0))),
        question(view=at((HOUR, 50_000, 1), (HOUR - 1, 1_001, 0))),
    ),
    (
        "count_at_most(1h, 2)",
        "count-exceeded",
        question(spend(TWO)),
        question(spend((*TWO, payment(3)))),
    ),
    (
        "count_at_most(1h, 3)",
        "count-exceeded",
        question(spend(TWO), view=at((HOUR, 0, 5), (1, 0, 1))),
        question(spend(TWO), view=at((HOUR, 0, 5), (1, 0, 2))),
    ),
    (
        "destinations_in(exchange)",
        "destination-not-listed",
        question(spend((payment(1, script=LISTED),))),
        question(spend((payment(1, script=LISTED), payment(2)))),
    ),
    (
        "destination_types(p2wpkh, p2tr)",
        "destination-type-refused",
        question(),
        question(spend((payment(1), payment(2, script=P2PKH)))),
    ),
    (
        "inputs_at_most(2)",
        "too-many-inputs",
        question(spend(coins=(coin(0), coin(1)))),
        question(spend(coins=(coin(0), coin(1), coin(2)))),
    ),
    (
        "outputs_at_most(2)",
        "too-many-outputs",
        question(spend(TWO)),
        question(spend((*TWO, payment(3)))),
    ),
    ("path(primary)", "path-refused", question(sweep()), question(sweep(path_index=1))),
    ("path(recovery)", "path-refused", question(sweep(path_index=1)), question(sweep())),
    (
        "spend_at_most(0.50002 BTC)",
        "spend-too-large",
        question(rotation()),
        question(rotation(amount=50_000_001)),
    ),
    (
        "outflow_at_most(1h, 0.50002 BTC)",
        "outflow-exceeded",
        question(rotation()),
        question(rotation(amount=50_000_001)),
    ),
    (
        "anchor_extends()",
        "batch-before-first",
        behind(anchor(1_000, GAMES), 999, bytes(32)),
        behind(anchor(999, GAMES), 998, bytes(32)),
    ),
    ("anchor_extends()", "anchor-not-extending", question(anchor()), behind(anchor(), 3)),
    (
        "attested(2, watchers)",
        "attestation-missing",
        question(anchor()),
        question(anchor(), authorized((anchor_terms(anchor()), WATCHERS[:1]))),
    ),
    (
        "attested(2, watchers)",
        "attestation-missing",
        question(sweep()),
        question(sweep(), authorized((sweep_terms(sweep()), WATCHERS[:1]))),
    ),
    (
        "attested(2, watchers)",
        "attestation-missing",
        question(rotation()),
        question(rotation(), authorized((sweep_terms(rotation()), WATCHERS[:1]))),
    ),
    (
        "attested(2, watchers)",
        "attestation-missing",
        question(evidence=authorized((payment().terms, WATCHERS[:2]))),
        question(evidence=authorized((payment().terms, WATCHERS[:1]))),
    ),
    (
        "approved(2, watchers)",
        "approval-missing",
        approved_by(spend(TWO), 2),
        approved_by(spend(TWO), 1),
    ),
    (
        "approved(2, watchers)",
        "approval-missing",
        approved_by(spend(), 2, NOW + 1),
        approved_by(spend(), 2, NOW),
    ),
    (
        "approved(2, watchers)",
        "approval-missing",
        approved_by(sweep(), 2),
        approved_by(sweep(), 1),
    ),
    (
        "approved(2, watchers)",
        "approval-missing",
        approved_by(rotation(), 2),
        approved_by(rotation(), 1),
    ),
    ("aged(1h)", "not-aged", attested_at(NOW - HOUR), attested_at(NOW - HOUR + 1)),
    ("aged(1s)", "not-aged", attested_at(NOW - 1), attested_at(NOW - 1, bytes(32))),
    ("within(fri, 08:00-18:00)", "outside-schedule", question(), later(question(), -1)),
    ("within(fri, 07:00-08:00)", "outside-schedule", later(question(), -1), question()),
    (
        "destinations_not_in(exchange)",
        "destination-listed",
        question(),
        question(spend((payment(1, script=LISTED), payment(2)))),
    ),
    (
        "weight_at_most(800 WU)",
        "weight-too-high",
        question(),
        question(replace(spend(), weight=Weight(801))),
    ),
    ("replaceable()", "not-replaceable", question(), question(final(spend()))),
    (
        "caller(relayer-2, relayer-1)",
        "caller-refused",
        asked_by("relayer-1"),
        asked_by("relayer-3"),
    ),
    ("confirmed(3 blocks)", "coin-unconfirmed", seen(3, 0), seen(2, 9)),
    (
        "confirmed(3 blocks)",
        "coin-unconfirmed",
        seen(100, 0, minted=True),
        seen(99, 9, minted=True),
    ),
    ("confirmed(101 blocks)", "coin-unconfirmed", seen(101, 0), seen(100, 0, minted=True)),
    ("buried(3 H)", "coin-unburied", seen(0, 3), seen(9, 2)),
    ("buried(1 H)", "coin-unburied", seen(0, 1), seen(9, 0)),
    ("tip_fresh(1h)", "tip-not-fresh", seen(age=HOUR), seen(age=HOUR + 1)),
]


@pytest.mark.parametrize(("rule", "code", "passing", "failing"), BOUNDARIES)
def test_passes_at_the_limit_and_refuses_one_past_it(
    rule: str, code: str, passing: Question, failing: Question
) -> None:
    loaded = policy_about(passing, rule)
    assert codes(loaded, passing) == []
    found = codes(loaded, failing)
    assert set(found) == {code}
    assert code in CATALOGUE


def test_every_predicate_has_a_boundary_pair_for_each_of_its_codes() -> None:
    tested = {(rule.partition("(")[0], code) for rule, code, _, _ in BOUNDARIES}
    tested.add(("attested", "coin-unproven"))  # below
    named = {(form.NAME, code) for form in SPEND_PREDICATES.values() for code in form.CODES}
    assert tested == named


def test_details_keep_observed_values_and_limits_in_their_own_fields() -> None:
    """Details are shown to every caller, values and limits only to those entitled."""
    for rule, _, _, failing in BOUNDARIES:
        for reason in policy_about(failing, rule).spend_objections(failing):
            assert reason.observed
            assert reason.limit
            assert reason.change
            assert reason.limit not in reason.detail
            assert reason.observed not in reason.detail


def test_a_retry_without_new_charge_passes_an_overfull_window() -> None:
    full = at((1, 900_000_000, 9))
    rule = policy("and(outflow_at_most(1h, 1 BTC), count_at_most(1h, 1))")
    recorded = FixedView(full.charges, RECORDED.withdrawals, Sats(2_000))
    assert codes(rule, question(view=full)) == ["outflow-exceeded", "count-exceeded"]
    assert codes(rule, question(spend(fee=2_000), authorized(), recorded)) == []
    assert codes(rule, question(spend(fee=2_001), authorized(), recorded)) == ["outflow-exceeded"]


def test_a_bump_charges_what_its_fee_adds() -> None:
    rule = policy("outflow_at_most(1h, 500 sat)")
    assert codes(rule, bumped(2_500)) == []
    assert codes(rule, bumped(2_501)) == ["outflow-exceeded"]


@pytest.mark.parametrize(
    ("limit", "ago"),
    [
        ("1.70002 BTC", 3_000),
        ("1.70001999 BTC", 1_000),
        ("1.10002 BTC", 1_000),
        ("0.50002 BTC", 500),
    ],
)
def test_not_before_is_the_second_in_which_it_passes(limit: str, ago: int) -> None:
    rule = policy(f"outflow_at_most(1h, {limit})")
    earlier = at((3_000, 60_000_000, 1), (1_000, 60_000_000, 1), (500, 60_000_000, 1))
    asked = question(view=earlier)
    (reason,) = rule.spend_objections(asked)
    assert reason.not_before == NOW - ago + HOUR
    late = replace(asked, now=reason.not_before, authorized=authorized(expiry=0))
    assert "outflow-exceeded" not in codes(rule, late)
    assert "outflow-exceeded" in codes(rule, replace(late, now=reason.not_before - 1))


def test_not_before_of_a_count() -> None:
    rule = policy("count_at_most(1h, 3)")
    asked = question(spend(TWO), view=at((3_000, 0, 1), (1_000, 0, 1), (10, 0, 1)))
    (reason,) = rule.spend_objections(asked)
    assert reason.not_before == NOW - 1_000 + HOUR


@pytest.mark.parametrize("rule", ["outflow_at_most(1h, 0.5 BTC)", "count_at_most(1h, 1)"])
def test_what_no_window_ever_allows_has_no_not_before(rule: str) -> None:
    (reason,) = policy(rule).spend_objections(question(spend(TWO), view=at((60, 5_000, 1))))
    assert reason.not_before is None


def test_on_record_with_equal_terms_needs_no_fresh_word() -> None:
    assert codes(FEDERATION, bumped(2_100)) == []


def test_on_record_with_other_terms_needs_fresh_words() -> None:
    other = FixedView(withdrawals=(on_record(payment(1, 49_000_000).terms),))
    assert (
        codes(FEDERATION, question(evidence=authorized(), view=other))[0] == "attestation-missing"
    )


def observed(evidence: object) -> str:
    (reason,) = policy("attested(2, watchers)").blocks[0].unmet(question(evidence=evidence))[:1]  # type: ignore[arg-type]
    assert reason.code == "attestation-missing"
    return f"{reason.observed} | {reason.detail}"


def test_missing_attestations_say_what_there_was() -> None:
    """One attestor twice, expired words, words too far ahead, and words for other terms."""
    terms = payment().terms
    assert observed(authorized((terms, (WATCHERS[0], WATCHERS[0])))).startswith("1 of 2 |")
    expired = authorized((terms, WATCHERS[:2]), expiry=NOW)
    assert observed(expired).startswith("0 of 2, 2 expired or too far ahead |")
    far = authorized((terms, WATCHERS[:2]), expiry=NOW + 7 * 86_400 + 1)
    assert observed(far).startswith("0 of 2, 2 expired or too far ahead |")
    changed = authorized((payment(1, 50_000_001).terms, WATCHERS))
    assert observed(changed).endswith("what was said of it is for other terms")
    assert "other terms" not in observed(authorized((terms, WATCHERS[:1])))
    assert "other terms" not in observed(authorized((payment(7).terms, WATCHERS)))
    assert "other terms" not in observed(authorized((coin_terms(coin()), WATCHERS)))
    stranger = authorized((payment(1, 50_000_001).terms, (bytes(32),)))
    assert "other terms" not in observed(stranger)


def test_the_last_second_of_an_attestation_counts() -> None:
    terms = payment().terms
    rule = policy("attested(2, watchers)")
    assert codes(rule, question(evidence=authorized((terms, WATCHERS[:2]), expiry=NOW + 1))) == []


def test_every_payment_needs_its_own_quorum() -> None:
    evidence = authorized((TWO[0].terms, WATCHERS[:2]), (TWO[1].terms, WATCHERS[:1]))
    reasons = policy("attested(1, watchers)").blocks[0].unmet(question(spend(TWO), evidence))
    assert [reason.detail for reason in reasons] == [
        f"withdrawal {TWO[1].withdrawal_id.hex()} lacks attestations"
    ]


def coin_codes(*words: tuple[CoinTerms, tuple[bytes, ...]], expiry: int = NOW + 1_800) -> list[str]:
    asked = question(evidence=authorized(*words, expiry=expiry))
    found = FEDERATION.coin_objections(asked, coin())
    return [f"{reason.code} {reason.observed}" for reason in found]


def test_a_coin_is_proven_by_one_statement_of_a_quorum() -> None:
    terms = coin_terms(coin())
    assert coin_codes((terms, WATCHERS[:2])) == []
    assert coin_codes((terms, WATCHERS[:1])) == ["coin-unproven 1 of 2"]
    assert coin_codes() == ["coin-unproven 0 of 2"]


def test_two_heights_are_two_statements() -> None:
    """One attestor each for two heights is no quorum: they do not say the same."""
    low, high = coin_terms(coin(), 100), coin_terms(coin(), 101)
    assert coin_codes((low, WATCHERS[:1]), (high, WATCHERS[1:2])) == ["coin-unproven 1 of 2"]
    assert coin_codes((low, WATCHERS[:1]), (high, WATCHERS[1:3])) == []
    told = (low, WATCHERS[:1]), (high, (bytes(32),))  # the second one is a stranger's
    assert coin_codes(*told) == coin_codes(*reversed(told)) == ["coin-unproven 1 of 2"]


def test_a_coin_of_another_amount_or_script_is_not_proven() -> None:
    lie = replace(coin_terms(coin()), amount=Sats(300_000_001))
    expected = "coin-unproven 0 of 2; there is word for another amount or script"
    assert coin_codes((lie, WATCHERS)) == [expected]
    lie = replace(coin_terms(coin()), script_pubkey=P2PKH)
    assert coin_codes((lie, WATCHERS)) == [expected]


def test_coin_words_live_for_an_hour_at_most() -> None:
    terms = coin_terms(coin())
    assert coin_codes((terms, WATCHERS), expiry=NOW + HOUR) == []
    assert coin_codes((terms, WATCHERS), expiry=NOW + HOUR + 1) == [
        "coin-unproven 0 of 2, 3 expired or too far ahead"
    ]


def test_a_vault_of_another_policy_has_no_proven_coin() -> None:
    stranger = replace(spend(), vault=replace(spend().vault, vault_id="other"))
    asked = question(stranger, authorized((coin_terms(coin()), WATCHERS)))
    assert [reason.code for reason in FEDERATION.coin_objections(asked, coin())] == [
        "policy-no-rule"
    ]


def test_the_loaded_policy_is_what_approve_asks() -> None:
    asked: Policy = FEDERATION
    assert len(asked.policy_id) == 32


def test_outputs_count_change() -> None:
    base = spend(TWO)
    outputs = (*base.transaction.outputs, TxOut(Sats(1_000), P2PKH))
    psbt = replace(base.psbt, transaction=replace(base.transaction, outputs=outputs))
    rule = policy("outputs_at_most(2)")
    assert codes(rule, question(replace(base, psbt=psbt))) == ["too-many-outputs"]
