"""Change control: which policy is in force, as the fold of what is on record (docs/policy-changes.md).

1. `apply` is the fold: entries alone decide, no clock and no policy file is asked. What must be recorded next
   is `signer.core.policy_steps`'s to say.
2. A proposal follows the policy that was in force when it was proposed; when another one comes into force the
   open proposals go, with their approvals.
3. An officer stands behind one open proposal at a time, so that nobody fills the places of the others: of
   more than MAX_OPEN the one with the fewest approvals goes, the oldest first.
4. `version` is the highest that was ever scheduled or in force; it only grows.
5. Whoever tightened alone is barred from doing so again until the quorum confirms it, or until a decision of
   the quorum takes effect that does not just replace an unconfirmed tightening.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from signer.bitcoin.hashes import sha256
from signer.core.acts import GENESIS_POLICY, ApprovePolicy, read_act
from signer.core.fields import refuse_entry
from signer.core.notices import Notice, OfficerNotice, PolicyNotice, PolicyStepNotice

MAX_OPEN = 16
"""Open proposals."""
MAX_ENDED = 32
"""Policies remembered by the state that are in force no more; the journal has all of them."""


class Verdict(StrEnum):
    """A policy compared with the one in force (`policies.analysis.diff`)."""

    EQUAL = "equal"
    TIGHTER = "tighter"
    LOOSER = "looser"
    MIXED = "mixed"
    UNPROVEN = "unproven"


class Step(StrEnum):
    """What happens to a policy."""

    SCHEDULED = "scheduled"
    IN_FORCE = "in force"
    TIGHTENED = "tightened"
    CONFIRMED = "confirmed"
    LAPSED = "lapsed"


class Standing(StrEnum):
    """Where a policy stands."""

    PROPOSED = "proposed"
    SCHEDULED = "scheduled"
    IN_FORCE = "in force"
    SUPERSEDED = "superseded"
    LAPSED = "lapsed"


ENDED = frozenset((Standing.SUPERSEDED, Standing.LAPSED))


@dataclass(frozen=True, slots=True)
class GovernanceTerms:
    """`[governance]` of a policy."""

    officers: frozenset[bytes]
    """Keys of the group that governs."""
    group: str
    """Its name."""
    quorum: int
    delay: int
    """Seconds that a change waits which is not proven tighter."""
    confirm_within: int
    """Seconds after which a change by one officer lapses."""
    hold_at_most: int
    """Seconds that one officer may hold a withdrawal or destination."""


@dataclass(frozen=True, slots=True)
class Approval:
    """An officer stands behind a proposal."""

    officer: bytes
    expires: int
    """Unix seconds from which the word does not count."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy on record and where it stands."""

    policy_id: bytes
    version: int
    verdict: Verdict
    base: bytes
    """What the verdict compares it with: the policy in force, or the confirmed one; empty for genesis."""
    replaces: bytes
    """The policy in force when it was proposed, which approvals name; GENESIS_POLICY for the first."""
    proposed: int
    """Unix seconds."""
    standing: Standing = Standing.PROPOSED
    approvals: tuple[Approval, ...] = ()
    """One per officer, oldest first."""

    def approved_by(self, now: int) -> frozenset[bytes]:
        """Officers whose word counts then."""
        return frozenset(each.officer for each in self.approvals if now < each.expires)


@dataclass(frozen=True, slots=True)
class Tightened:
    """The policy in force is one officer's, until the quorum confirms it."""

    officer: bytes
    confirm_before: int
    """Unix seconds at which it lapses."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The quorum decided; the delay runs."""

    policy_id: bytes
    effective: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class GovernanceState:
    """Where change control stands: the fold of the notices about policies."""

    in_force: bytes = b""
    """Policy id; empty before a governed journal's genesis policy is on record, and for ever in a journal
    whose policy has no [governance]."""
    since: int = 0
    """Unix seconds."""
    confirmed: bytes = b""
    """The last policy that genesis or the quorum stands behind; another than `in_force` while `tightened`."""
    tightened: Tightened | None = None
    scheduled: Scheduled | None = None
    version: int = 0
    barred: frozenset[bytes] = frozenset()
    proposals: tuple[Proposal, ...] = ()
    """Oldest first; with the policies that are or were in force."""

    def find(self, policy_id: bytes) -> Proposal | None:
        """The policy, if the state remembers it."""
        return next((each for each in self.proposals if each.policy_id == policy_id), None)

    def is_open(self, proposal: Proposal) -> bool:
        """Whether approvals of it count: it is proposed, or in force and to be confirmed."""
        if self.tightened is not None and proposal.policy_id == self.in_force:
            return True
        return proposal.standing is Standing.PROPOSED


def apply(state: GovernanceState, notice: Notice) -> GovernanceState:
    """The state after that entry. Raises Malformed `entry-malformed` for a step without its proposal."""
    match notice:
        case PolicyNotice():
            return _proposed(state, notice)
        case PolicyStepNotice():
            return _stepped(state, notice)
        case OfficerNotice(signed=signed):
            stated = read_act(signed.text)
            if isinstance(stated.act, ApprovePolicy):
                return _approved(state, stated.act, Approval(signed.officer, stated.expires))
    return state


def _proposed(state: GovernanceState, notice: PolicyNotice) -> GovernanceState:
    policy_id = sha256(notice.policy)
    others = [each for each in state.proposals if each.policy_id != policy_id]
    waiting = [each for each in others if each.standing is Standing.PROPOSED]
    if len(waiting) >= MAX_OPEN:
        others.remove(min(waiting, key=lambda each: len(each.approvals)))
    proposal = Proposal(
        policy_id=policy_id,
        version=notice.version,
        verdict=Verdict(notice.verdict),
        base=notice.base,
        replaces=state.in_force or GENESIS_POLICY,
        proposed=notice.clock,
    )
    return replace(state, proposals=(*others, proposal))


def _approved(state: GovernanceState, act: ApprovePolicy, approval: Approval) -> GovernanceState:
    named = state.find(act.policy_id)
    if named is None or not state.is_open(named) or act.replaces != named.replaces:
        return state

    def with_word(each: Proposal) -> Proposal:
        if not state.is_open(each):
            return each
        others = tuple(word for word in each.approvals if word.officer != approval.officer)
        return replace(each, approvals=(*others, approval) if each is named else others)

    return replace(state, proposals=tuple(map(with_word, state.proposals)))


def _stepped(state: GovernanceState, notice: PolicyStepNotice) -> GovernanceState:
    policy = state.find(notice.policy_id)
    if policy is None:
        refuse_entry("a step of a policy that is not proposed")
    version = max(state.version, policy.version)
    match Step(notice.step):
        case Step.SCHEDULED:
            scheduled = Scheduled(policy.policy_id, notice.moment)
            after = replace(state, scheduled=scheduled, version=version)
        case Step.TIGHTENED:
            after = replace(
                state,
                in_force=policy.policy_id,
                since=notice.clock,
                tightened=Tightened(notice.officer, notice.moment),
                barred=state.barred | {notice.officer},
                version=version,
            )
        case Step.LAPSED:
            after = replace(state, in_force=state.confirmed, since=notice.clock, tightened=None)
        case Step.CONFIRMED:
            after = _settled(state, policy)
        case _:  # in force
            barred = state.barred if state.tightened is not None else frozenset[bytes]()  # 5
            after = replace(_settled(state, policy), since=notice.clock, barred=barred)
    lapsed = policy.policy_id if notice.step == Step.LAPSED else b""
    return _with_standings(after, state.in_force, lapsed)


def _settled(state: GovernanceState, policy: Proposal) -> GovernanceState:
    """After the last word of the quorum (of everybody, at the beginning): nothing is scheduled any more."""
    return GovernanceState(
        in_force=policy.policy_id,
        since=state.since,
        confirmed=policy.policy_id,
        version=max(state.version, policy.version),
        proposals=state.proposals,
    )


def _with_standings(after: GovernanceState, before: bytes, lapsed: bytes) -> GovernanceState:
    """Every policy where the step has put it, and what is over forgotten."""
    kept = list[Proposal]()
    for each in after.proposals:
        standing = _standing(each, after, lapsed)
        if standing is not Standing.PROPOSED or after.in_force == before:
            kept.append(replace(each, standing=standing))
    ended = [each for each in kept if each.standing in ENDED and each.policy_id != after.confirmed]
    for each in ended[:-MAX_ENDED]:
        kept.remove(each)
    return replace(after, proposals=tuple(kept))


def _standing(policy: Proposal, after: GovernanceState, lapsed: bytes) -> Standing:
    if policy.policy_id == after.in_force:
        return Standing.IN_FORCE
    if after.scheduled is not None and policy.policy_id == after.scheduled.policy_id:
        return Standing.SCHEDULED
    if policy.policy_id == lapsed:
        return Standing.LAPSED
    if policy.standing in (Standing.IN_FORCE, Standing.SCHEDULED):
        return Standing.SUPERSEDED
    return policy.standing
