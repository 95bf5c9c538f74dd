"""Change control over the wire: proposals, approvals, what follows, and what is refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pegwarden.v1 import policy_pb2 as pb
from policies.load import load_policy
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import REGTEST
from signer.core.acts import ApprovePolicy, LiftHolds
from signer.core.errors import Fault, Objection
from signer.core.governance import Verdict
from signer.core.notices import OfficerNotice, PolicyNotice
from signer.core.policy_steps import MAX_VERSION_GAP
from signer.descent import verify_descent
from signer.journal.audit import read_entries, verify_journal
from signer.member_files import compare_policies
from signer.ports.recording import Passage
from tests import federation
from tests.core.spends import Coin
from tests.kernel.governed import (
    ADA,
    BOB,
    CYD,
    GENESIS,
    GOVERNANCE,
    HOUR,
    OFFICERS,
    SECRETARY,
    Governed,
    governed_text,
    refused,
)
from tests.kernel.room import Member, attested, construct_request, policy_text, sign_request

TIGHT = governed_text(2, "1 BTC")
BACK = governed_text(3, "2 BTC")
LOOSE = governed_text(2, "4 BTC")


@pytest.fixture
def governed(tmp_path: Path) -> Iterator[Governed]:
    made = Governed.start(tmp_path / "a")
    yield made
    made.running.stop()


def test_the_genesis_policy_is_in_force_and_can_be_read(governed: Governed) -> None:
    assert governed.in_force == sha256(GENESIS)
    answer = governed.get()
    assert answer.policy == GENESIS
    assert (answer.status.state, answer.status.version) == ("in force", 1)
    assert len(answer.status.approved_by) == len(OFFICERS)
    assert governed.listed() == {1: "in force"}


def test_a_tightening_is_in_force_at_once_and_lapses(governed: Governed) -> None:
    answer = governed.propose(TIGHT)
    assert answer.status.verdict == Verdict.TIGHTER
    assert (answer.status.state, answer.status.quorum) == ("proposed", 1)
    assert answer.differences
    signed = ADA.sign(answer.text)
    status = governed.bring(signed).status
    assert (status.state, status.quorum) == ("in force", 2)
    assert status.confirm_before_unix == governed.member.clock.now() + 24 * HOUR
    assert governed.in_force == sha256(TIGHT)
    assert governed.listed() == {1: "superseded", 2: "in force"}
    governed.wait(24 * HOUR)
    assert governed.in_force == sha256(GENESIS)  # before anything is recorded
    assert governed.state.in_force == sha256(TIGHT)
    governed.propose(governed_text(3, "1 BTC"))
    assert governed.state.in_force == sha256(GENESIS)
    assert governed.listed() == {1: "in force", 2: "lapsed", 3: "proposed"}


def test_the_rules_of_the_policy_in_force_decide(governed: Governed) -> None:
    coin, small = Coin(salt=3), governed_text(2, "0.5 BTC")
    built = governed.running.construct(construct_request((coin,)))
    request = sign_request(built, attested((coin,)))
    assert governed.running.explain(request).would_sign
    governed.propose(small)
    governed.approve(ADA, small)
    assert refused(lambda: governed.running.sign(request)) == "outflow-exceeded"
    governed.propose(BACK)
    governed.approve(BOB, BACK)
    governed.approve(CYD, BACK)
    assert governed.running.sign(request).signatures == 1


def test_the_quorum_confirms_a_tightening(governed: Governed) -> None:
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    status = governed.approve(BOB, TIGHT)
    assert (status.state, status.confirm_before_unix) == ("in force", 0)
    governed.wait(100 * HOUR)
    assert governed.in_force == sha256(TIGHT)


def test_the_quorum_reverts_a_tightening_without_delay(governed: Governed) -> None:
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    answer = governed.propose(BACK)
    assert answer.status.verdict == Verdict.EQUAL
    assert answer.status.compared_with == sha256(GENESIS)  # the confirmed policy
    assert answer.status.quorum == 2
    assert governed.approve(BOB, BACK).state == "proposed"
    assert governed.approve(CYD, BACK).state == "in force"
    assert governed.in_force == sha256(BACK)


def test_what_is_looser_than_both_waits_while_one_is_to_be_confirmed(governed: Governed) -> None:
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    looser = governed_text(3, "4 BTC")
    assert governed.propose(looser).status.verdict == Verdict.LOOSER
    governed.approve(BOB, looser)
    assert governed.approve(CYD, looser).state == "scheduled"


def test_a_loosening_needs_the_quorum_and_waits(governed: Governed) -> None:
    answer = governed.propose(LOOSE)
    assert (answer.status.verdict, answer.status.quorum) == (Verdict.LOOSER, 2)
    assert governed.approve(ADA, LOOSE).state == "proposed"
    status = governed.approve(BOB, LOOSE)
    assert (status.state, status.effective_unix) == (
        "scheduled",
        governed.member.clock.now() + 48 * HOUR,
    )
    governed.wait(48 * HOUR - 1)
    assert governed.in_force == sha256(GENESIS)
    governed.wait(1)
    assert governed.in_force == sha256(LOOSE)
    governed.propose(governed_text(3, "1 BTC"))
    place = governed.member.folder / "journal.sqlite"
    assert verify_journal(place).entries == 12
    entries = [each.entry for each in read_entries(place, 6)]
    assert [getattr(each, "step", type(each)) for each in entries] == [
        *(PolicyNotice, OfficerNotice, OfficerNotice),
        *("scheduled", "in force", PolicyNotice),
    ]


@pytest.mark.parametrize(
    "change",
    [
        (b"quorum = 2", b"quorum = 1"),
        (b'delay = "48h"', b'delay = "1s"'),
        (b"quorum = 2", b"quorum = 3"),
        (GOVERNANCE.encode(), b""),
        (ADA.key.hex().encode(), federation.WATCHERS[0].key.hex().encode()),
        (b"attested(2, watchers), fee", b"attested(3, watchers), fee"),
    ],
)
def test_one_officer_changes_nothing_about_who_governs(
    governed: Governed, change: tuple[bytes, bytes]
) -> None:
    content = TIGHT.replace(*change)
    assert content != TIGHT
    answer = governed.propose(content)
    assert answer.status.quorum == 2
    assert governed.approve(BOB, content).state == "proposed"
    assert governed.approve(CYD, content).state == "scheduled"


def test_one_officer_cannot_lock_the_others_out(governed: Governed) -> None:
    """Nothing that no one can meet loads; one tightening to next to nothing is the quorum's to revert, and
    is not repeated."""
    hopeless = TIGHT.replace(b"fee_at_most(0.01 BTC)", b"attested(99, watchers)")
    assert refused(lambda: governed.propose(hopeless)) == "policy-unsatisfiable"
    nothing = governed_text(2 + MAX_VERSION_GAP - 1, "1000 sat")
    governed.propose(nothing)
    assert governed.approve(ADA, nothing).state == "in force"
    again = governed_text(2 + MAX_VERSION_GAP, "1000 sat")
    governed.propose(again)
    assert governed.approve(ADA, again).state == "proposed"
    back = governed_text(3 + MAX_VERSION_GAP, "2 BTC")
    governed.propose(back)
    governed.approve(BOB, back)
    assert governed.approve(CYD, back).state == "in force"


def test_given_up_governance_ends_change(governed: Governed) -> None:
    without = GENESIS.replace(b"version = 1\n", b"version = 2\n").replace(GOVERNANCE.encode(), b"")
    governed.propose(without)
    governed.approve(ADA, without)
    governed.approve(BOB, without)
    governed.wait(48 * HOUR)
    assert governed.in_force == sha256(without)
    assert governed.get().status.quorum == 0
    assert refused(lambda: governed.propose(TIGHT)) == "policy-not-governed"


def test_the_same_again_records_nothing(governed: Governed) -> None:
    first = governed.propose(LOOSE)
    assert governed.propose(LOOSE) == first
    place = governed.member.folder / "journal.sqlite"
    before = verify_journal(place).entries
    signed = ADA.sign(first.text)
    assert governed.bring(signed).decision_id
    assert not governed.bring(signed).decision_id
    governed.approve(BOB, LOOSE)
    assert governed.bring(signed).status.state == "scheduled"
    assert governed.propose(LOOSE).text == ""
    assert verify_journal(place).entries == before + 3


def test_a_policy_that_is_open_no_more_is_proposed_again_by_its_approval(
    governed: Governed,
) -> None:
    newer = governed_text(3, "0.5 BTC")
    governed.propose(newer)
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    assert governed.state.find(sha256(newer)) is None
    assert governed.get(sha256(newer)).status.state == "superseded"
    assert governed.get(sha256(newer)).status.quorum == 0
    assert governed.approve(BOB, newer).state == "in force"


def test_a_kernel_without_governance_changes_nothing(tmp_path: Path) -> None:
    running = Member(tmp_path / "a", 0).init().start()
    try:
        ask = {
            "ProposePolicy": pb.ProposePolicyRequest(policy=policy_text()),
            "GetPolicy": pb.GetPolicyRequest(),
            "ListPolicies": pb.ListPoliciesRequest(),
        }
        for method, request in ask.items():
            code = refused(lambda m=method, r=request: running.call(m, r, SECRETARY))  # type: ignore[misc]
            assert code == "policy-not-governed"
    finally:
        running.stop()


def test_what_is_approved_or_asked_about_is_on_record(governed: Governed) -> None:
    assert refused(lambda: governed.get(bytes(32))) == "policy-not-proposed"
    assert refused(lambda: governed.get(bytes(31))) == "request-malformed"
    assert refused(lambda: governed.approve(ADA, TIGHT)) == "policy-not-proposed"
    governed.propose(TIGHT)
    assert governed.approve(ADA, TIGHT).state == "in force"


@pytest.mark.parametrize("version", [1, 2 + MAX_VERSION_GAP])
def test_a_version_follows_the_last(governed: Governed, version: int) -> None:
    content = governed_text(version, "1 BTC")
    assert refused(lambda: governed.propose(content)) == "policy-version-order"
    for good in (2, 1 + MAX_VERSION_GAP):
        assert governed.propose(governed_text(good, "1 BTC")).status.state == "proposed"


def test_a_version_that_was_overtaken_is_not_approved(governed: Governed) -> None:
    newer = governed_text(3, "5 BTC")
    governed.propose(LOOSE)
    governed.propose(newer)
    governed.approve(ADA, LOOSE)
    governed.approve(ADA, newer)
    governed.approve(BOB, newer)
    assert refused(lambda: governed.approve(ADA, LOOSE)) == "policy-version-order"


def test_an_approval_names_version_and_what_it_replaces(governed: Governed) -> None:
    governed.propose(TIGHT)
    assert refused(lambda: governed.approve(ADA, TIGHT, version=3)) == "policy-version-misstated"
    stale = bytes(32)
    assert refused(lambda: governed.approve(ADA, TIGHT, replaces=stale)) == "policy-approval-stale"
    assert governed.approve(ADA, TIGHT).state == "in force"


def test_an_approval_from_before_another_policy_came_is_stale(governed: Governed) -> None:
    newer = governed_text(3, "0.5 BTC")
    governed.propose(newer)
    before = governed.in_force
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    late = ApprovePolicy(sha256(newer), before, 3)
    assert refused(lambda: governed.says(BOB, late)) == "policy-approval-stale"
    assert governed.state.find(sha256(newer)) is None
    fresh = ApprovePolicy(sha256(newer), sha256(TIGHT), 3)
    assert governed.says(BOB, fresh).status.state == "in force"


def test_nobody_brings_back_an_approval_that_its_officer_left(governed: Governed) -> None:
    """Ada approved a loosening, and then, knowing better, its opposite. The secretary kept her first act."""
    first = ADA.sign(governed.propose(LOOSE).text)
    governed.bring(first)
    other = governed_text(2, "5 BTC")
    governed.propose(other)
    governed.approve(ADA, other)
    assert refused(lambda: governed.bring(first)) == "policy-approval-used"
    governed.approve(BOB, LOOSE)
    assert governed.state.scheduled is None
    assert governed.approve(ADA, LOOSE).state == "scheduled"  # a new text of hers


def test_an_approval_does_not_outlive_a_change_that_lapsed(governed: Governed) -> None:
    """The policy that it replaces is in force again; the approval is not."""
    loose = governed_text(3, "4 BTC")
    first = ADA.sign(governed.propose(loose).text)
    governed.bring(first)
    governed.propose(TIGHT)
    governed.approve(BOB, TIGHT)
    governed.wait(24 * HOUR)
    assert refused(lambda: governed.bring(first)) == "policy-approval-used"
    governed.approve(CYD, loose)
    assert governed.approve(ADA, loose).state == "scheduled"


def test_what_is_decided_is_not_open(governed: Governed) -> None:
    governed.propose(LOOSE)
    governed.approve(ADA, LOOSE)
    governed.approve(BOB, LOOSE)
    assert refused(lambda: governed.approve(CYD, LOOSE)) == "policy-not-open"
    genesis = ApprovePolicy(sha256(GENESIS), bytes(32), 1)
    assert refused(lambda: governed.says(ADA, genesis, 2 * HOUR)) == "policy-not-open"


def test_only_officers_words_about_policies_are_taken(governed: Governed) -> None:
    governed.propose(TIGHT)
    assert refused(lambda: governed.says(ADA, LiftHolds(BOB.key))) == "policy-act-expected"
    act = ApprovePolicy(sha256(TIGHT), governed.in_force, 2)
    stranger = type(ADA)("eve")
    assert refused(lambda: governed.says(stranger, act)) == "officer-unknown"
    forged = ADA.says(act, governed.member.clock.now() + HOUR)
    other = BOB.says(act, governed.member.clock.now() + HOUR)
    swapped = type(forged)(forged.text, forged.officer, other.signature)
    assert refused(lambda: governed.bring(swapped)) == "officer-signature-invalid"
    assert governed.bring(forged).status.state == "in force"


def test_vaults_and_network_stay(governed: Governed) -> None:
    deeper = TIGHT.replace(b"lookahead = 20", b"lookahead = 21")
    assert refused(lambda: governed.propose(deeper)) == "policy-vaults-changed"
    shelf = governed.running.handler.kernel.shelf
    other = policy_text().replace(b'network = "regtest"', b'network = "signet"')
    assert refused(lambda: shelf.load(other)) == "policy-wrong-network"
    assert shelf.load(TIGHT).policy_id == sha256(TIGHT)


def race(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]
) -> None:
    """Somebody else is faster, between the look at the record and the writer's turn."""
    journal = governed.running.journal
    honest = journal.note

    def note(*asked: Any) -> object:
        monkeypatch.undo()
        meanwhile()
        return honest(*asked)

    monkeypatch.setattr(journal, "note", note)


def test_what_was_compared_must_still_stand(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    governed.propose(TIGHT)
    late = governed_text(3, "1.5 BTC")
    race(governed, monkeypatch, lambda: governed.approve(ADA, TIGHT))
    assert refused(lambda: governed.propose(late)) == "policy-changed"
    governed.propose(late)
    race(governed, monkeypatch, lambda: governed.approve(BOB, TIGHT))
    assert refused(lambda: governed.approve(CYD, TIGHT)) == "policy-changed"


def test_two_who_propose_the_same_at_once_propose_it_once(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    race(governed, monkeypatch, lambda: governed.propose(TIGHT))
    assert governed.propose(TIGHT).status.state == "proposed"
    assert governed.listed() == {1: "in force", 2: "proposed"}


def test_an_approval_of_what_was_dropped_meanwhile(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    governed.propose(LOOSE)

    def flood() -> None:
        for number in range(16):
            governed.propose(governed_text(2, f"{number + 5} BTC"))

    race(governed, monkeypatch, flood)
    assert refused(lambda: governed.approve(ADA, LOOSE)) == "policy-changed"
    assert governed.approve(ADA, LOOSE).state == "proposed"


def test_an_approval_that_expires_between_look_and_note_is_not_recorded(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start verifies the act at its entry's time: recorded late, the journal would never start again."""
    governed.propose(TIGHT)
    act = ApprovePolicy(sha256(TIGHT), governed.in_force, 2)
    clock, place = governed.member.clock, governed.member.folder / "journal.sqlite"
    signed = ADA.says(act, clock.now() + 10)
    before = verify_journal(place).entries
    race(governed, monkeypatch, lambda: governed.wait(10))
    assert refused(lambda: governed.bring(signed)) == "act-expired"
    assert verify_journal(place).entries == before
    assert descended(governed) == sha256(GENESIS)
    signed = ADA.says(act, clock.now() + 10)
    race(governed, monkeypatch, lambda: governed.wait(9))
    assert governed.bring(signed).status.state == "in force"
    assert descended(governed) == sha256(TIGHT)


def descended(governed: Governed) -> bytes:
    """What a start finds in force."""
    shelf = governed.running.handler.kernel.shelf
    with governed.running.journal.reading() as reading:
        return verify_descent(shelf, REGTEST, reading).state.in_force


def test_a_policy_that_is_not_on_record_is_our_fault(governed: Governed) -> None:
    shelf = governed.running.handler.kernel.shelf
    with governed.running.journal.reading() as reading, pytest.raises(Fault):
        shelf.policy(bytes(32), reading)


def test_the_shelf_keeps_a_bounded_number(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signer.shelf.MAX_KEPT", 1)
    for number in range(3):
        governed.propose(governed_text(2 + number, "1 BTC"))
    assert governed.listed() == {1: "in force", 2: "proposed", 3: "proposed", 4: "proposed"}
    assert governed.listed() == {1: "in force", 2: "proposed", 3: "proposed", 4: "proposed"}


def test_only_loaded_policies_are_compared() -> None:
    with pytest.raises(Fault):
        compare_policies(load_policy(GENESIS), object())  # type: ignore[arg-type]


def test_while_a_start_goes_on_officers_may_change_the_policy(governed: Governed) -> None:
    """It may wait for a witness that is silent for ever, and nothing but another policy ends that."""
    gate = governed.running.journal.gate
    gate.shut(Objection("agreement-starting", "a start goes on"), Passage.ORDINARY)
    governed.propose(TIGHT)
    governed.approve(ADA, TIGHT)
    assert governed.in_force == sha256(TIGHT)
