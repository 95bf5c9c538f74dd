"""The small changes that `scripts.mutate` makes in a Python source.

Rule 1: a mutation is known by the position of its node in the walk and by its name, so it is deterministic.
Rule 2: comparisons, boundaries, connectives, negations, arithmetic, constants, conditions, arguments; and
        returns, raises, yields, calls and jumps that are left out.
Rule 3: annotations, decorators, docstrings and texts of messages are left alone: nothing decides by them.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_LEFT_ALONE = (ast.JoinedStr,)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of one node."""

    node: int
    """Its position in the walk."""
    name: str
    what: str
    """For people: the name, and the source before it."""
    lines: range
    """Of the statement, as the coverage knows it."""

    @property
    def line(self) -> int:
        """Where the statement starts."""
        return self.lines.start

    def apply(self, source: str) -> str:
        """The changed source, without its comments."""
        tree = ast.parse(source)
        parent, field, place, node, _ = list(_walk(tree))[self.node]
        changed = dict(_changes(node))[self.name]
        if place is None:
            setattr(parent, field, changed)
        else:
            getattr(parent, field)[place] = changed
        return ast.unparse(ast.fix_missing_locations(tree))


_Step = tuple[ast.AST, str, int | None, ast.AST, ast.stmt]


def mutations_of(source: str) -> list[Mutation]:
    """Every mutation of a source, in order."""
    return [
        Mutation(number, name, f"{name}: {_shown(node)}", _lines(statement))
        for number, (_, _, _, node, statement) in enumerate(_walk(ast.parse(source)))
        for name, _ in _changes(node)
    ]


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:90]


def _lines(statement: ast.stmt) -> range:
    """The head of a compound statement, the whole of a simple one."""
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if body else statement.end_lineno or statement.lineno
    return range(statement.lineno, max(last, statement.lineno) + 1)


def _walk(tree: ast.Module) -> Iterator[_Step]:
    for place, statement in enumerate(tree.body):
        yield from _walk_node((tree, "body", place, statement, statement))


def _walk_node(step: _Step) -> Iterator[_Step]:
    yield step
    *_, node, statement = step
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for place, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST) and not isinstance(child, _LEFT_ALONE):
                inner = child if isinstance(child, ast.stmt) else statement
                yield from _walk_node((node, field, place, child, inner))


def _is_symmetric(function: ast.expr) -> bool:
    """Whether the order of its arguments makes no difference."""
    return isinstance(function, ast.Name) and function.id in ("min", "max")


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Each name with the node that replaces this one. Parts are shared: only one is ever written."""
    yield from _statement_changes(node)
    match node:
        case ast.Compare(left, [*operators], comparators):
            for place, operator in enumerate(operators):
                swapped = _COMPARISONS[type(operator)]
                changed = [*operators[:place], swapped(), *operators[place + 1 :]]
                name = f"{type(operator).__name__} becomes {swapped.__name__}"
                yield (
                    (name if place == 0 else f"{name} ({place})"),
                    ast.Compare(left, changed, comparators),
                )
        case ast.BoolOp(operator, values):
            other: ast.boolop = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield "and/or", ast.BoolOp(other, values)
        case ast.UnaryOp(ast.Not(), operand):
            yield "not removed", operand
        case ast.BinOp(left, operator, right) if type(operator) in _ARITHMETIC:
            yield "arithmetic", ast.BinOp(left, _ARITHMETIC[type(operator)](), right)
        case ast.IfExp(test, body, orelse):
            yield "branches swapped", ast.IfExp(test, orelse, body)
        case ast.Call(function, [first, second, *rest], keywords) if not _is_symmetric(function):
            yield "arguments swapped", ast.Call(function, [second, first, *rest], keywords)
        case ast.Constant(bool() as value):
            yield "constant flipped", ast.Constant(not value)
        case ast.Constant(int() as value):
            yield "plus one", ast.Constant(value + 1)
            yield "minus one", ast.Constant(value - 1)
        case _:
            pass


def _statement_changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.If(_, body, orelse):
            yield "never", ast.If(ast.Constant(False), body, orelse)
            yield "always", ast.If(ast.Constant(True), body, orelse)
        case ast.Return(value) if value is not None and not _is_none(value):
            yield "returns None", ast.Return(None)
        case ast.Raise():
            yield "raise left out", ast.Pass()
        case ast.Expr(ast.Call()):
            yield "call left out", ast.Pass()
        case ast.Expr(ast.Yield() | ast.YieldFrom() as made):
            # A function without any yield would be no generator: this one yields nothing.
            nothing = ast.YieldFrom(ast.Tuple([], ast.Load()))
            yield f"{type(made).__name__.lower()} left out", ast.Expr(nothing)
        case ast.Continue() | ast.Break():
            yield "jump left out", ast.Pass()
        case _:
            pass


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
