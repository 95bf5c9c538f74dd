"""The `[vaults.NAME]` tables.

1. Vaults register (`signer.core.vault`): together, so that they share no key and no address.
2. No path that fewer members than the primary one's, or others, can take opens before the vault's
   `weaker_after`, an age in blocks, or `weaker_from`, a height.
3. Deposits have bounds: an amount between `deposit_least` and `deposit_cap`, `deposit_depth` confirmations
   before they are attested, and a last block, `deposits_until`.
4. `release_quorum` counts officers of [governance]: no more than there are (`require_release_officers`). And
   `release_work` needs some: after a reorganisation that undoes a release nobody else unlocks the kernel.
5. Where attestors are never asked about coins, no word of theirs ends a withdrawal: `release_work` must.
"""

import re
from dataclasses import dataclass
from functools import partial

from policies.arguments import Names
from policies.document import Table
from policies.expression import predicates
from policies.fields import Fields, name_of, placed, text_of
from policies.parser import Vocabulary, parse_expression
from policies.predicates import COIN_PREDICATES, CoinPredicate
from policies.predicates.attested import Attested
from policies.source import Source
from policies.vault_entry import VaultEntry
from signer.bitcoin.descriptor import SpendingPath, parse_key_information
from signer.bitcoin.miniscript.locks import (
    SEQUENCE_VALUE,
    after_in_time,
    older_in_time,
)
from signer.bitcoin.network import Network
from signer.bitcoin.transaction import LOCKTIME_THRESHOLD
from signer.bitcoin.units import Height, Sats
from signer.core.governance import GovernanceTerms
from signer.core.registry import VaultRegistry
from signer.core.vault import MAX_LOOKAHEAD, Vault, VaultDefinition, register

MAX_DEPTH = 100_000
"""Blocks of `release_depth`, and of `deposit_depth`."""
DEPOSIT_DEPTH = 6
"""Of a vault that states none."""
MAX_OFFICERS = 1_000_000
MAX_VAULTS = 64
_QUORUM, _CAP, _WORK = "release_quorum", "deposit_cap", "release_work"
_LEAST, _DEPTH, _UNTIL = "deposit_least", "deposit_depth", "deposits_until"
_WITNESSES = ("witnesses", "witness_quorum")
_VAULT_OPTIONS = (
    "lookahead", "release_depth", _QUORUM, _WORK, "weaker_after", "weaker_from", _CAP, *_WITNESSES,
    _LEAST, _DEPTH, _UNTIL,
)  # fmt: skip
_LOG_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a vault's table is read with."""

    network: Network
    names: Names


def read_vaults(
    source: Source, tables: list[Table], network: Network, names: Names
) -> dict[str, VaultEntry]:
    """The `[vaults.NAME]` tables. Raises PolicyError."""
    vaults: dict[str, VaultEntry] = {}
    if len(tables) > MAX_VAULTS:
        offset = tables[MAX_VAULTS].offset
        raise source.error("policy-value", f"more than {MAX_VAULTS} vaults", offset)
    for table in tables:
        entry = _vault(source, table, _Setting(network, names))
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
    template, witnessed = fields.text("template"), _witnesses(source, fields)
    definition = VaultDefinition(vault_id, template, keys, lookahead, *witnessed)
    offset = fields.item("template").offset
    vault = placed(source, offset, partial(register, definition, setting.network))
    vocabulary: Vocabulary[CoinPredicate] = Vocabulary(COIN_PREDICATES, setting.names)
    coins = parse_expression(source, fields.item("coins"), vocabulary)
    depth = fields.number_or("release_depth", 100, MAX_DEPTH)
    quorum = fields.number_or(_QUORUM, 0, MAX_OFFICERS)
    work = fields.work(_WORK) if _WORK in table.entries else None
    if work is None and not any(isinstance(each, Attested) for each in predicates(coins)):
        detail = "nothing would end a withdrawal: state `release_work`, or let attestors be asked"
        raise fields.error("policy-unsatisfiable", detail, "coins")
    bounds = (*_weaker(fields, vault), *_deposits(fields))
    return VaultEntry(definition, vault, coins, depth, quorum, *bounds, release_work=work)


def _deposits(fields: Fields) -> tuple[Sats | None, Sats, int, Height | None]:
    """Rule 3: cap, least, depth, until."""
    entries = fields.table.entries
    cap = fields.amount(_CAP) if _CAP in entries else None
    least = fields.amount(_LEAST) if _LEAST in entries else Sats(0)
    if cap is not None and least > cap:
        raise fields.error("policy-value", f"{_LEAST} is above {_CAP}: no deposit counts", _LEAST)
    until = Height(fields.number(_UNTIL, 1, LOCKTIME_THRESHOLD - 1)) if _UNTIL in entries else None
    return cap, least, fields.number_or(_DEPTH, DEPOSIT_DEPTH, MAX_DEPTH), until


def require_release_officers(
    source: Source, tables: list[Table], governance: GovernanceTerms | None
) -> None:
    """Rule 4. Raises PolicyError `policy-unsatisfiable`."""
    officers = 0 if governance is None else len(governance.officers)
    for table in tables:
        fields = Fields(source, table, (), tuple(table.entries))
        if _WORK in table.entries and not officers:
            detail = "only officers of [governance] unlock after a reorganisation"
            raise fields.error("policy-unsatisfiable", detail, _WORK)
        if _QUORUM not in table.entries:
            continue
        quorum = fields.number(_QUORUM, 1, MAX_OFFICERS)
        if quorum > officers:
            detail = f"{quorum} of {officers} officers of [governance]"
            raise fields.error("policy-unsatisfiable", detail, _QUORUM)


def _witnesses(source: Source, fields: Fields) -> tuple[tuple[bytes, ...], int | None]:
    """The members' log keys, and how many of them grant; none where the vault has no witnesses."""
    if "witnesses" not in fields.table.entries:
        if "witness_quorum" in fields.table.entries:
            detail = "a quorum of witnesses, and no witnesses"
            raise fields.error("policy-value", detail, "witness_quorum")
        return (), None
    keys = []
    for item in fields.items("witnesses"):
        text = text_of(source, item)
        if not _LOG_KEY.fullmatch(text):
            detail = "a witness is a log key: 64 small hexadecimal digits"
            raise source.error("policy-value", detail, item.offset)
        keys.append(bytes.fromhex(text))
    stated = "witness_quorum" in fields.table.entries
    return tuple(keys), fields.number("witness_quorum", 1, MAX_OFFICERS) if stated else None


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
