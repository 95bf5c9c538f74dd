"""Ways to satisfy a Miniscript: the conjunctions of which one must hold (disjunctive normal form).

1. A way is all that must come together: signatures, preimages, locks. `k of these keys` stays one Group,
   of a multisig as of a `thresh` over keys; keys that must all sign are one Group too.
2. One input has one nSequence and one nLockTime: of two locks in one unit the later counts, and two locks
   in different units contradict each other, which is no way. `older` is read as consensus reads it.
3. A way that implies another is absorbed. What remains stands in one order.
4. At most MAX_WAYS ways, of the whole and of each part of it, and a bounded number of steps to find them: a
   short text with large thresholds is refused, not computed.
"""

from collections.abc import Callable, Iterable, Sequence
from math import comb, prod
from typing import NamedTuple

from signer.bitcoin.errors import Malformed
from signer.bitcoin.miniscript.locks import (
    SEQUENCE_MASK,
    SEQUENCE_VALUE,
    after_met,
    older_met,
)
from signer.bitcoin.miniscript.model import (
    HASHES,
    WRAPPERS,
    Fragment,
    Miniscript,
    Node,
)

MAX_WAYS = 1_000
MAX_PLACES = 1_000
MAX_STEPS = 2_500_000
"""Unions and comparisons of groups: a second or so at worst. 1,000 ways that are all least fit."""

_AND = frozenset((Fragment.AND_V, Fragment.AND_B))
_OR = frozenset((Fragment.OR_B, Fragment.OR_C, Fragment.OR_D, Fragment.OR_I))


class Group(NamedTuple):
    """That many of these sign."""

    threshold: int
    places: tuple[int, ...]
    """In ascending order."""


class Way(NamedTuple):
    """One way: all of it must hold. No place stands in two groups."""

    groups: tuple[Group, ...]
    hashes: tuple[bytes, ...]
    """Digests whose preimages must be shown."""
    older: int = 0
    """The nSequence value needed; 0 for none."""
    after: int = 0
    """The nLockTime needed; 0 for none."""


class _Term(NamedTuple):
    """A way, its sets as bit masks."""

    groups: tuple[tuple[int, int], ...] = ()
    """(threshold, places)"""
    hashes: int = 0
    older: int = 0
    after: int = 0


_Terms = Sequence[_Term]
_FREE = (_Term(),)
"""What asks for nothing."""


def ways(script: Miniscript) -> tuple[Way, ...]:
    """All least ways. Raises Malformed `script-too-many-ways`."""
    return ways_of_all((script,))[0]


def ways_of_all(scripts: Sequence[Miniscript]) -> tuple[tuple[Way, ...], ...]:
    """Of each of these scripts its least ways, all within one budget.

    Raises Malformed `script-too-many-ways`.
    """
    form = _NormalForm()
    found = []
    for script in scripts:
        if len(script.places) > MAX_PLACES:
            raise Malformed("script-too-many-ways", f"more than {MAX_PLACES} keys")
        terms: _Terms = script.fold(form.terms)
        found.append(tuple(sorted(map(form.way, terms), key=_order)))
    return tuple(found)


def _order(way: Way) -> tuple[int, int, tuple[Group, ...], tuple[bytes, ...]]:
    return way.after, way.older, way.groups, way.hashes


class _NormalForm:
    """Finds terms within a budget (rule 4)."""

    def __init__(self) -> None:
        self._digests: dict[tuple[Fragment, bytes], int] = {}
        self._steps = 0

    def terms(self, node: Node, parts: Sequence[_Terms]) -> _Terms:
        """The least terms of a fragment, from those of its subexpressions."""
        fragment = node.fragment
        if fragment in WRAPPERS:
            return parts[0]
        if fragment in _AND:
            return self._product(parts[0], parts[1])
        if fragment is Fragment.ANDOR:
            return self._either(self._product(parts[0], parts[1]), parts[2])
        if fragment in _OR:
            return self._at_least(1, parts)
        if fragment is Fragment.THRESH:
            return self._at_least(node.number, parts)
        return () if fragment is Fragment.FALSE else (self._leaf(node),)

    def _leaf(self, node: Node) -> _Term:
        fragment = node.fragment
        if fragment is Fragment.TRUE:
            return _Term()
        if fragment is Fragment.OLDER:
            locks = node.number & SEQUENCE_VALUE
            return _Term(older=node.number & SEQUENCE_MASK if locks else 0)
        if fragment is Fragment.AFTER:
            return _Term(after=node.number)
        if fragment in HASHES:
            key = (fragment, node.digest)
            return _Term(hashes=1 << self._digests.setdefault(key, len(self._digests)))
        return _signed(node.number or 1, sum(1 << place for place in node.places))

    def _at_least(self, needed: int, parts: Sequence[_Terms]) -> _Terms:
        """The least terms in which so many of the parts hold."""
        keys = sum(_lone_key(part) for part in parts)
        others = [part for part in parts if part and not _lone_key(part)]
        spare = len(others) - max(0, needed - keys.bit_count())
        # reached[j]: the terms in which j of the others seen so far hold
        reached: list[_Terms] = [_FREE, *[()] * len(others)]
        for seen, part in enumerate(others, 1):
            for count in range(min(needed, seen), max(0, seen - spare - 1), -1):
                joined = self._product(reached[count - 1], part)
                reached[count] = self._either(reached[count], joined)
        found: _Terms = ()
        for count, terms in enumerate(reached):
            if 0 <= needed - count <= keys.bit_count():
                signers = (_signed(needed - count, keys),)
                found = self._either(found, self._product(terms, signers))
        return found

    def _product(self, some: _Terms, others: _Terms) -> _Terms:
        """The least terms in which one of these and one of those hold."""
        if some == _FREE or others == _FREE:
            return others if some == _FREE else some
        self._spend(len(some) * len(others))
        pairs = (self._both(one, other) for one in some for other in others)
        joined = [term for term in pairs if term is not None]
        return joined if len(joined) < 2 else self._least(joined)

    def _both(self, one: _Term, other: _Term) -> _Term | None:
        older = _later(older_met, one.older, other.older)
        after = _later(after_met, one.after, other.after)
        if older is None or after is None:
            return None
        self._spend(len(one.groups) + len(other.groups))
        groups = _merged((*one.groups, *other.groups))
        return _Term(groups, one.hashes | other.hashes, older, after)

    def _least(self, terms: Iterable[_Term]) -> _Terms:
        """Those that imply no other one."""
        least = list[_Term]()
        for term in sorted(set(terms), key=_strictness):
            if not any(self._implies(term, kept) for kept in least):
                least.append(term)
                _refuse_too_many(least)
        return least

    def _either(self, some: _Terms, others: _Terms) -> _Terms:
        """The least terms of two lists of least terms."""
        kept = [one for one in some if not any(self._implies(one, other) for other in others)]
        kept += [other for other in others if not any(self._implies(other, one) for one in kept)]
        _refuse_too_many(kept)
        return kept

    def _implies(self, term: _Term, weaker: _Term) -> bool:
        self._spend(1 + len(term.groups) * len(weaker.groups))
        if weaker.hashes & ~term.hashes:
            return False
        for wanted, places in weaker.groups:
            if _forced(term, places) < wanted:
                return False
        return older_met(weaker.older, term.older) and after_met(weaker.after, term.after)

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise Malformed("script-too-many-ways", "too many ways to spend to find them")

    def way(self, term: _Term) -> Way:
        """What the term's masks stand for."""
        groups = (Group(threshold, _members(places)) for threshold, places in term.groups)
        digests = (key[1] for key, bit in self._digests.items() if term.hashes >> bit & 1)
        ordered = sorted(groups, key=lambda group: group.places)
        return Way(tuple(ordered), tuple(sorted(digests)), term.older, term.after)


def _signed(threshold: int, places: int) -> _Term:
    return _Term(_merged(((threshold, places),)))


def _merged(groups: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """The same groups in their one form: all that must sign in the first, none of 0 keys."""
    everyone, some = 0, list[tuple[int, int]]()
    for threshold, places in groups:
        if threshold == places.bit_count():
            everyone |= places
        elif threshold:
            some.append((threshold, places))
    first = [(everyone.bit_count(), everyone)] if everyone else []
    return (*first, *sorted(some))


def _lone_key(terms: _Terms) -> int:
    """The place, if one signature is all that is asked; else 0."""
    if len(terms) == 1 and len(terms[0].groups) == 1:
        ((_, places),) = terms[0].groups
        return places if places.bit_count() == 1 and terms[0] == _signed(1, places) else 0
    return 0


def _later(met: Callable[[int, int], bool], one: int, other: int) -> int | None:
    """The one of two locks that meets the other, if there is one (rule 2)."""
    if met(one, other):
        return other
    return one if met(other, one) else None


def _forced(term: _Term, places: int) -> int:
    """How many of these places must sign in that term, whoever signs: its groups are disjoint."""
    forced = 0
    for threshold, group in term.groups:
        elsewhere = (group & ~places).bit_count()
        if threshold > elsewhere:
            forced += threshold - elsewhere
    return forced


def _refuse_too_many(terms: _Terms) -> None:
    if len(terms) > MAX_WAYS:
        raise Malformed("script-too-many-ways", f"more than {MAX_WAYS} ways to spend")


def _strictness(term: _Term) -> tuple[int, int, int, int, int]:
    """A term that implies another one is greater: it takes no fewer signatures, preimages and blocks, or as
    many with fewer choices of signers. So a term need be compared with smaller ones only."""
    signatures = sum(threshold for threshold, _ in term.groups)
    choices = prod(comb(places.bit_count(), threshold) for threshold, places in term.groups)
    return signatures, term.hashes.bit_count(), term.older, term.after, -choices


def _members(mask: int) -> tuple[int, ...]:
    return tuple(place for place in range(mask.bit_length()) if mask >> place & 1)
