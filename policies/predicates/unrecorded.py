"""Which payments need words, approvals and time: what is on record is not asked about again (design 5)."""

from collections.abc import Iterator

from signer.core.approve import Question
from signer.core.payment import WithdrawalTerms


def unrecorded(question: Question) -> Iterator[WithdrawalTerms]:
    """The terms of each payment that is not on record with equal terms."""
    new = {payment.withdrawal_id for payment in question.binding.new}
    for payment in question.spend.payments:
        terms = payment.terms
        if terms.withdrawal_id in new or not _is_recorded(question, terms):
            yield terms


def _is_recorded(question: Question, terms: WithdrawalTerms) -> bool:
    recorded = question.view.withdrawal(terms.withdrawal_id)
    return recorded is not None and recorded.terms == terms
