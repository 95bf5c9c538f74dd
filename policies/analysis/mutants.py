"""Mutants: copies of a policy with one change each, and which of them no example notices.

1. Every expression (blocks, coins, definitions, fallback) is edited as `edits` says; entries of groups and
   lists are taken out and exchanged; blocks, rollups, `[governance]` and `[fallback]` are taken out; their
   numbers change.
2. A mutant that does not load is no policy. One that no example notices and that `diff` proves equal to the
   original is equivalent. What is left has survived.
3. Lines stay where they are, and examples are asked as they were meant: by the original's keys and addresses.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policies.analysis.diff import compare
from policies.analysis.edits import (
    Edit,
    Known,
    counts_beside,
    durations_beside,
    edits_of,
    read_nodes,
)
from policies.analysis.verdicts import AskedExample, ask_examples, basis_of
from policies.document import Item, Table, read_document
from policies.load import load_policy
from policies.loaded import LoadedPolicy, Route
from policies.source import PolicyError, Source, read_source
from signer.bitcoin.address import address_of
from signer.bitcoin.hashes import sha256
from signer.core.governance import Verdict
from signer.core.moments import DAY, format_time, read_time

_STRANGER = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
"""An x-only key that everybody knows (3 times the generator)."""
_EXPRESSIONS = {"allow": "when", "vaults": "coins", "fallback": "when"}
_REMOVABLE = ("allow", "rollups", "governance", "fallback")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of the text."""

    line: int
    what: str
    data: bytes
    """The changed policy, without its examples."""


@dataclass(frozen=True, slots=True)
class MutationReport:
    """What became of the mutants."""

    noticed: int
    not_policies: int
    equivalent: tuple[Mutation, ...]
    survivors: tuple[Mutation, ...]

    @property
    def total(self) -> int:
        """All mutants that were made."""
        return self.noticed + self.not_policies + len(self.equivalent) + len(self.survivors)


def mutations_of(data: bytes) -> tuple[Mutation, ...]:
    """The mutants of a policy that loads, each text once, in the order of its lines."""
    source = read_source(data)
    text = _without_examples(source)
    found: dict[bytes, Mutation] = {}
    for edit in sorted(_edits(source, load_policy(data)), key=lambda each: each.start):
        gap = "\n" * (text.count("\n", edit.start, edit.end) - edit.text.count("\n"))
        changed = (text[: edit.start] + edit.text + gap + text[edit.end :]).encode()
        found.setdefault(changed, Mutation(source.line_of(edit.start), edit.what, changed))
    found.pop(text.encode(), None)
    return tuple(found.values())


def mutate(data: bytes, progress: Callable[[int, int], None]) -> MutationReport:
    """Make the mutants and ask the examples about each. `progress` is told (done, of)."""
    original = load_policy(data)
    jury, mutations = _Jury(original), mutations_of(data)
    noticed = not_policies = 0
    equivalent, survivors = list[Mutation](), list[Mutation]()
    for number, mutation in enumerate(mutations, 1):
        try:
            mutant = load_policy(mutation.data)
        except PolicyError:
            not_policies += 1
        else:
            if jury.notices(mutant):
                noticed += 1
            elif compare(original, mutant).verdict is Verdict.EQUAL:
                equivalent.append(mutation)
            else:
                survivors.append(mutation)
        progress(number, len(mutations))
    return MutationReport(noticed, not_policies, tuple(equivalent), tuple(survivors))


class _Jury:
    """The examples: first one try of each, then the others. Those that noticed last are asked first, and none
    to which the mutant is as the original."""

    def __init__(self, original: LoadedPolicy) -> None:
        asked = ask_examples(original)
        self._first = [each.first_try for each in asked]
        self._all = [each for each in asked if len(each.questions) > 1]
        routes = dict.fromkeys(each.route for each in asked)
        self._bases = {route: basis_of(original, route) for route in routes}

    def notices(self, mutant: LoadedPolicy) -> bool:
        """Whether some example has another verdict than expected."""
        other = {route for route, basis in self._bases.items() if basis_of(mutant, route) != basis}
        return _notices(self._first, mutant, other) or _notices(self._all, mutant, other)


def _notices(panel: list[AskedExample], mutant: LoadedPolicy, routes: set[Route | None]) -> bool:
    for place, asked in enumerate(panel):
        if asked.route in routes and not asked.result(mutant).passed:
            panel.insert(0, panel.pop(place))
            return True
    return False


def _without_examples(source: Source) -> str:
    """The text with its examples blank: no mutant needs them to load."""
    text, ends = source.text, _ends(source)
    for table in reversed(read_document(source)):
        if table.name == ("example",):
            end = ends[table.offset]
            gap = "\n" * text.count("\n", table.offset, end)
            text = text[: table.offset] + gap + text[end:]
    return text


def _ends(source: Source) -> dict[int, int]:
    """Offset of each table -> offset of the next, or of the end of the file."""
    offsets = [table.offset for table in read_document(source)]
    return dict(zip(offsets, [*offsets[1:], len(source.text)], strict=True))


def _edits(source: Source, policy: LoadedPolicy) -> Iterator[Edit]:
    ends = _ends(source)
    known = Known(
        tuple(group.name for group in policy.groups),
        tuple(each.name for each in policy.lists),
        tuple(dict.fromkeys(path.name for vault in policy.vaults for path in vault.paths)),
    )
    for table in read_document(source):
        section = table.name[0] if table.name else ""
        if section in _REMOVABLE:
            what = f"without [{'.'.join(table.name)}]"
            yield Edit(table.offset, ends[table.offset], "", what)
        for item in _expressions(section, table):
            text = str(item.value)
            node = read_nodes(source.text, item.offset, item.offset + len(text))
            yield from edits_of(source.text, node, known)
        yield from _entry_edits(section, table, policy)


def _expressions(section: str, table: Table) -> Iterator[Item]:
    for key, entry in table.entries.items():
        if section == "define" or key == _EXPRESSIONS.get(section):
            yield entry.item


def _entry_edits(section: str, table: Table, policy: LoadedPolicy) -> Iterator[Edit]:
    """Of what is no expression."""
    if section in ("groups", "lists"):
        script = b"\x00\x14" + sha256(b"pegwarden stranger")[:20]
        stranger = _STRANGER if section == "groups" else address_of(script, policy.network)
        for name, entry in table.entries.items():
            yield from _array_edits(name, entry.item, stranger)
    for key, entry in table.entries.items():
        item = entry.item
        if (section, key) in (("governance", "quorum"), ("rollups", "first_batch")):
            yield from _number_edits(key, item)
        elif section == "governance" and key == "officers":
            others = [group.name for group in policy.groups if group.name != item.value]
            yield from (_changed(key, item, other) for other in others)
        elif section == "governance":
            yield from _duration_edits(key, item)
        elif (section, key) == ("rollups", "sequence"):
            other = "increasing" if item.value == "contiguous" else "contiguous"
            yield _changed(key, item, other)
        elif (section, key) == ("", "expires"):
            yield from _moment_edits(key, item)


def _array_edits(name: str, array: Item, stranger: str) -> Iterator[Edit]:
    items = array.value if isinstance(array.value, tuple) else ()
    for item in items:
        shown = f"{name}: {str(item.value)[:16]}..."
        yield Edit(item.offset, item.offset + len(str(item.value)), stranger, f"{shown} exchanged")
    for before, item in zip((None, *items), items, strict=False):
        shown = f"{name}: without {str(item.value)[:16]}..."
        end = item.offset + len(str(item.value)) + 1
        if before is None and len(items) > 1:
            yield Edit(item.offset - 1, items[1].offset - 1, "", shown)
        elif before is not None:
            start = before.offset + len(str(before.value)) + 1
            yield Edit(start, end, "", shown)


def _changed(key: str, item: Item, written: str) -> Edit:
    end = item.offset + len(str(item.value))
    return Edit(item.offset, end, written, f"{key} = {item.value}: {written}")


def _number_edits(key: str, item: Item) -> Iterator[Edit]:
    for number in counts_beside(int(str(item.value))):
        yield _changed(key, item, str(number))


def _duration_edits(key: str, item: Item) -> Iterator[Edit]:
    count, unit = int(str(item.value)[:-1]), str(item.value)[-1]
    yield from (_changed(key, item, each) for each in durations_beside(count, unit))


def _moment_edits(key: str, item: Item) -> Iterator[Edit]:
    moment = read_time(str(item.value)) or 0
    for step in (-DAY, -1, 1, DAY):
        yield _changed(key, item, format_time(moment + step))
