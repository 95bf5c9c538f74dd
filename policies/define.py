"""`[define]`: expressions by name, used bare: `and(normal_fee, attested(2, watchers))`.

1. A definition stands for its text: it means what that would mean in the place of its name, and counts as one
   level more there (`policies.parser`).
2. No definition has the name of a predicate or combinator.
3. Each is read where it is defined, with all that any block could say, used or not. A block that uses it may
   still refuse it: it is read again in its place.
"""

from collections.abc import Iterable
from dataclasses import replace

from policies.arguments import Names
from policies.definitions import Place
from policies.document import Item, Table
from policies.fields import name_of, text_of
from policies.parser import COMBINATORS, Vocabulary, parse_expression
from policies.predicates import SPEND_PREDICATES, Predicate
from policies.source import Source
from signer.core.vault import Vault


def read_define(source: Source, tables: list[Table]) -> dict[str, Place]:
    """Where the definitions stand, in the file's order. Raises PolicyError."""
    places: dict[str, Place] = {}
    for table in tables:
        for name, entry in table.entries.items():
            if name in COMBINATORS or name in SPEND_PREDICATES:
                detail = f"{name!r} is a word of the language"
                raise source.error("policy-repeated", detail, entry.key_offset)
            start = entry.item.offset
            end = start + len(text_of(source, entry.item))
            places[name_of(source, name, entry.key_offset)] = Place(start, end)
    return places


def definition_texts(
    source: Source, places: dict[str, Place], names: Names, vaults: Iterable[Vault]
) -> tuple[tuple[str, str], ...]:
    """(name, text) of each definition. Raises PolicyError."""
    paths = {path.name: path for vault in vaults for path in vault.paths}
    vocabulary: Vocabulary[Predicate] = Vocabulary(SPEND_PREDICATES, replace(names, paths=paths))
    texts = list[tuple[str, str]]()
    for name, place in places.items():
        text = source.text[place.start : place.end]
        parse_expression(source, Item(text, place.start), vocabulary)
        texts.append((name, text))
    return tuple(texts)
