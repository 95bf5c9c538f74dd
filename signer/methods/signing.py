"""SignPsbt and ExplainPsbt."""

from pegwarden.v1 import kernel_pb2 as pb
from signer import wire_answers, wire_signing
from signer.bitcoin.psbt.writer import with_our_signatures
from signer.bitcoin.transaction import display
from signer.core.caller import Caller
from signer.core.errors import Pending, Refusal
from signer.core.receipt import Answered
from signer.core.spend import Ungranted
from signer.kernel import Kernel
from signer.methods.receipts import receipt_of_refusal, receipt_of_spend


def sign_psbt(kernel: Kernel, caller: Caller, raw: bytes) -> pb.SignPsbtResponse:
    """Our signatures, and nothing of the PSBT's other signatures; or what is missing, if that is approvals,
    time or other members' grants alone."""
    request = wire_signing.sign_request(caller, raw)
    try:
        signed = kernel.sign_psbt(request)
    except Ungranted as ungranted:
        awaited = ungranted.awaited
        receipt = receipt_of_spend(kernel, awaited, request.digest, Answered.PENDING)
        return pb.SignPsbtResponse(
            decision_id=awaited.decision_id,
            txid=awaited.spend.transaction.txid,
            txid_display=display(awaited.spend.transaction.txid),
            head=awaited.head,
            pending=wire_answers.pending_message(ungranted, caller.roles),
            receipt=wire_answers.receipt_message(receipt),
        )
    except Pending as pending:
        return pb.SignPsbtResponse(pending=wire_answers.pending_message(pending, caller.roles))
    except Refusal as refusal:
        refusal.receipt = receipt_of_refusal(kernel, refusal, request.digest)
        raise
    spend = signed.recorded.spend
    receipt = receipt_of_spend(kernel, signed.recorded, request.digest, Answered.SIGNED)
    return pb.SignPsbtResponse(
        psbt=with_our_signatures(spend.psbt, signed.signatures),
        decision_id=signed.recorded.decision_id,
        txid=spend.transaction.txid,
        txid_display=display(spend.transaction.txid),
        head=signed.recorded.head,
        signatures=len(signed.signatures),
        receipt=wire_answers.receipt_message(receipt),
    )


def explain_psbt(kernel: Kernel, caller: Caller, raw: bytes) -> pb.ExplainPsbtResponse:
    """The trace. A PSBT that cannot be verified is refused with the code that SignPsbt would give."""
    explanation = kernel.explain_psbt(wire_signing.explain_request(caller, raw))
    return wire_answers.explanation_message(explanation, caller.roles)
