"""An expression as nested lists."""

from policies.analysis.markup import Markup, element, items, joined
from policies.expression import Expression, Leaf
from policies.predicates import CoinPredicate, Predicate

Told = Expression[Predicate] | Expression[CoinPredicate]


def tree(expression: Told) -> Markup:
    """The whole expression."""
    return element("div", _node(expression), style="tree")


def _node(expression: Told) -> Markup:
    if isinstance(expression, Leaf):
        return element("span", expression.predicate.english)
    parts = items("ol", map(_node, expression.parts))
    return joined(f"{expression.words}:", parts)
