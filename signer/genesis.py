"""How a governed journal begins: the policy, the word of each of its officers, and its coming into force.

1. Every officer of [governance] has approved exactly this policy as the first one, and nobody else is heard.
2. These are the first entries after the journal's genesis entry, recorded as one note.
"""

from collections.abc import Sequence

from signer.core.acts import GENESIS_POLICY, ApprovePolicy, SignedAct
from signer.core.errors import Objection, Refusal
from signer.core.governance import GovernanceTerms, Step, Verdict
from signer.core.notices import Notice, OfficerNotice, PolicyNotice, PolicyStepNotice
from signer.core.officers import verify_act
from signer.core.ssh import format_officer
from signer.ports.policy import ServedPolicy

CALLER = "key bind"
"""Who brings these entries, by the name on record."""


def genesis_act(policy: ServedPolicy) -> ApprovePolicy:
    """What each officer says."""
    return ApprovePolicy(policy.policy_id, GENESIS_POLICY, policy.version)


def require_signed(policy: ServedPolicy, acts: Sequence[SignedAct], now: int) -> None:
    """Rule 1. Raises Refusal (`policy-genesis-unsigned` and those of an officer's act), Malformed."""
    terms = policy.governance
    if terms is None:
        if acts:
            raise _unsigned("the policy has no [governance], so no officer approves it")
        return
    signed = set[bytes]()
    for act in acts:
        stated = verify_act(act, policy.network, terms.officers, now)
        if stated.act != genesis_act(policy):
            raise _unsigned(f"{format_officer(act.officer)} approved something else")
        if act.officer in signed:
            raise _unsigned(f"{format_officer(act.officer)} is given twice")
        signed.add(act.officer)
    missing = terms.officers - signed
    if missing:
        raise _unsigned(f"not signed by {_names(terms, missing)}")


def genesis_notices(
    policy: ServedPolicy, content: bytes, acts: Sequence[SignedAct], now: int
) -> tuple[Notice, ...]:
    """Rule 2."""
    policy_id = policy.policy_id
    return (
        PolicyNotice(now, CALLER, content, b"", policy.version, Verdict.EQUAL),
        *(OfficerNotice(now, CALLER, policy_id, act) for act in acts),
        PolicyStepNotice(now, Step.IN_FORCE, policy_id, 0, b""),
    )


def _names(terms: GovernanceTerms, officers: frozenset[bytes]) -> str:
    names = ", ".join(sorted(map(format_officer, officers)))
    return f"{len(officers)} of {len(terms.officers)} officers of {terms.group}: {names}"


def _unsigned(detail: str) -> Refusal:
    return Refusal(Objection("policy-genesis-unsigned", detail))
