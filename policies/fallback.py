"""`[fallback]`: what holds after `expires`, and nothing else does.

1. It speaks of sweeps and rotations, from every vault to every registered one: nobody is paid.
2. Without the table it is `approved(quorum, officers)` of `[governance]`; without that, nothing.
3. Its ways ask for attestations or approvals. It can name a path that every vault has.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from policies.arguments import Group, Names
from policies.blocks import normalized
from policies.document import Table
from policies.expression import Leaf
from policies.fields import Fields
from policies.loaded import Block, Route
from policies.parser import Vocabulary, parse_expression
from policies.predicates import SPEND_PREDICATES, Predicate, misplaced_in
from policies.predicates.approved import Approved
from policies.source import Source
from policies.vault_entry import VaultEntry
from policies.ways import Normalizer
from signer.core.evidence import StatementKind
from signer.core.governance import GovernanceTerms
from signer.core.spend import Kind


@dataclass(frozen=True, slots=True)
class FallbackSetting:
    """What the fallback is read with."""

    vaults: Mapping[str, VaultEntry]
    names: Names
    governance: GovernanceTerms | None
    expires: int | None


def read_fallback(
    source: Source, tables: list[Table], setting: FallbackSetting
) -> tuple[Block, ...]:
    """A block for each route, all alike; none for a policy that never expires. Raises PolicyError."""
    if tables and setting.expires is None:
        detail = "no 'expires' at the top: the fallback would never hold"
        raise source.error("policy-key-missing", detail, tables[0].offset)
    if tables:
        block = _written(source, tables[0], setting)
    elif setting.expires is not None and setting.governance is not None:
        block = _default(setting.governance, setting.names.groups)
    else:
        return ()
    return tuple(replace(block, route=route) for route in _routes(setting.vaults))


def _written(source: Source, table: Table, setting: FallbackSetting) -> Block:
    fields = Fields(source, table, ("when",))
    first, *others = (entry.vault.paths for entry in setting.vaults.values())
    common = [path for path in first if all(path.name in {p.name for p in each} for each in others)]
    names = replace(
        setting.names,
        paths={path.name: path for path in common},
        subject=StatementKind.SWEEP,
    )
    misplaced = misplaced_in(Kind.ROTATION)
    vocabulary: Vocabulary[Predicate] = Vocabulary(SPEND_PREDICATES, names, misplaced)
    expression = parse_expression(source, fields.item("when"), vocabulary)
    block = Block(0, source.line_of(table.offset), _ANY, expression)
    return normalized(block, fields, Normalizer[Predicate]())[0]


def _default(governance: GovernanceTerms, groups: Mapping[str, Group]) -> Block:
    quorum: Predicate = Approved(governance.quorum, groups[governance.group])
    return Block(0, 0, _ANY, Leaf(quorum), (frozenset((quorum,)),))


_ANY = Route(Kind.ROTATION, "", "")
"""Stands for all routes while the block is read: what a rotation may say a sweep may, and what no rotation
can satisfy is refused."""


def _routes(vaults: Mapping[str, VaultEntry]) -> list[Route]:
    return [
        Route(Kind.SWEEP if to == vault_id else Kind.ROTATION, vault_id, to)
        for vault_id in vaults
        for to in vaults
    ]
