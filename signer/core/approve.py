"""Consent: facts against the record and the policy (design sections 7 and 8). Default: no.

1. J1, pins (`pins`): a version spends its withdrawal's pin and pays the same amount to the same script;
   a pinned coin is spent only by a transaction that pays all that is pinned to it.
2. Coins: each input is proven by fresh evidence, unless a version of a withdrawal paid here already
   spends it, with this amount and script; a new pin is always proven afresh.
3. Change stays below the highest index seen plus the vault's lookahead.
4. J2, anchors (`anchors`): one batch, one root. Sweep statements serve once (`sweeps`).
5. The policy of this vault and kind has no objection.
All objections are collected; one is enough to refuse.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from signer.bitcoin.transaction import TxOut
from signer.core.anchors import anchor_objections, anchor_statement
from signer.core.errors import MAX_OBJECTIONS, Objection, PolicyDenied, unverified
from signer.core.evidence import AnchorTerms, Authorized, SweepTerms
from signer.core.pins import Binding, bind, pin_objections
from signer.core.spend import ApprovedSpend, SpentCoin, VerifiedSpend
from signer.core.sweeps import sweep_objections, sweep_statement
from signer.core.vault import CHANGE, RECEIVE
from signer.core.view import RecordedVersion, View


@dataclass(frozen=True, slots=True)
class Question:
    """All that consent may depend on."""

    spend: VerifiedSpend
    authorized: Authorized
    binding: Binding
    view: View
    now: int
    """Effective time, Unix seconds."""
    anchored: AnchorTerms | None = None
    """The statement with the most attestors for exactly this anchor."""
    swept: SweepTerms | None = None
    """The unused statement with the most attestors that covers this sweep or rotation."""


class Policy(Protocol):
    """What `approve` needs of a policy."""

    @property
    def policy_id(self) -> bytes:
        """SHA-256 of the policy file."""

    def coin_objections(self, question: Question, coin: SpentCoin) -> Iterator[Objection]:
        """Why the evidence does not prove that coin (the vault's `coins` expression)."""

    def spend_objections(self, question: Question) -> Iterator[Objection]:
        """Why no `[[allow]]` block of this kind and vault consents; nothing when one does."""


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


def ask(spend: VerifiedSpend, authorized: Authorized, view: View, now: int) -> Question:
    """The question that `approve` and ExplainPsbt answer alike."""
    return Question(
        spend=spend,
        authorized=authorized,
        binding=bind(spend, view),
        view=view,
        now=now,
        anchored=anchor_statement(spend, authorized, now),
        swept=sweep_statement(spend, authorized, view, now),
    )


def objections(question: Question, policy: Policy) -> Iterator[Objection]:
    """Every reason against the spend, universal rules first."""
    yield from pin_objections(question.spend, question.binding, question.view)  # 1
    yield from _coin_objections(question, policy)  # 2
    yield from _change_objections(question)  # 3
    yield from _statement_objections(question)  # 4
    yield from policy.spend_objections(question)  # 5


def trace(question: Question, policy: Policy) -> Iterator[TraceLine]:
    """The verdicts of the universal rules; the policy's own are the policy's to tell."""
    rules = (
        (
            "pins",
            "Each version spends its withdrawal's pin; no pin is spent without paying.",
            pin_objections(question.spend, question.binding, question.view),
        ),
        (
            "coins",
            "Each coin is proven to exist and to be unspent.",
            _coin_objections(question, policy),
        ),
        ("change", "Change stays within the lookahead window.", _change_objections(question)),
        (
            "statements",
            "One batch has one root; a sweep statement serves once.",
            _statement_objections(question),
        ),
    )
    for rule, text, found in rules:
        reasons = tuple(found)
        yield TraceLine(rule, text, reasons, not reasons)


def approve(question: Question, policy: Policy) -> ApprovedSpend:
    """The spend with consent. Raises PolicyDenied with at most MAX_OBJECTIONS reasons."""
    reasons = tuple(islice(objections(question, policy), MAX_OBJECTIONS))
    if reasons:
        raise PolicyDenied(*reasons)
    binding = question.binding
    return ApprovedSpend(
        spend=question.spend,
        authorized=question.authorized,
        new_pins=binding.new_pins,
        first_pin=binding.first_pin,
        charge=binding.charge,
        policy_id=policy.policy_id,
        decided_at=question.now,
        anchored=question.anchored,
        sweep_nonce=question.swept.nonce if question.swept is not None else b"",
        seen=_seen(question),
    )


def recall(spend: VerifiedSpend, recorded: RecordedVersion) -> None:
    """A retry of what is on record must be the same in all that a signature depends on.

    Raises VerificationError `retry-mismatch`: same txid, but another vault, other withdrawals, or another
    script, sighash type or digest for some input (an old approval must not carry a new signature).
    """
    signing = tuple(
        (task.input_index, task.pubkey, task.script, task.sighash_type, task.digest)
        for task in spend.tasks
    )
    terms = frozenset(payment.terms for payment in spend.payments)
    same = (recorded.vault_fingerprint, recorded.terms, recorded.signing) == (
        spend.vault.fingerprint,
        terms,
        signing,
    )
    if not same:
        raise unverified(
            "retry-mismatch", "this txid is on record with other withdrawals, scripts or digests"
        )


def _coin_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    for coin in question.spend.coins:
        if coin.outpoint in question.binding.unproven:
            yield from policy.coin_objections(question, coin)
        elif _recorded(question, coin) != coin.prevout:
            yield Objection(
                "coin-not-as-recorded",
                f"{coin.outpoint} is on record with another amount or script",
                f"{coin.prevout.amount} sat",
            )


def _recorded(question: Question, coin: SpentCoin) -> TxOut | None:
    return question.view.recorded_coin(question.spend.vault.fingerprint, coin.outpoint)


def _statement_objections(question: Question) -> Iterator[Objection]:
    spend, view = question.spend, question.view
    yield from anchor_objections(spend, question.anchored, view)
    yield from sweep_objections(spend, question.authorized, view)


def _change_objections(question: Question) -> Iterator[Objection]:
    change, vault = question.spend.change, question.spend.vault
    if change is None:
        return
    end = question.view.next_index(vault.fingerprint, CHANGE) + vault.lookahead
    if change.index >= end:
        yield Objection(
            "change-index-too-high",
            "the change address lies beyond what a wallet restored from its seed would look at",
            f"index {change.index}",
            f"below {end}",
        )


def _seen(question: Question) -> tuple[tuple[int, int], ...]:
    """What moves the address windows on: change, and coins within a window. A coin that somebody sent to
    an address far beyond is spent like any other, but does not open the way there."""
    spend = question.spend
    places = {(coin.derived.branch, coin.derived.index) for coin in spend.coins}
    if spend.change is not None:
        places.add((CHANGE, spend.change.index))
    ends = {
        branch: question.view.next_index(spend.vault.fingerprint, branch) + spend.vault.lookahead
        for branch in (RECEIVE, CHANGE)
    }
    return tuple(sorted(place for place in places if place[1] < ends[place[0]]))
