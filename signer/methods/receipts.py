"""Receipts of SignPsbt's answers: whatever has an entry is signed for (docs/audit.md)."""

from signer.core.errors import Refusal
from signer.core.receipt import Answer, Answered, Receipt, receipt_text
from signer.core.spend import AwaitedSpend, RecordedSpend
from signer.journal.note import origin_of, read_head, read_note
from signer.kernel import Kernel


def receipt_of_spend(
    kernel: Kernel,
    recorded: RecordedSpend | AwaitedSpend,
    request_digest: bytes,
    verdict: Answered,
) -> Receipt:
    """For a spend on record: signed, or pending."""
    head = read_head(read_note(recorded.head).text)
    txid = recorded.spend.transaction.txid
    return _signed(
        kernel,
        Answer(recorded.decision_id, verdict, request_digest, txid, head.size, head.root),
    )


def receipt_of_refusal(kernel: Kernel, refusal: Refusal, request_digest: bytes) -> Receipt | None:
    """For a refusal; None where no entry records it."""
    if not refusal.decision_id:
        return None
    head = read_head(read_note(refusal.head).text)
    verdict = Answered.REFUSED
    return _signed(
        kernel, Answer(refusal.decision_id, verdict, request_digest, b"", head.size, head.root)
    )


def _signed(kernel: Kernel, answer: Answer) -> Receipt:
    log = origin_of(kernel.network.genesis_hash, kernel.keystore.log_key)
    return Receipt(answer, kernel.keystore.sign_message(receipt_text(answer, log)))
