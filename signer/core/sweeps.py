"""Sweep statements: one transaction may move coins to that vault, by that path, for at most that fee.

Rule 1: a statement fits a spend of its kind, destination vault and path whose fee it covers. It comes with
        the evidence, or from the record: officers approved it.
Rule 2: a statement serves once: its nonce is recorded with the spend that it allowed. A fee bump needs a new
        one.
"""

from collections.abc import Iterable, Iterator

from signer.core.acts import move_subject
from signer.core.errors import Objection
from signer.core.evidence import Statement, SweepTerms, statement_bytes
from signer.core.spend import Kind, SpendFacts
from signer.core.view import View
from signer.core.words import Words

SWEEP_KINDS = {Kind.SWEEP: 1, Kind.ROTATION: 2}
"""As statements number them."""


def sweep_statements(
    spend: SpendFacts, authorized: Words, view: View, now: int
) -> tuple[SweepTerms, ...]:
    """The unused statements that fit: those of the evidence, then those that officers approved, each with the
    most attestors and officers first. So nobody's approvals crowd out a statement that is brought along."""
    if spend.to is None:
        return ()
    approved = set(_fitting(spend, view.approved_moves(spend.vault.fingerprint)))
    known = approved.union(_fitting(spend, authorized.said))

    def voices(terms: SweepTerms) -> tuple[bool, int, bytes]:
        officers = approvers_of(spend, terms, view, now) if terms in approved else ()
        count = len(authorized.attestors(terms, now)) + len(officers)
        return terms in authorized.said, count, statement_bytes(terms)

    unused = (each for each in known if not view.nonce_used(each.nonce))
    return tuple(sorted(unused, key=voices, reverse=True))


def approvers_of(spend: SpendFacts, terms: SweepTerms, view: View, now: int) -> frozenset[bytes]:
    """The officers whose approval of that statement counts."""
    vault = spend.vault
    subject = move_subject(vault.network.genesis_hash, vault.fingerprint, terms)
    return frozenset(officer for officer, expiry in view.approvers(subject) if now < expiry)


def sweep_objections(
    spend: SpendFacts, swept: SweepTerms | None, authorized: Words
) -> Iterator[Objection]:
    """Why rule 2 forbids the spend: statements fit, but all of them served already."""
    fitting = next(_fitting(spend, authorized.said), None)
    if fitting is not None and swept is None:
        yield Objection(
            "sweep-statement-used",
            "the statement allowed another transaction already",
            fitting.nonce.hex(),
            "a nonce that is not on record",
        )


def _fitting(spend: SpendFacts, statements: Iterable[Statement]) -> Iterator[SweepTerms]:
    to, kind = spend.to, SWEEP_KINDS.get(spend.kind)
    if to is None or kind is None:
        return
    for terms in statements:
        if isinstance(terms, SweepTerms) and terms.max_fee >= spend.fee:  # 1
            said = (terms.kind, terms.to_fingerprint, terms.path)
            if said == (kind, to.fingerprint, spend.path_index):
                yield terms
