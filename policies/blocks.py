"""The `[[allow]]` blocks: what each may ask, and what every way through it must ask.

1. There are 1 to 1,000 blocks; each names a kind that this version signs and a vault that exists.
2. Every way of `withdrawal` asks for attestations.
3. A block whose every way is dead is an error, and so are more than 1,000 ways in all.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from policies.arguments import Names
from policies.document import Item, Table
from policies.fields import Fields
from policies.loaded import Block
from policies.parser import Vocabulary, parse_expression
from policies.predicates import SPEND_PREDICATES, Predicate
from policies.predicates.attested import Attested
from policies.source import Source, near
from policies.ways import MAX_WAYS, Normalizer, TooManyWays, is_dead
from signer.core.spend import Kind

_SUPPORTED = (Kind.WITHDRAWAL,)


def read_blocks(
    source: Source, tables: list[Table], vaults: Collection[str], names: Names
) -> tuple[Block, ...]:
    """The blocks, at least one, in the file's order. Raises PolicyError."""
    _refuse_number(source, tables)
    normalizer, blocks = Normalizer[Predicate](), list[Block]()
    masks: dict[tuple[Kind, str], set[int]] = {}
    vocabulary: Vocabulary[Predicate] = Vocabulary(SPEND_PREDICATES, names)
    for number, table in enumerate(tables, 1):
        fields = Fields(source, table, ("spend", "from", "when"), ("to",))
        kind, vault_id = _kind(source, fields), fields.text("from")
        if vault_id not in vaults:
            raise fields.error("policy-name-unknown", f"no vault {near(vault_id, vaults)}", "from")
        when = fields.item("when")
        expression = parse_expression(source, when, vocabulary)
        with _counting(source, when.offset):
            own = normalizer.masks(expression)
            ways = tuple(normalizer.predicates(mask) for mask in own)
        _refuse_ways(source, when, ways)
        masks.setdefault((kind, vault_id), set()).update(own)
        line = source.line_of(table.offset)
        blocks.append(Block(number, line, kind, vault_id, expression, ways))
    with _counting(source, tables[-1].offset):
        if sum(len(normalizer.least(each)) for each in masks.values()) > MAX_WAYS:
            raise TooManyWays
    return tuple(blocks)


def _refuse_number(source: Source, tables: list[Table]) -> None:
    if not tables:
        raise source.error("policy-empty", "no [[allow]] block: nothing would be allowed", 0)
    if len(tables) > MAX_WAYS:
        detail = f"more than {MAX_WAYS} [[allow]] blocks"
        raise source.error("policy-too-many-ways", detail, tables[MAX_WAYS].offset)


@contextmanager
def _counting(source: Source, offset: int) -> Iterator[None]:
    try:
        yield
    except TooManyWays:
        detail = f"more than {MAX_WAYS} ways to consent, or too many steps to count them"
        raise source.error("policy-too-many-ways", detail, offset) from None


def _kind(source: Source, fields: Fields) -> Kind:
    kind = Kind(fields.choice("spend", tuple(Kind)))
    if kind not in _SUPPORTED:
        raise fields.error("policy-kind-unsupported", f"this version signs no {kind}", "spend")
    if "to" in fields.table.entries:
        detail = f"a {kind} has no destination vault"
        offset = fields.table.entries["to"].key_offset
        raise source.error("policy-kind-unsupported", detail, offset)
    return kind


def _refuse_ways(source: Source, when: Item, ways: tuple[frozenset[Predicate], ...]) -> None:
    for way in ways:
        if not any(isinstance(predicate, Attested) for predicate in way):
            texts = ", ".join(sorted(predicate.text for predicate in way))
            raise source.error(
                "policy-way-unattested",
                f"no attestation is asked for by: {texts[:500]}",
                when.offset,
            )
    if all(is_dead(way) for way in ways):
        raise source.error(
            "policy-unsatisfiable", "its limits exclude each other: no payment passes", when.offset
        )
