"""ReleaseWithdrawal on the wire."""

from pegwarden.v1 import control_pb2 as pb
from signer import wire
from signer.bitcoin.transaction import parse_transaction
from signer.core.caller import Caller
from signer.core.errors import malformed
from signer.core.release import MAX_TRANSACTIONS, Release
from signer.kernel import Kernel
from signer.methods.approvals import MAX_ACTS
from signer.methods.officer_acts import signed_act
from signer.methods.records import state_of
from signer.releases import WantedRelease, release
from signer.wire_proofs import inclusion_claim


def release_withdrawal(kernel: Kernel, caller: Caller, raw: bytes) -> pb.ReleaseWithdrawalResponse:
    """A buried transaction closes a withdrawal, or strikes its pin."""
    request = wire.decode(pb.ReleaseWithdrawalRequest, raw)
    wanted = _wanted(request)
    noted = release(kernel, caller.name, wanted)
    with kernel.journal.reading() as view:
        state = state_of(view, wanted.asked.withdrawal_id)
    return pb.ReleaseWithdrawalResponse(
        decision_id=noted.decision_ids[0], head=noted.head, state=state
    )


def _wanted(request: pb.ReleaseWithdrawalRequest) -> WantedRelease:
    if not 1 <= len(request.transactions) <= MAX_TRANSACTIONS:
        raise malformed("request-malformed", f"1 to {MAX_TRANSACTIONS} transactions")
    if len(request.acts) > MAX_ACTS:
        raise malformed("request-malformed", f"at most {MAX_ACTS} acts")
    if request.HasField("proof") and request.attestations:
        raise malformed("request-malformed", "a proof or attestations, not both")
    asked = Release(
        withdrawal_id=wire.sized(request.withdrawal_id, 32, "withdrawal_id"),
        pin=wire.outpoint(request.pin) if request.HasField("pin") else None,
        transactions=tuple(map(parse_transaction, request.transactions)),
    )
    return WantedRelease(
        asked=asked,
        attestations=wire.attestations(request.attestations),
        acts=tuple(map(signed_act, request.acts)),
        proof=inclusion_claim(request.proof) if request.HasField("proof") else None,
    )
