"""What officers do in a long history (tests/kernel/histories.py): approve, reject, hold, lift, change the
policy."""

from typing import TYPE_CHECKING

from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import policy_pb2 as pp
from pegwarden.v1 import types_pb2 as t
from signer import wire_signing
from signer.bitcoin.hashes import sha256
from signer.core.acts import (
    Act,
    ApproveMove,
    ApprovePolicy,
    ApproveWithdrawal,
    HoldDestination,
    HoldWithdrawal,
    LiftHolds,
    RejectWithdrawal,
)
from signer.core.errors import Refusal
from signer.core.evidence import SweepTerms
from signer.core.payment import WithdrawalTerms
from tests.attacks.bridge import PEG
from tests.kernel.governed import OFFICERS
from tests.kernel.history_world import DAY, DESTINATIONS, HOUR, SMALL, governed_policy
from tests.kernel.room import RELAYER
from tests.officers import Officer

if TYPE_CHECKING:
    from tests.kernel.histories import History


def said(history: "History", officer: Officer, act: Act) -> ap.OfficerAct:
    signed = officer.says(act, history.now + DAY)
    return ap.OfficerAct(text=signed.text, officer_key=signed.officer, signature=signed.signature)


def approve(history: "History", officer: Officer, terms: WithdrawalTerms) -> None:
    act = said(history, officer, ApproveWithdrawal(PEG.fingerprint, terms))
    history.call("SubmitApproval", ap.SubmitApprovalRequest(act=act), ap.SubmitApprovalResponse)


def approve_move(history: "History", officer: Officer, terms: SweepTerms) -> None:
    act = said(history, officer, ApproveMove(PEG.fingerprint, terms))
    history.call("SubmitApproval", ap.SubmitApprovalRequest(act=act), ap.SubmitApprovalResponse)


def act(history: "History") -> None:
    """One of the small things that officers do."""
    history.world.random.choice(SMALL_ACTS)(history)


def _hold(history: "History", *acts: ap.OfficerAct) -> None:
    history.call("Hold", ap.HoldRequest(acts=acts), ap.HoldResponse)


def _hold_withdrawal(history: "History") -> None:
    """Of one that is signed: its retries and bumps wait too."""
    sent, officer = history.recent(), history.world.random.choice(OFFICERS)
    if sent is not None:
        held = HoldWithdrawal(sent.payments[0].withdrawal_id, history.now + 2 * HOUR)
        _hold(history, said(history, officer, held))
        history.ask(history.bumped(sent))
        history.ask(history.pay(sent.coins, sent.payments, rate=sent.rate))


def _hold_destination(history: "History") -> None:
    world = history.world
    held = HoldDestination(world.random.choice(DESTINATIONS), history.now + 3 * HOUR)
    _hold(history, said(history, world.random.choice(OFFICERS), held))


def _lift(history: "History") -> None:
    """By two officers, or too few."""
    lifted = LiftHolds(history.world.random.choice(OFFICERS).key)
    several = OFFICERS[: history.world.random.choice((1, 2, 2, 3))]
    _hold(history, *(said(history, each, lifted) for each in several))


def _propose(history: "History") -> None:
    """A large withdrawal for officers to look at; now and then with two that are not large."""
    world = history.world
    withdrawals = [world.withdrawal(SMALL + world.random.randrange(1, 10_000))]
    withdrawals += list(world.withdrawals()) if world.random.random() < 0.3 else []
    request = ap.ProposeWithdrawalsRequest(
        vault_id="peg",
        withdrawals=[
            t.WithdrawalStatement(
                withdrawal_id=each.withdrawal_id,
                amount_sat=each.amount,
                script_pubkey=each.script_pubkey,
            )
            for each in withdrawals
        ],
        attestations=history.words(PEG, *withdrawals),
    )
    if history.call("ProposeWithdrawals", request, ap.ProposeWithdrawalsResponse) is not None:
        world.waiting.append(withdrawals[0])


def _reject(history: "History") -> None:
    if history.world.waiting:
        officer = history.world.random.choice(OFFICERS)
        rejected = RejectWithdrawal(PEG.fingerprint, history.world.waiting[0])
        request = ap.RejectWithdrawalRequest(act=said(history, officer, rejected))
        history.call("RejectWithdrawal", request, ap.RejectWithdrawalResponse)
        approve(history, officer, history.world.waiting.popleft())


SMALL_ACTS = (_propose, _reject, _hold_withdrawal, _hold_destination, _lift)


# --- policies


def change_policy(history: "History") -> None:
    """A proposal that is tighter, looser or neither, and as many approvals as chance has it."""
    world = history.world
    day = world.random.choice(("4 BTC", "5 BTC", "6 BTC", "7 BTC"))
    content = _proposed(history, day, world.random.choice((30, 40, 50)))
    if content:
        for officer in world.random.sample(OFFICERS, world.random.randrange(4)):
            _approve_policy(history, officer, content)
        if world.random.random() < 0.3:
            history.clock.moment += 3 * DAY


def loosen(history: "History") -> None:
    """By two officers: it waits, and comes into force with the next request after that."""
    _put_through(history, "9 BTC", 60, 2)


def tighten_alone(history: "History") -> None:
    """By one officer: nobody confirms it, and it lapses."""
    _put_through(history, "3 BTC", 25, 1)


def _put_through(history: "History", day: str, count: int, officers: int) -> None:
    content = _proposed(history, day, count)
    for officer in history.world.random.sample(OFFICERS, officers if content else 0):
        _approve_policy(history, officer, content)
    history.clock.moment += 3 * DAY
    history.ask(history.fresh())


def change_while_asked(history: "History") -> None:
    """A request is verified under one policy and comes to its decision under the next: `policy-changed`."""
    kernel, asked = history.running.handler.kernel, history.fresh()
    request = wire_signing.sign_request(RELAYER, asked.message.SerializeToString())
    deliberation = kernel.deliberation(request, kernel.policy_in_force())
    content = _proposed(history, "5.5 BTC", 40)
    for officer in OFFICERS[:2]:
        if content:
            _approve_policy(history, officer, content)
    history.clock.moment += 3 * DAY
    try:
        recorded = kernel.journal.record(deliberation)
    except Refusal as refusal:
        history.tally[refusal.code] += 1
        history.entries.add(refusal.decision_id)
    else:
        history.tally["signed"] += 1
        history.entries.add(recorded.decision_id)


def _proposed(history: "History", day: str, count: int) -> bytes:
    """The file; empty where it is refused."""
    with history.running.journal.reading() as reading:
        version = reading.governance().version + history.world.random.choice((1, 1, 2))
    content = governed_policy(version, day, count)
    request = pp.ProposePolicyRequest(policy=content)
    answer = history.call("ProposePolicy", request, pp.ProposePolicyResponse)
    return b"" if answer is None else content


def _approve_policy(history: "History", officer: Officer, content: bytes) -> None:
    with history.running.journal.reading() as reading:
        known = reading.governance().find(sha256(content))
    if known is not None:
        approval = ApprovePolicy(sha256(content), known.replaces, known.version)
        request = pp.ApprovePolicyRequest(act=said(history, officer, approval))
        history.call("ApprovePolicy", request, pp.ApprovePolicyResponse)
