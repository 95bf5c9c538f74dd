"""The `[[allow]]` blocks: what each may ask, and what every way through it must ask.

1. There are 1 to 1,000 blocks; each names a kind and a vault, and for sweeps and
   rotations the vault that is paid.
2. Every way of every kind asks for attestations.
3. Predicates mean something for their block's kind, paths can be gone by it, anchors have a rollup.
4. A block whose every way is dead is an error, and so are more than 1,000 ways in all.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from policies.arguments import Names
from policies.document import Table
from policies.fields import Fields
from policies.loaded import Block, Route, VaultEntry
from policies.parser import Vocabulary, parse_expression
from policies.predicates import SPEND_PREDICATES, Predicate, misplaced_in
from policies.predicates.attested import Attested
from policies.source import Source, near
from policies.ways import MAX_WAYS, Normalizer, TooManyWays, is_dead
from signer.core.evidence import StatementKind
from signer.core.spend import Kind
from signer.core.vault import Vault

_SUBJECT = {
    Kind.WITHDRAWAL: StatementKind.WITHDRAWAL,
    Kind.ANCHOR: StatementKind.ANCHOR,
    Kind.SWEEP: StatementKind.SWEEP,
    Kind.ROTATION: StatementKind.SWEEP,
}
_MOVES = (Kind.SWEEP, Kind.ROTATION)
"""They name `to`, and may go by a recovery path."""


def read_blocks(
    source: Source, tables: list[Table], vaults: Mapping[str, VaultEntry], names: Names
) -> tuple[Block, ...]:
    """The blocks, at least one, in the file's order. Raises PolicyError."""
    _refuse_number(source, tables)
    normalizer, blocks = Normalizer[Predicate](), list[Block]()
    masks: dict[Route, set[int]] = {}
    for number, table in enumerate(tables, 1):
        fields = Fields(source, table, ("spend", "from", "when"), ("to",))
        route = _route(fields, vaults)
        when = fields.item("when")
        vocabulary = _vocabulary(fields, route, vaults[route.vault_id].vault, names)
        expression = parse_expression(source, when, vocabulary)
        with _counting(source, when.offset):
            own = normalizer.masks(expression)
            ways = tuple(normalizer.predicates(mask) for mask in own)
        _refuse_ways(fields, route.kind, ways)
        masks.setdefault(route, set()).update(own)
        blocks.append(Block(number, source.line_of(table.offset), route, expression, ways))
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


def _route(fields: Fields, vaults: Mapping[str, VaultEntry]) -> Route:
    kind, vault_id = Kind(fields.choice("spend", tuple(Kind))), _vault(fields, vaults, "from")
    named = fields.table.entries.get("to")
    if kind not in _MOVES:
        if named is not None:
            detail = f"{kind}s are paid to no vault"
            raise fields.source.error("policy-key-unknown", detail, named.key_offset)
        return Route(kind, vault_id, None)
    if named is None:
        detail = f"no 'to': the vault that the {kind} pays"
        raise fields.source.error("policy-key-missing", detail, fields.table.offset)
    to = _vault(fields, vaults, "to")
    if (to == vault_id) is not (kind is Kind.SWEEP):
        detail = "a sweep stays in its vault, a rotation goes to another one"
        raise fields.error("policy-value", detail, "to")
    return Route(kind, vault_id, to)


def _vault(fields: Fields, vaults: Mapping[str, VaultEntry], key: str) -> str:
    name = fields.text(key)
    if name not in vaults:
        raise fields.error("policy-name-unknown", f"no vault {near(name, vaults)}", key)
    return name


def _vocabulary(fields: Fields, route: Route, vault: Vault, names: Names) -> Vocabulary[Predicate]:
    """What the block's expression may say."""
    open_to = [path for path in vault.paths if not path.is_locked or route.kind in _MOVES]
    paths = {path.name: path for path in open_to}
    if route.kind is Kind.ANCHOR and not names.rollups:
        raise fields.error("policy-unsatisfiable", "no [rollups.NAME] has an anchor", "spend")
    here = replace(names, paths=paths, subject=_SUBJECT[route.kind])
    return Vocabulary(SPEND_PREDICATES, here, misplaced_in(route.kind))


def _refuse_ways(fields: Fields, kind: Kind, ways: tuple[frozenset[Predicate], ...]) -> None:
    for way in ways:
        if not any(isinstance(predicate, Attested) for predicate in way):
            texts = ", ".join(sorted(predicate.text for predicate in way))
            detail = f"no attestation is asked for by: {texts[:500]}"
            raise fields.error("policy-way-unattested", detail, "when")
    if all(is_dead(way, kind) for way in ways):
        detail = f"its limits exclude each other: no {kind} passes"
        raise fields.error("policy-unsatisfiable", detail, "when")
