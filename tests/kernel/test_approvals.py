"""Officers and the withdrawals that wait for them, over whole kernels: proposed, approved, rejected, held."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from google.protobuf.message import Message

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import policy_pb2 as pp
from pegwarden.v1 import types_pb2 as t
from policies.load import load_policy
from signer.approvals import HOLD_REST, MAX_HOLDS
from signer.bitcoin.errors import Malformed
from signer.bitcoin.script import witness_script_pubkey
from signer.bitcoin.units import Sats
from signer.cli.officer_review import review
from signer.core.acts import (
    Act,
    ApproveMove,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
    SignedAct,
    read_act,
)
from signer.core.caller import Caller, Role
from signer.core.errors import Refusal
from signer.core.evidence import SweepTerms
from signer.core.officers import PROPOSED_EXPIRY
from signer.core.payment import WithdrawalTerms
from signer.journal.audit import verify_journal
from signer.journal.noting import OFFICER_REPEATS
from tests import federation
from tests.core.spends import NOW, USER_SCRIPT, Coin, withdrawal_id
from tests.kernel.governed import begin
from tests.kernel.room import (
    RELAYER,
    ManualClock,
    Member,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)
from tests.officers import Officer, SshOfficer, Token

ADA, BOB, CYD = Officer("ada"), SshOfficer("bob"), Token()
EVE = Officer("eve")
OFFICERS = (ADA, BOB, CYD)
HOUR, DAY = 3_600, 86_400
DESK = Caller("desk", frozenset({Role.OFFICER}))
FINGERPRINT = federation.vault().fingerprint
OTHER_SCRIPT = witness_script_pubkey(0, b"\x66" * 20)
BIG = ((1, 60_000_000),)
TERMS = WithdrawalTerms(withdrawal_id(1), Sats(60_000_000), USER_SCRIPT)
SWEEP = SweepTerms(1, FINGERPRINT, 0, Sats(10_000), b"\x0f" * 16)


def key_texts() -> str:
    from signer.core.ssh import format_officer

    return ", ".join(f'"{format_officer(officer.key)}"' for officer in OFFICERS)


GOVERNANCE = """
[governance]
officers = "officers"
quorum = 2
delay = "48h"
confirm_within = "24h"
hold_at_most = "12h"

[[allow]]
spend = "sweep"
from = "peg"
to = "peg"
when = "approved(2, officers)"
"""
WAITING = (
    "and(attested(2, watchers), or(payment_at_most(0.1 BTC), and(approved(2, officers), aged(6h))))"
)


def policy(when: str = WAITING, more: str = GOVERNANCE) -> bytes:
    return policy_text(when=when, groups=f"officers = [{key_texts()}]", more=more)


@dataclass
class Office:
    """A kernel, its clock, and who asks it."""

    folder: Path
    running: Running
    clock: ManualClock

    def ask(self, method: str, request: Message, answer: type, caller: Caller = DESK):  # type: ignore[no-untyped-def]
        return answer.FromString(self.running.call(method, request, caller))

    def propose(
        self,
        payments: tuple[tuple[int, int], ...] = BIG,
        watchers: tuple[federation.Watcher, ...] = federation.WATCHERS[:2],
        script: bytes = USER_SCRIPT,
    ) -> ap.ProposeWithdrawalsResponse:
        request = ap.ProposeWithdrawalsRequest(
            vault_id="peg",
            withdrawals=[
                t.WithdrawalStatement(
                    withdrawal_id=withdrawal_id(number), amount_sat=amount, script_pubkey=script
                )
                for number, amount in payments
            ],
            attestations=attested((), payments, watchers, self.clock.now()),
        )
        return self.ask("ProposeWithdrawals", request, ap.ProposeWithdrawalsResponse, RELAYER)

    def pending(self, **page: object) -> ap.ListPendingResponse:
        request = ap.ListPendingRequest(vault_id="peg", **page)
        return self.ask("ListPending", request, ap.ListPendingResponse)

    def packet(self, **about: object) -> ap.GetPacketResponse:
        return self.ask(
            "GetPacket", ap.GetPacketRequest(vault_id="peg", **about), ap.GetPacketResponse
        )

    def approve(self, signed: SignedAct, caller: Caller = DESK) -> ap.SubmitApprovalResponse:
        request = ap.SubmitApprovalRequest(act=message(signed))
        return self.ask("SubmitApproval", request, ap.SubmitApprovalResponse, caller)

    def reject(self, signed: SignedAct) -> ap.RejectWithdrawalResponse:
        request = ap.RejectWithdrawalRequest(act=message(signed))
        return self.ask("RejectWithdrawal", request, ap.RejectWithdrawalResponse)

    def hold(self, *acts: SignedAct) -> ap.HoldResponse:
        return self.ask("Hold", ap.HoldRequest(acts=map(message, acts)), ap.HoldResponse)

    def watch(self, after: int = 0) -> ap.WatchResponse:
        return self.ask("Watch", ap.WatchRequest(after_entry=after), ap.WatchResponse)

    def says(self, officer: object, act: Act, seconds: int = DAY) -> SignedAct:
        return officer.says(act, self.clock.now() + seconds)

    def standing(self) -> ap.PendingWithdrawal:
        (found,) = self.pending().withdrawals
        return found

    def signatures(self) -> int:
        """How many signatures SignPsbt gives to the large withdrawal; 0 for pending."""
        coin = Coin(salt=0)
        built = self.running.construct(construct_request((coin,)))
        return self.running.sign(
            sign_request(built, attested((coin,), now=self.clock.now()))
        ).signatures


def message(signed: SignedAct) -> ap.OfficerAct:
    return ap.OfficerAct(text=signed.text, officer_key=signed.officer, signature=signed.signature)


@pytest.fixture
def open_office(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    opened: list[Office] = []

    def start(content: bytes = b"", officers: tuple[object, ...] = OFFICERS) -> Office:
        member = Member(tmp_path / "a", 0, content or policy()).init()
        if officers:
            begin(member, *officers)
        opened.append(Office(member.folder, member.start(), member.clock))
        return opened[-1]

    yield start
    for office in opened:
        office.running.stop()
        verify_journal(office.folder / "journal.sqlite")


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    return open_office()


def refused(act: Callable[[], object]) -> str:
    with pytest.raises((Refusal, Malformed)) as caught:
        act()
    return caught.value.code


YES, NO = ApproveWithdrawal(FINGERPRINT, TERMS), RejectWithdrawal(FINGERPRINT, TERMS)


def test_a_large_withdrawal_from_proposal_to_signature(office: Office) -> None:
    """Proposed, aged, approved by two officers with keys of two kinds, signed; a bump asks nobody."""
    proposed = office.propose()
    (standing,) = proposed.withdrawals
    assert (standing.first_attested_unix, standing.signed) == (NOW, False)
    assert len(proposed.decision_id) == 32
    packet = office.packet(withdrawal_id=TERMS.withdrawal_id)
    stated = read_act(packet.text)
    assert (stated.act, stated.expires) == (YES, NOW + PROPOSED_EXPIRY)
    office.approve(ADA.sign(packet.text))
    assert office.signatures() == 0
    office.approve(BOB.sign(packet.text), RELAYER)
    assert office.signatures() == 0
    assert list(office.standing().approved_by) == sorted((ADA.key, BOB.key))
    office.clock.moment = NOW + 6 * HOUR
    assert office.signatures() == 1
    assert list(office.pending().withdrawals) == []
    assert office.propose().withdrawals[0].signed


def test_a_token_s_word_counts_when_it_was_touched(office: Office) -> None:
    office.propose()
    signed = office.says(CYD, YES)
    untouched = replace(CYD, flags=0).sign(signed.text)
    assert refused(lambda: office.approve(untouched)) == "officer-signature-invalid"
    office.approve(signed)
    assert list(office.standing().approved_by) == [CYD.key]


def test_proposing_again_starts_nothing_again(office: Office) -> None:
    first = office.propose()
    office.clock.moment = NOW + HOUR
    again = office.propose()
    assert (len(first.decision_id), again.decision_id) == (32, b"")
    assert again.withdrawals[0].first_attested_unix == NOW
    assert office.propose(watchers=()).withdrawals == again.withdrawals


def test_what_no_quorum_vouches_for_is_not_proposed(office: Office) -> None:
    one = federation.WATCHERS[:1]
    assert refused(lambda: office.propose(watchers=one)) == "withdrawal-not-attested"
    assert refused(lambda: office.propose(script=OTHER_SCRIPT)) == "withdrawal-not-attested"
    assert not office.pending().withdrawals
    office.propose(watchers=federation.WATCHERS[:2])


def test_an_id_has_one_amount_and_one_script(office: Office) -> None:
    """Once a version is signed, other terms are refused; the same may be proposed again."""
    office.propose()
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES))
    office.clock.moment = NOW + 6 * HOUR
    assert office.signatures() == 1
    assert refused(lambda: office.propose(((1, 70_000_000),))) == "withdrawal-terms-changed"
    assert office.propose(BIG).withdrawals[0].signed


def test_of_several_withdrawals_all_are_proposed_or_none(office: Office) -> None:
    office.propose()
    pair = ((2, 20_000_000), (1, 70_000_000))
    one = federation.WATCHERS[:1]
    assert refused(lambda: office.propose(pair, one)) == "withdrawal-not-attested"
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES))
    office.clock.moment = NOW + 6 * HOUR
    assert office.signatures() == 1
    assert refused(lambda: office.propose(pair)) == "withdrawal-terms-changed"
    assert len(office.pending().withdrawals) == 0
    office.propose(((2, 20_000_000), (1, 60_000_000)))
    assert len(office.pending().withdrawals) == 1


def test_two_quorums_for_two_amounts_are_told_to_nobody_as_one(office: Office) -> None:
    """Attestors that contradict themselves block no proposal; officers see both, and are given neither."""
    office.propose()
    about = {"withdrawal_id": TERMS.withdrawal_id}
    office.packet(**about)
    office.propose(((1, 70_000_000),))
    assert {each.amount_sat for each in office.pending().withdrawals} == {60_000_000, 70_000_000}
    assert refused(lambda: office.packet(**about)) == "withdrawal-terms-changed"
    office.approve(office.says(ADA, YES))


def test_once_a_version_is_signed_its_terms_are_the_ones(office: Office) -> None:
    """The attestors' other word stands on record, and is nothing that officers are asked about any more."""
    office.propose()
    office.propose(((1, 70_000_000),))
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES))
    other = ApproveWithdrawal(FINGERPRINT, replace(TERMS, amount=Sats(70_000_000)))
    office.approve(office.says(CYD, other))
    office.clock.moment = NOW + 6 * HOUR
    assert office.signatures() == 1
    packet = ap.Packet.FromString(office.packet(withdrawal_id=TERMS.withdrawal_id).packet)
    assert (packet.withdrawal.amount_sat, len(packet.attestations)) == (TERMS.amount, 2)
    late = office.says(CYD, other, 2 * DAY)
    assert refused(lambda: office.approve(late)) == "withdrawal-not-proposed"
    office.approve(office.says(CYD, YES))


WEAK = (
    "and(attested(1, watchers), or(and(payment_at_most(0.1 BTC), aged(2h)), "
    "and(attested(2, watchers), approved(2, officers))))"
)
"""One attestor is enough for small withdrawals that have aged; large ones need two, and officers."""
LIAR, HONEST = federation.WATCHERS[:1], federation.WATCHERS[1:3]


@pytest.mark.parametrize("first", ["the lie", "the truth"])
def test_one_attestor_of_a_weak_way_neither_blocks_nor_troubles_officers(
    open_office: Callable[..., Office], first: str
) -> None:
    """It vouches for another amount of an id that is owed, before or after the truth is proposed."""
    office = open_office(policy(WEAK))
    false = ((1, 61_000_000),)
    if first == "the lie":
        assert office.propose(false, LIAR).decision_id
        assert not office.pending().withdrawals
        about = {"withdrawal_id": TERMS.withdrawal_id}
        assert refused(lambda: office.packet(**about)) == "withdrawal-not-proposed"
    office.propose(BIG, HONEST)
    if first == "the truth":
        assert office.propose(false, LIAR).decision_id
    assert [each.amount_sat for each in office.pending().withdrawals] == [TERMS.amount]
    packet = ap.Packet.FromString(office.packet(withdrawal_id=TERMS.withdrawal_id).packet)
    assert packet.withdrawal.amount_sat == TERMS.amount
    lie = ApproveWithdrawal(FINGERPRINT, replace(TERMS, amount=Sats(61_000_000)))
    assert refused(lambda: office.approve(office.says(ADA, lie))) == "withdrawal-not-proposed"
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES))
    assert office.signatures() == 1


def test_a_weak_word_that_came_long_before_spoils_no_review(
    open_office: Callable[..., Office],
) -> None:
    """One attestor starts the clock of the weak way for the true terms, a week before the quorum speaks (an
    attestation lies no further ahead): the officer's machine hears the quorum at the quorum's moment."""
    content = policy(WEAK)
    office = open_office(content)
    office.propose(BIG, LIAR)
    office.clock.moment = spoken = NOW + 8 * DAY
    office.propose(BIG, HONEST)
    office.clock.moment = late = spoken + 3 * DAY
    answer = office.packet(withdrawal_id=TERMS.withdrawal_id)
    found = review(answer.packet, load_policy(content), late)
    assert (found.terms, found.attested_by) == (TERMS, 2)
    assert [warning for warning in found.warnings if "expired" in warning]
    packet = ap.Packet.FromString(answer.packet)
    assert packet.first_attested_unix == spoken
    assert office.standing().first_attested_unix == NOW


def test_a_packet_s_moment_is_that_of_its_attestations(
    open_office: Callable[..., Office],
) -> None:
    """Two rules ask two groups of attestors. The newest word is served, with its own moment."""
    second = """
[[allow]]
spend = "withdrawal"
from = "peg"
when = "and(attested(2, newcomers), approved(2, officers))"
"""
    listed = ", ".join(f'"{watcher.key.hex()}"' for watcher in NEWCOMERS)
    groups = f"officers = [{key_texts()}]\nnewcomers = [{listed}]"
    content = policy_text(when=WAITING, groups=groups, more=GOVERNANCE + second)
    office = open_office(content)
    office.propose(BIG)
    office.clock.moment = spoken = NOW + 8 * DAY
    office.propose(BIG, NEWCOMERS)
    office.clock.moment = late = spoken + DAY
    answer = office.packet(withdrawal_id=TERMS.withdrawal_id)
    packet = ap.Packet.FromString(answer.packet)
    assert {each.attestor for each in packet.attestations} == {each.key for each in NEWCOMERS}
    assert packet.first_attested_unix == spoken
    assert review(answer.packet, load_policy(content), late).attested_by == 2


def test_after_a_change_to_other_attestors_a_proposal_is_made_again(
    open_office: Callable[..., Office],
) -> None:
    """Officers are asked by the word of the attestors in force, and their machines agree."""
    content = policy()
    office = open_office(content)
    office.propose(BIG, federation.WATCHERS[:2])
    watchers = "".join(f', "{watcher.key.hex()}"' for watcher in NEWCOMERS)[2:]
    changed = content.replace(b"version = 1", b"version = 2").replace(
        b"[groups]\n", f"[groups]\nnewcomers = [{watchers}]\n".encode()
    )
    changed = changed.replace(b"and(attested(2, watchers), or", b"and(attested(2, newcomers), or")
    change_policy(office, changed, ADA, CYD)
    office.clock.moment = NOW + 3 * DAY
    assert office.running.info().policy_version == 2
    about = {"withdrawal_id": TERMS.withdrawal_id}
    assert not office.pending().withdrawals
    assert refused(lambda: office.packet(**about)) == "withdrawal-not-proposed"
    old = federation.WATCHERS[:2]
    assert refused(lambda: office.propose(BIG, old)) == "withdrawal-not-attested"
    (standing,) = office.propose(BIG, NEWCOMERS).withdrawals
    assert standing.first_attested_unix == NOW + 3 * DAY
    answer = office.packet(**about)
    heard = {each.attestor for each in ap.Packet.FromString(answer.packet).attestations}
    assert heard == {each.key for each in NEWCOMERS}
    found = review(answer.packet, load_policy(changed), office.clock.now())
    assert (found.terms, found.attested_by, found.warnings) == (TERMS, 2, ())


NEWCOMERS = (federation.Watcher(21), federation.Watcher(22))


def test_pages_of_what_waits_follow_each_other(office: Office) -> None:
    office.propose(tuple((number, 20_000_000) for number in range(1, 6)))
    seen, token = [], ""
    for _ in range(3):
        page = office.pending(page_size=2, page_token=token)
        seen += [each.withdrawal_id for each in page.withdrawals]
        token = page.next_page_token
    assert token == ""
    assert seen == sorted(withdrawal_id(number) for number in range(1, 6))
    assert refused(lambda: office.pending(page_token="zz")) == "request-malformed"
    assert refused(lambda: office.pending(page_token="ab")) == "request-malformed"


def test_a_vault_whose_rules_wait_for_nobody_has_no_proposals(
    open_office: Callable[..., Office],
) -> None:
    office = open_office(policy_text(), ())
    assert refused(office.propose) == "nothing-to-wait-for"


def test_approvals_alone_can_be_waited_for(open_office: Callable[..., Office]) -> None:
    """No `aged` anywhere: the attestations that the way with `approved` asks for let it wait."""
    when = "and(attested(2, watchers), or(payment_at_most(0.1 BTC), approved(2, officers)))"
    office = open_office(policy(when))
    assert refused(lambda: office.propose(watchers=federation.WATCHERS[:1])) == (
        "withdrawal-not-attested"
    )
    office.propose()
    for officer in (ADA, CYD):
        office.approve(office.says(officer, YES))
    assert office.signatures() == 1


def test_officers_decide_about_what_was_proposed_here(office: Office) -> None:
    """Attestors of another member may have vouched; this one has not seen it."""
    signed, no = office.says(ADA, YES), office.says(ADA, NO)
    about = {"withdrawal_id": TERMS.withdrawal_id}
    assert refused(lambda: office.approve(signed)) == "withdrawal-not-proposed"
    assert refused(lambda: office.reject(no)) == "withdrawal-not-proposed"
    assert refused(lambda: office.packet(**about)) == "withdrawal-not-proposed"
    office.propose()
    other = ApproveWithdrawal(FINGERPRINT, replace(TERMS, amount=Sats(61_000_000)))
    elsewhere = ApproveWithdrawal(b"\x01" * 32, TERMS)
    assert refused(lambda: office.approve(office.says(ADA, other))) == "withdrawal-not-proposed"
    assert refused(lambda: office.approve(office.says(ADA, elsewhere))) == "vault-unknown"
    office.approve(signed)
    office.packet(**about)


def test_a_stranger_approves_nothing(office: Office) -> None:
    office.propose()
    assert refused(lambda: office.approve(office.says(EVE, YES))) == "officer-unknown"
    assert not office.standing().approved_by


def test_an_approval_may_be_repeated(office: Office) -> None:
    office.propose()
    signed = office.says(ADA, YES)
    first = office.approve(signed)
    again = office.approve(signed)
    assert first.decision_id == again.decision_id
    assert first.head == again.head
    shorter = office.approve(office.says(ADA, YES, HOUR))
    assert shorter.decision_id == first.decision_id
    longer = office.approve(office.says(ADA, YES, 2 * DAY))
    assert longer.decision_id != first.decision_id


def test_an_approval_ends_with_its_expiry(office: Office) -> None:
    office.propose()
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES, 6 * HOUR))
    office.clock.moment = NOW + 6 * HOUR
    assert office.signatures() == 0
    assert not office.standing().approved_by
    office.approve(office.says(ADA, YES))
    office.approve(office.says(BOB, YES))
    assert office.signatures() == 1


def test_whoever_rejects_does_not_approve_before_or_after(office: Office) -> None:
    office.propose()
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES))
    first = office.reject(office.says(ADA, NO))
    assert office.reject(office.says(ADA, NO, HOUR)).decision_id == first.decision_id
    assert list(office.standing().rejected_by) == [ADA.key]
    assert list(office.standing().approved_by) == [BOB.key]
    assert refused(lambda: office.approve(office.says(ADA, YES, 2 * DAY))) == "withdrawal-rejected"
    office.clock.moment = NOW + 6 * HOUR
    assert office.signatures() == 0
    office.approve(office.says(CYD, YES))
    assert office.signatures() == 1


def test_an_act_goes_where_it_belongs(office: Office) -> None:
    office.propose()
    yes, no = office.says(ADA, YES), office.says(ADA, NO)
    stop = office.says(ADA, HoldWithdrawal(TERMS.withdrawal_id, NOW + HOUR))
    assert refused(lambda: office.approve(no)) == "act-misplaced"
    assert refused(lambda: office.approve(stop)) == "act-misplaced"
    assert refused(lambda: office.reject(yes)) == "act-misplaced"
    assert refused(lambda: office.hold(yes)) == "act-misplaced"
    assert refused(lambda: office.hold(stop, stop)) == "act-misplaced"
    office.approve(yes)
    office.hold(stop)


def test_a_move_is_approved_by_its_statement(office: Office) -> None:
    text = office.packet(sweep=sweep_statement()).text
    assert read_act(text).act == ApproveMove(FINGERPRINT, SWEEP)
    first = office.approve(ADA.sign(text))
    assert office.approve(ADA.sign(text)).decision_id == first.decision_id
    astray = replace(SWEEP, to_fingerprint=b"\x05" * 32)
    moved = ApproveMove(b"\x05" * 32, SWEEP)
    assert refused(lambda: office.packet(sweep=sweep_statement(astray))) == "vault-unknown"
    assert refused(lambda: office.approve(office.says(ADA, moved))) == "vault-unknown"


def sweep_statement(terms: SweepTerms = SWEEP) -> t.SweepStatement:
    return t.SweepStatement(
        kind=t.SWEEP_KIND_SWEEP,
        to_vault_fingerprint=terms.to_fingerprint,
        path_index=terms.path,
        max_fee_sat=terms.max_fee,
        nonce=terms.nonce,
    )


def test_a_statement_that_served_is_not_approved_again(office: Office) -> None:
    text = office.packet(sweep=sweep_statement()).text
    for officer in (ADA, CYD):
        office.approve(officer.sign(text))
    coin = Coin(salt=4)
    offered = construct_request((coin,)).coins
    request = pb.ConstructSweepTxRequest(
        vault_id="peg", to_vault_id="peg", coins=offered, fee_rate_sat_per_kvb=2_000
    )
    built = office.ask("ConstructSweepTx", request, pb.ConstructSweepTxResponse, RELAYER)
    asked = pb.SignPsbtRequest(vault_id="peg", psbt=built.psbt, attestations=attested((coin,), ()))
    assert office.running.sign(asked).signatures == 1
    assert refused(lambda: office.packet(sweep=sweep_statement())) == "sweep-statement-used"
    assert refused(lambda: office.approve(BOB.sign(text))) == "sweep-statement-used"
    fresh = replace(SWEEP, nonce=b"\x10" * 16)
    office.packet(sweep=sweep_statement(fresh))


def test_officers_are_not_asked_about_an_id_with_two_amounts(office: Office) -> None:
    """Attestors vouched for both; SignPsbt has seen both, and neither is shown as the one."""
    coin = Coin(salt=0)
    for amount in (60_000_000, 70_000_000):
        payments = ((1, amount),)
        built = office.running.construct(construct_request((coin,), payments))
        pending = office.running.sign(sign_request(built, attested((coin,), payments))).pending
        assert pending.missing
    about = {"withdrawal_id": TERMS.withdrawal_id}
    assert refused(lambda: office.packet(**about)) == "withdrawal-terms-changed"
    assert len(office.pending().withdrawals) == 2


def test_a_packet_holds_what_convinced_the_kernel(office: Office) -> None:
    office.propose(((1, 60_000_000), (2, 20_000_000)))
    answer = office.packet(withdrawal_id=TERMS.withdrawal_id)
    packet = ap.Packet.FromString(answer.packet)
    assert (packet.network, packet.vault_id, packet.vault_fingerprint) == (
        "regtest",
        "peg",
        FINGERPRINT,
    )
    assert packet.withdrawal.amount_sat == TERMS.amount
    assert not packet.HasField("sweep")
    assert {each.attestor for each in packet.attestations} == {
        each.key for each in federation.WATCHERS[:2]
    }
    assert packet.policy_id == office.running.info().policy_id
    assert (packet.first_attested_unix, packet.clock_unix) == (NOW, NOW)


def test_a_packet_is_about_one_thing(office: Office) -> None:
    both = {"withdrawal_id": TERMS.withdrawal_id, "sweep": sweep_statement()}
    assert refused(lambda: office.packet(**both)) == "request-malformed"
    assert refused(office.packet) == "request-malformed"
    assert refused(lambda: office.packet(withdrawal_id=b"short")) == "request-malformed"


@pytest.mark.parametrize(
    "act",
    [
        HoldWithdrawal(TERMS.withdrawal_id, NOW + 8 * HOUR),
        HoldDestination(USER_SCRIPT, NOW + 8 * HOUR),
    ],
    ids=["withdrawal", "destination"],
)
def test_one_officer_stops_a_withdrawal_for_a_while(office: Office, act: Act) -> None:
    office.propose()
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES))
    office.hold(office.says(CYD, act))
    assert office.standing().held_until_unix == NOW + 8 * HOUR
    office.clock.moment = NOW + 8 * HOUR - 1
    assert refused(office.signatures) == "withdrawal-held"
    office.clock.moment = NOW + 8 * HOUR
    assert office.standing().held_until_unix == 0
    assert office.signatures() == 1


def test_a_hold_is_bounded(office: Office) -> None:
    def hold(until: int) -> Callable[[], object]:
        return lambda: office.hold(office.says(ADA, HoldWithdrawal(b"\x01" * 32, until)))

    assert refused(hold(NOW + 12 * HOUR + 1)) == "hold-out-of-bounds"
    assert refused(hold(NOW)) == "hold-out-of-bounds"
    hold(NOW + 12 * HOUR)()


def test_one_officer_holds_a_thing_once(office: Office) -> None:
    """An officer who would stop a withdrawal for ever must find others who agree."""
    first = office.says(ADA, HoldWithdrawal(b"\x01" * 32, NOW + HOUR))
    made = office.hold(first)
    assert office.hold(first).decision_ids == made.decision_ids
    later = HoldWithdrawal(b"\x01" * 32, NOW + 2 * HOUR)
    assert refused(lambda: office.hold(office.says(ADA, later))) == "hold-repeated"
    office.hold(office.says(BOB, later))
    office.clock.moment = NOW + HOUR
    again = HoldWithdrawal(b"\x01" * 32, NOW + 3 * HOUR)
    assert refused(lambda: office.hold(office.says(ADA, again))) == "hold-repeated"


def test_one_officer_holds_so_much_at_a_time(office: Office) -> None:
    def hold(number: int, until: int) -> None:
        office.hold(office.says(ADA, HoldWithdrawal(bytes([number]) * 32, until)))

    for number in range(MAX_HOLDS):
        hold(number, NOW + HOUR - number)
    assert refused(lambda: hold(99, NOW + HOUR)) == "too-many-holds"
    office.hold(office.says(BOB, HoldWithdrawal(b"\x63" * 32, NOW + HOUR)))
    office.clock.moment = NOW + HOUR - MAX_HOLDS + 1
    hold(99, NOW + HOUR)


def held(office: Office, number: int, until: int, officer: Officer = ADA) -> str:
    """The code of the refusal, or nothing."""
    act = HoldWithdrawal(withdrawal_id(number), until)
    return outcome(lambda: office.hold(office.says(officer, act)))


def test_what_an_officer_holds_ends_with_the_first_of_a_series(office: Office) -> None:
    end = NOW + HOUR
    assert held(office, 1, end) == ""
    assert held(office, 2, end + 1) == "hold-out-of-bounds"
    assert held(office, 2, end) == ""
    assert held(office, 3, end + 1, BOB) == ""
    office.clock.moment = end - 1
    assert held(office, 4, end + 1) == "hold-out-of-bounds"
    assert held(office, 4, end) == ""


def test_a_week_passes_before_an_officer_s_next_series(office: Office) -> None:
    end = NOW + HOUR
    assert held(office, 1, end) == ""
    office.clock.moment = end + HOLD_REST - 1
    early = office.says(ADA, HoldWithdrawal(withdrawal_id(2), end + HOLD_REST + HOUR))
    with pytest.raises(Refusal) as caught:
        office.hold(early)
    assert caught.value.code == "hold-out-of-bounds"
    assert caught.value.objections[0].not_before == end + HOLD_REST
    assert held(office, 2, end + HOLD_REST + HOUR, BOB) == ""
    office.clock.moment = end + HOLD_REST
    assert held(office, 2, end + HOLD_REST + HOUR) == ""
    assert held(office, 3, end + HOLD_REST + HOUR + 1) == "hold-out-of-bounds"


def test_a_lift_begins_no_new_series(office: Office) -> None:
    """The quorum has said what it thinks of that officer's holds."""
    assert held(office, 1, NOW + HOUR) == ""
    lift = office.says(BOB, LiftHolds(ADA.key))
    office.hold(lift, CYD.sign(lift.text))
    assert held(office, 2, NOW + HOUR + 1) == "hold-out-of-bounds"
    assert held(office, 2, NOW + HOUR) == ""
    office.clock.moment = NOW + HOUR + HOLD_REST
    assert held(office, 3, NOW + HOUR + HOLD_REST + 1) == ""


def test_one_officer_does_not_stop_a_batch_by_holding_one_after_another(office: Office) -> None:
    """Two withdrawals share a signed transaction. Held by turns, neither its retry nor a bump would ever be
    signed; so the second hold ends with the first."""
    payments = ((1, 60_000_000), (2, 20_000_000))
    office.propose(payments)
    second = replace(TERMS, withdrawal_id=withdrawal_id(2), amount=Sats(20_000_000))
    for officer in (ADA, BOB):
        for terms in (TERMS, second):
            office.approve(office.says(officer, ApproveWithdrawal(FINGERPRINT, terms), 5 * DAY))
    office.clock.moment = begun = NOW + 6 * HOUR
    coin = Coin(salt=0)

    def signatures() -> int:
        built = office.running.construct(construct_request((coin,), payments))
        words = attested((coin,), payments, now=office.clock.now())
        return office.running.sign(sign_request(built, words)).signatures

    assert signatures() == 1
    assert held(office, 1, begun + 12 * HOUR, CYD) == ""
    office.clock.moment = begun + 12 * HOUR - 1
    assert refused(signatures) == "withdrawal-held"
    assert held(office, 2, begun + 24 * HOUR - 1, CYD) == "hold-out-of-bounds"
    assert held(office, 2, begun + 12 * HOUR, CYD) == ""
    office.clock.moment = begun + 12 * HOUR
    assert held(office, 2, begun + 13 * HOUR, CYD) == "hold-repeated"
    assert held(office, 3, begun + 13 * HOUR, CYD) == "hold-out-of-bounds"
    assert signatures() == 1


def test_the_quorum_lifts_what_one_officer_holds(office: Office) -> None:
    office.propose()
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES))
    office.hold(office.says(CYD, HoldWithdrawal(TERMS.withdrawal_id, NOW + 12 * HOUR)))
    office.clock.moment = NOW + 6 * HOUR
    ada = office.says(ADA, LiftHolds(CYD.key))
    bob = BOB.sign(ada.text)
    assert refused(lambda: office.hold(ada)) == "approval-quorum-missing"
    assert refused(lambda: office.hold(ada, ada)) == "approval-quorum-missing"
    assert refused(lambda: office.hold(ada, EVE.sign(ada.text))) == "officer-unknown"
    other = office.says(BOB, LiftHolds(CYD.key), HOUR)
    assert refused(lambda: office.hold(ada, other)) == "act-misplaced"
    assert refused(office.signatures) == "withdrawal-held"
    lifted = office.hold(ada, bob)
    assert len(lifted.decision_ids) == 2
    assert office.hold(bob, ada).decision_ids[::-1] == lifted.decision_ids
    assert office.signatures() == 1


def test_a_lift_is_not_kept_back_for_later(office: Office) -> None:
    assert held(office, 1, NOW + HOUR, CYD) == ""
    far = office.says(ADA, LiftHolds(CYD.key), DAY + 1)
    both = (far, BOB.sign(far.text))
    assert refused(lambda: office.hold(*both)) == "act-too-far-ahead"
    office.clock.moment = NOW + 1
    assert len(office.hold(*both).decision_ids) == 2


def test_a_text_lifts_once(office: Office) -> None:
    """An officer keeps the others' old words and joins them to lift what is held later."""
    lift = office.says(ADA, LiftHolds(CYD.key))
    office.hold(lift, BOB.sign(lift.text))
    office.hold(office.says(CYD, HoldWithdrawal(b"\x01" * 32, NOW + HOUR)))
    joined = (BOB.sign(lift.text), CYD.sign(lift.text))
    assert refused(lambda: office.hold(*joined)) == "act-used"
    fresh = office.says(BOB, LiftHolds(CYD.key), HOUR)
    office.hold(fresh, ADA.sign(fresh.text))


def test_without_governance_officers_approve_and_hold_a_day_and_nobody_lifts(
    open_office: Callable[..., Office],
) -> None:
    office = open_office(policy(more=""), ())
    office.propose()
    office.approve(office.says(ADA, YES))
    too_long = HoldWithdrawal(b"\x01" * 32, NOW + DAY + 1)
    assert refused(lambda: office.hold(office.says(ADA, too_long))) == "hold-out-of-bounds"
    office.hold(office.says(ADA, HoldWithdrawal(b"\x01" * 32, NOW + DAY)))
    lift = office.says(BOB, LiftHolds(ADA.key))
    assert refused(lambda: office.hold(lift, CYD.sign(lift.text))) == "approval-quorum-missing"


def test_an_officer_s_flood_is_bounded_and_stops_nobody_else(office: Office) -> None:
    office.propose()
    acts = [office.says(ADA, YES, DAY + seconds) for seconds in range(30)]
    codes = [outcome(partial(office.approve, act)) for act in acts]
    assert set(codes) == {"", "officer-budget-exhausted"}
    office.approve(office.says(BOB, YES))
    office.approve(office.says(CYD, YES))
    office.clock.moment = NOW + 6 * HOUR
    assert office.signatures() == 1


def test_a_thief_s_approvals_do_not_silence_the_owner(office: Office) -> None:
    """Whoever stole Ada's key approves till her budget is used up; her own no still comes on record."""
    office.propose()
    acts = [office.says(ADA, YES, DAY + seconds) for seconds in range(OFFICER_REPEATS + 1)]
    codes = [outcome(partial(office.approve, act)) for act in acts]
    assert codes == [""] * OFFICER_REPEATS + ["officer-budget-exhausted"]
    office.reject(office.says(ADA, NO))
    assert held(office, 1, NOW + HOUR) == ""
    assert list(office.standing().rejected_by) == [ADA.key]
    assert not office.standing().approved_by


def outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except Refusal as refusal:
        return refusal.code
    return ""


def change_policy(office: Office, content: bytes, *officers: Officer) -> pp.PolicyStatus:
    """Propose that policy and have these officers approve it."""
    answer = office.ask(
        "ProposePolicy", pp.ProposePolicyRequest(policy=content), pp.ProposePolicyResponse
    )
    for officer in officers:
        request = pp.ApprovePolicyRequest(act=message(officer.sign(answer.text)))
        office.running.call("ApprovePolicy", request, DESK)
    return office.ask("GetPolicy", pp.GetPolicyRequest(), pp.GetPolicyResponse).status


def test_approvals_survive_a_policy_that_keeps_the_officers_and_no_other(office: Office) -> None:
    """The policy is edited between approval and signature: officers are not woken again for that."""
    office.propose()
    for officer in (ADA, BOB):
        office.approve(office.says(officer, YES, 10 * DAY))
    tighter = policy(WAITING.replace("0.1 BTC", "0.05 BTC")).replace(b"version = 1", b"version = 2")
    assert change_policy(office, tighter, CYD).version == 2
    assert list(office.standing().approved_by) == sorted((ADA.key, BOB.key))
    others = tighter.replace(b"version = 2", b"version = 3").replace(
        f'"{ADA.key.hex()}"'.encode(), f'"{EVE.key.hex()}"'.encode()
    )
    change_policy(office, others, BOB, CYD)
    office.clock.moment = NOW + 3 * DAY
    assert office.running.info().policy_version == 3
    assert list(office.standing().approved_by) == [BOB.key]
    assert refused(lambda: office.approve(office.says(ADA, YES))) == "officer-unknown"
    assert office.signatures() == 0
    office.approve(office.says(EVE, YES))
    assert office.signatures() == 1


def test_what_happened_can_be_followed(office: Office) -> None:
    begun = office.watch()
    office.propose()
    office.approve(office.says(ADA, YES))
    office.reject(office.says(BOB, NO))
    office.approve(office.says(CYD, YES))
    office.approve(office.says(ADA, ApproveMove(FINGERPRINT, SWEEP)))
    office.hold(office.says(ADA, HoldWithdrawal(TERMS.withdrawal_id, NOW + HOUR)))
    office.hold(office.says(ADA, HoldDestination(OTHER_SCRIPT, NOW + HOUR)))
    lift = office.says(BOB, LiftHolds(ADA.key))
    office.hold(lift, CYD.sign(lift.text))
    office.clock.moment = NOW + 6 * HOUR
    assert office.signatures() == 1
    assert [each.what for each in begun.events] == [
        "policy-proposed", "policy-approved", "policy-approved", "policy-approved", "policy-step",
    ]  # fmt: skip
    seen = office.watch(begun.last_entry)
    assert [each.what for each in seen.events] == [
        "attested", "approved", "rejected", "approved", "approved", "held", "held",
        "holds-lifted", "holds-lifted", "signed",
    ]  # fmt: skip
    about = [each.withdrawal_id for each in seen.events if each.withdrawal_id]
    assert about == [TERMS.withdrawal_id] * 6
    assert all(each.text and len(each.decision_id) == 32 for each in seen.events)
    assert office.watch(seen.last_entry) == ap.WatchResponse(last_entry=seen.last_entry)
    assert office.watch(seen.events[3].entry).events[0] == seen.events[4]
    assert refused(lambda: office.watch(2**63)) == "request-malformed"


def test_a_page_of_events_ends_with_an_entry_and_nothing_is_lost(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who proposes 500 withdrawals at a time must not make answers of tens of megabytes."""
    begun = office.watch().last_entry
    monkeypatch.setattr("signer.methods.watch.MAX_EVENTS", 5)
    for batch in (range(1, 5), range(5, 12), range(12, 15), range(15, 16)):
        office.propose(tuple((number, 20_000_000) for number in batch))
    pages = []
    while (page := office.watch(begun)).events:
        pages.append([each.withdrawal_id for each in page.events])
        entries = [each.entry for each in page.events]
        assert (entries == sorted(entries), page.last_entry) == (True, entries[-1])
        begun = page.last_entry
    assert page.last_entry == begun
    assert list(map(len, pages)) == [11, 4]  # whole entries: 4 and 7, then 3 and 1
    seen = [each for page in pages for each in page]
    assert sorted(seen) == sorted(map(withdrawal_id, range(1, 16)))


@pytest.mark.parametrize(("limit", "events"), [(4, 4), (5, 8)])
def test_a_page_that_is_full_takes_no_further_entry(
    office: Office, monkeypatch: pytest.MonkeyPatch, limit: int, events: int
) -> None:
    begun = office.watch().last_entry
    monkeypatch.setattr("signer.methods.watch.MAX_EVENTS", limit)
    for first in (1, 5):
        office.propose(tuple((number, 20_000_000) for number in range(first, first + 4)))
    assert len(office.watch(begun).events) == events


@pytest.mark.parametrize(
    ("method", "request_message"),
    [
        ("ProposeWithdrawals", ap.ProposeWithdrawalsRequest(vault_id="peg")),
        ("ProposeWithdrawals", ap.ProposeWithdrawalsRequest()),
        ("ListPending", ap.ListPendingRequest()),
        ("ListPending", ap.ListPendingRequest(vault_id="peg", page_size=501)),
        ("GetPacket", ap.GetPacketRequest()),
        ("Hold", ap.HoldRequest()),
    ],
)
def test_an_incomplete_request_is_malformed(
    office: Office, method: str, request_message: Message
) -> None:
    assert refused(lambda: office.running.call(method, request_message, DESK)) == (
        "request-malformed"
    )


def test_a_withdrawal_stands_once_in_a_proposal_and_has_an_address(office: Office) -> None:
    assert refused(lambda: office.propose(BIG + BIG)) == "request-malformed"
    nowhere = b"\x6a\x01\x00"
    assert refused(lambda: office.propose(script=nowhere)) == "address-unrepresentable"
    office.propose(BIG)


def test_an_act_without_a_text_is_malformed(office: Office) -> None:
    empty = SignedAct("", ADA.key, b"")
    assert refused(lambda: office.approve(empty)) == "act-malformed"
    assert refused(lambda: office.hold(empty)) == "act-malformed"


SERVICE = ap.DESCRIPTOR.services_by_name["ApprovalService"]


@pytest.mark.parametrize("method", [method.name for method in SERVICE.methods])
def test_noise_and_unknown_fields_are_malformed(office: Office, method: str) -> None:
    """A newer client, or a hostile one, must not believe that it was understood."""
    kind = next(each.input_type for each in SERVICE.methods if each.name == method)._concrete_class
    good = kind().SerializeToString()
    for content in (b"\xff", b"\x0f", good + b"\xf8\x7f\x01"):
        assert refused(partial(office.running.handler.handle, method, DESK, content)) == (
            "request-malformed"
        )
    assert outcome(partial(office.running.handler.handle, method, DESK, good)) in (
        ("",) if method == "Watch" else ("request-malformed", "act-malformed")
    )
