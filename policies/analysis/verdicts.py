"""Examples, judged: what a policy answers to what its authors described.

1. Keys, scripts and terms are those of the policy that the example stands in, so that a changed policy can be
   asked what was asked of the original.
2. `2 watchers` and `to exchange` are tried in as many ways as the largest group or list named has members:
   each key is among the two once at least, each address is paid. All verdicts must be the expected one.
3. A change or hold is judged by `[governance]` alone (`governance_verdicts`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from policies.analysis.described import (
    Circumstances,
    DescribedChain,
    DescribedRecord,
    DescribedSpend,
    DescribedWords,
    move_terms,
    payments_of,
    question_of,
    recorded_payments,
    statements_of,
    verdict_of,
)
from policies.analysis.governance_verdicts import standing_of, verdict_on_hold
from policies.example import (
    ChangeExample,
    Example,
    Owed,
    SpendExample,
    Surroundings,
    Voices,
)
from policies.loaded import LoadedPolicy, Route, route_of
from signer.core.evidence import Statement
from signer.core.governance import GovernanceTerms
from signer.core.opreturn import Anchor
from signer.core.question import Question
from signer.core.spend import Kind


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What a policy answered."""

    example: Example
    seen: str
    """The verdict; of several tries the first that differs."""
    codes: tuple[str, ...]
    passed: bool

    @property
    def expected(self) -> str:
        """Verdict and code."""
        code = self.example.code if isinstance(self.example, SpendExample) else ""
        return f"{self.example.expected} {code}".strip()

    @property
    def got(self) -> str:
        """The verdict, with its codes where it is none of the expected."""
        return self.seen if self.passed else " ".join((self.seen, *dict.fromkeys(self.codes)))


@dataclass(frozen=True, slots=True)
class AskedExample:
    """An example, ready to be asked of any policy."""

    example: Example
    questions: tuple[Question, ...]
    """Of a spend's example, one for each try."""
    approvers: tuple[frozenset[bytes], ...] = ()
    """Of a change's example: the officers of each try."""

    @property
    def route(self) -> Route | None:
        """Of a spend's example: whose blocks it asks; None for the others."""
        if not self.questions:
            return None
        return route_of(self.questions[0].spend)

    @property
    def first_try(self) -> "AskedExample":
        """The same with one question at most: quicker to ask."""
        return replace(self, questions=self.questions[:1])

    def result(self, policy: LoadedPolicy) -> ExampleResult:
        """What that policy answers."""
        if isinstance(self.example, SpendExample):
            return _asked(self.example, self.questions, policy)
        if isinstance(self.example, ChangeExample):
            return _changed(self.example, self.approvers, policy.governance)
        seen = str(verdict_on_hold(self.example, policy.governance))
        return ExampleResult(self.example, seen, (), seen == self.example.expected)


def basis_of(policy: LoadedPolicy, route: Route | None) -> tuple[object, ...]:
    """All of the policy that the verdict on an example of that route depends on."""
    if route is None:
        return (policy.governance,)
    coins = tuple(
        each.coins for each in policy.vault_entries if each.vault.vault_id == route.vault_id
    )
    falling = tuple(block for block in policy.fallback if block.route == route)
    rollups = policy.rollups if route.kind is Kind.ANCHOR else ()
    return policy.blocks_of(route), coins, falling, policy.expires, rollups


def ask_examples(policy: LoadedPolicy) -> tuple[AskedExample, ...]:
    """The policy's examples with their questions."""
    return tuple(_ask(example, policy) for example in policy.examples)


def run_examples(policy: LoadedPolicy) -> tuple[ExampleResult, ...]:
    """Every example of the policy, judged by it."""
    return tuple(asked.result(policy) for asked in ask_examples(policy))


def _ask(example: Example, policy: LoadedPolicy) -> AskedExample:
    if isinstance(example, SpendExample):
        return AskedExample(example, tuple(_questions(example, policy)))
    if isinstance(example, ChangeExample):
        turns = range(_turns(example.approved, ()))
        return AskedExample(example, (), tuple(_keys(example.approved, turn) for turn in turns))
    return AskedExample(example, ())


def _asked(
    example: SpendExample, questions: Iterable[Question], policy: LoadedPolicy
) -> ExampleResult:
    verdict, codes = "", tuple[str, ...]()
    for question in questions:
        answer = verdict_of(policy, question)
        verdict, codes = str(answer.verdict), answer.codes
        if verdict != example.expected or (example.code and example.code not in codes):
            return ExampleResult(example, verdict, codes, passed=False)
    return ExampleResult(example, verdict, codes, passed=True)


def _questions(example: SpendExample, policy: LoadedPolicy) -> Iterator[Question]:
    around = example.around
    named = (*(around.attested or ()), *(around.coins or ()), *around.approved)
    for turn in range(_turns(named, example.transaction.payments)):
        spend = _spend(example, turn)
        record = _record(spend, around, turn)
        words = DescribedWords(
            dict.fromkeys(
                _statements(example, spend), _said(around.attested, turn, policy.attestors)
            ),
            _said(around.coins, turn, policy.attestors),
        )
        chain = DescribedChain(around.blocks, around.work, around.tip_age)
        yield question_of(spend, Circumstances(around.at, words, record, around.caller, chain))


def _turns(named: tuple[Voices, ...], payments: tuple[Owed, ...]) -> int:
    members = (len(voices.group.keys) for voices in named)
    return max((1, *members, *(len(owed.scripts) for owed in payments)))


def _spend(example: SpendExample, turn: int) -> DescribedSpend:
    described, terms = example.transaction, example.transaction.anchored
    owed = (
        (each.amount, each.scripts[(turn + place) % len(each.scripts)])
        for place, each in enumerate(described.payments)
    )
    anchor = None
    if terms is not None:
        anchor = Anchor(terms.magic, terms.batch, terms.root, terms.eth_tx_hash)
    return DescribedSpend(
        vault=example.vault,
        kind=example.kind,
        payments=payments_of(owed),
        fee=described.fee,
        weight=described.weight,
        input_count=described.inputs,
        output_count=described.outputs,
        path_index=described.path_index,
        anchor=anchor,
        to=example.to,
        moved=described.moved,
        is_replaceable=described.is_replaceable,
    )


def _statements(example: SpendExample, spend: DescribedSpend) -> tuple[Statement, ...]:
    anchored = example.transaction.anchored
    return statements_of(spend) if anchored is None else (anchored,)


def _record(spend: DescribedSpend, around: Surroundings, turn: int) -> DescribedRecord:
    officers = _keys(around.approved, turn)
    moves = (move_terms(spend),) if officers and spend.to is not None else ()
    return DescribedRecord(
        charges=tuple((around.at - past.ago, past.amount, past.count) for past in around.history),
        withdrawals=recorded_payments(spend.vault, spend.payments[: around.on_record]),
        fee_on_record=around.earlier_fee,
        attested_since=around.at - around.age,
        officers=officers,
        moves=moves,
    )


def _said(
    voices: tuple[Voices, ...] | None, turn: int, everybody: frozenset[bytes]
) -> frozenset[bytes]:
    return everybody if voices is None else _keys(voices, turn)


def _keys(voices: tuple[Voices, ...], turn: int) -> frozenset[bytes]:
    """Of each group the turn-th key and those that follow."""
    keys = set[bytes]()
    for each in voices:
        members = sorted(each.group.keys)
        keys.update(members[(turn + place) % len(members)] for place in range(each.count))
    return frozenset(keys)


def _changed(
    change: ChangeExample, tries: tuple[frozenset[bytes], ...], terms: GovernanceTerms | None
) -> ExampleResult:
    seen = [standing_of(change, approvers, terms) for approvers in tries]
    other = next((each for each in seen if each != change.expected), change.expected)
    return ExampleResult(change, str(other), (), other == change.expected)
