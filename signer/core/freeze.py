"""After a new epoch: which withdrawals are frozen, and whose word thaws them (design sections 8 and J6).

1. Frozen is what is pinned to no coin here, by no recorded version and for no other member: a lost entry may
   have paid it. That it was recorded before its pin was struck says nothing: the next version may be lost.
2. About it an attestor's word counts only if it expires more than FREEZE after the time that the epoch
   states: no attestation reaches further ahead, so it was given after that time, when attestors look whether
   it was paid.
3. After FREEZE every word that has not expired is so: the rule ends by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from signer.bitcoin.transaction import OutPoint, TxOut
from signer.core.control import FREEZE
from signer.core.evidence import Attestation, CoinTerms, Statement
from signer.core.payment import Payment, WithdrawalTerms
from signer.core.view import View
from signer.core.words import Words


@dataclass(frozen=True, slots=True)
class FreshWords:
    """Words (`signer.core.evidence.Words`) without the old ones about what is frozen."""

    words: Words
    frozen: frozenset[WithdrawalTerms]
    thaws: int
    """Unix seconds that a word about these must outlast."""

    @property
    def said(self) -> Mapping[Statement, tuple[tuple[bytes, int], ...]]:
        """See Words."""
        return {
            statement: pairs if statement not in self.frozen else self._fresh(pairs)
            for statement, pairs in self.words.said.items()
        }

    @property
    def coins(self) -> Mapping[OutPoint, tuple[CoinTerms, ...]]:
        """See Words."""
        return self.words.coins

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """See Words."""
        return self.words.attestations

    def coin_statements(self, outpoint: OutPoint, prevout: TxOut) -> tuple[CoinTerms, ...]:
        """See Words."""
        return self.words.coin_statements(outpoint, prevout)

    def attestors(self, statement: Statement, now: int, beyond: int = 0) -> frozenset[bytes]:
        """See Words."""
        if statement in self.frozen:
            beyond = max(beyond, self.thaws)
        return self.words.attestors(statement, now, beyond)

    def _fresh(self, pairs: tuple[tuple[bytes, int], ...]) -> tuple[tuple[bytes, int], ...]:
        return tuple(pair for pair in pairs if pair[1] > self.thaws)


def fresh_words(words: Words, payments: Iterable[Payment], view: View) -> FreshWords | None:
    """The words that count if something paid here is frozen; None if nothing is."""
    since = view.control().frozen_from
    if since is None:
        return None
    frozen = frozenset(each.terms for each in payments if not view.pins_of(each.withdrawal_id))
    return FreshWords(words, frozen, since + FREEZE) if frozen else None
