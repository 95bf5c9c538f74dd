"""The clocks of `aged` rules: when a complete quorum first vouched for exactly this withdrawal.

1. A clock starts with the first request whose evidence has a quorum of the vault's policy for exactly this
   id, amount, script and vault, whether the request is refused or not (so nobody can age a guessed id).
2. It is kept by the quorum's digest: attestors that a later policy adds have not vouched yet.
3. A withdrawal of which a version is signed needs no clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from signer.core.evidence import HORIZON, Attestation, Statement, StatementKind
from signer.core.payment import WithdrawalTerms
from signer.core.question import ClockQuorum
from signer.core.view import View
from signer.core.words import Words


@dataclass(frozen=True, slots=True)
class Hearing:
    """Evidence about withdrawals of one vault, at a moment of the record."""

    vault_fingerprint: bytes
    words: Words
    view: View
    now: int
    """Effective time, Unix seconds."""


def clocks_started(
    hearing: Hearing, quorums: Iterable[ClockQuorum], terms: Iterable[WithdrawalTerms]
) -> tuple[tuple[WithdrawalTerms, bytes], ...]:
    """(terms, quorum digest) of each clock that the evidence starts and that does not run yet."""
    vault, view, wanted = hearing.vault_fingerprint, hearing.view, tuple(terms)
    return tuple(
        (each, quorum.digest)
        for quorum in quorums
        for each in wanted
        if quorum.is_complete(hearing.words, each, hearing.now)
        and view.withdrawal(each.withdrawal_id) is None
        and view.first_attested(vault, each, quorum.digest) is None
    )


def bearing(
    started: Iterable[tuple[WithdrawalTerms, bytes]],
    attestations: tuple[Attestation, ...],
    now: int,
) -> tuple[Attestation, ...]:
    """The attestations to keep with the clocks: for each withdrawal and attestor whose word counts now the
    one with the fewest statements, in the order given. Copies and other matters stay out of the record."""
    wanted = {terms for terms, _ in started}
    counting = [
        (len(each.statements), place)
        for place, each in enumerate(attestations)
        if now < each.expiry <= now + HORIZON[StatementKind.WITHDRAWAL]
    ]
    smallest: dict[tuple[bytes, Statement], int] = {}
    for _, place in sorted(counting):
        for statement in wanted.intersection(attestations[place].statements):
            smallest.setdefault((attestations[place].attestor, statement), place)
    return tuple(attestations[place] for place in sorted(set(smallest.values())))
