"""At each start the record is walked again: what no kernel would have written is refused."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from policies.load import load_policy
from signer.bitcoin.hashes import sha256
from signer.core.acts import ApprovePolicy, LiftHolds
from signer.core.errors import Fault, Refusal
from signer.core.governance import GovernanceState, Step, Verdict
from signer.core.notices import Notice, OfficerNotice, PolicyNotice, PolicyStepNotice
from signer.member_files import shelf_by_record
from signer.ports.reading import Reading
from tests.kernel.governed import (
    ADA,
    BOB,
    CYD,
    GENESIS,
    GOVERNANCE,
    HOUR,
    OFFICERS,
    Governed,
    begin,
    governed_text,
    record,
)
from tests.kernel.room import Member
from tests.officers import Officer

TIGHT = governed_text(2, "1 BTC")
BACK = governed_text(3, "2 BTC")
LOOSE = governed_text(2, "4 BTC")


@pytest.fixture
def governed(tmp_path: Path) -> Iterator[Governed]:
    made = Governed.start(tmp_path / "a")
    yield made
    made.running.stop()


Forge = Callable[[int], tuple[Notice, ...]]


def descends(member: Member, file: bytes) -> str:
    """What a start finds: the id in force, in words, or the refusal's detail."""
    running = member.start()
    try:
        with running.journal.reading() as reading:
            shelf = shelf_by_record(load_policy(file), sha256(member.policy), reading)
            return shelf.in_force(reading).policy_id.hex()
    except Refusal as refusal:
        return f"{refusal.code}: {refusal.objections[0].detail}"
    finally:
        running.stop()


def not_descended(member: Member, file: bytes) -> str:
    """Why a start is refused."""
    code, _, detail = descends(member, file).partition(": ")
    assert code == "policy-not-descended"
    return detail


def fresh(folder: Path) -> Member:
    member = Member(folder / "a", 0, GENESIS).init()
    begin(member, *OFFICERS)
    return member


def said(officer: Officer, content: bytes, now: int, replaces: bytes = GENESIS) -> OfficerNotice:
    """An approval that names the file which it replaces."""
    version = load_policy(content).version
    act = ApprovePolicy(sha256(content), sha256(replaces), version)
    return OfficerNotice(now, "edge", sha256(replaces), officer.says(act, now + HOUR))


def proposed(content: bytes, now: int, verdict: Verdict, base: bytes = GENESIS) -> PolicyNotice:
    version = load_policy(content).version
    return PolicyNotice(now, "edge", content, sha256(base), version, verdict.value)


def tightened(content: bytes, now: int, officer: Officer = ADA) -> PolicyStepNotice:
    return PolicyStepNotice(now, Step.TIGHTENED, sha256(content), now + 24 * HOUR, officer.key)


def test_a_true_record_descends(governed: Governed) -> None:
    """All that can happen, then a start: with the genesis file, with the one in force, and with others."""
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    later = governed_text(3, "4 BTC")
    governed.propose(later)
    governed.approve(BOB, later)
    governed.approve(CYD, later)
    governed.propose(governed_text(4, "0.1 BTC"))
    governed.approve(ADA, governed_text(4, "0.1 BTC"))  # barred: counts, and leads to nothing
    governed.wait(48 * HOUR)
    newer = governed_text(5, "3 BTC")
    governed.propose(newer)
    governed.approve(ADA, newer)
    governed.approve(BOB, newer)
    governed.running.stop()
    for file in (GENESIS, TIGHT, later, newer):
        assert descends(governed.member, file) == sha256(newer).hex()
    foreign = governed_text(9, "1 BTC")
    assert "never in force" in not_descended(governed.member, foreign)


def test_an_approval_that_is_brought_again_once_it_leads_further_descends(
    governed: Governed,
) -> None:
    """The officer was barred when approving; the quorum has confirmed since."""
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    tighter = governed_text(3, "0.5 BTC")
    signed = ADA.sign(governed.propose(tighter).text)
    assert governed.bring(signed).status.state == "proposed"
    confirm = ApprovePolicy(sha256(TIGHT), sha256(GENESIS), 2)
    governed.says(BOB, confirm)
    governed.says(CYD, confirm)
    assert governed.bring(signed).status.state == "in force"
    governed.running.stop()
    assert descends(governed.member, GENESIS) == sha256(tighter).hex()


def test_an_unsigned_genesis_policy_does_not_descend(tmp_path: Path) -> None:
    member = Member(tmp_path / "a", 0, GENESIS).init()
    assert "never in force" in not_descended(member, GENESIS)
    begin(member, *OFFICERS)
    assert descends(member, GENESIS) == sha256(GENESIS).hex()


@pytest.mark.parametrize("officers", [(), (ADA, BOB), (ADA, BOB, BOB)])
def test_a_genesis_policy_that_an_officer_did_not_sign(
    tmp_path: Path, officers: tuple[Officer, ...]
) -> None:
    member = Member(tmp_path / "a", 0, GENESIS).init()
    begin(member, *officers)
    assert not_descended(member, GENESIS)


def test_a_foreign_genesis_policy_does_not_descend(tmp_path: Path) -> None:
    member, other = Member(tmp_path / "a", 0, GENESIS).init(), governed_text(1, "9 BTC")
    real, member.policy = member.policy, other
    begin(member, *OFFICERS)
    member.policy = real
    assert "not the one that our keys are bound to" in not_descended(member, real)


def test_a_journal_of_other_keys_does_not_descend(tmp_path: Path) -> None:
    member = fresh(tmp_path)
    running = member.start()
    with running.journal.reading() as reading, pytest.raises(Refusal) as caught:
        shelf_by_record(load_policy(GENESIS), sha256(TIGHT), reading)
    assert caught.value.code == "policy-not-descended"
    running.stop()


STRANGER = Officer("eve")
HOLD = LiftHolds(BOB.key)


@pytest.mark.parametrize("verdict", [Verdict.EQUAL, Verdict.TIGHTER])
def test_another_verdict_that_is_proven_descends(tmp_path: Path, verdict: Verdict) -> None:
    """A later version may prove more, or say it in another word: what counts is that no more is allowed."""
    member = fresh(tmp_path)

    def written(now: int) -> tuple[Notice, ...]:
        return proposed(TIGHT, now, verdict), said(ADA, TIGHT, now), tightened(TIGHT, now)

    record(member, written)
    assert descends(member, GENESIS) == sha256(TIGHT).hex()


class Forged:
    """A look at a record in whose tables policies lead to other bytes."""

    def __init__(self, reading: Reading, content: bytes) -> None:
        self.honest = reading
        self.content = content

    def policy_bytes(self, _: bytes) -> bytes:
        return self.content

    def __getattr__(self, name: str) -> object:
        return getattr(self.honest, name)


def test_a_forged_genesis_policy_on_record_does_not_descend(governed: Governed) -> None:
    """The file's policy came later; the one that the keys are bound to is read from the record."""
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    governed.approve(BOB, TIGHT)
    with governed.running.journal.reading() as reading:
        forged = Forged(reading, GENESIS.replace(b"quorum = 2", b"quorum = 1"))
        with pytest.raises(Refusal, match="begins with another policy") as caught:
            shelf_by_record(load_policy(TIGHT), sha256(GENESIS), forged)  # type: ignore[arg-type]
        assert caught.value.code == "policy-not-descended"
        shelf = shelf_by_record(load_policy(TIGHT), sha256(GENESIS), reading)
        assert shelf.in_force(reading).policy_id == sha256(TIGHT)


def test_bytes_on_record_under_another_id_are_our_fault(governed: Governed) -> None:
    governed.propose(TIGHT)
    with governed.running.journal.reading() as reading:
        shelf = shelf_by_record(load_policy(GENESIS), sha256(GENESIS), reading)
        with pytest.raises(Fault, match="is another one"):
            shelf.policy(sha256(TIGHT), Forged(reading, LOOSE))  # type: ignore[arg-type]
        assert shelf.policy(sha256(TIGHT), Forged(reading, TIGHT)).policy_id == sha256(TIGHT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (lambda now: (tightened(TIGHT, now),), "entry-malformed"),
        (lambda now: (proposed(TIGHT, now, Verdict.TIGHTER), tightened(TIGHT, now)), "follow"),
        (
            lambda now: (
                proposed(TIGHT, now, Verdict.TIGHTER),
                said(ADA, TIGHT, now),
                tightened(TIGHT, now, BOB),
            ),
            "follow",
        ),
        (
            lambda now: (proposed(TIGHT, now, Verdict.TIGHTER), said(ADA, TIGHT, now)),
            "not on record",
        ),
        (
            lambda now: (
                proposed(TIGHT, now, Verdict.TIGHTER),
                said(ADA, TIGHT, now),
                proposed(BACK, now, Verdict.TIGHTER),
            ),
            "not on record",
        ),
        (
            lambda now: (
                proposed(LOOSE, now, Verdict.TIGHTER),
                said(ADA, LOOSE, now),
                tightened(LOOSE, now),
            ),
            "not proven to allow no more",
        ),
        (
            lambda now: (
                replace(proposed(TIGHT, now, Verdict.TIGHTER), version=5),
                said(ADA, TIGHT, now),
                tightened(TIGHT, now),
            ),
            "another version",
        ),
        (
            lambda now: (proposed(TIGHT, now, Verdict.TIGHTER), said(STRANGER, TIGHT, now)),
            "officer-unknown",
        ),
        (lambda now: (said(ADA, TIGHT, now),), "does not count"),
        (
            lambda now: (
                proposed(LOOSE, now, Verdict.LOOSER),
                said(ADA, LOOSE, now),
                said(BOB, LOOSE, now),
                PolicyStepNotice(now, Step.SCHEDULED, sha256(LOOSE), now, b""),
            ),
            "follow",
        ),
    ],
)
def test_a_forged_record_does_not_descend(tmp_path: Path, forge: Forge, why: str) -> None:
    """Entries that only a member's own keys could have written, but that no kernel writes."""
    member = fresh(tmp_path)
    try:
        record(member, forge)
    except Fault:
        assert why == "entry-malformed"  # the journal's own fold refuses it
        return
    assert why in not_descended(member, GENESIS)


def test_other_entries_do_not_matter(tmp_path: Path) -> None:
    member = fresh(tmp_path)
    now = member.clock.now()
    hold = OfficerNotice(now, "edge", sha256(GENESIS), ADA.says(HOLD, now + HOUR))
    record(member, lambda _: (hold,))
    assert descends(member, GENESIS) == sha256(GENESIS).hex()


def test_a_step_that_was_due_before_an_entry_is_missed(tmp_path: Path) -> None:
    """A writer that leaves out what is due first."""
    member = fresh(tmp_path)
    record(
        member,
        lambda now: (
            proposed(TIGHT, now, Verdict.TIGHTER),
            said(ADA, TIGHT, now),
            tightened(TIGHT, now),
        ),
    )
    member.clock.moment += 24 * HOUR
    assert descends(member, GENESIS) == sha256(GENESIS).hex()
    record(member, lambda now: (proposed(BACK, now, Verdict.EQUAL),))
    assert "not on record" in not_descended(member, GENESIS)


def test_a_file_whose_policy_is_due_and_not_recorded_yet_descends(governed: Governed) -> None:
    governed.propose(LOOSE)
    governed.approve(ADA, LOOSE)
    governed.approve(BOB, LOOSE)
    governed.running.stop()
    assert "never in force" in not_descended(governed.member, LOOSE)
    governed.wait(48 * HOUR)
    assert descends(governed.member, LOOSE) == sha256(LOOSE).hex()


def test_nothing_follows_a_policy_that_gave_up_governance(governed: Governed) -> None:
    without = LOOSE.replace(GOVERNANCE.encode(), b"")
    governed.propose(without)
    governed.approve(ADA, without)
    governed.approve(BOB, without)
    governed.wait(48 * HOUR)
    governed.running.stop()
    member = governed.member
    record(member, lambda now: due_steps_of(without, now))
    assert descends(member, GENESIS) == sha256(without).hex()
    later = governed_text(3, "1 BTC")
    record(
        member,
        lambda now: (
            proposed(later, now, Verdict.TIGHTER, without),
            said(ADA, later, now, without),
        ),
    )
    assert "no [governance]" in not_descended(member, GENESIS)


def due_steps_of(content: bytes, now: int) -> tuple[PolicyStepNotice, ...]:
    return (PolicyStepNotice(now, Step.IN_FORCE, sha256(content), 0, b""),)


def test_a_journal_whose_tables_say_otherwise(governed: Governed) -> None:
    class Other:
        """A look at the record whose governance table was written by somebody."""

        def __init__(self, reading: Reading) -> None:
            self.honest = reading

        def governance(self) -> GovernanceState:
            return replace(self.honest.governance(), in_force=bytes(32))

        def __getattr__(self, name: str) -> object:
            return getattr(self.honest, name)

    with governed.running.journal.reading() as reading:
        with pytest.raises(Refusal, match="the tables name another policy") as caught:
            shelf_by_record(load_policy(GENESIS), sha256(GENESIS), Other(reading))  # type: ignore[arg-type]
        assert caught.value.code == "policy-not-descended"
        shelf_by_record(load_policy(GENESIS), sha256(GENESIS), reading)
