"""What differs between two documents outside their rules, and what that is worth.

1. Every difference in vaults, groups, lists, rollups, [governance], [fallback], `expires`, name or network
   is taken for looser, unless a lemma below proves that it allows nothing new. Lemmas are about the document
   with its rules as they are; the rules are compared by themselves.
2. Groups, [governance], [fallback] and `expires` are about who agrees: no lemma is wanted for them.
3. Nobody new is heard: officers and attestors of rules that allow nothing count here too.
4. Not compared: the version (it must grow), [define] (the rules are compared with definitions put in),
   [[example]], comments, and the order of things.
A smaller `lookahead` is not tighter: a payment to an address of the vault's own is refused because the
address is known, and fewer would be.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from policies.analysis.weakenings import weakenings
from policies.arguments import AddressList
from policies.expression import predicates
from policies.loaded import LoadedPolicy
from policies.predicates.destinations_in import DestinationsIn
from policies.predicates.destinations_not_in import DestinationsNotIn
from signer.core.governance import Verdict


@dataclass(frozen=True, slots=True)
class SectionDifference:
    """One thing that is not the same."""

    section: str
    """`vault peg`, `list exchange`, `[governance]`."""
    change: str
    """`added`, `removed` or `changed`."""
    verdict: Verdict
    lemma: str
    """The name of the lemma that proves the verdict; empty for looser."""
    touches_governance: bool
    """Whether it is about who agrees."""
    weaker: tuple[str, ...] = ()
    """What of a changed vault asks for less than before (`weakenings`)."""


def section_differences(old: LoadedPolicy, new: LoadedPolicy) -> Iterator[SectionDifference]:
    """All of them."""
    for section in ("name", "network"):
        if getattr(old, section) != getattr(new, section):
            yield _looser(section, "changed")
    for each in _named("vault", _vaults(old), _vaults(new)):
        yield SectionDifference(
            each.section, each.change, each.verdict, "", False, _weaker(each, old, new)
        )
    yield from _named("rollup", _rollups(old), _rollups(new))
    for each in _named("group", _groups(old), _groups(new)):
        yield _about_who(each)
    for each in _named("list", _lists(old), _lists(new)):
        yield _by_lemma(each, old, new)
    words = (
        ("[governance]", old.governance, new.governance),
        ("expires", old.expires, new.expires),
    )
    for section, before, after in words:
        if before != after:
            yield _about_who(_looser(section, _change(before, after)))
    before_after = _fallback(old), _fallback(new)
    if before_after[0] != before_after[1]:
        yield _about_who(_looser("[fallback]", "changed"))
    if not _heard(new) <= _heard(old):
        yield _about_who(_looser("who is heard", "added"))


def _looser(section: str, change: str) -> SectionDifference:
    return SectionDifference(section, change, Verdict.LOOSER, "", False)


def _about_who(each: SectionDifference) -> SectionDifference:
    return SectionDifference(each.section, each.change, each.verdict, each.lemma, True)


def _named(
    what: str, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[SectionDifference]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield _looser(f"{what} {name}", _change(before, after))


def _change(before: object, after: object) -> str:
    if before is None:
        return "added"
    return "removed" if after is None else "changed"


def _vaults(policy: LoadedPolicy) -> Mapping[str, object]:
    return {
        each.definition.vault_id: (
            each.definition,
            each.coins,
            each.release_depth,
            each.release_quorum,
            each.release_work,
            each.weaker_after,
            each.weaker_from,
            each.deposit_cap,
            each.deposit_least,
            each.deposit_depth,
            each.deposits_until,
        )
        for each in policy.vault_entries
    }


def _weaker(each: SectionDifference, old: LoadedPolicy, new: LoadedPolicy) -> tuple[str, ...]:
    name = each.section.removeprefix("vault ")
    pair = [
        entry
        for policy in (old, new)
        for entry in policy.vault_entries
        if entry.definition.vault_id == name
    ]
    return tuple(weakenings(*pair)) if each.change == "changed" else ()


def _rollups(policy: LoadedPolicy) -> Mapping[str, object]:
    return {each.name: each for each in policy.rollups}


def _groups(policy: LoadedPolicy) -> Mapping[str, object]:
    return {each.name: each.keys for each in policy.groups}


def _lists(policy: LoadedPolicy) -> Mapping[str, AddressList]:
    return {each.name: each for each in policy.lists}


def _fallback(policy: LoadedPolicy) -> frozenset[object]:
    return frozenset((block.route, frozenset(block.ways)) for block in policy.fallback)


def _heard(policy: LoadedPolicy) -> frozenset[tuple[str, bytes]]:
    """Officers who may act and attestors whose words are kept: rules that no spend can pass name them too."""
    officers = {("officer", key) for key in policy.officer_keys}
    return frozenset({*officers, *(("attestor", key) for key in policy.attestors)})


def _by_lemma(each: SectionDifference, old: LoadedPolicy, new: LoadedPolicy) -> SectionDifference:
    name = each.section.removeprefix("list ")
    for lemma, verdict in _LEMMAS:
        if lemma(name, old, new):
            title = lemma.__name__.strip("_").replace("_", " ")
            return SectionDifference(each.section, each.change, verdict, title, False)
    return each


def list_that_no_rule_names(name: str, old: LoadedPolicy, new: LoadedPolicy) -> bool:
    """A list speaks through the predicates that name it and through nothing else. One that no rule of either
    document names changes no answer."""
    return not _uses(name, old) and not _uses(name, new)


def list_of_destinations_shrunk(name: str, old: LoadedPolicy, new: LoadedPolicy) -> bool:
    """If both documents name the list in `destinations_in` alone, and the new list is part of the old one,
    every payment to the new list is one to the old list. Expressions are monotone: with the rules as they
    are, whoever passes the new ones passes the old ones."""
    uses = _uses(name, old) | _uses(name, new)
    before, after = _scripts(name, old), _scripts(name, new)
    return uses == {DestinationsIn} and bool(after) and after <= before


def list_of_refused_destinations_grown(name: str, old: LoadedPolicy, new: LoadedPolicy) -> bool:
    """If both documents name the list in `destinations_not_in` alone, and the old list is part of the new
    one, what avoids the new list avoids the old one. Expressions are monotone."""
    uses = _uses(name, old) | _uses(name, new)
    return uses == {DestinationsNotIn} and _scripts(name, old) <= _scripts(name, new)


def list_no_longer_named(name: str, old: LoadedPolicy, new: LoadedPolicy) -> bool:
    """A list that is gone is named by no rule of the new document (it would not load), so it allows nothing
    there; what the new rules allow without it is found by comparing the rules."""
    return not _scripts(name, new) and not _uses(name, new) and bool(_uses(name, old))


Lemma = Callable[[str, LoadedPolicy, LoadedPolicy], bool]

_LEMMAS: tuple[tuple[Lemma, Verdict], ...] = (
    (list_that_no_rule_names, Verdict.EQUAL),
    (list_of_destinations_shrunk, Verdict.TIGHTER),
    (list_of_refused_destinations_grown, Verdict.TIGHTER),
    (list_no_longer_named, Verdict.TIGHTER),
)


def _uses(name: str, policy: LoadedPolicy) -> frozenset[type]:
    """The predicates that name the list."""
    return frozenset(
        type(predicate)
        for block in (*policy.blocks, *policy.fallback)
        for predicate in predicates(block.expression)
        if isinstance(predicate, DestinationsIn | DestinationsNotIn)
        and predicate.listed.name == name
    )


def _scripts(name: str, policy: LoadedPolicy) -> frozenset[bytes]:
    found = (each.scripts for each in policy.lists if each.name == name)
    return next(found, frozenset())
