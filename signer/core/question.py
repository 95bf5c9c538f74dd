"""What consent is asked about, and of whom: the question, the policy that answers, a line of the trace.

1. A question has all that consent may depend on: facts, words, the record and the moment.
2. A policy gives reasons against; it never says yes by itself (`signer.core.approve`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from signer.core.anchors import anchor_statements
from signer.core.chain_word import ChainWord
from signer.core.errors import Objection
from signer.core.evidence import AnchorTerms, Authorized, SweepTerms
from signer.core.payment import WithdrawalTerms
from signer.core.pins import Binding, bind
from signer.core.spend import SpendFacts, SpentCoin, VerifiedSpend
from signer.core.sweeps import sweep_statements
from signer.core.view import View
from signer.core.words import Words


@dataclass(frozen=True, slots=True)
class Question:
    """All that consent may depend on."""

    spend: SpendFacts
    authorized: Words
    binding: Binding
    view: View
    now: int
    """Effective time, Unix seconds."""
    caller: str = ""
    """Who asks, by the name that the edge gives."""
    anchored: AnchorTerms | None = None
    """The statement that an anchor is judged by: of those for exactly this one, see `settle`."""
    swept: SweepTerms | None = None
    """The unused statement that a sweep or rotation is judged by: of those that cover it, see `settle`."""
    chain: ChainWord | None = None
    """What our own headers say; None where no chain is configured, or nobody asks it."""

    def judged_by(
        self,
        anchored: AnchorTerms | None,
        swept: SweepTerms | None,
        words: Words | None = None,
    ) -> "Question":
        """The same about these statements, and if given with these words alone."""
        return Question(
            spend=self.spend,
            authorized=words or self.authorized,
            binding=self.binding,
            view=self.view,
            now=self.now,
            anchored=anchored,
            swept=swept,
            caller=self.caller,
            chain=self.chain,
        )


class Policy(Protocol):
    """What `approve` needs of a policy."""

    @property
    def policy_id(self) -> bytes:
        """SHA-256 of the policy file."""

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        """Why the evidence does not prove that coin (the vault's `coins` expression)."""

    def lets_pins_go(self, question: Question) -> bool:
        """Whether it is a sweep or rotation whose statement the officers' quorum approved."""

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        """Why no `[[allow]]` block of this kind and vault consents; nothing when one does."""

    def waiting(self, question: Question) -> tuple[Objection, ...]:
        """What a spend to which no block consents lacks, if that is approvals or time alone; else nothing."""


class ClockQuorum(Protocol):
    """Whose complete word starts the clock of an `aged` rule."""

    @property
    def digest(self) -> bytes:
        """32 bytes: what the record keeps its clock by."""

    def is_complete(self, words: Words, terms: WithdrawalTerms, now: int) -> bool:
        """Whether the evidence has that quorum for exactly these terms."""


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One rule's verdict, for ExplainPsbt."""

    rule: str
    text: str
    """In English."""
    objections: tuple[Objection, ...]
    passed: bool
    brief: str = ""
    """The text without its limits, where not everybody may see them."""
    way: int = 0
    """Which way to consent it belongs to, from 1; 0 for the rules that hold for all."""


def ask(
    spend: VerifiedSpend,
    authorized: Authorized,
    view: View,
    now: int,
    *,
    caller: str = "",
    chain: ChainWord | None = None,
) -> Question:
    """The question that `approve` and ExplainPsbt answer alike."""
    return Question(
        spend=spend,
        authorized=authorized,
        binding=bind(spend, view),
        view=view,
        now=now,
        anchored=next(iter(anchor_statements(spend, authorized, now)), None),
        swept=next(iter(sweep_statements(spend, authorized, view, now)), None),
        caller=caller,
        chain=chain,
    )
