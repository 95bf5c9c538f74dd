"""Where policies stand, by the record (docs/policy-changes.md). Steps whose time has come count at once."""

from dataclasses import dataclass
from functools import reduce

from signer.core.acts import ApprovePolicy
from signer.core.errors import Objection, Refusal, unverified
from signer.core.governance import GovernanceState, GovernanceTerms, Proposal, Standing, apply
from signer.core.policy_steps import due, is_proven
from signer.kernel import Kernel
from signer.ports.policy import ServedPolicy
from signer.ports.reading import Reading


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """A policy on record and where it stands."""

    policy: ServedPolicy
    state: GovernanceState
    terms: GovernanceTerms | None
    """None: [governance] was given up."""
    known: Proposal | None
    """None: it was proposed once, and is not open any more."""
    now: int

    @property
    def needed(self) -> int:
        """How many officers' approvals it takes."""
        if self.terms is None or self.known is None:
            return 0
        proposed = self.known.standing is Standing.PROPOSED
        if (
            proposed
            and self.known.base == self.state.in_force
            and is_proven(self.known, self.state)
        ):
            return 1
        return self.terms.quorum

    @property
    def approval(self) -> ApprovePolicy | None:
        """What an officer says to approve it; None where that changes nothing."""
        if self.known is None or not self.state.is_open(self.known):
            return None
        return ApprovePolicy(self.policy.policy_id, self.known.replaces, self.policy.version)


def status_of(kernel: Kernel, policy_id: bytes) -> tuple[PolicyStatus, bytes]:
    """(where it stands, the file's bytes); of the policy in force for an empty id. Raises Refusal."""
    with kernel.journal.reading() as reading:
        wanted = policy_id or governed(reading).in_force
        content = content_of(reading, wanted)
        return _status(kernel, reading, wanted), content


def statuses(kernel: Kernel) -> tuple[PolicyStatus, ...]:
    """Those that the state of change control remembers, oldest first. Raises Refusal."""
    with kernel.journal.reading() as reading:
        state = governed(reading)
        return tuple(_status(kernel, reading, each.policy_id) for each in state.proposals)


def governed(reading: Reading) -> GovernanceState:
    """Where change control stands, steps included whose time has come. Raises Refusal
    `policy-not-governed`."""
    state = reading.governance()
    if not state.in_force:
        raise Refusal(
            Objection("policy-not-governed", "the policy has no [governance]: it never changes")
        )
    return reduce(apply, due(state, reading.now()), state)


def terms_of(kernel: Kernel, reading: Reading) -> GovernanceTerms:
    """By whose word the policy changes: [governance] of the confirmed policy. Raises Refusal
    `policy-not-governed`."""
    terms = kernel.shelf.policy(governed(reading).confirmed, reading).governance
    if terms is None:
        raise Refusal(
            Objection("policy-not-governed", "[governance] was given up: the policy never changes")
        )
    return terms


def content_of(reading: Reading, policy_id: bytes) -> bytes:
    """The bytes of a policy on record. Raises VerificationError `policy-not-proposed`."""
    content = reading.policy_bytes(policy_id)
    if content is None:
        raise unverified("policy-not-proposed", f"no policy {policy_id.hex()} is on record")
    return content


def _status(kernel: Kernel, reading: Reading, policy_id: bytes) -> PolicyStatus:
    state = governed(reading)
    policy = kernel.shelf.policy(policy_id, reading)
    terms = kernel.shelf.policy(state.confirmed, reading).governance
    return PolicyStatus(policy, state, terms, state.find(policy_id), reading.now())
