"""Which payments need words, approvals and time: what is on record is not asked about again (design 5),
unless its pin was struck: then it is to be paid from other coins, and who knows of payments says so afresh.

Once an equal withdrawal (vault, amount, script) was closed, an attestor's word counts only if it was given
after that, and by one signature for all equal ones that the transaction pays: for one payment members may
have been told different ids, and any two of them could go on to pay the others once more. Attestors state r
of m equal burns together only while at most m - r such payments are confirmed, so a word from after the
closing has counted it (ADR 0006). Honest attestors sign for HORIZON at most: what expires later than that
after the closing was given after it.
"""

from collections.abc import Iterator

from signer.core.evidence import HORIZON, StatementKind
from signer.core.payment import WithdrawalTerms
from signer.core.question import Question


def unrecorded(question: Question) -> Iterator[WithdrawalTerms]:
    """The terms of each payment that is not on record with equal terms and a pin."""
    new = {payment.withdrawal_id for payment in question.binding.unpinned}
    for payment in question.spend.payments:
        terms = payment.terms
        if terms.withdrawal_id in new or not _is_recorded(question, terms):
            yield terms


def _is_recorded(question: Question, terms: WithdrawalTerms) -> bool:
    recorded = question.view.withdrawal(terms.withdrawal_id)
    return recorded is not None and recorded.terms == terms


def equals_of(question: Question, terms: WithdrawalTerms) -> tuple[WithdrawalTerms, ...]:
    """What the spend pays with that amount and script."""
    wanted = (terms.amount, terms.script_pubkey)
    paid = (payment.terms for payment in question.spend.payments)
    return tuple(each for each in paid if (each.amount, each.script_pubkey) == wanted)


def words_after(question: Question, equals: tuple[WithdrawalTerms, ...]) -> int:
    """The expiry (Unix seconds) that a word for these must exceed to count; 0 for any."""
    closing = question.view.closing_since(question.spend.vault.fingerprint, equals)
    return closing + HORIZON[StatementKind.WITHDRAWAL] if closing else 0


def said_together(
    question: Question, equals: tuple[WithdrawalTerms, ...], beyond: int
) -> frozenset[bytes]:
    """The attestors who by one signature, which expires later than that, state all of these."""
    least, horizon = max(question.now, beyond), question.now + HORIZON[StatementKind.WITHDRAWAL]
    return frozenset(
        each.attestor
        for each in question.authorized.attestations
        if least < each.expiry <= horizon and set(equals).issubset(each.statements)
    )
