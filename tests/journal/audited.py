"""A journal with entries of all kinds, and what `journal verify` says of it when somebody changed it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from signer.bitcoin.units import Sats
from signer.core.acts import HoldWithdrawal, Lock, Scope
from signer.core.agreement.machine import TIMED_OUT
from signer.core.agreement.notices import (
    ForkedNotice,
    Heard,
    HeardNotice,
    StartedNotice,
    Taken,
    VoidNotice,
)
from signer.core.errors import Refusal
from signer.core.governance import Step
from signer.core.released import ReleasedNotice
from signer.journal.audit import verify_journal
from signer.journal.decide import Session
from signer.journal.undone import record_undone
from signer.ports.recording import Passage
from tests.core.spends import NOW, Coin, withdrawal_id
from tests.journal.agreement import (
    START,
    claim,
    claims_of,
    coin,
    member,
    signed,
    terms,
    withdrawal,
)
from tests.journal.desk import (
    POLICY_ID,
    Policy,
    Signer,
    anchor_case,
    anchor_terms,
    case_number,
    desk,
    move,
    pay,
    rotation_case,
    sweep_terms,
)
from tests.journal.test_deposits_codec import DEPOSIT
from tests.journal.words import (
    OFFICERS,
    approval,
    attested,
    move_approval,
    noted,
    proposed,
    rejection,
    said,
    stepped,
    terms_of,
)


def make_history(path: Path) -> Path:
    """Two withdrawals, a fee bump, an anchor, the anchor again, a rotation, a refusal, and notices; then
    entries that wait for grants, one of them void, what another member's log binds us to, a closing and a
    lock."""
    with desk(path) as journal:
        pay(journal, case_number(1))
        pay(journal, case_number(2))
        pay(journal, case_number(1, fee=20_000))
        for salt in (4, 5):
            move(journal, anchor_case(anchor_terms(), Coin(salt=salt)).verify(), anchor_terms())
        rotation = rotation_case(Coin(salt=6)).verify()
        move(journal, rotation, sweep_terms(rotation))
        with pytest.raises(Refusal):
            pay(journal, case_number(3), Policy(outflow=0))
        noted(
            journal,
            attested(terms_of(1), terms_of(4)),
            said(approval(4)),
            said(rejection(4), OFFICERS[1]),
            said(HoldWithdrawal(withdrawal_id(4), NOW + 50)),
            said(move_approval(1)),
            proposed(b"policy"),
            stepped(b"policy", Step.IN_FORCE),
        )
        journal.in_turn(agreement_history)
        journal.in_turn(release)
        noted(journal, DEPOSIT)
        noted(journal, said(Lock(Scope(Signer().log_key, 0, 1))))
        journal.in_turn(reorganise, Passage.WHILE_LOCKED)
    return path


def release(session: Session) -> None:
    """Withdrawal 2 is closed: what pays it is buried."""
    spend = case_number(2).verify()
    buried = (spend.transaction.stripped,)
    (payment,) = spend.payments
    vault = spend.vault.fingerprint
    session.write(
        ReleasedNotice(
            session.now, "relayer", POLICY_ID, vault, payment.terms, None, buried, b"", ()
        )
    )


def reorganise(session: Session) -> None:
    """The deposit's block is gone."""
    height = DEPOSIT.facts.height
    record_undone(session, height, height, ())


def agreement_history(session: Session) -> None:
    """A start; a version that waits and relies on another member's pin; one that is void; a fork."""
    write, now = session.write, session.now
    write(StartedNotice(now, START, ()))
    theirs = claim(
        1,
        7,
        spends=frozenset({coin(1)}),
        pays=frozenset({terms(90)}),
        new_pins=frozenset({(withdrawal(90), coin(1))}),
        bonds=frozenset({(b"bond", b"value")}),
    )
    write(HeardNotice(now, Heard(member(1), 8, bytes(32)), (Taken(theirs, granted=True),), ()))
    pins = ((withdrawal(90), coin(2)), (withdrawal(90), coin(1)))
    write(signed(claims_of(1, (1, 2), (terms(90),), new_pins=pins[:1], relied=pins[1:]), clock=now))
    void, fees = session.frontier.size, {"fee": Sats(5), "charge": Sats(5)}
    leaf = write(signed(claims_of(2, (3,), **fees), clock=now))
    write(VoidNotice(now, void, leaf, TIMED_OUT))
    write(ForkedNotice(now, member(2), "one head", "another", ()))


def connect(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, isolation_level=None))


def tampered(path: Path) -> str:
    with pytest.raises(Refusal) as caught:
        verify_journal(path)
    assert caught.value.code == "journal-tampered"
    return caught.value.objections[0].detail
