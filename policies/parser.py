"""Text to expression: `and(p,...)`, `or(p,...)`, `thresh(k,p,...)`, predicates and bare names of definitions.

1. At most 64 KiB of text and 32 levels, a definition being one: time is linear, the stack is bounded.
2. An error points at the character in the file, also within a string of many lines or a definition.
3. A threshold above the number of its parts can never be met and is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, NoReturn, Protocol, TypeVar

from policies.arguments import Argument, Arguments, Names
from policies.document import Item
from policies.expression import Expression, Leaf, Threshold
from policies.literals import MAX_COUNT
from policies.source import Source, near

MAX_TEXT = 65_536
"""Characters of one expression."""
MAX_DEPTH = 32
MAX_DIGITS = 20

COMBINATORS = ("and", "or", "thresh")
_SPACE = re.compile(r"[ \t\n]*")
_HOURS = r"[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}"
_TOKEN = re.compile(rf"({_HOURS}|[A-Za-z_][A-Za-z0-9_/-]*)|([0-9]+(?:\.[0-9]+)?)|([(),])")

P_co = TypeVar("P_co", covariant=True)
P = TypeVar("P")


class PredicateForm(Protocol[P_co]):
    """A predicate's class, as the parser needs it."""

    SIGNATURE: str
    """`(amount)`."""

    def parse(self, arguments: Arguments) -> P_co:
        """The predicate. Raises PolicyError."""


@dataclass(frozen=True, slots=True)
class Vocabulary(Generic[P]):
    """The predicates that an expression may use, and the names that they may mean."""

    forms: Mapping[str, PredicateForm[P]]
    names: Names
    misplaced: Mapping[str, str] = field(default_factory=dict)
    """Predicates of the language that mean nothing here, and why."""


@dataclass(frozen=True, slots=True)
class _Token:
    number: str
    word: str
    mark: str
    offset: int

    @property
    def text(self) -> str:
        return self.number or self.word or self.mark


def parse_expression(source: Source, item: Item, vocabulary: Vocabulary[P]) -> Expression[P]:
    """The expression of that string. Raises PolicyError `policy-expression`, `policy-literal`,
    `policy-name-unknown`, `policy-unsatisfiable`."""
    text = item.value
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise source.error(
            "policy-expression", f"an expression is a string, up to {MAX_TEXT}", item.offset
        )
    tokens = _tokens(source, item.offset, item.offset + len(text))
    return _Parser(source, tokens, vocabulary).whole(1)


def _tokens(source: Source, start: int, end: int) -> list[_Token]:
    tokens, at = list[_Token](), start
    while True:
        space = _SPACE.match(source.text, at, end)
        at = space.end() if space else at
        if at == end:
            return [*tokens, _Token("", "", "", end)]
        match = _TOKEN.match(source.text, at, end)
        if match is None:
            raise source.error("policy-expression", f"{source.text[at]!r} has no meaning here", at)
        word, number, mark = match.groups(default="")
        if len(number) > MAX_DIGITS:
            raise source.error("policy-literal", f"more than {MAX_DIGITS} digits", at)
        tokens.append(_Token(number, word, mark, at))
        at = match.end()


class _Parser(Generic[P]):
    """Recursive descent; `depth` bounds the recursion."""

    def __init__(self, source: Source, tokens: list[_Token], vocabulary: Vocabulary[P]) -> None:
        self.source = source
        self.tokens = tokens
        self.vocabulary = vocabulary
        self.at = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.next
        self.at += 1
        return token

    def expect(self, mark: str) -> None:
        """That mark, or the end of the text for the empty one."""
        if self.next.text != mark:
            self.fail(f"expected {mark or 'the end'}, not {self.next.text[:64] or 'the end'}")
        self.at += 1

    def fail(self, detail: str) -> NoReturn:
        raise self.source.error("policy-expression", detail, self.next.offset)

    def whole(self, depth: int) -> Expression[P]:
        """The expression that the text is, as one that stands at that level."""
        expression = self.expression(depth)
        self.expect("")
        return expression

    def expression(self, depth: int) -> Expression[P]:
        if depth > MAX_DEPTH:
            self.fail(f"more than {MAX_DEPTH} levels")
        if not self.next.word:
            self.fail("expected and(...), or(...), thresh(k,...) or a predicate")
        name = self.take()
        if name.word in COMBINATORS:
            self.expect("(")
            return self.combination(name, depth)
        if name.word in self.vocabulary.names.definitions and self.next.mark != "(":
            return self.defined(name, depth)
        if name.word in self.vocabulary.misplaced:
            reason = self.vocabulary.misplaced[name.word]
            raise self.source.error("policy-expression", reason, name.offset)
        form = self.vocabulary.forms.get(name.word)
        if form is None:
            here = self.vocabulary.forms.keys() - self.vocabulary.misplaced.keys()
            known = near(name.word, (*COMBINATORS, *here, *self.vocabulary.names.definitions))
            raise self.source.error("policy-name-unknown", f"no predicate {known}", name.offset)
        return Leaf(self.predicate(name, form))

    def defined(self, name: _Token, depth: int) -> Expression[P]:
        """What the definition of that name means here."""
        place = self.vocabulary.names.definitions.place_of(self.source, name.word, name.offset)
        tokens = _tokens(self.source, place.start, place.end)
        return _Parser(self.source, tokens, self.vocabulary).whole(depth + 1)

    def combination(self, name: _Token, depth: int) -> Threshold[P]:
        needed = self.threshold() if name.word == "thresh" else 1
        parts = [self.expression(depth + 1)]
        while self.next.mark == ",":
            self.take()
            parts.append(self.expression(depth + 1))
        self.expect(")")
        if name.word == "and":
            needed = len(parts)
        if needed > len(parts):
            raise self.source.error(
                "policy-unsatisfiable", f"{needed} of {len(parts)} parts", name.offset
            )
        return Threshold(needed, tuple(parts))

    def threshold(self) -> int:
        token = self.take()
        if not token.number.isdigit() or not 1 <= int(token.number) <= MAX_COUNT:
            raise self.source.error(
                "policy-literal", "thresh begins with a whole number from 1", token.offset
            )
        self.expect(",")
        return int(token.number)

    def predicate(self, name: _Token, form: PredicateForm[P]) -> P:
        usage = f"{name.word}{form.SIGNATURE}"
        arguments = Arguments(self.source, self.vocabulary.names, usage, name.offset)
        self.expect("(")
        while self.next.mark != ")":
            arguments.rest.append(self.argument())
            if self.next.mark == ",":
                self.take()
                if self.next.mark == ")":
                    self.fail("expected an argument")
            elif self.next.mark != ")":
                self.fail(f"expected a comma or ), not {self.next.text[:64] or 'the end'}")
        self.take()
        predicate = form.parse(arguments)
        arguments.end()
        return predicate

    def argument(self) -> Argument:
        token = self.take()
        if token.word:
            return Argument("", token.word, token.offset)
        if not token.number:
            self.at -= 1
            self.fail("expected a number or a name")
        unit = self.take().word if self.next.word else ""
        return Argument(token.number, unit, token.offset)
