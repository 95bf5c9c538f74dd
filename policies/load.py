"""Bytes to a policy (design section 7). Whatever does not load allows nothing.

1. The format is exact: each table and key is known here, and none is repeated.
2. Every table is read by its own module; names are read before what uses them.
3. The id is the SHA-256 of the bytes: comments, definitions and examples are part of what is approved.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from policies.arguments import Names
from policies.blocks import read_blocks
from policies.define import definition_texts, read_define
from policies.definitions import Definitions
from policies.document import Table, read_document
from policies.example_table import ExampleSetting, read_examples
from policies.expression import predicates
from policies.fallback import FallbackSetting, read_fallback
from policies.fields import Fields, name_of, placed
from policies.governance_table import read_governance
from policies.groups import read_groups, read_lists, read_rollups
from policies.loaded import Block, LoadedPolicy
from policies.predicates import CHAIN_PREDICATES, Predicate
from policies.predicates.approved import Approved
from policies.predicates.attested import Attested
from policies.source import Source, near, read_source
from policies.vault_entry import VaultEntry
from policies.vault_tables import read_vaults, require_release_officers
from signer.bitcoin.hashes import sha256
from signer.bitcoin.network import Network, network_named

FORMAT = "pegwarden-policy/1"
MAX_VERSION = 1_000_000_000

_TABLES = {
    ("vaults", 2, False): "[vaults.NAME]",
    ("rollups", 2, False): "[rollups.NAME]",
    ("groups", 1, False): "[groups]",
    ("lists", 1, False): "[lists]",
    ("define", 1, False): "[define]",
    ("governance", 1, False): "[governance]",
    ("fallback", 1, False): "[fallback]",
    ("allow", 1, True): "[[allow]]",
    ("example", 1, True): "[[example]]",
}


def load_policy(data: bytes) -> LoadedPolicy:
    """The policy of these bytes. Raises PolicyError."""
    source = read_source(data)
    root, *tables = read_document(source)
    sections = _sections(source, tables)
    top = _read_top(source, root)
    defined = read_define(source, sections["define"])
    names = _read_names(source, sections, top.network, Definitions(defined))
    entries = read_vaults(source, sections["vaults"], top.network, names)
    vaults = {vault_id: entry.vault for vault_id, entry in entries.items()}
    definitions = definition_texts(source, defined, names, vaults.values())
    governance = read_governance(source, sections["governance"], names.groups)
    require_release_officers(source, sections["vaults"], governance)
    blocks, route_ways = read_blocks(source, sections["allow"], entries, names)
    falling = FallbackSetting(entries, names, governance, top.expires)
    fallback = read_fallback(source, sections["fallback"], falling)
    described = ExampleSetting(top.network, vaults, names, governance)
    spoken = tuple(_spoken(entries.values(), (*blocks, *fallback[:1])))  # fallbacks are all alike
    _require_unwitnessed(source, sections["vaults"], entries.values())
    governing = governance.officers if governance is not None else frozenset[bytes]()
    return LoadedPolicy(
        name=top.name,
        version=top.version,
        network=top.network,
        expires=top.expires,
        policy_id=sha256(data),
        vault_entries=tuple(entries.values()),
        rollups=names.rollups,
        groups=tuple(names.groups.values()),
        lists=tuple(names.lists.values()),
        definitions=definitions,
        blocks=blocks,
        route_ways=route_ways,
        governance=governance,
        fallback=fallback,
        examples=read_examples(source, sections["example"], described),
        attestors=_keys(spoken, Attested),
        officer_keys=governing | _keys(spoken, Approved),
        chain_vaults=frozenset(_chain_vaults(entries.values(), (*blocks, *fallback))),
    )


class _Top(NamedTuple):
    """What stands before the first table."""

    name: str
    version: int
    network: Network
    expires: int | None


def _read_top(source: Source, root: Table) -> _Top:
    top = Fields(source, root, ("format", "name", "version", "network"), ("expires",))
    top.choice("format", (FORMAT,))
    name = name_of(source, top.text("name"), top.item("name").offset)
    version = top.number("version", 1, MAX_VERSION)
    named = partial(network_named, top.text("network"))
    network = placed(source, top.item("network").offset, named)
    return _Top(
        name, version, network, top.moment("expires") if "expires" in root.entries else None
    )


def _read_names(
    source: Source,
    sections: dict[str, list[Table]],
    network: Network,
    definitions: Definitions,
) -> Names:
    return Names(
        read_groups(source, sections["groups"]),
        read_lists(source, sections["lists"], network),
        read_rollups(source, sections["rollups"]),
        definitions=definitions,
    )


def _sections(source: Source, tables: list[Table]) -> dict[str, list[Table]]:
    sections: dict[str, list[Table]] = {shape[0]: [] for shape in _TABLES}
    for table in tables:
        if (table.name[0], len(table.name), table.is_repeated) not in _TABLES:
            written = ".".join(table.name)
            detail = f"no such table: {near(written, _TABLES.values())}"
            raise source.error("policy-key-unknown", detail, table.offset)
        sections[table.name[0]].append(table)
    return sections


def _require_unwitnessed(
    source: Source, tables: list[Table], entries: Iterable[VaultEntry]
) -> None:
    """A witness judges the coins of another member's entry, and its own headers are other ones; so far it has
    no rule for that. (`when` is each member's own to keep, as limits are.) Raises PolicyError
    `policy-spv-witnessed`."""
    for table, entry in zip(tables, entries, strict=True):
        asked = [each for each in predicates(entry.coins) if isinstance(each, CHAIN_PREDICATES)]
        if entry.vault.witnesses.quorum and asked:
            detail = f"{asked[0].text} in `coins` of a vault with witnesses"
            raise source.error("policy-spv-witnessed", detail, table.entries["coins"].item.offset)


def _chain_vaults(entries: Iterable[VaultEntry], blocks: tuple[Block, ...]) -> Iterator[bytes]:
    for entry in entries:
        here = (each for each in blocks if each.route.vault_id == entry.vault.vault_id)
        if any(isinstance(each, CHAIN_PREDICATES) for each in _spoken((entry,), here)):
            yield entry.vault.fingerprint


def _spoken(entries: Iterable[VaultEntry], blocks: Iterable[Block]) -> Iterator[Predicate]:
    """Every predicate of the policy."""
    for entry in entries:
        yield from predicates(entry.coins)
    for block in blocks:
        yield from predicates(block.expression)


def _keys(spoken: Iterable[Predicate], form: type[Attested] | type[Approved]) -> frozenset[bytes]:
    """The keys of the groups of which such a predicate speaks."""
    groups = {each.group for each in spoken if isinstance(each, form)}
    return frozenset(key for group in groups for key in group.keys)
