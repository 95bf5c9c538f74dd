"""Expressions: predicates under `and`, `or` and `thresh`. Monotone: no negation, no order, no state.

1. `and` is a threshold of all its parts, `or` of one; so one node evaluates, renders and expands.
2. Every failed part of a failed node is reported: in `or` and `thresh` the part with the fewest
   objections first, because that is the nearest way to pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from signer.core.errors import Objection

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Leaf(Generic[P]):
    """One predicate."""

    predicate: P


@dataclass(frozen=True, slots=True)
class Threshold(Generic[P]):
    """At least `needed` of the parts."""

    needed: int
    parts: tuple["Leaf[P] | Threshold[P]", ...]

    @property
    def words(self) -> str:
        """English, to be followed by the parts."""
        if self.needed == len(self.parts):
            return "all of"
        return "any of" if self.needed == 1 else f"at least {self.needed} of"


Expression = Leaf[P] | Threshold[P]


def unmet(
    expression: Expression[P], judge: Callable[[P], tuple[Objection, ...]]
) -> tuple[Objection, ...]:
    """Why the expression does not hold; empty when it does. `judge` asks one predicate."""
    if isinstance(expression, Leaf):
        return judge(expression.predicate)
    met = 0
    failed: list[tuple[Objection, ...]] = []
    for part in expression.parts:
        reasons = unmet(part, judge)
        if reasons:
            failed.append(reasons)
            continue
        met += 1
        if met == expression.needed:
            return ()
    if expression.needed < len(expression.parts):
        failed.sort(key=len)
    return tuple(reason for reasons in failed for reason in reasons)


def waiting(
    expression: Expression[P],
    judge: Callable[[P], tuple[Objection, ...]],
    is_waitable: Callable[[P], bool],
) -> tuple[Objection, ...]:
    """What an expression that does not hold lacks, if it would hold once some waitable predicates did: of the
    choices of those the one with the fewest objections. Empty if it holds, or would not hold then either."""
    return tuple(dict.fromkeys(_missing(expression, judge, is_waitable) or ()))


def _missing(
    expression: Expression[P],
    judge: Callable[[P], tuple[Objection, ...]],
    is_waitable: Callable[[P], bool],
) -> tuple[Objection, ...] | None:
    """None where waiting does not help."""
    if isinstance(expression, Leaf):
        reasons = judge(expression.predicate)
        return reasons if not reasons or is_waitable(expression.predicate) else None
    parts = [_missing(part, judge, is_waitable) for part in expression.parts]
    helped = sorted((part for part in parts if part is not None), key=len)
    if len(helped) < expression.needed:
        return None
    return tuple(reason for part in helped[: expression.needed] for reason in part)


def replaced(expression: Expression[P], new: Callable[[P], P]) -> Expression[P]:
    """The same expression of other predicates."""
    if isinstance(expression, Leaf):
        return Leaf(new(expression.predicate))
    return Threshold(expression.needed, tuple(replaced(part, new) for part in expression.parts))


def nodes(expression: Expression[P], depth: int = 0) -> Iterator[tuple[int, Expression[P]]]:
    """(depth, node) of every node, parents first."""
    yield depth, expression
    if isinstance(expression, Threshold):
        for part in expression.parts:
            yield from nodes(part, depth + 1)


def predicates(expression: Expression[P]) -> Iterator[P]:
    """Every predicate, in the order of the text."""
    for _, node in nodes(expression):
        if isinstance(node, Leaf):
            yield node.predicate
