"""One small edit of an expression: what a slip of the pen, or of the mind, would have written.

1. Edits are made in the text, so that the loader judges the result as it judges every policy. What they make
   need not be a policy.
2. Numbers change by the smallest step of their unit, by a factor of two, and to every other unit; `and` and
   `or` change into each other, `thresh` by one; parts and arguments are taken out; names become other ones.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from policies.literals import (
    AMOUNT_UNITS,
    BLOCK_UNITS,
    DURATION_UNITS,
    RATE_UNITS,
    WEIGHT_UNITS,
    WORK_UNITS,
    format_work,
    scaled,
)
from signer.bitcoin.script import DUST_LIMIT
from signer.bitcoin.units import FeeRate, format_rate

_RATE_STEP = 100
"""0.1 sat/vB: fees are whole satoshis, so that finer steps change nothing for small transactions."""
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)[ \t\n]*([A-Za-z/]*)")
_TWO_DIGITS = re.compile("[0-9]{2}")
_COMBINATORS = ("and", "or", "thresh")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK = _DAYS[0], _DAYS[-1]
_STRANGERS = ("stranger",)
"""For the name of a client, which a policy does not define."""
_TYPES = tuple(form.value for form in DUST_LIMIT)


@dataclass(frozen=True, slots=True)
class Edit:
    """That part of the text becomes another one."""

    start: int
    end: int
    text: str
    what: str
    """For a reader: `payment_at_most(1 BTC): 2 BTC`."""


@dataclass(slots=True)
class Node:
    """A piece of an expression: `word(parts)`, or an argument, which has no parts."""

    word: str
    start: int
    end: int
    parts: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Known:
    """Names that a word might be mistaken for."""

    groups: tuple[str, ...]
    lists: tuple[str, ...]
    paths: tuple[str, ...]


def read_nodes(text: str, start: int, end: int) -> Node:
    """The tree of an expression that loads."""
    node, _ = _read(text, start, end)
    return node


def _read(text: str, start: int, end: int) -> tuple[Node, int]:
    """The node that starts there, and where the text goes on."""
    start = _after_space(text, start)
    at = start
    while at < end and text[at] not in "(),":
        at += 1
    word = text[start:at].rstrip()
    if at == end or text[at] != "(":
        return Node(word, start, start + len(word)), at
    node = Node(word, start, at)
    while text[at] != ")":
        at = _after_space(text, at + 1)
        if text[at] == ")":  # no arguments
            break
        part, at = _read(text, at, end)
        node.parts.append(part)
        at = _after_space(text, at)
    node.end = at + 1
    return node, at + 1


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def edits_of(text: str, node: Node, known: Known) -> Iterator[Edit]:
    """The edits of an expression, outermost first."""
    if node.word in _COMBINATORS:
        yield from _operator_edits(node)
        yield from _removals(text, node)
        for part in node.parts[1 if node.word == "thresh" else 0 :]:
            yield from edits_of(text, part, known)
        return
    shown = " ".join(text[node.start : node.end].split())
    for place, part in enumerate(node.parts):
        for written in _others(node.word, place, part.word, known):
            yield Edit(part.start, part.end, written, f"{shown}: {written}")
    if node.word in ("destination_types", "caller") and len(node.parts) > 1:
        for start, end, part in _with_comma(node.parts):
            yield Edit(start, end, "", f"{shown}: without {part.word}")


def _operator_edits(node: Node) -> Iterator[Edit]:
    place = node.start, node.start + len(node.word)
    if node.word != "thresh":
        other = "or" if node.word == "and" else "and"
        if len(node.parts) > 1:
            yield Edit(*place, other, f"{node.word} of {len(node.parts)} parts: {other}")
        return
    first = node.parts[0]
    for number in counts_beside(int(first.word)):
        yield Edit(first.start, first.end, str(number), f"thresh({first.word}, ...): {number}")


def _removals(text: str, node: Node) -> Iterator[Edit]:
    parts = node.parts[1:] if node.word == "thresh" else node.parts
    if len(parts) < 2:
        return
    for start, end, part in _with_comma(parts):
        shown = " ".join(text[part.start : part.end].split())
        yield Edit(start, end, "", f"without {shown}")


def _with_comma(parts: Sequence[Node]) -> Iterator[tuple[int, int, Node]]:
    """(start, end, part) with the comma before it, or behind it for the first."""
    yield parts[0].start, parts[1].start, parts[0]
    for before, part in pairwise(parts):
        yield before.end, part.end, part


def _others(predicate: str, place: int, word: str, known: Known) -> Iterator[str]:
    number = _NUMBER.fullmatch(word)
    if number is not None:
        yield from numbers_beside(number[1], number[2])
    elif predicate == "within":
        yield from _days_beside(word) if place == 0 else _hours_beside(word)
    else:
        names = {
            "attested": known.groups,
            "approved": known.groups,
            "destinations_in": known.lists,
            "destinations_not_in": known.lists,
            "destination_types": _TYPES,
            "path": known.paths,
        }
        yield from (name for name in names.get(predicate, _STRANGERS) if name != word)


def numbers_beside(number: str, unit: str) -> Iterator[str]:
    """Other quantities of the same kind."""
    if not unit:
        yield from (str(each) for each in counts_beside(int(number)))
    elif unit in DURATION_UNITS:
        yield from durations_beside(int(number), unit)
    else:
        yield from _quantities_beside(number, unit)


def counts_beside(count: int, step: int = 1) -> tuple[int, ...]:
    """One step and a factor of two, up and down."""
    near = {count - step, count + step, count * 2, count // 2}
    return tuple(sorted(each for each in near if each > 0 and each != count))


def durations_beside(count: int, unit: str) -> Iterator[str]:
    """One second and a factor of two, up and down; the same number of other units."""
    seconds = count * DURATION_UNITS[unit]
    yield from (f"{each}s" for each in counts_beside(seconds))
    yield from (f"{count}{other}" for other in DURATION_UNITS if other != unit)


def _quantities_beside(number: str, unit: str) -> Iterator[str]:
    if unit in RATE_UNITS:
        rate = scaled(number, RATE_UNITS[unit]) or 0
        yield from (format_rate(FeeRate(each)) for each in counts_beside(rate, _RATE_STEP))
    elif unit in WEIGHT_UNITS or unit in BLOCK_UNITS:
        yield from (f"{each} {unit}" for each in counts_beside(int(number)))
    elif unit in WORK_UNITS:
        yield from _work_beside(number, unit)
    else:
        amount = scaled(number, AMOUNT_UNITS[unit]) or 0
        yield from (f"{each} sat" for each in counts_beside(amount))
        yield from (f"{number} {other}" for other in AMOUNT_UNITS if other != unit)


def _work_beside(number: str, unit: str) -> Iterator[str]:
    """A thousandth of the unit and a factor of two, up and down; the same number of the units beside it."""
    power = WORK_UNITS[unit]
    work = scaled(number, power) or 0
    yield from (format_work(each) for each in counts_beside(work, 10 ** max(0, power - 3)))
    yield from (f"{number} {each}" for each, its in WORK_UNITS.items() if abs(its - power) == 3)


def _days_beside(days: str) -> Iterator[str]:
    first, _, last = days.partition("-")
    if days == "daily":
        first, last = _WEEK
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    for begin, finish in ((start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1)):
        if 0 <= begin <= finish < len(_DAYS):
            yield _days(_DAYS[begin], _DAYS[finish])


def _days(first: str, last: str) -> str:
    if (first, last) == _WEEK:
        return "daily"
    return first if first == last else f"{first}-{last}"


def _hours_beside(hours: str) -> Iterator[str]:
    """Each end one minute and one hour, earlier and later."""
    numbers = [int(each) for each in _TWO_DIGITS.findall(hours)]
    start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    for step in (-60, -1, 1, 60):
        for begin, finish in ((start + step, end), (start, end + step)):
            if 0 <= begin < finish <= 24 * 60:
                yield f"{_clock(begin)}-{_clock(finish)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
