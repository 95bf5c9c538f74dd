"""Change control: what an approval, or the passing of time, leads to (docs/policy-changes.md).

1. Genesis comes into force when all its officers have approved it.
2. What is proven tighter than, or equal to, the policy in force comes into force by one officer, and lapses
   unless the quorum confirms it in time; that officer is barred meanwhile (`signer.core.governance`).
3. What is so proven against the policy in force, or against the confirmed one, comes into force by the quorum
   at once: so the quorum reverts what one officer tightened.
4. Anything else waits out the delay after the quorum's decision. The quorum's next decision cancels it; what
   one officer does meanwhile neither stops nor outlives it.
5. Quorum and delays are the confirmed policy's; a change to them is never proven tighter.
"""

from functools import reduce

from signer.core.governance import (
    GovernanceState,
    GovernanceTerms,
    Proposal,
    Standing,
    Step,
    Verdict,
    apply,
)
from signer.core.notices import PolicyStepNotice

PROVEN = frozenset((Verdict.EQUAL, Verdict.TIGHTER))
MAX_VERSION_GAP = 1_000
"""How far a version may lie above the last: nobody exhausts the numbers."""


def may_follow(state: GovernanceState, version: int) -> bool:
    """Whether a policy of that version may still come into force."""
    return state.version < version <= state.version + MAX_VERSION_GAP


def steps_after(
    state: GovernanceState, policy_id: bytes, terms: GovernanceTerms, now: int
) -> tuple[PolicyStepNotice, ...]:
    """What the approvals of that policy lead to; nothing while they are too few."""
    proposal = state.find(policy_id)
    if proposal is None or not state.is_open(proposal):
        return ()
    officers = proposal.approved_by(now) & terms.officers
    if not state.in_force:  # 1
        agreed = officers == terms.officers
        return (_step(now, Step.IN_FORCE, policy_id),) if agreed else ()
    if proposal.standing is Standing.IN_FORCE:
        agreed = len(officers) >= terms.quorum
        return (_step(now, Step.CONFIRMED, policy_id),) if agreed else ()
    if not may_follow(state, proposal.version):
        return ()
    if len(officers) >= terms.quorum:
        if is_proven(proposal, state):  # 3
            return (_step(now, Step.IN_FORCE, policy_id),)
        return (_step(now, Step.SCHEDULED, policy_id, moment=now + terms.delay),)  # 4
    free = sorted(officers - state.barred)
    if free and proposal.base == state.in_force and is_proven(proposal, state):  # 2
        until = now + terms.confirm_within
        return (_step(now, Step.TIGHTENED, policy_id, moment=until, officer=free[0]),)
    return ()


def is_proven(proposal: Proposal, state: GovernanceState) -> bool:
    """Whether it allows nothing that the policy in force, or the confirmed one, does not."""
    return proposal.verdict in PROVEN and proposal.base in (state.in_force, state.confirmed)


def due(state: GovernanceState, now: int) -> tuple[PolicyStepNotice, ...]:
    """The steps whose time has come, in their order."""
    steps = list[PolicyStepNotice]()
    tightened, scheduled = state.tightened, state.scheduled
    starts = scheduled.effective if scheduled is not None else now + 1
    if tightened is not None and tightened.confirm_before <= min(now, starts - 1):
        steps.append(_step(now, Step.LAPSED, state.in_force))
    if scheduled is not None and starts <= now:
        steps.append(_step(now, Step.IN_FORCE, scheduled.policy_id))
    return tuple(steps)


def in_force_id_at(state: GovernanceState, now: int) -> bytes:
    """The policy in force then, though its step may not be on record yet."""
    return reduce(apply, due(state, now), state).in_force


def _step(
    now: int, step: Step, policy_id: bytes, *, moment: int = 0, officer: bytes = b""
) -> PolicyStepNotice:
    return PolicyStepNotice(now, step.value, policy_id, moment, officer)
