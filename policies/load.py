"""Bytes to a policy (design section 7). Whatever does not load allows nothing.

1. The format is exact: each table and key is known here, and none is repeated.
2. Vaults register (`signer.core.vault`), keys are on their curve, addresses belong to the network.
   No path that fewer members than the primary one's, or others, can take opens before the vault's
   `weaker_after`, an age in blocks, or `weaker_from`, a height.
3. The `[[allow]]` blocks meet the rules of `blocks`.
"""

import re
from dataclasses import dataclass
from functools import partial

from policies.arguments import AddressList, Group, Names, Rollup
from policies.blocks import read_blocks
from policies.document import Item, Table, read_document
from policies.expression import predicates
from policies.fields import Fields, name_of, placed, text_of
from policies.loaded import Block, LoadedPolicy, VaultEntry
from policies.parser import Vocabulary, parse_expression
from policies.predicates import COIN_PREDICATES
from policies.predicates.attested import Attested
from policies.source import Source, near, read_source
from signer.bitcoin.address import script_of
from signer.bitcoin.descriptor import SpendingPath, parse_key_information
from signer.bitcoin.hashes import sha256
from signer.bitcoin.miniscript.locks import (
    SEQUENCE_VALUE,
    after_in_time,
    older_in_time,
)
from signer.bitcoin.network import Network, network_named
from signer.bitcoin.script import DUST_LIMIT, ScriptType, script_type
from signer.bitcoin.secp import parse_xonly
from signer.bitcoin.transaction import LOCKTIME_THRESHOLD
from signer.core.vault import MAX_LOOKAHEAD, Vault, VaultDefinition, VaultRegistry, register

FORMAT = "pegwarden-policy/1"
MAX_VERSION = 1_000_000_000
MAX_BATCH = 2**63 - 1
MAX_DEPTH = 100_000
"""Blocks of `release_depth`."""
MAX_VAULTS = 64

_TABLES = {
    ("vaults", 2, False): "[vaults.NAME]",
    ("rollups", 2, False): "[rollups.NAME]",
    ("groups", 1, False): "[groups]",
    ("lists", 1, False): "[lists]",
    ("allow", 1, True): "[[allow]]",
}
_VAULT_OPTIONS = ("lookahead", "release_depth", "weaker_after", "weaker_from")
_MAGIC, _XONLY = re.compile(r"[0-9a-f]{8}"), re.compile(r"[0-9a-f]{64}")


def load_policy(data: bytes) -> LoadedPolicy:
    """The policy of these bytes. Raises PolicyError."""
    source = read_source(data)
    root, *tables = read_document(source)
    sections = _sections(source, tables)
    top = Fields(source, root, ("format", "name", "version", "network"))
    top.choice("format", (FORMAT,))
    name, version = top.text("name"), top.number("version", 1, MAX_VERSION)
    name_of(source, name, top.item("name").offset)
    named = partial(network_named, top.text("network"))
    network = placed(source, top.item("network").offset, named)
    names = Names(
        _groups(source, sections["groups"]),
        _lists(source, sections["lists"], network),
        _rollups(source, sections["rollups"]),
    )
    vaults = _vaults(source, sections["vaults"], _Setting(network, names))
    blocks = read_blocks(source, sections["allow"], vaults, names)
    return LoadedPolicy(
        name=name,
        version=version,
        network=network,
        policy_id=sha256(data),
        vault_entries=tuple(vaults.values()),
        rollups=names.rollups,
        groups=tuple(names.groups.values()),
        lists=tuple(names.lists.values()),
        blocks=blocks,
        attestors=_attestors(vaults, blocks),
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


def _named_arrays(source: Source, tables: list[Table]) -> dict[str, tuple[Item, ...]]:
    """The arrays of `[groups]` or `[lists]`, by name."""
    arrays: dict[str, tuple[Item, ...]] = {}
    for table in tables:
        fields = Fields(source, table, tuple(table.entries))
        for name, entry in table.entries.items():
            arrays[name_of(source, name, entry.key_offset)] = fields.items(name)
    return arrays


def _groups(source: Source, tables: list[Table]) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for name, items in _named_arrays(source, tables).items():
        keys: set[bytes] = set()
        for item in items:
            key = _xonly(source, item)
            if key in keys:
                raise source.error("policy-repeated", f"a key twice in group {name}", item.offset)
            keys.add(key)
        groups[name] = Group(name, frozenset(keys))
    return groups


def _xonly(source: Source, item: Item) -> bytes:
    text = text_of(source, item)
    if not _XONLY.fullmatch(text):
        detail = "a key of a group is 64 lower-case hexadecimal digits (x-only)"
        raise source.error("pubkey-malformed", detail, item.offset)
    key = bytes.fromhex(text)
    placed(source, item.offset, partial(parse_xonly, key))
    return key


def _lists(source: Source, tables: list[Table], network: Network) -> dict[str, AddressList]:
    lists: dict[str, AddressList] = {}
    for name, items in _named_arrays(source, tables).items():
        scripts: set[bytes] = set()
        for item in items:
            script = _destination(source, item, network)
            if script in scripts:
                raise source.error("policy-repeated", f"twice in list {name}", item.offset)
            scripts.add(script)
        lists[name] = AddressList(name, frozenset(scripts))
    return lists


def _destination(source: Source, item: Item, network: Network) -> bytes:
    text = text_of(source, item)
    script = placed(source, item.offset, partial(script_of, text, network))
    form = script_type(script)
    if form not in DUST_LIMIT:
        raise source.error("policy-value", f"no payment goes to a {form} script", item.offset)
    if form is ScriptType.P2TR:
        placed(source, item.offset, partial(parse_xonly, script[2:]))
    return script


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a vault's table is read with."""

    network: Network
    names: Names


def _vaults(source: Source, tables: list[Table], setting: _Setting) -> dict[str, VaultEntry]:
    vaults: dict[str, VaultEntry] = {}
    if len(tables) > MAX_VAULTS:
        offset = tables[MAX_VAULTS].offset
        raise source.error("policy-value", f"more than {MAX_VAULTS} vaults", offset)
    for table in tables:
        entry = _vault(source, table, setting)
        vaults[entry.definition.vault_id] = entry
        registered = tuple(each.vault for each in vaults.values())
        placed(source, table.offset, partial(VaultRegistry, registered))
    return vaults


def _vault(source: Source, table: Table, setting: _Setting) -> VaultEntry:
    fields = Fields(source, table, ("template", "keys", "coins"), _VAULT_OPTIONS)
    vault_id = name_of(source, table.name[1], table.offset)
    keys = tuple(text_of(source, item) for item in fields.items("keys"))
    for key, item in zip(keys, fields.items("keys"), strict=True):
        placed(source, item.offset, partial(parse_key_information, key, setting.network))
    lookahead = fields.number_or("lookahead", 1_000, MAX_LOOKAHEAD)
    definition = VaultDefinition(vault_id, fields.text("template"), keys, lookahead)
    offset = fields.item("template").offset
    vault = placed(source, offset, partial(register, definition, setting.network))
    vocabulary: Vocabulary[Attested] = Vocabulary(COIN_PREDICATES, setting.names)
    coins = parse_expression(source, fields.item("coins"), vocabulary)
    release_depth = fields.number_or("release_depth", 100, MAX_DEPTH)
    return VaultEntry(definition, vault, coins, release_depth, *_weaker(fields, vault))


def _weaker(fields: Fields, vault: Vault) -> tuple[int | None, int | None]:
    """(weaker_after, weaker_from): no path that fewer than k members open is open before both."""
    after = from_height = None
    if "weaker_after" in fields.table.entries:
        after = fields.number("weaker_after", 1, SEQUENCE_VALUE)
    if "weaker_from" in fields.table.entries:
        from_height = fields.number("weaker_from", 1, LOCKTIME_THRESHOLD - 1)
    for path in vault.paths:
        if not _is_weaker(path, vault):
            continue
        if after is None and from_height is None:
            raise fields.error(
                "vault-weaker-unstated",
                f"path {path.name} needs fewer members than the primary one, or others; state "
                "`weaker_after`, in blocks, or `weaker_from`, a height",
                "template",
            )
        if not (_later_by_age(path.older, after) or _later_by_height(path.after, from_height)):
            stated = "weaker_from" if after is None else "weaker_after"
            raise fields.error(
                "vault-weaker-too-early", f"path {path.name} opens {path.locks_text}", stated
            )
    return after, from_height


def _is_weaker(path: SpendingPath, vault: Vault) -> bool:
    """Whether fewer than k members, or with the help of others than the primary path's, open it."""
    primary = {vault.places[position].xpub for position in vault.paths[0].positions}
    others = any(vault.places[position].xpub not in primary for position in path.positions)
    return others or path.threshold < vault.threshold


def _later_by_age(older: int | None, stated: int | None) -> bool:
    """Whether the lock counts blocks, at least as many as stated."""
    if older is None or stated is None or older_in_time(older):
        return False
    return older >= stated


def _later_by_height(after: int | None, stated: int | None) -> bool:
    """Whether the lock is a height, at least the stated one."""
    if after is None or stated is None or after_in_time(after):
        return False
    return after >= stated


def _rollups(source: Source, tables: list[Table]) -> tuple[Rollup, ...]:
    rollups: dict[bytes, Rollup] = {}
    for table in tables:
        fields = Fields(source, table, ("magic", "first_batch", "sequence"))
        name = name_of(source, table.name[1], table.offset)
        if not _MAGIC.fullmatch(fields.text("magic")):
            raise fields.error("policy-value", "a magic is 8 lower-case hex digits", "magic")
        magic = bytes.fromhex(fields.text("magic"))
        if magic in rollups:
            detail = f"the magic of rollup {rollups[magic].name}: each has its own"
            raise fields.error("policy-repeated", detail, "magic")
        first_batch = fields.number("first_batch", 1, MAX_BATCH)
        sequence = fields.choice("sequence", ("contiguous", "increasing"))
        rollups[magic] = Rollup(name, magic, first_batch, sequence)
    return tuple(rollups.values())


def _attestors(vaults: dict[str, VaultEntry], blocks: tuple[Block, ...]) -> frozenset[bytes]:
    asked = [each for entry in vaults.values() for each in predicates(entry.coins)]
    for block in blocks:
        said = predicates(block.expression)
        asked.extend(each for each in said if isinstance(each, Attested))
    return frozenset(key for each in asked for key in each.group.keys)
