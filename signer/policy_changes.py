"""Change control at work: proposals and approvals, over the kernel's record (docs/policy-changes.md).

1. A proposal is loaded and compared before the writer's turn; in that turn it goes on record only if the
   policies that it was compared with still stand.
2. An approval is verified, recorded, and followed by what it leads to (`signer.core.policy_steps`): one note.
3. A policy on record that is no longer open is proposed again by its next approval, compared anew.
4. A signed text counts once: what an officer left for another proposal nobody brings back.
"""

from dataclasses import dataclass

from signer.core.acts import ApprovePolicy, SignedAct, read_act, subject_of
from signer.core.errors import Objection, Refusal, unverified
from signer.core.governance import (
    Approval,
    GovernanceState,
    Proposal,
    Standing,
    Verdict,
    apply,
)
from signer.core.notices import Notice, OfficerNotice, PolicyNotice
from signer.core.officers import require_live, verify_act
from signer.core.policy_steps import (
    MAX_VERSION_GAP,
    PROVEN,
    may_follow,
    steps_after,
)
from signer.kernel import Kernel
from signer.policy_status import content_of, governed, terms_of
from signer.ports.policy import ServedPolicy
from signer.ports.reading import Reading
from signer.ports.recording import Noted


@dataclass(frozen=True, slots=True)
class Judged:
    """A proposed policy, compared."""

    policy: ServedPolicy
    verdict: Verdict
    base: bytes
    """What the verdict compares it with."""
    state: GovernanceState
    """Where change control stood when it was compared."""
    lines: tuple[str, ...]
    """What differs from the policy in force, in English."""


def propose(kernel: Kernel, caller: str, content: bytes) -> Judged:
    """Put the policy on record; nothing new where it is open already. Raises Refusal."""
    judged = _judge(kernel, content)
    policy = judged.policy

    def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
        state = governed(reading)
        _require_unchanged(judged.state, state)  # 1
        if _stands(state, policy.policy_id):
            return ()
        require_next(state, policy.version)
        verdict = judged.verdict.value
        return (PolicyNotice(now, caller, content, judged.base, policy.version, verdict),)

    kernel.journal.note(decide)
    return judged


def approve(kernel: Kernel, caller: str, signed: SignedAct) -> Noted:
    """Record an officer's approval and what it leads to. Raises Refusal, Malformed."""
    act = policy_act(signed)
    with kernel.journal.reading() as reading:
        state, terms = governed(reading), terms_of(kernel, reading)
        stated = verify_act(signed, kernel.network, terms.officers, reading.now())
        content = content_of(reading, act.policy_id)
    if not _stands(state, act.policy_id):
        require_replaced(act, state.in_force)
        propose(kernel, caller, content)  # 3

    def decide(reading: Reading, now: int) -> tuple[Notice, ...]:
        require_live(stated, now)  # it was verified earlier, and is judged by the time on record
        current = governed(reading)
        _require_unchanged(state, current)
        proposal = current.find(act.policy_id)
        if proposal is None:
            raise _changed()
        require_named(act, proposal)
        if Approval(signed.officer, stated.expires) in proposal.approvals:
            return steps_after(current, act.policy_id, terms, now)
        require_open(current, proposal)
        _require_unused(kernel, signed, reading)  # 4
        notice = OfficerNotice(now, caller, current.in_force, signed)
        return (notice, *steps_after(apply(current, notice), act.policy_id, terms, now))  # 2

    return kernel.journal.note(decide)


def require_next(state: GovernanceState, version: int) -> None:
    """Raises VerificationError `policy-version-order`."""
    if not may_follow(state, version):
        raise unverified(
            "policy-version-order",
            "the version does not follow the highest one that was ever scheduled or in force",
            str(version),
            f"{state.version + 1} to {state.version + MAX_VERSION_GAP}",
        )


def policy_act(signed: SignedAct) -> ApprovePolicy:
    """What the text says, unverified. Raises Malformed `act-malformed`, VerificationError
    `policy-act-expected`."""
    act = read_act(signed.text).act
    if not isinstance(act, ApprovePolicy):
        raise unverified("policy-act-expected", "the officer's text approves no policy")
    return act


def require_named(act: ApprovePolicy, proposal: Proposal) -> None:
    """The text names the policy's version, and what it replaces. Raises VerificationError
    `policy-version-misstated`, `policy-approval-stale`."""
    if act.version != proposal.version:
        raise unverified(
            "policy-version-misstated",
            "the officer's text names another version than the policy",
            str(act.version),
            str(proposal.version),
        )
    require_replaced(act, proposal.replaces)


def require_replaced(act: ApprovePolicy, replaces: bytes) -> None:
    """Raises VerificationError `policy-approval-stale`."""
    if act.replaces != replaces:
        raise unverified(
            "policy-approval-stale",
            "the officer's text names another policy as the one that is replaced",
            act.replaces.hex(),
            replaces.hex(),
        )


def _require_unused(kernel: Kernel, signed: SignedAct, reading: Reading) -> None:
    """Raises VerificationError `policy-approval-used`."""
    subject = subject_of(policy_act(signed), kernel.network.genesis_hash)
    for _, known in reading.acts_about(subject):
        if (known.signed.officer, known.signed.text) == (signed.officer, signed.text):
            raise unverified(
                "policy-approval-used", "this signed text counted before, and counts no more"
            )


def _judge(kernel: Kernel, content: bytes) -> Judged:
    policy = kernel.shelf.load(content)
    with kernel.journal.reading() as reading:
        state = governed(reading)
        terms_of(kernel, reading)
        in_force = kernel.shelf.policy(state.in_force, reading)
        confirmed = kernel.shelf.policy(state.confirmed, reading)
    if not _stands(state, policy.policy_id):
        require_next(state, policy.version)
    difference = kernel.shelf.compare(in_force, policy)
    judged = Judged(policy, difference.verdict, state.in_force, state, difference.lines)
    if difference.verdict in PROVEN or confirmed.policy_id == in_force.policy_id:
        return judged
    reverted = kernel.shelf.compare(confirmed, policy).verdict
    if reverted not in PROVEN:
        return judged
    return Judged(policy, reverted, state.confirmed, state, difference.lines)


def _stands(state: GovernanceState, policy_id: bytes) -> bool:
    """Whether it is open, scheduled or in force: nothing is to be proposed."""
    known = state.find(policy_id)
    standing = (Standing.PROPOSED, Standing.SCHEDULED, Standing.IN_FORCE)
    return known is not None and known.standing in standing


def require_open(state: GovernanceState, proposal: Proposal) -> None:
    """Approvals of it count. Raises VerificationError `policy-not-open`, `policy-version-order`."""
    if not state.is_open(proposal):
        raise unverified(
            "policy-not-open", "approvals of this policy change nothing", proposal.standing
        )
    if proposal.standing is Standing.PROPOSED:
        require_next(state, proposal.version)


def _require_unchanged(before: GovernanceState, now: GovernanceState) -> None:
    if (before.in_force, before.confirmed) != (now.in_force, now.confirmed):
        raise _changed()


def _changed() -> Refusal:
    return Refusal(Objection("policy-changed", "where the policies stand has changed meanwhile"))
