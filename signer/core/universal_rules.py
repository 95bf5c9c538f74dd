"""The rules that no policy switches off, as `signer.core.approve` numbers them (0 to 6), and their trace."""

from collections.abc import Iterator

from signer.core.anchors import anchor_objections
from signer.core.control import control_objections
from signer.core.errors import Objection
from signer.core.freeze import fresh_words
from signer.core.holds import hold_objections
from signer.core.moments import format_time
from signer.core.pins import pin_objections, unpaid_objections, unpinned_objections
from signer.core.question import Policy, Question, TraceLine
from signer.core.sweeps import sweep_objections
from signer.core.vault import CHANGE


def universal_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    """Every reason against the spend, whatever the policy says."""
    yield from control_objections(question.view.control(), question.now)  # 0
    yield from _pin_objections(question, policy)  # 1
    yield from _coin_objections(question, policy)  # 2
    yield from _change_objections(question)  # 3
    yield from statement_objections(question)  # 4
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
            "Each coin is proven as the vault's `coins` asks.",
            _coin_objections(question, policy),
        ),
        ("change", "Change stays within the lookahead window.", _change_objections(question)),
        (
            "statements",
            "One batch has one root; a sweep statement serves once.",
            statement_objections(question),
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


def _pin_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    yield from pin_objections(question.spend, question.view)
    yield from let_go_objections(question, policy)
    yield from unpinned_objections(question.binding)


def _freeze_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    fresh = fresh_words(question.authorized, question.spend.payments, question.view)
    if fresh is None or not _passes(question, policy):
        return  # what the policy refuses anyway it says itself
    if not _passes(question.judged_by(question.anchored, question.swept, fresh), policy):
        yield Objection(
            "withdrawal-frozen",
            "a new epoch of the journal froze withdrawals that are not on record",
            limit=f"a quorum of attestations that expire after {format_time(fresh.thaws)}",
        )


def _passes(question: Question, policy: Policy) -> bool:
    return not any(policy.spend_objections(question)) or bool(policy.waiting(question))


def let_go_objections(question: Question, policy: Policy) -> Iterator[Objection]:
    """Pins that it spends without paying, unless the officers' quorum lets them go (J1)."""
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


def statement_objections(question: Question) -> Iterator[Objection]:
    """J2, and statements that serve once."""
    spend, view = question.spend, question.view
    yield from anchor_objections(spend, question.anchored, view)
    yield from sweep_objections(spend, question.swept, question.authorized)


def _change_objections(question: Question) -> Iterator[Objection]:
    change, vault = question.spend.change, question.spend.vault
    if change is None:
        return
    end = vault.window_end(question.view.next_index(vault.fingerprint, CHANGE))
    if change.index >= end:
        yield Objection(
            "change-index-too-high",
            "the change address lies beyond what a wallet restored from its seed would look at",
            f"index {change.index}",
            f"below {end}",
        )
