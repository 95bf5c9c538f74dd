"""The `[[allow]]` blocks: what each may ask, and what every way through it must ask.

1. There are 1 to 1,000 blocks; each names a kind and a vault, and for sweeps and
   rotations the vault that is paid.
2. Every way asks somebody: of withdrawals and anchors for attestations, of sweeps and rotations for
   attestations or approvals.
3. Predicates mean something for their block's kind, paths can be gone by it, anchors have a rollup.
4. A block whose every way is dead is an error, and so are more than 1,000 ways in all.
5. The clock of an `aged(duration)` is started by the attestations of those of its block's ways that say it.
   Officers are asked about a withdrawal once those of the ways that say `approved` are there: a clock of its
   own, so that none starts another's.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from policies.arguments import Names
from policies.document import Table
from policies.expression import replaced
from policies.fields import Fields
from policies.loaded import Block, Route
from policies.parser import Vocabulary, parse_expression
from policies.predicates import SPEND_PREDICATES, Predicate, misplaced_in
from policies.predicates.aged import Aged, Clock, clock_of
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.source import Source, near
from policies.vault_entry import VaultEntry
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


RouteWays = tuple[tuple[Route, tuple[frozenset[Predicate], ...]], ...]


def read_blocks(
    source: Source, tables: list[Table], vaults: Mapping[str, VaultEntry], names: Names
) -> tuple[tuple[Block, ...], RouteWays]:
    """The blocks, at least one, in the file's order, and of each route the least ways of all its blocks.
    Raises PolicyError."""
    _refuse_number(source, tables)
    normalizer, blocks = Normalizer[Predicate](), list[Block]()
    ways: dict[Route, dict[frozenset[Predicate], int]] = {}
    for number, table in enumerate(tables, 1):
        fields = Fields(source, table, ("spend", "from", "when"), ("to",))
        route = _route(fields, vaults)
        vocabulary = _vocabulary(fields, route, vaults[route.vault_id].vault, names)
        expression = parse_expression(source, fields.item("when"), vocabulary)
        block = Block(number, source.line_of(table.offset), route, expression)
        block, masks = normalized(block, fields, normalizer)
        ways.setdefault(route, {}).update(zip(block.ways, masks, strict=True))
        blocks.append(block)
    with _counting(source, tables[-1].offset):
        least = tuple((route, _least(normalizer, known)) for route, known in ways.items())
        if sum(len(each) for _, each in least) > MAX_WAYS:
            raise TooManyWays
    return tuple(blocks), least


def normalized(
    block: Block, fields: Fields, normalizer: Normalizer[Predicate]
) -> tuple[Block, list[int]]:
    """The block with its ways and clock, and the masks of the ways. Raises PolicyError where nothing passes,
    or where a way asks nobody."""
    with _counting(fields.source, fields.item("when").offset):
        masks = normalizer.masks(block.expression)
        ways = tuple(normalizer.predicates(mask) for mask in masks)
        _refuse_ways(fields, block.route.kind, ways)
        aged, expression = _clocked(ways), block.expression
        if aged:
            expression = replaced(expression, lambda each: aged.get(each, each))
            masks = normalizer.masks(expression)  # the same ways, with Aged that know their clocks
            ways = tuple(normalizer.predicates(mask) for mask in masks)
    asking = _proposed(block.route.kind, ways)
    clocks = {each.clock for each in aged.values()} | asking
    ordered = tuple(sorted(clocks, key=lambda clock: clock.digest))
    made = replace(block, expression=expression, ways=ways, clocks=ordered, asking=tuple(asking))
    return made, masks


def _least(
    normalizer: Normalizer[Predicate], known: Mapping[frozenset[Predicate], int]
) -> tuple[frozenset[Predicate], ...]:
    """The ways that contain no other."""
    way_of = {mask: way for way, mask in known.items()}
    return tuple(way_of[mask] for mask in normalizer.least(set(way_of)))


def _clocked(ways: tuple[frozenset[Predicate], ...]) -> dict[Predicate, Aged]:
    """Each `aged` of the ways with its clock."""
    quorums: dict[Aged, list[frozenset[Attested]]] = {}
    for way in ways:
        for each in way:
            if isinstance(each, Aged):
                quorums.setdefault(each, []).append(_attestors(way))
    return {each: replace(each, clock=clock_of(its)) for each, its in quorums.items()}


def _proposed(kind: Kind, ways: tuple[frozenset[Predicate], ...]) -> set[Clock]:
    """Whose word lets officers be asked about a withdrawal."""
    asking = [way for way in ways if any(isinstance(each, Approved) for each in way)]
    return {clock_of(map(_attestors, asking))} if asking and kind is Kind.WITHDRAWAL else set()


def _attestors(way: frozenset[Predicate]) -> frozenset[Attested]:
    return frozenset(each for each in way if isinstance(each, Attested))


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
    asking = (Attested, Approved) if kind in _MOVES else (Attested,)
    for way in ways:
        if not any(isinstance(predicate, asking) for predicate in way):
            texts = ", ".join(sorted(predicate.text for predicate in way))
            detail = f"no {' or '.join(each.NAME for each in asking)} in: {texts[:500]}"
            raise fields.error("policy-way-unattested", detail, "when")
    if all(is_dead(way, kind) for way in ways):
        detail = f"its limits exclude each other: no {kind} passes"
        raise fields.error("policy-unsatisfiable", detail, "when")
