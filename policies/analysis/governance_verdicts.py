"""Changes and holds that examples describe, judged by `[governance]`.

1. A change goes through the kernel's own state machine (`signer.core.policy_steps`): approved at second 0,
   looked at when its age has passed.
2. A hold lasts at most `hold_at_most`. Without `[governance]` nothing changes, and no hold was described.
"""

from functools import reduce

from policies.analysis.described_spend import FAR
from policies.example import ChangeExample, HoldExample, Standing, Verdict
from signer.core.governance import (
    Approval,
    GovernanceState,
    GovernanceTerms,
    Proposal,
    apply,
)
from signer.core.governance import Standing as PolicyStanding
from signer.core.governance import Verdict as ProvenVerdict
from signer.core.policy_steps import due, steps_after

_NOW, _NEXT = b"\x01" * 32, b"\x02" * 32
"""The policy in force and the one that is to follow it."""


def standing_of(
    change: ChangeExample, approvers: frozenset[bytes], terms: GovernanceTerms | None
) -> Standing:
    """Where the change stands so long after these officers approved it: the kernel's own state machine."""
    if terms is None:
        return Standing.WAITING
    proposal = Proposal(
        policy_id=_NEXT,
        version=2,
        verdict=ProvenVerdict.LOOSER if change.is_looser else ProvenVerdict.TIGHTER,
        base=_NOW,
        replaces=_NOW,
        proposed=0,
        approvals=tuple(Approval(officer, FAR) for officer in sorted(approvers)),
    )
    state = GovernanceState(in_force=_NOW, confirmed=_NOW, version=1, proposals=(proposal,))
    state = reduce(apply, steps_after(state, _NEXT, terms, 0), state)
    state = reduce(apply, due(state, change.age), state)
    if state.in_force == _NEXT:
        return Standing.IN_FORCE
    lapsed = any(each.standing is PolicyStanding.LAPSED for each in state.proposals)
    return Standing.LAPSED if lapsed else Standing.WAITING


def verdict_on_hold(hold: HoldExample, terms: GovernanceTerms | None) -> Verdict:
    """Whether one officer may hold a withdrawal for so long."""
    allowed = terms is not None and 0 < hold.seconds <= terms.hold_at_most
    return Verdict.SIGN if allowed else Verdict.REFUSE
