"""Witnesses: a described spend that one policy signs and another does not.

1. Drafts of the ways that are not proven to lie under the other policy's are put to the ways of both; a
   predicate is asked once for each draft.
2. What is found is put to both policies as the kernel would, universal rules included, before it counts.
3. The search takes a bounded number of steps. That nothing was found proves nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice

from policies.analysis.described import (
    Circumstances,
    DescribedChain,
    DescribedRecord,
    DescribedSpend,
    Verdict,
    anchor_terms,
    move_terms,
    payments_of,
    question_of,
    recorded_payments,
    verdict_of,
    words_about,
)
from policies.analysis.draft import A_MONDAY, Draft, drafts
from policies.analysis.normal import Way, in_order
from policies.expression import predicates
from policies.loaded import LoadedPolicy, Route
from policies.predicates import Predicate
from policies.predicates.buried import Buried
from policies.predicates.confirmed import Confirmed
from signer.bitcoin.script import DUST_LIMIT, script_type
from signer.bitcoin.units import MAX_MONEY, Sats, Weight
from signer.core.evidence import AnchorTerms
from signer.core.moments import DAY
from signer.core.opreturn import Anchor
from signer.core.question import Question
from signer.core.spend import Kind
from signer.core.vault import Vault

MAX_STEPS = 120_000
"""Of one comparison: predicates asked, and drafts at a price of 30."""
_A_DRAFT = 30
_DRAFTED_WAYS = 16
_DRAFTS_OF_A_WAY = 600
_WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Witness:
    """A spend that one policy signs and the other does not."""

    draft: Draft
    codes: tuple[str, ...]
    """Why the other does not."""


@dataclass(frozen=True, slots=True)
class Side:
    """A policy and its ways of one route."""

    policy: LoadedPolicy
    ways: tuple[Way, ...]


@dataclass
class Steps:
    """What the searches of one comparison may still cost. Each takes at most half of what is left."""

    left: int = MAX_STEPS


class Search:
    """One search for a spend that `yes` signs and `no` does not."""

    def __init__(self, yes: Side, no: Side, steps: Steps) -> None:
        self._yes, self._no, self._steps = yes, no, steps

    def witness(self, route: Route, uncovered: Iterable[Way]) -> Witness | None:
        """The first that is found."""
        predicates = _predicates((*self._yes.ways, *self._no.ways))
        end = self._steps.left // 2
        for way in islice(uncovered, _DRAFTED_WAYS):
            asked = dict.fromkeys((*in_order(way), *predicates))
            for draft in islice(drafts(route, way, asked), _DRAFTS_OF_A_WAY):
                if self._steps.left < end:
                    return None
                codes = self._parted(draft)
                if codes:
                    return Witness(draft, codes)
        return None

    def _parted(self, draft: Draft) -> tuple[str, ...]:
        """Why `no` refuses what `yes` signs; nothing if it does not."""
        question = question_about(draft, self._yes.policy, self._no.policy)
        if question is None:
            return ()
        answers: dict[Predicate, bool] = {}
        found = self._goes(self._yes.ways, question, answers)
        found = found and not self._goes(self._no.ways, question, answers)
        self._steps.left -= _A_DRAFT + len(answers)
        if not found or verdict_of(self._yes.policy, question).verdict is not Verdict.SIGN:
            return ()
        return verdict_of(self._no.policy, question).codes

    def _goes(
        self, ways: tuple[Way, ...], question: Question, answers: dict[Predicate, bool]
    ) -> bool:
        return any(all(_answer(each, question, answers) for each in way) for way in ways)


def _answer(predicate: Predicate, question: Question, answers: dict[Predicate, bool]) -> bool:
    if predicate not in answers:
        answers[predicate] = not any(True for _ in predicate.objections(question))
    return answers[predicate]


def _predicates(ways: Iterable[Way]) -> tuple[Predicate, ...]:
    return tuple(dict.fromkeys(predicate for way in ways for predicate in in_order(way)))


def question_about(draft: Draft, *policies: LoadedPolicy) -> Question | None:
    """The draft, described before any of the policies expires; None where it describes no spend that could
    exist. The vaults are those of the first policy."""
    vaults = {vault.vault_id: vault for vault in policies[0].vaults}
    spend = _described(draft, vaults, policies[0])
    if spend is None:
        return None
    now = draft.now - _WEEK * _weeks_before(policies)
    ago, charge, begun = draft.charged
    record = DescribedRecord(
        charges=((now - ago, Sats(charge), begun),),
        withdrawals=recorded_payments(spend.vault, spend.payments if draft.is_bump else ()),
        attested_since=now - draft.waited,
        officers=draft.officers,
        moves=(move_terms(spend),) if spend.to is not None else (),
    )
    seers = frozenset[bytes]().union(*(policy.attestors for policy in policies))
    words = words_about(spend, draft.attestors, seers)
    if spend.anchor is not None and not draft.extends:
        words = replace(words, said_by={_out_of_order(spend.anchor, policies[0]): draft.attestors})
    chain = _chain(draft, policies)
    return question_of(spend, Circumstances(now, words, record, draft.caller, chain))


def _chain(draft: Draft, policies: Iterable[LoadedPolicy]) -> DescribedChain:
    """As deep as the draft's coins are, and as each `coins` asks: those are compared apart."""
    asked = [
        each
        for policy in policies
        for entry in policy.vault_entries
        for each in predicates(entry.coins)
    ]
    blocks = [each.blocks for each in asked if isinstance(each, Confirmed)]
    work = [each.work for each in asked if isinstance(each, Buried)]
    return DescribedChain(max((draft.blocks, *blocks)), max((draft.work, *work)), draft.tip_age)


def _weeks_before(policies: Iterable[LoadedPolicy]) -> int:
    """So many weeks earlier no policy has expired."""
    ends = [policy.expires for policy in policies if policy.expires is not None]
    late = A_MONDAY + _WEEK + 1 - min(ends, default=A_MONDAY + _WEEK + 1)
    return max(0, -(-late // _WEEK))


def _described(
    draft: Draft, vaults: dict[str, Vault], policy: LoadedPolicy
) -> DescribedSpend | None:
    route, vault = draft.route, vaults[draft.route.vault_id]
    paths = [index for index, path in enumerate(vault.paths) if path.name == draft.path]
    pays = route.kind is Kind.WITHDRAWAL
    if not paths or not _could_be(draft):
        return None
    return DescribedSpend(
        vault=vault,
        kind=route.kind,
        payments=payments_of(((draft.amount, draft.script),) if pays else ()),
        fee=Sats(draft.fee),
        weight=Weight(draft.weight),
        input_count=draft.inputs,
        output_count=draft.outputs,
        path_index=paths[0],
        anchor=_anchor(policy) if route.kind is Kind.ANCHOR else None,
        to=None if route.to is None else vaults[route.to],
        moved=Sats(draft.amount if route.kind is Kind.ROTATION else 0),
        is_replaceable=draft.is_replaceable,
    )


def _could_be(draft: Draft) -> bool:
    least = DUST_LIMIT[script_type(draft.script)]
    counted = (draft.fee, draft.amount - least, draft.weight - 1, *draft.charged, draft.now)
    return min(counted) >= 0 and draft.amount + draft.fee <= MAX_MONEY


def _out_of_order(anchor: Anchor, policy: LoadedPolicy) -> AnchorTerms:
    """That the second batch follows one before the first."""
    return anchor_terms(anchor, policy.rollups[0].first_batch - 1, b"\x01" * 32)


def _anchor(policy: LoadedPolicy) -> Anchor:
    """Of the second batch of the first rollup: a policy with anchors has one."""
    rollup = policy.rollups[0]
    return Anchor(rollup.magic, rollup.first_batch + 1, b"\x02" * 32, b"\x03" * 32)
