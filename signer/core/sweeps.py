"""Sweep statements: one transaction may move coins to that vault, by that path, for at most that fee.

Rule 1: a statement fits a spend of its kind, destination vault and path whose fee it covers.
Rule 2: a statement serves once: its nonce is recorded with the spend that it allowed. A fee bump needs a new
        one.
"""

from collections.abc import Iterator

from signer.core.errors import Objection
from signer.core.evidence import Authorized, SweepTerms, statement_bytes
from signer.core.spend import Kind, VerifiedSpend
from signer.core.view import View

SWEEP_KINDS = {Kind.SWEEP: 1, Kind.ROTATION: 2}
"""As statements number them."""


def sweep_statement(
    spend: VerifiedSpend, authorized: Authorized, view: View, now: int
) -> SweepTerms | None:
    """Of the unused statements that fit the one with the most attestors."""
    return max(
        (terms for terms in _fitting(spend, authorized) if not view.nonce_used(terms.nonce)),
        key=lambda terms: (len(authorized.attestors(terms, now)), statement_bytes(terms)),
        default=None,
    )


def sweep_objections(
    spend: VerifiedSpend, authorized: Authorized, view: View
) -> Iterator[Objection]:
    """Why rule 2 forbids the spend."""
    fitting = list(_fitting(spend, authorized))
    if fitting and all(view.nonce_used(terms.nonce) for terms in fitting):
        yield Objection(
            "sweep-statement-used",
            "the statement allowed another transaction already",
            fitting[0].nonce.hex(),
            "a nonce that is not on record",
        )


def _fitting(spend: VerifiedSpend, authorized: Authorized) -> Iterator[SweepTerms]:
    to, kind = spend.to, SWEEP_KINDS.get(spend.kind)
    if to is None or kind is None:
        return
    for terms in authorized.said:
        if isinstance(terms, SweepTerms) and terms.max_fee >= spend.fee:  # 1
            said = (terms.kind, terms.to_fingerprint, terms.path)
            if said == (kind, to.fingerprint, spend.path_index):
                yield terms
