"""ProposeWithdrawals, ListPending, GetPacket, SubmitApproval, RejectWithdrawal, Hold on the wire."""

from pegwarden.v1 import approval_pb2 as pb
from signer import approvals, wire
from signer.bitcoin.address import address_of
from signer.core.caller import Caller
from signer.core.errors import malformed
from signer.core.payment import WithdrawalTerms
from signer.kernel import Kernel
from signer.methods.officer_acts import signed_act
from signer.methods.officer_messages import packet_message, standing_message
from signer.methods.records import page_size
from signer.proposals import Proposal, move_packet, pending, propose, withdrawal_packet

MAX_WITHDRAWALS = 500
"""Of one proposal, and of one page."""
MAX_ACTS = 64
"""Of one Hold."""


def propose_withdrawals(
    kernel: Kernel, caller: Caller, raw: bytes
) -> pb.ProposeWithdrawalsResponse:
    """Attested withdrawals that wait for officers or time."""
    request = wire.decode(pb.ProposeWithdrawalsRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    withdrawals = _withdrawals(request)
    for terms in withdrawals:
        address_of(terms.script_pubkey, vault.network)  # what has no address no officer can read
    evidence = wire.attestations(request.attestations)
    standings, decision_id = propose(
        kernel, Proposal(caller.name, vault.vault_id, withdrawals, evidence)
    )
    return pb.ProposeWithdrawalsResponse(
        withdrawals=map(standing_message, standings), decision_id=decision_id
    )


def _withdrawals(request: pb.ProposeWithdrawalsRequest) -> tuple[WithdrawalTerms, ...]:
    if not 1 <= len(request.withdrawals) <= MAX_WITHDRAWALS:
        raise malformed("request-malformed", f"1 to {MAX_WITHDRAWALS} withdrawals are proposed")
    found = tuple(map(wire.withdrawal_terms, request.withdrawals))
    if len({terms.withdrawal_id for terms in found}) != len(found):
        raise malformed("request-malformed", "a withdrawal stands there twice")
    return found


def list_pending(kernel: Kernel, _: Caller, raw: bytes) -> pb.ListPendingResponse:
    """What is proposed and not yet signed, by id."""
    request = wire.decode(pb.ListPendingRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    limit, after = page_size(request.page_size, most=MAX_WITHDRAWALS), _token(request.page_token)
    standings, last = pending(kernel, vault, after, limit)
    return pb.ListPendingResponse(
        withdrawals=map(standing_message, standings), next_page_token=last.hex()
    )


def _token(text: str) -> bytes:
    try:
        return wire.sized(bytes.fromhex(text), 32, "page_token") if text else b""
    except ValueError:
        raise malformed("request-malformed", "page_token is not of a previous page") from None


def get_packet(kernel: Kernel, _: Caller, raw: bytes) -> pb.GetPacketResponse:
    """All that an officer needs to decide offline."""
    request = wire.decode(pb.GetPacketRequest, raw)
    vault = kernel.registry.get(wire.required(request.vault_id, "vault_id"))
    if bool(request.withdrawal_id) is request.HasField("sweep"):
        raise malformed("request-malformed", "a packet is about a withdrawal or a sweep statement")
    if request.withdrawal_id:
        withdrawal_id = wire.sized(request.withdrawal_id, 32, "withdrawal_id")
        packet = withdrawal_packet(kernel, vault, withdrawal_id)
    else:
        packet = move_packet(kernel, vault, wire.sweep_terms(request.sweep))
    content = packet_message(packet).SerializeToString(deterministic=True)
    return pb.GetPacketResponse(packet=content, text=packet.text)


def submit_approval(kernel: Kernel, caller: Caller, raw: bytes) -> pb.SubmitApprovalResponse:
    """An officer's approval of a withdrawal, a sweep or a rotation."""
    act = wire.decode(pb.SubmitApprovalRequest, raw).act
    noted = approvals.approve(kernel, caller.name, signed_act(act))
    return pb.SubmitApprovalResponse(decision_id=noted.decision_ids[0], head=noted.head)


def reject_withdrawal(kernel: Kernel, caller: Caller, raw: bytes) -> pb.RejectWithdrawalResponse:
    """An officer's no."""
    act = wire.decode(pb.RejectWithdrawalRequest, raw).act
    noted = approvals.reject(kernel, caller.name, signed_act(act))
    return pb.RejectWithdrawalResponse(decision_id=noted.decision_ids[0], head=noted.head)


def hold(kernel: Kernel, caller: Caller, raw: bytes) -> pb.HoldResponse:
    """One officer's hold, or the quorum's lifting of an officer's holds."""
    acts = wire.decode(pb.HoldRequest, raw).acts
    if not 1 <= len(acts) <= MAX_ACTS:
        raise malformed("request-malformed", f"1 to {MAX_ACTS} acts")
    noted = approvals.hold(kernel, caller.name, tuple(map(signed_act, acts)))
    return pb.HoldResponse(decision_ids=noted.decision_ids, head=noted.head)
