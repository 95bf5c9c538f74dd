"""BIP-379's type system read backwards: what subexpressions must be for an expression to be what is wanted.

1. A goal is a base type and the properties wanted; every expression made is also non-malleable.
2. Written down from BIP-379 without looking at `signer.bitcoin.miniscript.types`, which it tests.
3. Only productions whose goals can all be reached are offered, with the fewest nodes that they take:
   whoever follows them with enough nodes left never comes to a dead end.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import NamedTuple

from signer.bitcoin.miniscript.model import Context, Fragment

PROPERTIES = "zondufes"


class Goal(NamedTuple):
    """What is wanted of an expression."""

    base: str
    needs: frozenset[str]


class Production(NamedTuple):
    """A fragment that reaches a goal, if its subexpressions reach theirs."""

    fragment: Fragment
    goals: tuple[Goal, ...]


class Rule(NamedTuple):
    """How a fragment comes by its type. Choices are written `z,o|o,z`: one word per subexpression."""

    bases: str
    """`V=VV`: to be a V, its subexpressions are V and V."""
    always: str
    """What subexpressions must have for type and non-malleability."""
    properties: dict[str, str]
    """For each property that it can have, what subexpressions must have for that."""


def _passed(letters: str) -> dict[str, str]:
    return {letter: letter for letter in letters}


LEAVES = {
    Fragment.FALSE: "Bzudes",
    Fragment.TRUE: "Bzuf",
    Fragment.PK_K: "Konudes",
    Fragment.PK_H: "Knudes",
    Fragment.OLDER: "Bzf",
    Fragment.AFTER: "Bzf",
    Fragment.SHA256: "Bonud",
    Fragment.HASH256: "Bonud",
    Fragment.RIPEMD160: "Bonud",
    Fragment.HASH160: "Bonud",
    Fragment.MULTI: "Bnudes",
    Fragment.MULTI_A: "Budes",
}

RULES = {
    Fragment.ANDOR: Rule(
        "B=BBB V=BVV K=BKK",
        "udes,,|ude,s,|ude,,s",
        {
            "z": "z,z,z",
            "o": "z,o,o|o,z,z",
            "u": ",u,u",
            "d": ",,d",
            "e": "s,,e|,f,e",
            "f": "s,,f|,f,f",
            "s": "s,,s|,s,s",
        },
    ),
    Fragment.AND_V: Rule(
        "B=VB V=VV K=VK",
        ",",
        {"z": "z,z", "o": "z,o|o,z", "n": "n,|z,n", "u": ",u", "f": ",f|s,", "s": "s,|,s"},
    ),
    Fragment.AND_B: Rule(
        "B=BW",
        ",",
        {"n": "n,|z,n", "d": "d,d", "u": ",", "e": "es,es", "f": "f,f|sf,|,sf", "s": "s,|,s"},
    ),
    Fragment.OR_B: Rule("B=BW", "des,de|de,des", {"d": ",", "u": ",", "e": ",", "s": "s,s"}),
    Fragment.OR_C: Rule("V=BV", "udes,|ude,s", {"z": "z,z", "o": "o,z", "f": ",", "s": "s,s"}),
    Fragment.OR_D: Rule(
        "B=BB",
        "udes,|ude,s",
        {"z": "z,z", "o": "o,z", "d": ",d", "u": ",u", "e": ",e", "f": ",f", "s": "s,s"},
    ),
    Fragment.OR_I: Rule(
        "B=BB V=VV K=KK",
        "s,|,s",
        {"o": "z,z", "u": "u,u", "d": "d,|,d", "e": "e,f|f,e", "f": "f,f", "s": "s,s"},
    ),
    Fragment.WRAP_A: Rule("W=B", "", _passed("dufes")),
    Fragment.WRAP_S: Rule("W=B", "o", _passed("dufes")),
    Fragment.WRAP_C: Rule("B=K", "", _passed("ondfe") | {"u": "", "s": ""}),
    Fragment.WRAP_D: Rule("B=V", "z", {"o": "", "n": "", "d": "", "e": "", "s": "s"}),
    Fragment.WRAP_V: Rule("V=B", "", _passed("zons") | {"f": ""}),
    Fragment.WRAP_J: Rule("B=B", "n", _passed("ous") | {"n": "", "d": "", "e": "f"}),
    Fragment.WRAP_N: Rule("B=B", "", _passed("zondfes") | {"u": ""}),
    # With one subexpression; whoever uses it may add others.
    Fragment.THRESH: Rule("B=B", "ude", {"d": "", "u": "", "e": "s", "s": "s"}),
}


def goal(base: str, needs: str) -> Goal:
    """A goal; an expression that cannot be forced to be false must be able to be false."""
    return Goal(base, frozenset(needs) | ({"d"} if "e" in needs else set()))


@cache
def productions(context: Context) -> dict[Goal, dict[Production, int]]:
    """For each goal that can be reached, how, and the fewest nodes that it takes that way."""
    offered = {each: tuple(_offered(each, context)) for each in _goals()}
    fewest: dict[Goal, int] = {}
    changed = True
    while changed:
        changed = False
        for wanted, some in offered.items():
            sizes = [_size(each, fewest) for each in some]
            best = min((size for size in sizes if size is not None), default=None)
            if best is not None and best < fewest.get(wanted, best + 1):
                fewest[wanted] = best
                changed = True
    sized = {
        wanted: {each: _size(each, fewest) for each in some} for wanted, some in offered.items()
    }
    return {
        wanted: {each: size for each, size in some.items() if size is not None}
        for wanted, some in sized.items()
        if wanted in fewest
    }


def _goals() -> Iterator[Goal]:
    for base in "BVKW":
        for present in product((False, True), repeat=len(PROPERTIES)):
            needs = {letter for letter, there in zip(PROPERTIES, present, strict=True) if there}
            if not needs >= {"e"} or "d" in needs:
                yield Goal(base, frozenset(needs))


def _size(production: Production, fewest: dict[Goal, int]) -> int | None:
    sizes = [fewest.get(each) for each in production.goals]
    known = [size for size in sizes if size is not None]
    return 1 + sum(known) if len(known) == len(sizes) else None


def _offered(wanted: Goal, context: Context) -> Iterator[Production]:
    for fragment, type_text in LEAVES.items():
        fits = fragment is not (Fragment.MULTI_A if context is Context.P2WSH else Fragment.MULTI)
        if fits and type_text[0] == wanted.base and wanted.needs <= set(type_text[1:]):
            yield Production(fragment, ())
    for fragment, rule in RULES.items():
        properties = rule.properties
        if fragment is Fragment.WRAP_D and context is Context.TAPSCRIPT:
            properties = properties | {"u": ""}  # MINIMALIF is consensus there
        for form in rule.bases.split():
            if form[0] == wanted.base and wanted.needs <= set(properties):
                choices = [rule.always, *(properties[letter] for letter in sorted(wanted.needs))]
                yield from _chosen(fragment, form[2:], choices)


def _chosen(fragment: Fragment, bases: str, choices: list[str]) -> Iterator[Production]:
    seen = set()
    for words in product(*(choice.split("|") for choice in choices)):
        needs = zip(*(word.split(",") for word in words), strict=True)
        goals = tuple(goal(base, "".join(each)) for base, each in zip(bases, needs, strict=True))
        if goals not in seen:
            seen.add(goals)
            yield Production(fragment, goals)
