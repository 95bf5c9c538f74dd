"""Releases: each attack on the two ends of a withdrawal, beside the honest release one field away."""

from dataclasses import replace

import pytest

from signer.bitcoin.transaction import OutPoint, Transaction, TxIn, parse_transaction
from signer.core.catalogue import CATALOGUE
from signer.core.release import COINBASE, release_objections
from signer.core.view import WithdrawalState
from tests.core.releases import (
    AMOUNT,
    CLOSING,
    DEPTH,
    DOUBLE_SPEND,
    FUNDING,
    HEIGHT,
    KILLER,
    OFFICERS,
    OTHER_SCRIPT,
    PARENT,
    PAYER,
    PIN,
    REORGANISED,
    SOURCE,
    STRIKE,
    Case,
    outpoint,
    policy,
    spent,
    transaction,
)
from tests.core.spends import NOW, USER_SCRIPT
from tests.federation import WATCHERS

TWO = frozenset(OFFICERS[:2])
UNKNOWN = transaction((PIN,), (AMOUNT, USER_SCRIPT), (8_000_000, OTHER_SCRIPT))
"""Pays an output of the withdrawal's terms, and no record names it."""
CLOSED_BY_OTHERS = Case(None, (UNKNOWN,), (spent(UNKNOWN, PIN),))


@pytest.mark.parametrize("case", [STRIKE, CLOSING, REORGANISED], ids=["strike", "close", "reorg"])
def test_honest_releases_pass(case: Case) -> None:
    assert case.codes == []


def test_a_shallow_killer_strikes_nothing() -> None:
    """Strike by a killer that a reorganisation can still take back, pay again, reorganise."""
    shallow = STRIKE.but(said=(spent(KILLER, PIN, DEPTH - 1),))
    assert shallow.codes == ["release-too-shallow"]
    (objection,) = release_objections(shallow.question, shallow.policy)
    assert (objection.observed, objection.limit) == (
        f"{DEPTH - 1} confirmations",
        f"{DEPTH} confirmations",
    )
    assert STRIKE.codes == []


def test_a_shallow_payment_closes_nothing() -> None:
    assert CLOSING.but(said=(spent(PAYER, PIN, DEPTH - 1),)).codes == ["release-too-shallow"]


def test_a_height_above_the_tip_has_no_depth() -> None:
    """Numbers that wrap nowhere: an attestor's nonsense is not deep."""
    statement = replace(spent(KILLER, PIN), height=HEIGHT + 10**6)
    assert STRIKE.but(said=(statement,)).codes == ["release-too-shallow"]


def test_one_shallow_and_one_deep_word_are_no_quorum() -> None:
    said = (spent(KILLER, PIN), spent(KILLER, PIN, DEPTH - 1))
    assert STRIKE.but(said=said).codes == ["release-unproven"]


def test_attestors_look_at_different_tips() -> None:
    """One looks a block later: both words are for the same height."""
    assert STRIKE.but(said=(spent(KILLER, PIN), spent(KILLER, PIN, DEPTH + 1))).codes == []


def test_attestors_on_different_branches_are_no_quorum() -> None:
    """A killer in two competing blocks of different heights is not settled."""
    other = spent(KILLER, PIN, height=HEIGHT - 1)
    assert STRIKE.but(said=(spent(KILLER, PIN), other)).codes == ["release-unproven"]


def test_two_heights_each_with_its_quorum() -> None:
    said = (spent(KILLER, PIN), spent(KILLER, PIN, height=HEIGHT - 1), spent(KILLER, PIN))
    assert STRIKE.but(said=said, watchers=WATCHERS).codes == []


def test_one_attestor_is_no_quorum() -> None:
    assert STRIKE.but(watchers=WATCHERS[:1]).codes == ["release-unproven"]
    assert STRIKE.but(watchers=(WATCHERS[0], WATCHERS[0]), said=(spent(KILLER, PIN),)).codes == [
        "release-unproven"
    ]


def test_words_live_an_hour() -> None:
    """A spend that was true yesterday may be reorganised away by now."""
    assert STRIKE.but(expiry=NOW).codes == ["release-unproven"]
    assert STRIKE.but(expiry=NOW + 1).codes == []
    assert STRIKE.but(expiry=NOW + 3_600).codes == []
    assert STRIKE.but(expiry=NOW + 3_601).codes == ["release-unproven"]


def test_nothing_said() -> None:
    assert STRIKE.but(said=(), watchers=()).codes == ["release-unproven"]


def test_the_coins_expression_counts() -> None:
    strict = policy(coins="and(attested(2, watchers), attested(3, watchers))")
    assert STRIKE.but(policy=strict).codes == ["release-unproven"]
    assert STRIKE.but(policy=strict, watchers=WATCHERS).codes == []


def test_a_killer_that_may_pay_strikes_nothing() -> None:
    """The version that settled the withdrawal, shown as what killed its pin: it would be paid twice."""
    case = STRIKE.but(transactions=(PAYER,), said=(spent(PAYER, PIN),))
    assert case.codes == ["release-pays"]
    near = transaction((PIN,), (AMOUNT - 1, USER_SCRIPT), (AMOUNT, OTHER_SCRIPT))
    assert STRIKE.but(transactions=(near,), said=(spent(near, PIN),)).codes == []


def test_an_unknown_payer_strikes_nothing_either() -> None:
    case = STRIKE.but(transactions=(UNKNOWN,), said=(spent(UNKNOWN, PIN),), officers=TWO)
    assert case.codes == ["release-pays"]


def test_what_paid_an_equal_withdrawal_strikes_a_pin() -> None:
    """ADR 0010: two withdrawals of equal terms, one coin. The killer paid the other, and closed it here."""
    twice = transaction((PIN,), (AMOUNT, USER_SCRIPT), (AMOUNT, USER_SCRIPT))
    for killer, outputs in ((UNKNOWN, 1), (twice, 2)):
        case = STRIKE.but(transactions=(killer,), said=(spent(killer, PIN),), settled=outputs)
        assert case.codes == []
        fewer = case.but(settled=outputs - 1)
        assert fewer.codes == ["release-pays"]
        (objection,) = release_objections(fewer.question, fewer.policy)
        assert objection.observed.endswith(f": {outputs} outputs")
        assert objection.limit == f"{outputs - 1} closed by it"


def test_what_an_agreed_entry_says_it_pays_strikes_nothing() -> None:
    """Whatever else it closed."""
    case = STRIKE.but(transactions=(PAYER,), said=(spent(PAYER, PIN),), settled=1)
    assert case.codes == ["release-pays"]
    assert case.but(payers=frozenset()).codes == []


def test_the_statement_names_exactly_the_outpoint() -> None:
    """The killer spends the pin, but what is attested is another of its inputs."""
    assert STRIKE.but(said=(spent(KILLER, outpoint("other")),)).codes == ["release-unproven"]
    assert STRIKE.but(said=(spent(KILLER, OutPoint(PIN.txid, 1)),)).codes == ["release-unproven"]


def test_the_statement_names_exactly_the_killer() -> None:
    assert STRIKE.but(said=(spent(DOUBLE_SPEND, PIN),)).codes == ["release-unproven"]


def test_what_spends_something_else_kills_nothing() -> None:
    stranger = transaction((outpoint("other"),), (69_900_000, OTHER_SCRIPT))
    case = STRIKE.but(transactions=(stranger,), said=(spent(stranger, outpoint("other")),))
    assert case.codes == ["release-kills-nothing"]


def test_the_funding_of_a_pin_kills_nothing() -> None:
    """It spends an input of a transaction from which the pin descends: its own. It is as deep as you like,
    and the pin is alive."""
    for chain in ((FUNDING, PARENT, FUNDING), (FUNDING, PARENT, PARENT)):
        killer = chain[-1]
        spends = killer.inputs[-1].previous
        case = REORGANISED.but(transactions=chain, said=(spent(killer, spends),))
        assert "release-kills-nothing" in case.codes
    assert REORGANISED.codes == []


def test_another_witness_is_the_same_transaction() -> None:
    """BIP-141: the txid hashes no witness, so a malleated copy of the funding is no other transaction."""
    inputs = tuple((b"\x01",) for _ in FUNDING.inputs)
    malleated = Transaction(2, FUNDING.inputs, FUNDING.outputs, 0, inputs)
    assert malleated != FUNDING
    assert malleated.txid == FUNDING.txid
    case = REORGANISED.but(
        transactions=(FUNDING, PARENT, malleated), said=(spent(malleated, SOURCE),)
    )
    assert case.codes == ["release-kills-nothing"]
    raw = Transaction(2, KILLER.inputs, KILLER.outputs, 0, tuple((b"\x02",) for _ in KILLER.inputs))
    assert STRIKE.but(transactions=(parse_transaction(raw.serialize()),)).codes == []


def test_the_descent_leads_to_the_pin() -> None:
    stranger = transaction((SOURCE,), (1_000, OTHER_SCRIPT))
    unlinked = REORGANISED.but(transactions=(stranger, PARENT, DOUBLE_SPEND))
    assert unlinked.codes == ["release-descent-broken"]
    assert REORGANISED.but(transactions=(FUNDING, DOUBLE_SPEND)).codes == ["release-descent-broken"]
    swapped = REORGANISED.but(transactions=(PARENT, FUNDING, DOUBLE_SPEND))
    assert swapped.codes == [
        "release-descent-broken",
        "release-descent-broken",
        "release-kills-nothing",
    ]
    assert REORGANISED.codes == []


def test_only_an_input_of_the_first_that_leads_to_the_pin_counts() -> None:
    """The killer takes an input of the parent: then the parent alone is the descent."""
    direct = transaction((OutPoint(FUNDING.txid, 1),), (69_000_000, OTHER_SCRIPT))
    said = (spent(direct, OutPoint(FUNDING.txid, 1)),)
    assert REORGANISED.but(transactions=(PARENT, direct), said=said).codes == []
    too_far = REORGANISED.but(transactions=(FUNDING, PARENT, direct), said=said)
    assert too_far.codes == ["release-kills-nothing"]


def test_a_coinbase_proves_nothing() -> None:
    """Every coinbase names the same output, which is none: each would kill what descends from another."""
    mint = transaction((COINBASE,), (70_000_000, OTHER_SCRIPT))
    made = transaction((OutPoint(mint.txid, 0),), (69_000_000, OTHER_SCRIPT))
    other = transaction((COINBASE,), (71_000_000, OTHER_SCRIPT))
    pin = OutPoint(made.txid, 0)
    case = REORGANISED.but(
        pin=pin,
        pins=frozenset((pin,)),
        transactions=(mint, made, other),
        said=(spent(other, COINBASE),),
    )
    assert case.codes == ["release-coinbase"]
    honest = transaction((OutPoint(mint.txid, 0),), (68_000_000, OTHER_SCRIPT))
    said = (spent(honest, OutPoint(mint.txid, 0)),)
    assert case.but(transactions=(made, honest), said=said).codes == []


def test_a_coinbase_closes_nothing() -> None:
    """A miner pays an output of the withdrawal's terms to itself."""
    mint = transaction((COINBASE,), (AMOUNT, USER_SCRIPT))
    case = CLOSED_BY_OTHERS.but(transactions=(mint,), said=(spent(mint, COINBASE),), officers=TWO)
    assert case.codes == ["release-coinbase"]


def test_a_pin_that_the_withdrawal_does_not_have() -> None:
    assert STRIKE.but(pins=frozenset()).codes == ["release-pin-unknown"]
    held = outpoint("held by another member")
    assert STRIKE.but(pins=frozenset((held,))).codes == ["release-pin-unknown"]
    assert STRIKE.but(pins=frozenset((held, PIN)), recorded_pin=held).codes == []


def test_a_closed_withdrawal_is_released_no_more() -> None:
    for case in (STRIKE, CLOSING):
        assert case.but(state=WithdrawalState.CLOSED).codes == ["withdrawal-closed"]


def test_what_pays_nothing_closes_nothing() -> None:
    case = CLOSING.but(transactions=(KILLER,), said=(spent(KILLER, PIN),))
    assert case.codes == ["release-not-paid", "release-officers-missing"]


def test_a_closing_has_no_descent() -> None:
    case = CLOSING.but(transactions=(PARENT, PAYER))
    assert case.codes == ["release-descent-broken"]


def test_a_closing_is_proven_by_any_of_its_inputs() -> None:
    """A version may spend more coins than the pin; that it is buried is what counts."""
    second = outpoint("second coin")
    wide = transaction((PIN, second), (AMOUNT, USER_SCRIPT))
    case = CLOSING.but(
        transactions=(wide,), payers=frozenset((wide.txid,)), said=(spent(wide, second),)
    )
    assert case.codes == []
    assert case.but(said=(spent(wide, outpoint("third")),)).codes == ["release-unproven"]


def test_an_unknown_payment_needs_the_officers() -> None:
    """Members whose records differ signed it; nothing in it says which of two equal ones it settles."""
    assert CLOSED_BY_OTHERS.codes == ["release-officers-missing"]
    assert CLOSED_BY_OTHERS.but(officers=frozenset(OFFICERS[:1])).codes == [
        "release-officers-missing"
    ]
    assert CLOSED_BY_OTHERS.but(officers=TWO).codes == []
    assert CLOSED_BY_OTHERS.but(payers=frozenset((UNKNOWN.txid,))).codes == []


@pytest.mark.parametrize(("tolerated", "enough"), [(-1, 1), (0, 1), (1, 2), (6, 7)])
def test_others_know_a_payment_if_one_of_them_is_honest(tolerated: int, enough: int) -> None:
    """A dishonest member can have an entry granted, show its void to those who did, and the grants to us."""
    names = tuple(bytes([number]) * 40 for number in range(enough))
    known = CLOSED_BY_OTHERS.but(labels=names, tolerated=tolerated)
    assert known.codes == []
    assert known.but(labels=names[1:]).codes == ["release-officers-missing"]
    struck = STRIKE.but(transactions=(UNKNOWN,), said=(spent(UNKNOWN, PIN),), settled=1)
    told = struck.but(labels=names[1:], tolerated=tolerated)
    assert told.codes == []
    assert told.but(labels=names).codes == ["release-pays"]


def test_what_has_paid_equal_ones_with_all_its_outputs_closes_no_more() -> None:
    assert CLOSING.but(settled=1).codes == ["release-not-paid"]
    assert CLOSING.but(settled=0).codes == []


def test_without_governance_nobody_can_consent() -> None:
    ungoverned = policy(governed=False)
    assert CLOSED_BY_OTHERS.but(policy=ungoverned).codes == ["release-officers-missing"]
    assert CLOSING.but(policy=ungoverned).codes == []


def test_a_release_quorum_is_asked_for_every_release() -> None:
    three = policy(quorum=3)
    for case in (STRIKE, CLOSING, REORGANISED, CLOSED_BY_OTHERS):
        assert case.but(policy=three, officers=TWO).codes == ["release-officers-missing"]
        assert case.but(policy=three, officers=frozenset(OFFICERS)).codes == []


def test_a_release_quorum_never_asks_for_fewer_than_govern() -> None:
    one = policy(quorum=1)
    alone = CLOSED_BY_OTHERS.but(policy=one, officers=frozenset(OFFICERS[:1]))
    assert alone.codes == ["release-officers-missing"]
    assert alone.but(officers=TWO).codes == []
    assert STRIKE.but(policy=one, officers=frozenset(OFFICERS[:1])).codes == []


def test_it_says_how_many_officers_consented_and_how_many_must() -> None:
    def told(case: Case) -> list[tuple[str, str]]:
        found = release_objections(case.question, case.policy)
        return [(each.observed, each.limit) for each in found]

    one = CLOSED_BY_OTHERS.but(officers=frozenset(OFFICERS[:1]))
    assert told(one) == [("1 officers", "2 officers of [governance]")]
    nobody = one.but(policy=policy(governed=False))
    assert told(nobody) == [("0 officers", "a policy with [governance]")]


def test_codes_are_of_the_catalogue() -> None:
    wrong = STRIKE.but(transactions=(PARENT, PAYER), said=(), watchers=(), pins=frozenset())
    assert set(wrong.codes) <= set(CATALOGUE)
    assert len(wrong.codes) > 1


def test_the_input_of_a_coinbase() -> None:
    """Bitcoin Core's COutPoint::IsNull."""
    raw = Transaction(1, (TxIn(COINBASE, b"\x51", 0),), KILLER.outputs, 0).serialize()
    assert raw[5:41] == bytes(32) + b"\xff\xff\xff\xff"
