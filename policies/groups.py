"""What expressions speak of by name: groups of keys, lists of addresses, rollups.

1. A key of a group is an x-only key in hexadecimal, or an OpenSSH public key line. No key stands twice in a
   group: the comment of a line does not make it another key.
2. Addresses belong to the network and are ones that a payment may go to.
3. A magic is one rollup's.
"""

import re
from functools import partial

from policies.arguments import AddressList, Group, Rollup
from policies.document import Item, Table
from policies.fields import Fields, name_of, placed, text_of
from policies.source import Source
from signer.bitcoin.address import script_of
from signer.bitcoin.network import Network
from signer.bitcoin.script import DUST_LIMIT, ScriptType, script_type
from signer.bitcoin.secp import parse_xonly
from signer.core.ssh import parse_public_key, read_key

MAX_BATCH = 2**63 - 1
_MAGIC, _XONLY = re.compile(r"[0-9a-f]{8}"), re.compile(r"[0-9a-f]{64}")
_SSH = ("ssh-", "sk-")
"""How the types of OpenSSH keys begin."""


def _named_arrays(source: Source, tables: list[Table]) -> dict[str, tuple[Item, ...]]:
    """The arrays of `[groups]` or `[lists]`, by name."""
    arrays: dict[str, tuple[Item, ...]] = {}
    for table in tables:
        fields = Fields(source, table, tuple(table.entries))
        for name, entry in table.entries.items():
            arrays[name_of(source, name, entry.key_offset)] = fields.items(name)
    return arrays


def read_groups(source: Source, tables: list[Table]) -> dict[str, Group]:
    """`[groups]`. Raises PolicyError."""
    groups: dict[str, Group] = {}
    for name, items in _named_arrays(source, tables).items():
        keys, points = set[bytes](), set[bytes]()
        for item in items:
            key = _key(source, item)
            point = key if len(key) == 32 else read_key(key).point
            if point in points:
                raise source.error("policy-repeated", f"a key twice in group {name}", item.offset)
            keys.add(key)
            points.add(point)
        groups[name] = Group(name, frozenset(keys))
    return groups


def _key(source: Source, item: Item) -> bytes:
    text = text_of(source, item)
    if text.startswith(_SSH):
        return placed(source, item.offset, partial(parse_public_key, text))
    if not _XONLY.fullmatch(text):
        detail = "a key of a group is 64 lower-case hexadecimal digits (x-only), or an OpenSSH public key"
        raise source.error("pubkey-malformed", detail, item.offset)
    key = bytes.fromhex(text)
    placed(source, item.offset, partial(parse_xonly, key))
    return key


def read_lists(source: Source, tables: list[Table], network: Network) -> dict[str, AddressList]:
    """`[lists]`. Raises PolicyError."""
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


def read_rollups(source: Source, tables: list[Table]) -> tuple[Rollup, ...]:
    """The `[rollups.NAME]` tables. Raises PolicyError."""
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
