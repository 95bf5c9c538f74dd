"""Consent: facts against the record and the policy (design sections 7 and 8). Default: no.

0. The kernel is neither locked nor paused (`control`): this stops retries too.
1. J1, pins (`pins`): a version spends its withdrawal's pin and pays the same amount to the same script;
   a pinned coin is spent only by a transaction that pays all that is pinned to it, or by a sweep or rotation
   that the officers' quorum approved. Of a closed withdrawal nothing is signed, retries neither.
2. Coins: each input is proven as the vault's `coins` asks, by fresh evidence or by its block, unless a
   version of a withdrawal paid here already spends it, with this amount and script; a new pin is always
   proven afresh.
3. Change stays below the highest index seen plus the vault's lookahead.
4. J2, anchors (`anchors`): one batch, one root. Sweep statements serve once (`sweeps`).
5. No officer holds what is paid, or to whom (`holds`). A hold stops retries too.
6. After a new epoch what is not on record needs words that were given since (`freeze`).
7. The policy of this vault and kind has no objection.
All objections are collected; one is enough to refuse. Where only approvals or time are missing under 7, the
answer is Pending, which is no refusal.
"""

from collections.abc import Iterator
from itertools import islice

from signer.core.anchors import anchor_statements
from signer.core.errors import MAX_OBJECTIONS, Fault, Objection, Pending, PolicyDenied
from signer.core.evidence import Authorized
from signer.core.question import Policy, Question
from signer.core.spend import ApprovedSpend, VerifiedSpend
from signer.core.sweeps import sweep_statements
from signer.core.universal_rules import (
    let_go_objections,
    statement_objections,
    universal_objections,
)
from signer.core.vault import CHANGE, RECEIVE
from signer.core.view import View

MAX_ALTERNATIVES = 64
"""Statements about one anchor or move that are tried, those with most voices first."""


def settle(question: Question, policy: Policy) -> Question:
    """The question with the statement under which the policy consents, or could later, where several fit
    an anchor, sweep or rotation; else the one with most voices. So no word more turns a yes into a no."""
    fitting = [
        each
        for each in _alternatives(question)
        if not any(statement_objections(each)) and not any(let_go_objections(each, policy))
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
            yield question.judged_by(anchor, None)
        for move in swept[:MAX_ALTERNATIVES]:
            yield question.judged_by(None, move)


def objections(question: Question, policy: Policy) -> Iterator[Objection]:
    """Every reason against the spend, universal rules first."""
    yield from universal_objections(question, policy)
    yield from policy.spend_objections(question)  # 7


def waiting(question: Question, policy: Policy) -> tuple[Objection, ...]:
    """What a spend that has objections lacks, if approvals and time are all that it lacks."""
    if any(universal_objections(question, policy)):
        return ()
    return policy.waiting(question)


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
        chain=question.chain,
    )


def _seen(spend: VerifiedSpend, view: View) -> tuple[tuple[int, int], ...]:
    """What moves the address windows on: change, and coins within a window. A coin that somebody sent to
    an address far beyond is spent like any other, but does not open the way there. Where all keys are fixed
    there is one address and no way to open."""
    vault, change = spend.vault, spend.change
    if vault.is_fixed:
        return ()
    ends = [
        vault.window_end(view.next_index(vault.fingerprint, each)) for each in (RECEIVE, CHANGE)
    ]
    derived = [coin.derived for coin in spend.coins]
    seen = {(each.branch, each.index) for each in derived if each.index < ends[each.branch]}
    if change is not None and change.index < ends[CHANGE]:
        seen.add((CHANGE, change.index))
    return tuple(sorted(seen))
