"""Consent: facts against the record and the policy (design sections 7 and 8). Default: no.

0. The kernel is neither locked nor paused (`control`): this stops retries too.
1. J1, pins (`pins`): a version spends its withdrawal's pin and pays the same amount to the same script;
   a pinned coin is spent only by a transaction that pays all that is pinned to it, or by a sweep or rotation
   that the officers' quorum approved. Of a closed withdrawal nothing is signed, retries neither.
2. Coins: each input is proven by fresh evidence, unless a version of a withdrawal paid here already
   spends it, with this amount and script; a new pin is always proven afresh.
3. Change stays below the highest index seen plus the vault's lookahead.
4. J2, anchors (`anchors`): one batch, one root. Sweep statements serve once (`sweeps`).
5. No officer holds what is paid, or to whom (`holds`). A hold stops retries too.
6. After a new epoch what is not on record needs words that were given since (`freeze`).
7. The policy of this vault and kind has no objection.
All objections are collected; one is enough to refuse. Where only approvals or time are missing under 7, the
answer is Pending, which is no refusal.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

from signer.core.anchors import anchor_objections, anchor_statements
from signer.core.control import control_objections
from signer.core.errors import (
    MAX_OBJECTIONS,
    Fault,
    Objection,
    Pending,
    PolicyDenied,
    unverified,
)
from signer.core.evidence import AnchorTerms, Authorized, SweepTerms, Words
from signer.core.freeze import fresh_words
from signer.core.holds import hold_objections
from signer.core.moments import format_time
from signer.core.payment import WithdrawalTerms
from signer.core.pins import (
    Binding,
    bind,
    closed,
    pin_objections,
    unpaid_objections,
    unpinned_objections,
)
from signer.core.spend import ApprovedSpend, SpendFacts, SpentCoin, VerifiedSpend
from signer.core.sweeps import sweep_objections, sweep_statements
from signer.core.vault import CHANGE, RECEIVE
from signer.core.view import RecordedVersion, View

MAX_ALTERNATIVES = 64
"""Statements about one anchor or move that are tried, those with most voices first."""


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
    spend: VerifiedSpend, authorized: Authorized, view: View, now: int, *, caller: str = ""
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
    )


def settle(question: Question, policy: Policy) -> Question:
    """The question with the statement under which the policy consents, or could later, where several fit
    an anchor, sweep or rotation; else the one with most voices. So no word more turns a yes into a no."""
    fitting = [
        each
        for each in _alternatives(question)
        if not any(_statement_objections(each)) and not any(_unpaid_objections(each, policy))
    ]
    for each in fitting:  # what else is asked of a spend does not depend on the statement
        if not any(policy.spend_objections(each)):
            return each
    return next((each for each in fitting if policy.waiting(each)), question)


def _alternatives(question: Question) -> Iterator[Question]:
    spend, words = question.spend, question.authorized
    if spend.anchor is None and spend.to is None:
        return
    anchored = anchor_statements(spend, words, question.now)
    swept = sweep_statements(spend, words, question.view, question.now)
    if len(anchored) + len(swept) > 1:
        for anchor in anchored[:MAX_ALTERNATIVES]:
            yield _judged_by(question, anchor, None)
        for move in swept[:MAX_ALTERNATIVES]:
            yield _judged_by(question, None, move)


def _judged_by(
    question: Question,
    anchored: AnchorTerms | None,
    swept: SweepTerms | None,
    words: Words | None = None,
) -> Question:
    return Question(
        spend=question.spend,
        authorized=words or question.authorized,
        binding=question.binding,
        view=question.view,
        now=question.now,
        anchored=anchored,
        swept=swept,
        caller=question.caller,
    )


def objections(question: Question, policy: Policy) -> Iterator[Objection]:
    """Every reason against the spend, universal rules first."""
    yield from _universal_objections(question, policy)
    yield from policy.spend_objections(question)  # 7


def waiting(question: Question, policy: Policy) -> tuple[Objection, ...]:
    """What a spend that has objections lacks, if approvals and time are all that it lacks."""
    if any(_universal_objections(question, policy)):
        return ()
    return policy.waiting(question)


def _universal_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    yield from control_objections(question.view.control(), question.now)  # 0
    yield from _pin_objections(question, policy)  # 1
    yield from _coin_objections(question, policy)  # 2
    yield from _change_objections(question)  # 3
    yield from _statement_objections(question)  # 4
    yield from hold_objections(question.spend.payments, question.view, question.now)  # 5
    yield from _freeze_objections(question, policy)  # 6


def trace(question: Question, policy: Policy) -> Iterator[TraceLine]:
    """The verdicts of the universal rules; the policy's own are the policy's to tell."""
    rules = (
        (
            "control",
            "The officers have neither paused nor locked this kernel.",
            control_objections(question.view.control(), question.now),
        ),
        (
            "pins",
            "Each version spends its withdrawal's pin; no pin is spent without paying.",
            _pin_objections(question, policy),
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
        (
            "holds",
            "No officer holds what is paid, or to whom.",
            hold_objections(question.spend.payments, question.view, question.now),
        ),
        (
            "epochs",
            "After a new epoch what is not on record is attested anew.",
            _freeze_objections(question, policy),
        ),
    )
    for rule, text, found in rules:
        reasons = tuple(found)
        yield TraceLine(rule, text, reasons, not reasons)


def approve(question: Question, policy: Policy) -> ApprovedSpend:
    """The spend with consent. Raises PolicyDenied with at most MAX_OBJECTIONS reasons, or Pending."""
    spend, authorized = question.spend, question.authorized
    if not isinstance(spend, VerifiedSpend) or not isinstance(authorized, Authorized):
        raise Fault("consent was asked for a spend that is only described")
    question = settle(question, policy)
    reasons = tuple(islice(objections(question, policy), MAX_OBJECTIONS))
    if reasons:
        missing = waiting(question, policy)
        if missing:
            raise Pending(*missing[:MAX_OBJECTIONS])
        raise PolicyDenied(*reasons)
    binding = question.binding
    return ApprovedSpend(
        spend=spend,
        authorized=authorized,
        new_pins=(*binding.new_pins, *binding.loose),
        relied=binding.relied,
        first_pin=binding.first_pin,
        charge=binding.charge,
        policy_id=policy.policy_id,
        decided_at=question.now,
        anchored=question.anchored,
        sweep_nonce=question.swept.nonce if question.swept is not None else b"",
        seen=_seen(spend, question.view),
    )


def recall(spend: VerifiedSpend, recorded: RecordedVersion, view: View, now: int) -> None:
    """A retry of what is on record must be the same in all that a signature depends on. Consent is not asked
    again, but pauses, closings and holds apply (rules 0, 1 and 5).

    Raises PolicyDenied `kernel-paused`, `withdrawal-closed`, `withdrawal-held`, or VerificationError
    `retry-mismatch`: same txid, but another vault, other withdrawals, or another script, sighash type or
    digest for some input (an old approval must not carry a new signature).
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
    paused = control_objections(view.control(), now)
    paid = (payment.withdrawal_id for payment in spend.payments)
    ended = (closed(each) for each in paid if view.is_closed(each))
    held = hold_objections(spend.payments, view, now)
    stopped = tuple(islice(chain(paused, ended, held), MAX_OBJECTIONS))
    if stopped:
        raise PolicyDenied(*stopped)


def _pin_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    yield from pin_objections(question.spend, question.view)
    yield from _unpaid_objections(question, policy)
    yield from unpinned_objections(question.binding)


def _freeze_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    fresh = fresh_words(question.authorized, question.spend.payments, question.view)
    if fresh is None or not _passes(question, policy):
        return  # what the policy refuses anyway it says itself
    if not _passes(_judged_by(question, question.anchored, question.swept, fresh), policy):
        yield Objection(
            "withdrawal-frozen",
            "a new epoch of the journal froze withdrawals that are not on record",
            limit=f"a quorum of attestations that expire after {format_time(fresh.thaws)}",
        )


def _passes(question: Question, policy: Policy) -> bool:
    return not any(policy.spend_objections(question)) or bool(policy.waiting(question))


def _unpaid_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    if not policy.lets_pins_go(question):
        yield from unpaid_objections(question.spend, question.view)


def _coin_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    spend, view, unproven = question.spend, question.view, question.binding.unproven
    vault = spend.vault.fingerprint
    for coin in spend.coins:
        if coin.outpoint in unproven:
            yield from policy.coin_objections(question, coin)
        elif view.recorded_coin(vault, coin.outpoint) != coin.prevout:
            yield Objection(
                "coin-not-as-recorded",
                f"{coin.outpoint} is on record with another amount or script",
                f"{coin.prevout.amount} sat",
            )


def _statement_objections(question: Question) -> Iterator[Objection]:
    spend, view = question.spend, question.view
    yield from anchor_objections(spend, question.anchored, view)
    yield from sweep_objections(spend, question.swept, question.authorized)


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


def _seen(spend: VerifiedSpend, view: View) -> tuple[tuple[int, int], ...]:
    """What moves the address windows on: change, and coins within a window. A coin that somebody sent to
    an address far beyond is spent like any other, but does not open the way there."""
    vault, change = spend.vault, spend.change
    ends = [
        view.next_index(vault.fingerprint, each) + vault.lookahead for each in (RECEIVE, CHANGE)
    ]
    derived = [coin.derived for coin in spend.coins]
    seen = {(each.branch, each.index) for each in derived if each.index < ends[each.branch]}
    if change is not None and change.index < ends[CHANGE]:
        seen.add((CHANGE, change.index))
    return tuple(sorted(seen))
