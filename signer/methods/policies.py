"""ProposePolicy, ApprovePolicy, GetPolicy, ListPolicies: change control on the wire."""

from pegwarden.v1 import policy_pb2 as pb
from signer import policy_changes, wire
from signer.core.acts import StatedAct, act_text
from signer.core.caller import Caller
from signer.core.governance import Standing
from signer.core.officers import PROPOSED_EXPIRY
from signer.kernel import Kernel
from signer.methods.officer_acts import signed_act
from signer.policy_status import PolicyStatus, status_of, statuses


def propose_policy(kernel: Kernel, caller: Caller, raw: bytes) -> pb.ProposePolicyResponse:
    """Put a policy on record, compared with the one in force."""
    request = wire.decode(pb.ProposePolicyRequest, raw)
    judged = policy_changes.propose(kernel, caller.name, request.policy)
    status, _ = status_of(kernel, judged.policy.policy_id)
    return pb.ProposePolicyResponse(
        status=_message(status), differences=judged.lines, text=_text(kernel, status)
    )


def approve_policy(kernel: Kernel, caller: Caller, raw: bytes) -> pb.ApprovePolicyResponse:
    """Record an officer's approval and what it leads to."""
    act = wire.decode(pb.ApprovePolicyRequest, raw).act
    signed = signed_act(act)
    noted = policy_changes.approve(kernel, caller.name, signed)
    status, _ = status_of(kernel, policy_changes.policy_act(signed).policy_id)
    first = noted.decision_ids[0] if noted.decision_ids else b""
    return pb.ApprovePolicyResponse(status=_message(status), decision_id=first)


def get_policy(kernel: Kernel, _: Caller, raw: bytes) -> pb.GetPolicyResponse:
    """A policy on record; for an empty id the one in force."""
    request = wire.decode(pb.GetPolicyRequest, raw)
    if request.policy_id:
        wire.sized(request.policy_id, 32, "policy_id")
    status, content = status_of(kernel, request.policy_id)
    return pb.GetPolicyResponse(status=_message(status), policy=content)


def list_policies(kernel: Kernel, _: Caller, raw: bytes) -> pb.ListPoliciesResponse:
    """What change control remembers, oldest first."""
    wire.decode(pb.ListPoliciesRequest, raw)
    return pb.ListPoliciesResponse(policies=map(_message, statuses(kernel)))


def _text(kernel: Kernel, status: PolicyStatus) -> str:
    """What an officer signs to approve it; empty where that changes nothing."""
    if status.approval is None:
        return ""
    return act_text(StatedAct(status.approval, kernel.network, status.now + PROPOSED_EXPIRY))


def _message(status: PolicyStatus) -> pb.PolicyStatus:
    policy, state, known = status.policy, status.state, status.known
    message = pb.PolicyStatus(
        policy_id=policy.policy_id,
        name=policy.name,
        version=policy.version,
        state=Standing.SUPERSEDED if known is None else known.standing,
        quorum=status.needed,
        expires_unix=policy.expires or 0,
    )
    if known is not None:
        message.verdict = known.verdict
        message.compared_with = known.base
        message.proposed_unix = known.proposed
        message.approved_by.extend(sorted(known.approved_by(status.now)))
    if state.scheduled is not None and state.scheduled.policy_id == policy.policy_id:
        message.effective_unix = state.scheduled.effective
    if state.tightened is not None and state.in_force == policy.policy_id:
        message.confirm_before_unix = state.tightened.confirm_before
    return message
