"""What the record says of clocks, officers and policies. Invariant: the tables are the fold of the notices,
so `journal verify` agrees after each test."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from signer.bitcoin.hashes import sha256
from signer.core.acts import HoldWithdrawal
from signer.core.errors import Fault
from signer.core.governance import GovernanceState, Step, apply
from signer.core.notices import Notice
from signer.journal.audit import verify_journal
from signer.journal.database import Rows, Tables, Value
from signer.journal.journal import Journal
from signer.journal.place import Place
from signer.journal.reading import TableReading
from tests.core.spends import NOW, Coin, withdrawal_id
from tests.journal.desk import (
    ManualClock,
    anchor_case,
    anchor_terms,
    case_number,
    desk,
    move,
    pay,
)
from tests.journal.tampering import tamper
from tests.journal.words import (
    EXPIRES,
    OFFICERS,
    OTHER_QUORUM,
    QUORUM,
    VAULT,
    approval,
    attested,
    noted,
    policy_approval,
    proposed,
    rejection,
    said,
    stepped,
    subject,
    terms_of,
)

QUORUMS = (QUORUM, OTHER_QUORUM)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def journal(place: Place, clock: ManualClock) -> Iterator[Journal]:
    with desk(place, clock) as opened:
        yield opened
    verify_journal(place)


def test_a_clock_starts_once(journal: Journal, clock: ManualClock) -> None:
    noted(journal, attested(terms_of(1)))
    clock.moment += 100
    noted(journal, attested(terms_of(1), terms_of(2), now=NOW + 100))
    with journal.reading() as reading:
        assert reading.first_attested(VAULT, terms_of(1), QUORUM) == NOW
        assert reading.first_attested(VAULT, terms_of(2), QUORUM) == NOW + 100
        assert reading.attested_evidence(VAULT, terms_of(1), QUORUMS) == b"evidence %d" % NOW
        assert reading.attested_evidence(VAULT, terms_of(2), QUORUMS) == b"evidence %d" % (
            NOW + 100
        )


def test_a_clock_is_of_exactly_these_terms_vault_and_quorum(
    journal: Journal, clock: ManualClock
) -> None:
    noted(journal, attested(terms_of(1)))
    with journal.reading() as reading:
        assert reading.first_attested(VAULT, terms_of(1, 5), QUORUM) is None
        assert reading.first_attested(b"\x09" * 32, terms_of(1), QUORUM) is None
        for quorum in (OTHER_QUORUM, bytes(32)):
            assert reading.first_attested(VAULT, terms_of(1), quorum) is None
        assert reading.attested_evidence(VAULT, terms_of(1, 5), QUORUMS) == b""
        assert reading.attested_evidence(b"\x09" * 32, terms_of(1), QUORUMS) == b""
    clock.moment += 7
    noted(journal, attested(terms_of(1), quorum=OTHER_QUORUM, now=NOW + 7))
    with journal.reading() as reading:
        assert reading.first_attested(VAULT, terms_of(1), OTHER_QUORUM) == NOW + 7
        newest, oldest = b"evidence %d" % (NOW + 7), b"evidence %d" % NOW
        assert reading.attested_evidence(VAULT, terms_of(1), QUORUMS) == newest
        assert reading.attested_evidence(VAULT, terms_of(1), (OTHER_QUORUM,)) == newest
        assert reading.attested_evidence(VAULT, terms_of(1), (QUORUM,)) == oldest
        assert reading.attested_evidence(VAULT, terms_of(1), (bytes(32),)) == b""
        assert reading.attested_evidence(VAULT, terms_of(1), ()) == b""


def test_what_is_attested_waits_until_a_version_is_signed(journal: Journal) -> None:
    numbers = sorted(range(1, 6), key=withdrawal_id)
    waiting = [terms_of(number) for number in numbers]
    noted(journal, attested(*waiting), attested(*waiting, quorum=OTHER_QUORUM))
    noted(journal, attested(terms_of(9), vault=b"\x09" * 32))
    with journal.reading() as reading:
        assert list(reading.attested_pending(VAULT, QUORUMS, b"", 9)) == waiting
        assert list(reading.attested_pending(VAULT, QUORUMS, b"", 2)) == waiting[:2]
        assert (
            list(reading.attested_pending(VAULT, QUORUMS, withdrawal_id(numbers[1]), 2))
            == waiting[2:4]
        )
    pay(journal, case_number(numbers[2]))
    noted(journal, attested(terms_of(numbers[2], 5)))
    with journal.reading() as reading:
        assert list(reading.attested_pending(VAULT, QUORUMS, b"", 9)) == [
            *waiting[:2],
            *waiting[3:],
        ]
        assert reading.attested_pending(b"\x09" * 32, QUORUMS, b"", 9) == (terms_of(9),)


def test_only_what_the_quorums_asked_for_vouched_for_waits(journal: Journal) -> None:
    first, second = sorted((1, 2), key=withdrawal_id)
    noted(
        journal,
        attested(terms_of(first)),
        attested(terms_of(first, 5), terms_of(second), quorum=OTHER_QUORUM),
    )
    with journal.reading() as reading:
        assert reading.attested_pending(VAULT, (QUORUM,), b"", 9) == (terms_of(first),)
        others = (terms_of(first, 5), terms_of(second))
        assert reading.attested_pending(VAULT, (OTHER_QUORUM,), b"", 9) == others
        assert len(reading.attested_pending(VAULT, QUORUMS, b"", 9)) == 3
        assert reading.attested_pending(VAULT, (), b"", 9) == ()
        past = reading.attested_pending(VAULT, (QUORUM,), withdrawal_id(first), 9)
        assert past == ()


def test_terms_of_one_id_stand_on_one_page(journal: Journal) -> None:
    first, second = sorted((1, 2), key=withdrawal_id)
    torn = (terms_of(first, 5), terms_of(first, 6))
    noted(journal, attested(*torn, terms_of(second)))
    with journal.reading() as reading:
        assert reading.attested_pending(VAULT, QUORUMS, b"", 1) == torn
        assert reading.attested_pending(VAULT, QUORUMS, withdrawal_id(first), 1) == (
            terms_of(second),
        )


def test_approvals_count_by_officer_with_the_latest_expiry(journal: Journal) -> None:
    about = subject(approval(1))
    noted(
        journal,
        said(approval(1), OFFICERS[1]),
        said(approval(1), OFFICERS[0], EXPIRES + 5),
        said(approval(1), OFFICERS[0], EXPIRES),
        said(approval(1, 5), OFFICERS[2]),
    )
    with journal.reading() as reading:
        assert reading.approvers(about) == ((OFFICERS[0], EXPIRES + 5), (OFFICERS[1], EXPIRES))
        assert reading.approvers(subject(approval(1, 5))) == ((OFFICERS[2], EXPIRES),)
        assert reading.approvers(subject(approval(2))) == ()
        assert len(reading.acts_about(about)) == 3


def test_a_rejection_outweighs_approvals_before_and_after(journal: Journal) -> None:
    about = subject(rejection(1))
    noted(journal, said(approval(1), OFFICERS[0]), said(approval(1), OFFICERS[1]))
    noted(journal, said(rejection(1), OFFICERS[0]), said(rejection(1), OFFICERS[0], EXPIRES + 1))
    noted(journal, said(approval(1), OFFICERS[0], EXPIRES + 9), said(rejection(2), OFFICERS[1]))
    with journal.reading() as reading:
        assert reading.approvers(about) == ((OFFICERS[1], EXPIRES),)
        assert reading.rejecters(about) == (OFFICERS[0],)
        assert reading.rejecters(subject(rejection(2))) == (OFFICERS[1],)


def test_acts_about_a_subject_in_their_order(journal: Journal) -> None:
    acts = (said(approval(1), OFFICERS[1]), said(rejection(1), OFFICERS[0]))
    decisions = noted(journal, *acts, said(approval(2))).decision_ids
    with journal.reading() as reading:
        assert reading.acts_about(subject(approval(1))) == tuple(
            zip(decisions[:2], acts, strict=True)
        )
        assert reading.acts_about(subject(approval(3))) == ()


def test_policies_and_where_they_stand(journal: Journal, clock: ManualClock) -> None:
    genesis, second = b"policy 1", b"policy 2"
    history: tuple[Notice, ...] = (
        proposed(genesis),
        said(policy_approval(genesis, bytes(32))),
        stepped(genesis, Step.IN_FORCE),
        proposed(second, 2, sha256(genesis)),
        said(approval(1)),
        said(policy_approval(second, sha256(genesis), 2)),
        stepped(second, Step.SCHEDULED, NOW + 900),
    )
    with journal.reading() as reading:
        assert reading.governance() == GovernanceState()
        assert reading.policy_bytes(sha256(genesis)) is None
    noted(journal, *history)
    expected = GovernanceState()
    for notice in history:
        expected = apply(expected, notice)
    assert expected.in_force == sha256(genesis)
    with journal.reading() as reading:
        assert reading.governance() == expected
        assert reading.policy_bytes(sha256(genesis)) == genesis
        assert reading.policy_bytes(sha256(second)) == second
        about = [(number, each) for number, each in enumerate(history, 1) if number != 5]
        assert list(reading.policy_notices(0, 99)) == about
        assert list(reading.policy_notices(2, 3)) == about[2:5]
    clock.moment = NOW + 5
    noted(journal, proposed(second, 2, sha256(genesis), NOW + 5))
    with journal.reading() as reading:
        assert reading.policy_bytes(sha256(second)) == second


def test_a_step_of_an_unknown_policy_is_not_recorded(journal: Journal, place: Place) -> None:
    with pytest.raises(Fault):
        noted(journal, stepped(b"never proposed", Step.IN_FORCE))
    assert verify_journal(place).entries == 1
    noted(journal, proposed(b"proposed"), stepped(b"proposed", Step.IN_FORCE))


def test_events_in_their_order(journal: Journal) -> None:
    clock_started, hold = attested(terms_of(1)), said(HoldWithdrawal(withdrawal_id(3), NOW + 50))
    first = noted(journal, clock_started).decision_ids[0]
    signed = pay(journal, case_number(1)).decision_id
    move(journal, anchor_case(anchor_terms(), Coin(salt=8)).verify(), anchor_terms())
    last = noted(journal, hold).decision_ids[0]
    events = (
        (1, first, clock_started),
        (2, signed, f"signed {withdrawal_id(1).hex()}"),
        (4, last, hold),
    )
    with journal.reading() as reading:
        assert reading.notices(0, 9) == events
        assert reading.notices(0, 2) == events[:2]
        assert reading.notices(1, 9) == events[1:]
        assert reading.notices(4, 9) == ()


@pytest.mark.parametrize(
    ("statement", "ask"),
    [
        (
            "UPDATE first_seen SET entry = 0",
            lambda r: r.attested_evidence(VAULT, terms_of(1), QUORUMS),
        ),
        ("UPDATE acts SET entry = 0", lambda r: r.acts_about(subject(approval(1)))),
        ("UPDATE policies SET entry = 0", lambda r: r.policy_bytes(sha256(b"p"))),
        ("INSERT INTO events VALUES (0)", lambda r: r.notices(-1, 9)),
        ("INSERT INTO policy_events VALUES (0)", lambda r: r.policy_notices(-1, 9)),
    ],
)
def test_tables_that_point_elsewhere_are_a_fault(place: Place, statement: str, ask: object) -> None:
    with desk(place) as journal:
        noted(journal, attested(terms_of(1)), said(approval(1)), proposed(b"p"))
        with journal.reading() as reading:
            assert ask(reading)  # type: ignore[operator]
        tamper(place, statement)
        with journal.reading() as reading, pytest.raises(Fault):
            ask(reading)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("approved_moves", "moves_by_expiry"),
        ("attested_pending", "first_seen_unsigned"),
        ("acts_about", "acts_by_subject"),
        ("holds_by", "holds_by_officer"),
        ("last_hold", "holds_by_officer"),
        ("policy_notices", "policy_events"),
    ],
)
def test_questions_use_their_index(journal: Journal, place: Place, query: str, index: str) -> None:
    """No answer takes longer because the log is longer."""
    paged = {"attested_pending": (VAULT, QUORUMS, b"", 5), "policy_notices": (0, 5)}
    explain = "EXPLAIN QUERY PLAN" if isinstance(place, Path) else "EXPLAIN"
    steps: list[str] = []

    class Explained:
        def __init__(self, tables: Tables) -> None:
            self._tables = tables

        def execute(self, sql: str, parameters: Sequence[Value] = ()) -> Rows:
            plan = self._tables.execute(f"{explain} {sql}", parameters)
            steps.extend(str(row[-1]) for row in plan)
            return self._tables.execute(sql, parameters)

    with journal.reading() as reading:
        assert isinstance(reading, TableReading)
        explained = TableReading(Explained(reading._tables), reading.now())  # type: ignore[arg-type]
        getattr(explained, query)(*paged.get(query, (VAULT,)))
    assert index in " ".join(steps)
    for step in steps:
        assert not step.startswith(("SCAN first_seen", "SCAN moves"))
        assert "Seq Scan" not in step
