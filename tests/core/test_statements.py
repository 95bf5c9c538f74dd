"""J2 (one batch, one root), sweep statements that serve once, and withdrawals of equal terms."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from signer.bitcoin.transaction import Txid
from signer.bitcoin.units import Height, Sats
from signer.core.acts import move_subject
from signer.core.approve import approve, objections, settle
from signer.core.catalogue import CATALOGUE
from signer.core.errors import Objection, Pending, PolicyDenied, VerificationError
from signer.core.evidence import (
    AnchorTerms,
    Attestation,
    SpentTerms,
    Statement,
    SweepTerms,
    attestation_digest,
    authorize,
    statement_bytes,
)
from signer.core.evidence_codec import decode_evidence, encode_evidence
from signer.core.opreturn import Anchor, encode_payload, op_return_script
from signer.core.question import Question, ask
from signer.core.spend import ApprovedSpend
from signer.core.sweeps import approvers_of, sweep_statements
from tests.core.model_view import ModelView
from tests.core.spends import (
    HEIGHT,
    NOW,
    Case,
    Coin,
    attestations,
    change_draft,
    good_case,
    payment_draft,
    withdrawal_id,
)
from tests.core.test_approve import POLICY, CoinQuorumPolicy
from tests.federation import WATCHERS, vault

COINS = tuple(Coin(salt=salt) for salt in range(4))
KEYS = frozenset(watcher.key for watcher in WATCHERS)
NEXT = vault(first=3, name="next")


def decide(view: ModelView, case: Case, *statements: Statement, now: int = NOW) -> ApprovedSpend:
    said = attestations(case, COINS, expiry=now + 1_800)
    for watcher in WATCHERS[:2]:
        said += tuple(watcher.attest(case.vault.realm, now + 1_800, each) for each in statements)
    question = ask(case.verify(), authorize(said, case.vault.realm, KEYS), view, now)
    approved = approve(question, POLICY)
    view.record(approved)
    return approved


def refused(view: ModelView, case: Case, *statements: Statement) -> set[str]:
    with pytest.raises(PolicyDenied) as caught:
        decide(view, case, *statements)
    codes = {objection.code for objection in caught.value.objections}
    assert codes <= set(CATALOGUE)
    return codes


def root(number: int) -> bytes:
    return bytes([number]) * 32


def anchor_case(coin: int, batch: int, state_root: bytes, magic: bytes = b"PGWD") -> Case:
    anchor = Anchor(magic, batch, state_root, b"\x22" * 32)
    case = good_case((COINS[coin],), payments=())
    output = payment_draft(0, op_return_script(encode_payload(anchor)))
    return case.but(outputs=(output, *case.outputs))


def terms(batch: int, state_root: bytes, previous: bytes | None = None) -> AnchorTerms:
    before = root(batch - 1) if previous is None else previous
    return AnchorTerms(b"PGWD", batch - 1, before, batch, state_root, b"\x22" * 32)


def test_anchor_statement_bytes_and_domain() -> None:
    said = terms(7, root(7))
    assert statement_bytes(said) == (
        b"PGWD" + (6).to_bytes(8, "big") + root(6) + (7).to_bytes(8, "big") + root(7) + b"\x22" * 32
    )
    sweep = SweepTerms(2, b"\x05" * 32, 1, Sats(9), b"\x06" * 16)
    assert statement_bytes(sweep) == (
        b"\x02" + b"\x05" * 32 + b"\x01" + (9).to_bytes(8, "big") + b"\x06" * 16
    )
    gone = SpentTerms(COINS[0].outpoint, Txid(b"\x07" * 32), Height(120), Height(219))
    assert statement_bytes(gone) == (
        COINS[0].outpoint.txid
        + (1).to_bytes(4, "big")
        + b"\x07" * 32
        + (120).to_bytes(4, "big")
        + (219).to_bytes(4, "big")
    )
    assert gone.depth == 100
    realm = vault().realm
    assert len({attestation_digest(realm, NOW, (each,)) for each in (said, sweep, gone)}) == 3


def test_evidence_of_every_kind_is_kept_as_it_was_signed() -> None:
    realm = vault().realm
    sweep = SweepTerms(1, b"\x05" * 32, 0, Sats(9), b"\x06" * 16)
    gone = SpentTerms(COINS[0].outpoint, Txid(b"\x07" * 32), Height(120), Height(2**32 - 1))
    every = (terms(7, root(7)), sweep, COINS[0].terms, gone)
    said = tuple(WATCHERS[0].attest(realm, NOW, each) for each in every)
    assert decode_evidence(encode_evidence(said)) == said
    assert COINS[0].terms.height == HEIGHT


def test_one_batch_one_root() -> None:
    view = ModelView()
    approved = decide(view, anchor_case(0, 7, root(7)), terms(7, root(7)))
    assert approved.anchored == terms(7, root(7))
    other = anchor_case(1, 7, root(9))
    assert refused(view, other, terms(7, root(9))) == {"batch-root-conflict"}
    decide(view, anchor_case(1, 7, root(7)), terms(7, root(7)))


def test_two_roots_for_one_batch_under_another_name_is_another_magic() -> None:
    """The magic is the rollup: J2 is keyed by what stands in the script."""
    view = ModelView()
    decide(view, anchor_case(0, 7, root(7)), terms(7, root(7)))
    other = replace(terms(7, root(9)), magic=b"OTHR")
    decide(view, anchor_case(1, 7, root(9), b"OTHR"), other)


def test_batches_only_grow() -> None:
    view = ModelView()
    decide(view, anchor_case(0, 9, root(9)), terms(9, root(9)))
    assert refused(view, anchor_case(1, 8, root(8)), terms(8, root(8))) == {"batch-out-of-order"}
    decide(view, anchor_case(1, 10, root(10)), terms(10, root(10)))


def test_kernel_that_missed_batches_goes_on() -> None:
    view = ModelView()
    decide(view, anchor_case(0, 3, root(3)), terms(3, root(3)))
    decide(view, anchor_case(1, 9, root(9)), terms(9, root(9)))


def test_previous_root_contradicts_the_record() -> None:
    view = ModelView()
    decide(view, anchor_case(0, 7, root(7)), terms(7, root(7)))
    wrong = terms(8, root(8), previous=root(1))
    assert refused(view, anchor_case(1, 8, root(8)), wrong) == {"previous-root-conflict"}
    decide(view, anchor_case(1, 8, root(8)), terms(8, root(8)))


def sweep_terms(case: Case, nonce: int = 1, **changes: object) -> SweepTerms:
    said = SweepTerms(1, case.vault.fingerprint, 0, Sats(10_000), bytes([nonce]) * 16)
    return replace(said, **changes)  # type: ignore[arg-type]


def sweep_case(coin: int, fee: int = 10_000) -> Case:
    return good_case((COINS[coin],), payments=(), fee=fee)


def test_sweep_statement_serves_once() -> None:
    view = ModelView()
    first = sweep_case(0)
    approved = decide(view, first, sweep_terms(first))
    assert approved.sweep_nonce == b"\x01" * 16
    second = sweep_case(1)
    assert refused(view, second, sweep_terms(second)) == {"sweep-statement-used"}
    assert decide(view, second, sweep_terms(second, nonce=2)).sweep_nonce == b"\x02" * 16


@pytest.mark.parametrize(
    "changes", [{"kind": 2}, {"to_fingerprint": bytes(32)}, {"path": 1}, {"max_fee": Sats(9_999)}]
)
def test_sweep_statement_for_something_else_is_not_used(changes: dict[str, object]) -> None:
    case = sweep_case(0)
    said = attestations(case, COINS)
    said += tuple(
        watcher.attest(case.vault.realm, NOW + 60, sweep_terms(case, **changes))
        for watcher in WATCHERS[:2]
    )
    question = ask(case.verify(), authorize(said, case.vault.realm, KEYS), ModelView(), NOW)
    assert question.swept is None


def test_a_statement_that_officers_approved_serves_once_too() -> None:
    """Nobody attested it: it stands on record, with the officers who approved it."""
    view, case = ModelView(), sweep_case(0)
    said = sweep_terms(case)
    question = ask(case.verify(), authorize((), case.vault.realm, KEYS), view, NOW)
    assert question.swept is None
    view.moves[case.vault.fingerprint] = (said, sweep_terms(case, nonce=2, max_fee=Sats(9_999)))
    subject = move_subject(case.vault.network.genesis_hash, case.vault.fingerprint, said)
    view.approvals[subject] = {b"\x01" * 32: NOW + 1, b"\x02" * 32: NOW}
    approved = decide(view, case)
    assert approved.sweep_nonce == said.nonce
    assert approvers_of(case.verify(), said, view, NOW) == {b"\x01" * 32}
    again = sweep_case(1)
    question = ask(again.verify(), authorize((), again.vault.realm, KEYS), view, NOW)
    assert question.swept is None


def test_statements_that_are_brought_come_before_those_on_record() -> None:
    """Officers whom no rule asks approve many moves: the one that comes with the evidence is tried first."""
    view, case = ModelView(), sweep_case(0)
    brought = sweep_terms(case, nonce=1)
    on_record = tuple(sweep_terms(case, nonce=nonce) for nonce in (2, 3, 4))
    view.moves[case.vault.fingerprint] = on_record
    for terms, officers in zip(on_record, (1, 3, 2), strict=True):
        subject = move_subject(case.vault.network.genesis_hash, case.vault.fingerprint, terms)
        view.approvals[subject] = {bytes([each]) * 32: NOW + 1 for each in range(officers)}
    word = WATCHERS[0].attest(case.vault.realm, NOW + 60, brought)
    authorized = authorize((word,), case.vault.realm, KEYS)
    assert ask(case.verify(), authorized, view, NOW).swept == brought
    found = sweep_statements(case.verify(), authorized, view, NOW)
    assert [terms.nonce[0] for terms in found] == [1, 3, 4, 2]


class WantsNonce(CoinQuorumPolicy):
    """Consents under one statement, or waits under it."""

    def __init__(self, nonce: int, *, waits: bool = False) -> None:
        self.nonce, self.waits = bytes([nonce]) * 16, waits

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        if self.waits or question.swept is None or question.swept.nonce != self.nonce:
            yield Objection("attestation-missing", "another statement")

    def waiting(self, question: Question) -> tuple[Objection, ...]:
        fits = question.swept is not None and question.swept.nonce == self.nonce
        return (Objection("approval-missing", "an officer"),) if fits else ()


def test_a_word_more_for_another_statement_turns_no_yes_into_a_no() -> None:
    """Three officers approve one sweep, two attestors another: each rule finds the one that it asks for."""
    case = sweep_case(0)
    said = (
        *attestations(case, COINS),
        WATCHERS[0].attest(case.vault.realm, NOW + 60, sweep_terms(case, nonce=1)),
        *(w.attest(case.vault.realm, NOW + 60, sweep_terms(case, nonce=2)) for w in WATCHERS),
    )
    question = ask(case.verify(), authorize(said, case.vault.realm, KEYS), ModelView(), NOW)
    for nonce in (1, 2):
        approved = approve(question, WantsNonce(nonce))
        assert approved.sweep_nonce == bytes([nonce]) * 16
        with pytest.raises(Pending):
            approve(question, WantsNonce(nonce, waits=True))
    assert settle(question, WantsNonce(3)) == question
    with pytest.raises(PolicyDenied):
        approve(question, WantsNonce(3))


def test_a_used_statement_does_not_hide_one_that_officers_approved() -> None:
    view, first, second = ModelView(), sweep_case(0), sweep_case(1)
    decide(view, first, sweep_terms(first))
    assert refused(view, second, sweep_terms(second)) == {"sweep-statement-used"}
    view.moves[second.vault.fingerprint] = (sweep_terms(second, nonce=2),)
    assert decide(view, second, sweep_terms(second)).sweep_nonce == b"\x02" * 16


def test_rotation_statement_names_the_next_vault() -> None:
    case = good_case((COINS[0],), payments=())
    case = case.but(outputs=(change_draft(NEXT, 99_990_000, 0, 0),), others=(NEXT,))
    said = sweep_terms(case, kind=2, to_fingerprint=NEXT.fingerprint)
    approved = decide(ModelView(), case, said)
    assert approved.sweep_nonce == said.nonce
    assert approved.charge == 100_000_000


def test_the_statement_with_most_attestors_is_taken() -> None:
    case = anchor_case(0, 7, root(7))
    lone = terms(7, root(7), previous=root(1))
    said = (
        *attestations(case, COINS),
        WATCHERS[2].attest(case.vault.realm, NOW + 60, lone),
        *(w.attest(case.vault.realm, NOW + 60, terms(7, root(7))) for w in WATCHERS[:2]),
    )
    question = ask(case.verify(), authorize(said, case.vault.realm, KEYS), ModelView(), NOW)
    assert question.anchored == terms(7, root(7))


def test_two_equal_withdrawals_are_not_paid_three_times() -> None:
    """Nothing in a transaction says which id an output settles. A relayer tells A and B that T1 pays W1,
    A that T2 pays W2 and C that it pays W1, B and C that T3 pays W2: three payments for two burns, with
    nobody dishonest but the relayer. With twins bound to each other's pins A refuses T2."""
    a, b, c = ModelView(), ModelView(), ModelView()
    first = good_case((COINS[0],), payments=((1, 10_000_000),))
    decide(a, first)
    decide(b, first)
    as_second = good_case((COINS[1],), payments=((2, 10_000_000),))
    assert refused(a, as_second) == {"withdrawal-twin-open"}
    decide(c, good_case((COINS[1],), payments=((1, 10_000_000),)))
    assert refused(b, good_case((COINS[2],), payments=((2, 10_000_000),))) == {
        "withdrawal-twin-open"
    }
    assert refused(c, good_case((COINS[2],), payments=((2, 10_000_000),))) == {
        "withdrawal-twin-open"
    }


def test_twins_are_paid_together_and_stay_together() -> None:
    view = ModelView()
    decide(view, good_case((COINS[0],), payments=((1, 10_000_000),)))
    both = good_case((COINS[0], COINS[1]), payments=((1, 10_000_000), (2, 10_000_000)))
    approved = decide(view, both)
    assert approved.new_pins == ((withdrawal_id(2), COINS[1].outpoint),)
    alone = good_case((COINS[1],), payments=((2, 10_000_000),), fee=20_000)
    assert refused(view, alone) == {"withdrawal-twin-open"}
    other = good_case((COINS[2],), payments=((3, 10_000_001),))
    assert decide(view, other).charge


def test_a_coin_far_beyond_the_window_does_not_move_it() -> None:
    """Anyone can send a coin to address 2^31 - 1; it is spent like any other."""
    far = Coin(salt=9, index=2**31 - 1)
    case = good_case((far,))
    said = attestations(case, (far,))
    question = ask(case.verify(), authorize(said, case.vault.realm, KEYS), ModelView(), NOW)
    assert approve(question, POLICY).seen == ((1, 0),)
    near = Coin(salt=9, index=19)
    case = good_case((near,))
    question = ask(
        case.verify(),
        authorize(attestations(case, (near,)), case.vault.realm, KEYS),
        ModelView(),
        NOW,
    )
    assert approve(question, POLICY).seen == ((0, 19), (1, 0))


def test_attestation_is_over_its_statement() -> None:
    realm = vault().realm
    word = WATCHERS[0].attest(realm, NOW + 60, terms(7, root(7)))
    forged = Attestation(word.attestor, word.expiry, (terms(7, root(9)),), word.signature)
    with pytest.raises(Exception, match="attestation-invalid"):
        authorize((forged,), realm, KEYS)


def test_an_anchor_takes_few_coins() -> None:
    """An anchor that is signed and never sent keeps its coins from being pins of withdrawals."""
    coins = tuple(Coin(salt=salt) for salt in range(9))
    output = anchor_case(0, 7, root(7)).outputs[0]

    def spending(count: int) -> Case:
        case = good_case(coins[:count], payments=())
        return case.but(outputs=(output, *case.outputs))

    def codes(case: Case) -> list[str]:
        said = attestations(case, coins)
        said += tuple(
            watcher.attest(case.vault.realm, NOW + 60, terms(7, root(7)))
            for watcher in WATCHERS[:2]
        )
        question = ask(case.verify(), authorize(said, case.vault.realm, KEYS), ModelView(), NOW)
        return [each.code for each in objections(question, POLICY)]

    assert codes(spending(9)) == ["anchor-too-many-inputs"]
    assert codes(spending(8)) == []


def test_only_withdrawals_have_a_locktime() -> None:
    anchor = anchor_case(0, 7, root(7))
    for case in (anchor, sweep_case(0)):
        with pytest.raises(VerificationError) as caught:
            case.but(locktime=5).verify()
        assert caught.value.code == "locktime-refused"
        assert case.verify().transaction.locktime == 0
