"""Every way to consent with every rule's verdict, and the nearest changes that would pass (ExplainPsbt).

1. A way is shown under its number of `policy explain`, predicate by predicate: what was seen, what the limit
   is. Who may see which is for `signer.core.errors.shown_to` to say.
2. Each predicate is asked once per question, however many ways it stands in.
3. What is shown is bounded: of too many ways the nearest ones, in their order, and how many are left out.
4. The nearest ways are those with the fewest objections, but for those that ask for more than another; each
   is told as the changes that would make it hold.
"""

from collections.abc import Iterable

from policies.predicates import SPEND_PREDICATES, Predicate
from signer.core.catalogue import CATALOGUE
from signer.core.errors import MAX_OBJECTIONS, Objection
from signer.core.question import Question, TraceLine

Ways = tuple[frozenset[Predicate], ...]
"""Those of one route, in the order of their numbers."""

MAX_SHOWN = 2_000
"""Lines and objections of a trace: a response of less than a megabyte."""
MAX_NEAREST = 3
MAX_COMPARED = 64
"""Ways of which is found out whether one asks for more than another."""

_PLACES = {name: place for place, name in enumerate(SPEND_PREDICATES)}


class _Answers:
    """The predicates' answers to one question, each asked for once (rule 2)."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._known: dict[Predicate, tuple[Objection, ...]] = {}

    def to(self, predicate: Predicate) -> tuple[Objection, ...]:
        """That predicate's objections."""
        known = self._known.get(predicate)
        if known is None:
            known = self._known[predicate] = tuple(predicate.objections(self._question))
        return known

    def against(self, way: frozenset[Predicate]) -> int:
        """How many objections stand between the spend and that way."""
        return sum(len(self.to(predicate)) for predicate in way)

    def nearest(self, ways: Ways) -> list[int]:
        """The ways' places, the fewest objections first."""
        return sorted(range(len(ways)), key=lambda place: self.against(ways[place]))


def trace_of(ways: Ways, question: Question) -> tuple[TraceLine, ...]:
    """Each way's head and predicates with their verdicts."""
    answers = _Answers(question)
    shown, room = list[int](), MAX_SHOWN
    for place in answers.nearest(ways):
        room -= _size(ways[place], answers)
        if shown and room < 0:
            break
        shown.append(place)
    lines = list[TraceLine]()
    for place in sorted(shown):
        lines += _way_lines(place + 1, ways[place], answers)
    left = len(ways) - len(shown)
    if left:
        lines.append(TraceLine("ways", f"{left} more ways are farther from passing.", (), False))
    return tuple(lines)


def _size(way: frozenset[Predicate], answers: _Answers) -> int:
    return 1 + sum(1 + min(len(answers.to(each)), MAX_OBJECTIONS) for each in way)


def _way_lines(number: int, way: frozenset[Predicate], answers: _Answers) -> list[TraceLine]:
    rule, against = f"way {number}", answers.against(way)
    head = f"Way {number}: {against or 'no'} objection{'' if against == 1 else 's'}."
    lines = [TraceLine(rule, head, (), not against, way=number)]
    for predicate in in_order(way):
        reasons = answers.to(predicate)
        public = all(CATALOGUE[code].public for code in predicate.CODES)
        line = TraceLine(
            rule=rule,
            text="  " + predicate.english,
            objections=reasons[:MAX_OBJECTIONS],
            passed=not reasons,
            brief="" if public else "  " + predicate.NAME,
            way=number,
        )
        lines.append(line)
    return lines


def in_order(way: Iterable[Predicate]) -> list[Predicate]:
    """A way's predicates as they are shown: in the order of the language's own list, then by their text."""
    return sorted(way, key=lambda predicate: (_PLACES[predicate.NAME], predicate.text))


def nearest_changes(ways: Ways, question: Question) -> tuple[str, ...]:
    """Of the ways that do not hold the nearest ones, each as what would have to change."""
    answers = _Answers(question)
    unmet = (
        frozenset(each for each in ways[place] if answers.to(each))
        for place in answers.nearest(ways)
    )
    candidates = [each for each in dict.fromkeys(unmet) if each][:MAX_COMPARED]
    told = (_changes(each, answers) for each in _least(candidates)[:MAX_NEAREST])
    return tuple(dict.fromkeys(told))


def _least(candidates: list[frozenset[Predicate]]) -> list[frozenset[Predicate]]:
    """Those that ask for no more than another one, in their order."""
    kept = list[frozenset[Predicate]]()
    for one in candidates:
        if not any(_asks_for_all_of(one, other) for other in kept):
            kept = [*(other for other in kept if not _asks_for_all_of(other, one)), one]
    return kept


def _asks_for_all_of(one: frozenset[Predicate], other: frozenset[Predicate]) -> bool:
    if max(len(one), len(other)) > MAX_OBJECTIONS:
        return False
    return all(any(mine.implies(theirs) for mine in one) for theirs in other)


def _changes(way: frozenset[Predicate], answers: _Answers) -> str:
    reasons = (reason for predicate in in_order(way) for reason in answers.to(predicate))
    phrases = list(dict.fromkeys(reason.change for reason in reasons))
    shown = phrases[:MAX_OBJECTIONS]
    left = len(phrases) - len(shown)
    return ", and ".join([*shown, f"{left} more"] if left else shown)
