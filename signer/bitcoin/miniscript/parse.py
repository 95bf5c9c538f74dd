"""The text of a Miniscript (BIP-379), read.

    EXPR = [WRAPPERS:]0 | [WRAPPERS:]1 | [WRAPPERS:]NAME(ARGUMENT,...)
    ARGUMENT = EXPR | number | digest | key

1. One pass with a stack of the functions that are open: no recursion, and time linear in the text, of which
   MAX_TEXT characters are the most.
2. Sugar is resolved at once: what comes out has BIP-379's fragments only.
3. A key's text is whatever has no comma, bracket, brace, blank or control character; whoever asked reads it.
   No refusal repeats it: it could be private.
4. Numbers are decimal without leading zeros: 1 <= k <= n in thresholds, 1 <= n < 2^31 in locks.
5. `multi` and `sortedmulti` exist in P2WSH only, `multi_a` and `sortedmulti_a` in tapscript only; the sorted
   ones are a whole script.
"""

import re
from dataclasses import dataclass

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.model import SORTED, Context, Fragment, Miniscript, Node

MAX_TEXT = 1_000_000
MAX_LOCK = 0x7FFF_FFFF
MAX_MULTISIG = {Context.P2WSH: 20, Context.TAPSCRIPT: 999}
"""Most keys of one multisig (BIP-383, BIP-387)."""

_HEAD = re.compile(r"(?:([a-z]++):)?([a-z0-9_]++)(\(?)")
_THRESHOLD = re.compile(r"([^,()]*+),")
_NAMES = frozenset(
    (*Fragment, "pk", "pkh", "and_n", "wpkh", "sh", "wsh", "tr", "combo", "addr", "raw", "rawtr")
)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")
_KEY = re.compile(r"[^\x00-\x20,(){}\x7f-\xa0]+")

_LITERALS = {"0": Node(Fragment.FALSE), "1": Node(Fragment.TRUE)}
_KEY_LEAVES = {
    "pk_k": Fragment.PK_K,
    "pk_h": Fragment.PK_H,
    "pk": Fragment.PK_K,
    "pkh": Fragment.PK_H,
}
_LOCKS = {"older": Fragment.OLDER, "after": Fragment.AFTER}
_HASHES = {
    "sha256": (Fragment.SHA256, 32),
    "hash256": (Fragment.HASH256, 32),
    "ripemd160": (Fragment.RIPEMD160, 20),
    "hash160": (Fragment.HASH160, 20),
}
_MULTISIGS = {
    "multi": (Fragment.MULTI, Context.P2WSH),
    "sortedmulti": (Fragment.SORTEDMULTI, Context.P2WSH),
    "multi_a": (Fragment.MULTI_A, Context.TAPSCRIPT),
    "sortedmulti_a": (Fragment.SORTEDMULTI_A, Context.TAPSCRIPT),
}
_ARITIES = {
    "andor": 3,
    "and_v": 2,
    "and_b": 2,
    "and_n": 2,
    "or_b": 2,
    "or_c": 2,
    "or_d": 2,
    "or_i": 2,
}
# What stands in post-order behind the expression that a wrapper wraps. Before that of l: stands a 0.
_WRAPPED = {letter: (Node(Fragment(letter), arity=1),) for letter in "ascdvjn"} | {
    "t": (_LITERALS["1"], Node(Fragment.AND_V, arity=2)),
    "l": (Node(Fragment.OR_I, arity=2),),
    "u": (_LITERALS["0"], Node(Fragment.OR_I, arity=2)),
}
_COMBINED = {
    name: (Node(Fragment(name), arity=arity),)
    for name, arity in _ARITIES.items()
    if name != "and_n"
} | {"and_n": (_LITERALS["0"], Node(Fragment.ANDOR, arity=3))}


@dataclass(frozen=True, slots=True)
class ParsedMiniscript:
    """An expression and the texts of its keys."""

    script: Miniscript
    keys: tuple[str, ...]
    """By place, the first of which is the `first_place` asked for."""


@dataclass(slots=True)
class _Open:
    """A function whose subexpressions are being read."""

    name: str
    wrappers: str
    threshold: int
    """k of thresh, else 0."""
    arguments: int = 0


def parse_miniscript(text: str, context: Context, first_place: int = 0) -> ParsedMiniscript:
    """The expression of that text; its places begin with `first_place`.

    Raises Malformed `miniscript-malformed`, `miniscript-unknown-fragment`, `miniscript-number`,
    `miniscript-threshold`.
    """
    if len(text) > MAX_TEXT:
        raise Malformed("miniscript-malformed", f"longer than {MAX_TEXT} characters")
    reading = _Reading(text, context, first_place)
    while reading.begin() or reading.end():
        pass
    nodes = tuple(reading.nodes)
    if len(nodes) > 1 and not SORTED.isdisjoint(node.fragment for node in nodes):
        raise Malformed(
            "miniscript-malformed", "a sorted multisig is a whole script, no part of one"
        )
    return ParsedMiniscript(Miniscript(context, nodes), tuple(reading.keys))


class _Reading:
    """One pass over a text."""

    def __init__(self, text: str, context: Context, first_place: int) -> None:
        self.nodes: list[Node] = []
        self.keys: list[str] = []
        self._text, self._at = text, 0
        self._context = context
        self._first_place = first_place
        self._open: list[_Open] = []

    def begin(self) -> bool:
        """Read an expression up to its first subexpression (True) or, if it has none, to its end (False)."""
        head = _HEAD.match(self._text, self._at)
        if head is None:
            raise self._malformed("no expression")
        wrappers, name, bracket = head[1] or "", head[2], head[3]
        for letter in wrappers:
            if letter not in _WRAPPED:
                raise Malformed("miniscript-unknown-fragment", f"no wrapper {letter}:")
        self._at = head.end()
        self.nodes.extend([_LITERALS["0"]] * wrappers.count("l"))
        if bracket and (name in _ARITIES or name == "thresh"):
            self._open.append(_Open(name, wrappers, self._threshold() if name == "thresh" else 0))
            return True
        if bracket:
            self._leaf(name)
        elif name in _LITERALS:
            self.nodes.append(_LITERALS[name])
        else:
            raise Malformed("miniscript-unknown-fragment", _unknown(name, "without arguments"))
        self._wrap(wrappers)
        return False

    def end(self) -> bool:
        """An expression is complete: close what it completes; whether another follows."""
        while self._open:
            inner = self._open[-1]
            inner.arguments += 1
            follows = self._text[self._at : self._at + 1]
            if follows not in (",", ")"):
                raise self._malformed("neither , nor )")
            self._at += 1
            if follows == ",":
                return True
            self._close(self._open.pop())
        if self._at != len(self._text):
            raise self._malformed("something behind the expression")
        return False

    def _malformed(self, detail: str) -> Malformed:
        return Malformed("miniscript-malformed", f"{detail} at character {self._at}")

    def _threshold(self) -> int:
        match = _THRESHOLD.match(self._text, self._at)
        if match is None:
            raise self._malformed("no subexpressions of thresh()")
        self._at = match.end()
        return _number(match[1])

    def _close(self, function: _Open) -> None:
        name, arguments = function.name, function.arguments
        if name == "thresh":
            if not 1 <= function.threshold <= arguments:
                raise _no_threshold(function.threshold, arguments)
            self.nodes.append(Node(Fragment.THRESH, function.threshold, arity=arguments))
        elif arguments == _ARITIES[name]:
            self.nodes.extend(_COMBINED[name])
        else:
            raise self._malformed(f"{name}() of {arguments}, not {_ARITIES[name]}")
        self._wrap(function.wrappers)

    def _wrap(self, wrappers: str) -> None:
        for letter in reversed(wrappers):
            self.nodes.extend(_WRAPPED[letter])

    def _leaf(self, name: str) -> None:
        end = self._text.find(")", self._at)
        if end < 0:
            raise self._malformed("no )")
        arguments = self._text[self._at : end]
        self._at = end + 1
        if name in _KEY_LEAVES:
            self.nodes.append(Node(_KEY_LEAVES[name], places=self._places([arguments])))
            if name in ("pk", "pkh"):
                self._wrap("c")
        elif name in _LOCKS:
            self.nodes.append(Node(_LOCKS[name], _lock(arguments)))
        elif name in _HASHES:
            self.nodes.append(self._hash(name, arguments))
        else:
            self.nodes.append(self._multisig(name, arguments.split(",")))

    def _places(self, keys: list[str]) -> tuple[int, ...]:
        for key in keys:
            if not _KEY.fullmatch(key):
                raise self._malformed("no key before the )")
        first = self._first_place + len(self.keys)
        self.keys.extend(keys)
        return tuple(range(first, first + len(keys)))

    def _hash(self, name: str, digest: str) -> Node:
        fragment, size = _HASHES[name]
        if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * size}}}", digest):
            raise self._malformed(f"{name}() without {2 * size} hexadecimal digits")
        return Node(fragment, digest=bytes.fromhex(digest))

    def _multisig(self, name: str, arguments: list[str]) -> Node:
        fragment, context = _MULTISIGS.get(name, (None, None))
        if fragment is None or context is not self._context:
            where = f"in {self._context}()"
            raise Malformed("miniscript-unknown-fragment", _unknown(name, where))
        threshold, keys = _number(arguments[0]), arguments[1:]
        if not 1 <= threshold <= len(keys) <= MAX_MULTISIG[self._context]:
            raise _no_threshold(threshold, len(keys))
        return Node(fragment, threshold, self._places(keys))


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Malformed("miniscript-number", "no decimal number of at most 10 digits")
    return int(text)


def _lock(text: str) -> int:
    number = _number(text)
    if not 1 <= number <= MAX_LOCK:
        raise Malformed("miniscript-number", f"a lock of {number}; 1 to {MAX_LOCK}")
    return number


def _no_threshold(threshold: int, count: int) -> Malformed:
    most = " and ".join(f"{most} keys in {context}()" for context, most in MAX_MULTISIG.items())
    return Malformed("miniscript-threshold", f"{threshold} of {count}; 1 <= k <= n, at most {most}")


def _unknown(name: str, where: str) -> str:
    """A known name is repeated, a text that could be part of a key is not (rule 3)."""
    return f"{name if name in _NAMES else 'an unknown word'} {where}"
