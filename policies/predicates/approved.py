"""`approved(k, group)`: at least k distinct officers of the group approved what the spend does.

1. Approvals are on record (`signer.core.view`), each for exactly one withdrawal's vault, id, amount and
   script, or one sweep statement; not for a transaction. Expired and rejected ones do not count.
2. A payment on record with equal terms needs no fresh approval: a fee bump does not ask officers again.
3. A sweep or rotation goes by the one statement that `approve` chose, as `attested` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from policies.arguments import Arguments, Group
from policies.predicates.unrecorded import unrecorded
from signer.core.acts import withdrawal_subject
from signer.core.errors import Objection
from signer.core.payment import WithdrawalTerms
from signer.core.question import Question
from signer.core.sweeps import approvers_of


@dataclass(frozen=True, slots=True)
class Approved:
    """A quorum of officers."""

    NAME: ClassVar = "approved"
    SIGNATURE: ClassVar = "(k, group)"
    CODES: ClassVar[tuple[str, ...]] = ("approval-missing",)
    WAITABLE: ClassVar = True

    needed: int
    group: Group

    @classmethod
    def parse(cls, arguments: Arguments) -> Self:
        """`approved(2, officers)`. Raises PolicyError, `policy-unsatisfiable` for k above the keys."""
        return cls(*arguments.quorum())

    @property
    def text(self) -> str:
        """As it is written."""
        return f"approved({self.needed}, {self.group.name})"

    @property
    def who(self) -> str:
        """Whose approval is asked for."""
        return f"{self.needed} of the {len(self.group.keys)} officers in {self.group.name}"

    @property
    def english(self) -> str:
        """For a reviewer."""
        return f"{self.who} approved it"

    def implies(self, other: object) -> bool:
        """Whether whatever passes this passes that too: enough of any k keys are of the other group."""
        if not isinstance(other, Approved):
            return False
        return self.needed - len(self.group.keys - other.group.keys) >= other.needed

    def objections(self, question: Question) -> Iterator[Objection]:
        """One for each payment, sweep or rotation without its quorum."""
        for terms in unrecorded(question):
            counted = len(_approvers(question, terms) & self.group.keys)
            if counted < self.needed:
                yield self._missing(f"withdrawal {terms.withdrawal_id.hex()}", counted)
        spend, swept = question.spend, question.swept
        if spend.to is None:
            return
        approvers = (
            frozenset[bytes]()
            if swept is None
            else approvers_of(spend, swept, question.view, question.now)
        )
        counted = len(approvers & self.group.keys)
        if counted < self.needed:
            what = f"the {spend.kind} to {spend.to.vault_id} by the {spend.path.name} path"
            yield self._missing(what, counted)

    def _missing(self, what: str, counted: int) -> Objection:
        return Objection(
            "approval-missing",
            f"{what} lacks approvals",
            f"{counted} of {self.needed}",
            self.who,
            change=f"approvals by {self.needed - counted} more of {self.group.name}",
        )


def _approvers(question: Question, terms: WithdrawalTerms) -> frozenset[bytes]:
    """Whose approval of that withdrawal counts."""
    vault = question.spend.vault
    subject = withdrawal_subject(vault.network.genesis_hash, vault.fingerprint, terms)
    approvals = question.view.approvers(subject)
    return frozenset(officer for officer, expiry in approvals if question.now < expiry)
