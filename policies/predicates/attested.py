"""`attested(k, group)`: at least k distinct keys of the group vouch for what the spend does, or for a coin.

1. A payment on record with equal terms needs no fresh word (design section 5), unless an equal one was closed
   since: then a word counts only from after that closing, for all equal ones together (ADR 0006).
2. For a payment the statement is exactly its id, amount and script; for a coin exactly its outpoint,
   amount and script, all k keys at one height.
3. For an anchor, a sweep or a rotation all k keys say the one statement that `approve` chose: the same that
   J2, `anchor_extends` and the record go by.
4. Expired words, words that reach too far ahead, and a key's second word do not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from policies.arguments import Arguments, Group
from policies.predicates.unrecorded import equals_of, said_together, unrecorded, words_after
from signer.core.errors import Objection
from signer.core.evidence import AnchorTerms, CoinTerms, Statement, StatementKind
from signer.core.moments import format_time
from signer.core.payment import WithdrawalTerms
from signer.core.question import Question
from signer.core.spend import SpentCoin
from signer.core.words import Words

_ATTEST = {
    StatementKind.COIN: "that the coin is confirmed and unspent, within the hour",
    StatementKind.WITHDRAWAL: "the id, amount and script of each withdrawal not on record yet",
    StatementKind.ANCHOR: "the batch, its root and Ethereum transaction, and the batch and root before it",
    StatementKind.SWEEP: "the vault that receives, the path and the highest fee, for one transaction",
}


@dataclass(frozen=True, slots=True)
class Attested:
    """A quorum of attestors."""

    NAME: ClassVar = "attested"
    SIGNATURE: ClassVar = "(k, group)"
    CODES: ClassVar[tuple[str, ...]] = ("attestation-missing", "coin-unproven")
    WAITABLE: ClassVar = False

    needed: int
    group: Group
    subject: StatementKind
    """What a reviewer reads that it asks for; the spend itself decides (rules 2 and 3)."""

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`attested(2, watchers)`. Raises PolicyError, `policy-unsatisfiable` for k above the keys,
        `policy-value` for a group with an OpenSSH key."""
        needed, group = arguments.quorum()
        if any(len(key) != 32 for key in group.keys):
            detail = f"attestors sign with x-only keys: group {group.name} has an OpenSSH key"
            raise arguments.error("policy-value", detail, arguments.offset)
        return cls(needed, group, arguments.names.subject)

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
        return f"{self.who} attest {_ATTEST[self.subject]}"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too: enough of any k keys are of the other group."""
        if not isinstance(other, Attested) or self.subject is not other.subject:
            return False
        return self.needed - len(self.group.keys - other.group.keys) >= other.needed

    def counted(self, words: Words, statement: Statement, now: int) -> int:
        """How many of the group vouch for exactly this statement."""
        return len(words.attestors(statement, now) & self.group.keys)

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each payment, anchor, sweep or rotation without its quorum."""
        said: dict[object, set[Statement]] | None = None
        for wanted in _wanted(question):
            what, about, statement, beyond = wanted
            counted = self._counted(question, wanted)
            if counted >= self.needed:
                continue
            if said is None:
                said = self._said(question)
            contrary = said.get(about, set()) - {statement}
            other = ": what was said of it is for other terms" if contrary else ""
            if beyond:
                other = (
                    f" that expire after {format_time(beyond)}, for all equal ones together: "
                    "an equal one was closed"
                )
            yield Objection(
                "attestation-missing",
                f"{what} lacks attestations{other}",
                f"{counted} of {self.needed}" + self._stale(question, statement, counted),
                self.who,
                change=self._more(counted),
            )

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        """One when no single statement about the coin has its quorum."""
        best, statement = 0, None
        for each in question.authorized.coin_statements(coin.outpoint, coin.prevout):
            counted = self.counted(question.authorized, each, question.now)
            if counted >= self.needed:
                return
            if counted >= best:
                best, statement = counted, each
        other = self._stale(question, statement, best)
        if statement is None and coin.outpoint in question.authorized.coins:
            other = "; there is word for another amount or script"
        yield Objection(
            "coin-unproven",
            f"coin {coin.outpoint} is not proven to exist unspent",
            f"{best} of {self.needed}{other}",
            self.who,
            change=self._more(best),
        )

    def _more(self, counted: int) -> str:
        return f"attestations by {self.needed - counted} more of {self.group.name}"

    def _counted(self, question: Question, wanted: "_Wanted") -> int:
        statement = wanted.statement
        if statement is None:
            return 0
        if wanted.beyond and isinstance(statement, WithdrawalTerms):
            equals = equals_of(question, statement)
            together = said_together(question, equals, wanted.beyond) & self.group.keys
            return len(together & question.authorized.attestors(statement, question.now))
        return self.counted(question.authorized, statement, question.now)

    def _stale(self, question: Question, statement: Statement | None, counted: int) -> str:
        if statement is None:
            return ""
        said = {attestor for attestor, _ in question.authorized.said.get(statement, ())}
        stale = len(said & self.group.keys) - counted
        return f", {stale} expired or too far ahead" if stale else ""

    def _said(self, question: Question) -> dict[object, set[Statement]]:
        """What the group said, by what it is about."""
        said: dict[object, set[Statement]] = {}
        for statement, pairs in question.authorized.said.items():
            if any(attestor in self.group.keys for attestor, _ in pairs):
                said.setdefault(_about(statement), set()).add(statement)
        return said


class _Wanted(NamedTuple):
    """What needs a quorum."""

    what: str
    about: object
    statement: Statement | None
    """That would do."""
    beyond: int
    """The expiry that words must exceed; 0 for any."""


def _wanted(question: Question) -> Iterator[_Wanted]:
    """By the spend's own facts."""
    spend, new = question.spend, set(unrecorded(question))
    for terms in (payment.terms for payment in spend.payments):  # 1
        beyond = words_after(question, equals_of(question, terms))
        if beyond or terms in new:
            what = f"withdrawal {terms.withdrawal_id.hex()}"
            yield _Wanted(what, terms.withdrawal_id, terms, beyond)
    if spend.anchor is not None:
        magic, batch = spend.anchor.magic, spend.anchor.batch_id
        what = f"the anchor of batch {batch} of {magic.hex()}"
        yield _Wanted(what, (magic, batch), question.anchored, 0)
    if spend.to is not None:
        what = f"the {spend.kind} to {spend.to.vault_id} by the {spend.path.name} path"
        yield _Wanted(what, StatementKind.SWEEP, question.swept, 0)


def _about(statement: Statement) -> object:
    """What two statements of which at most one can be meant have in common."""
    if isinstance(statement, WithdrawalTerms):
        return statement.withdrawal_id
    if isinstance(statement, CoinTerms):
        return statement.outpoint
    if isinstance(statement, AnchorTerms):
        return statement.magic, statement.batch
    return StatementKind.SWEEP
