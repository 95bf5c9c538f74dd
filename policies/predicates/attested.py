"""`attested(k, group)`: at least k distinct keys of the group vouch for each payment, or for a coin.

1. A payment on record with equal terms needs no fresh word (design section 5).
2. For a payment the statement is exactly its id, amount and script; for a coin exactly its outpoint,
   amount and script, all k keys at one height.
3. Expired words, words that reach too far ahead, and a key's second word do not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments, Group
from signer.core.approve import Question
from signer.core.errors import Objection
from signer.core.evidence import Statement
from signer.core.payment import WithdrawalTerms
from signer.core.spend import SpentCoin


@dataclass(frozen=True, slots=True)
class Attested:
    """A quorum of attestors."""

    NAME: ClassVar = "attested"
    SIGNATURE: ClassVar = "(k, group)"
    CODES: ClassVar[tuple[str, ...]] = ("attestation-missing", "coin-unproven")

    needed: int
    group: Group

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`attested(2, watchers)`. Raises PolicyError, `policy-unsatisfiable` for k above the keys."""
        needed, group = arguments.count(), arguments.group()
        if needed > len(group.keys):
            detail = f"{needed} of {len(group.keys)} keys in {group.name}"
            raise arguments.error("policy-unsatisfiable", detail, arguments.offset)
        return cls(needed, group)

    @property
    def text(self) -> str:
        """As it is written."""
        return f"attested({self.needed}, {self.group.name})"

    @property
    def who(self) -> str:
        """Whose word is asked for."""
        return f"{self.needed} of the {len(self.group.keys)} keys in {self.group.name}"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"{self.who} attest the id, amount and script of each withdrawal not on record yet"

    @property
    def coin_english(self) -> str:
        """For a reviewer, where a coin is asked about."""
        return f"{self.who} attest that the coin is confirmed and unspent, within the hour"

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each payment without its quorum."""
        said: dict[bytes, set[WithdrawalTerms]] | None = None
        for payment in question.spend.payments:
            terms = payment.terms
            recorded = question.view.withdrawal(terms.withdrawal_id)
            if recorded is not None and recorded.terms == terms:
                continue
            counted = self._counted(question, terms)
            if counted >= self.needed:
                continue
            if said is None:
                said = self._said(question)
            contrary = said.get(terms.withdrawal_id, set()) - {terms}
            other = ": what was said of it is for other terms" if contrary else ""
            yield Objection(
                "attestation-missing",
                f"withdrawal {terms.withdrawal_id.hex()} lacks attestations" + other,
                f"{counted} of {self.needed}" + self._stale(question, terms, counted),
                self.who,
            )

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        """One when no single statement about the coin has its quorum."""
        statements = question.authorized.coin_statements(coin.outpoint, coin.prevout)
        tallies = [(self._counted(question, each), each) for each in statements]
        best, statement = max(tallies, key=lambda tally: tally[0], default=(0, None))
        if best >= self.needed:
            return
        if statement is not None:
            other = self._stale(question, statement, best)
        else:
            known = coin.outpoint in question.authorized.coins
            other = "; there is word for another amount or script" * known
        yield Objection(
            "coin-unproven",
            f"coin {coin.outpoint} is not proven to exist unspent",
            f"{best} of {self.needed}{other}",
            self.who,
        )

    def _counted(self, question: Question, statement: Statement) -> int:
        return len(question.authorized.attestors(statement, question.now) & self.group.keys)

    def _stale(self, question: Question, statement: Statement, counted: int) -> str:
        said = {attestor for attestor, _ in question.authorized.said.get(statement, ())}
        stale = len(said & self.group.keys) - counted
        return f", {stale} expired or too far ahead" if stale else ""

    def _said(self, question: Question) -> dict[bytes, set[WithdrawalTerms]]:
        """What the group said about withdrawals, by id."""
        said: dict[bytes, set[WithdrawalTerms]] = {}
        for statement, pairs in question.authorized.said.items():
            if isinstance(statement, WithdrawalTerms) and any(
                attestor in self.group.keys for attestor, _ in pairs
            ):
                said.setdefault(statement.withdrawal_id, set()).add(statement)
        return said
