"""SignPsbt and ExplainPsbt."""

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire
from signer.bitcoin.psbt.writer import with_our_signatures
from signer.bitcoin.transaction import display
from signer.core.caller import Caller
from signer.core.errors import Pending
from signer.kernel import Kernel


def sign_psbt(kernel: Kernel, caller: Caller, raw: bytes) -> pb.SignPsbtResponse:
    """Our signatures, and nothing of the PSBT's other signatures; or what is missing, if that is approvals
    or time alone."""
    try:
        signed = kernel.sign_psbt(wire.sign_request(caller, raw))
    except Pending as pending:
        return pb.SignPsbtResponse(pending=wire.pending_message(pending, caller.roles))
    spend = signed.recorded.spend
    return pb.SignPsbtResponse(
        psbt=with_our_signatures(spend.psbt, signed.signatures),
        decision_id=signed.recorded.decision_id,
        txid=spend.transaction.txid,
        txid_display=display(spend.transaction.txid),
        head=signed.recorded.head,
        signatures=len(signed.signatures),
    )


def explain_psbt(kernel: Kernel, caller: Caller, raw: bytes) -> pb.ExplainPsbtResponse:
    """The trace. A PSBT that cannot be verified is refused with the code that SignPsbt would give."""
    explanation = kernel.explain_psbt(wire.explain_request(caller, raw))
    return wire.explanation_message(explanation, caller.roles)
