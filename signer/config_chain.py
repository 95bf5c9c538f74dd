"""`[chain]` of a configuration: whose headers are believed, how far and how long (docs/configuration.md).

1. Without the table a kernel has no chain, and whatever asks for one is refused.
2. Sources are callers with a role that may bring headers. On mainnet at least two of them are needed, and a
   chain of at least the work that Bitcoin is known to have: no key of this table can widen that.
3. The network's rules are not said here (`bitcoin.network_rules`).
4. A record starts at a checkpoint: from genesis on, headers cost nearly nothing. Only regtest's starts there,
   and on mainnet it has most of the least work.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from signer.bitcoin.checkpoint import Checkpoint, seed
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import MAINNET, REGTEST, Network
from signer.bitcoin.network_rules import rules_of
from signer.toml_table import TomlTable

SOURCES_NEEDED = 2
DEPTH = 144
"""A day of blocks."""
MAX_TIP_AGE = 4 * 3_600
MAX_SILENCE = 2 * 3_600
"""Both as honest chains break them about once in years (`core.freshness`)."""
MAX_PACE = 2 * 86_400
"""For 144 blocks; on mainnet. An honest chain with 70 % of its miners breaks it once in 100,000 days."""
MAINNET_LEAST_WORK = 0xDEE8_E2A3_09AD_8A98_2043_3C68
"""Expected hashes of the chain up to height 912,683 (Core 30's nMinimumChainWork)."""
_WORK = re.compile(r"[0-9a-f]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_HEADERS = re.compile(r"([0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """`[chain]`."""

    sources: tuple[str, ...]
    """Names of callers: only these bring headers."""
    sources_needed: int
    """That vouch for a header before it counts."""
    depth: int
    """Of a reorganisation that is followed, in headers."""
    least_work: int
    """Of a chain on which anything is decided: expected hashes."""
    max_tip_age: int
    """Seconds, by the median time of the tip's last eleven headers."""
    max_silence: int
    """Seconds without a new tip."""
    max_pace: int | None
    """Seconds that the last 144 blocks took; None: as long as they like."""
    follow: bytes
    """Hash, internal order, of a header whose branch is followed however deep; empty for none."""
    checkpoint: Checkpoint | None
    """Where the record starts; None: at genesis, on regtest alone."""


def chain_in(top: TomlTable, network: Network, feeders: Iterable[str]) -> ChainConfig | None:
    """None where there is no such table; `feeders` are the callers whose role lets them bring headers."""
    if "chain" not in top:
        return None
    table = top.table("chain")
    sources = _sources(table, frozenset(feeders))
    chain = ChainConfig(
        sources=sources,
        sources_needed=_sources_needed(table, network, len(sources)),
        depth=table.number("depth", DEPTH),
        least_work=_least_work(table, network),
        max_tip_age=table.number("max_tip_age_seconds", MAX_TIP_AGE),
        max_silence=table.number("max_silence_seconds", MAX_SILENCE),
        max_pace=_max_pace(table, network),
        follow=_bytes(table, "follow", _HASH)[::-1] if "follow" in table else b"",
        checkpoint=_checkpoint(table, network),
    )
    table.end()
    return chain


def _sources(table: TomlTable, feeders: frozenset[str]) -> tuple[str, ...]:
    sources = table.texts("sources")
    if len(set(sources)) != len(sources) or not feeders.issuperset(sources):
        table.refuse(
            "sources", "is a list of [callers] with the role relayer or indexer, each once"
        )
    return sources


def _sources_needed(table: TomlTable, network: Network, sources: int) -> int:
    needed = table.number("sources_needed", SOURCES_NEEDED)
    if needed > sources:
        table.refuse("sources_needed", f"is at most the number of sources, {sources} (default 2)")
    if network is MAINNET and needed < SOURCES_NEEDED:
        table.refuse("sources_needed", f"is at least {SOURCES_NEEDED} on mainnet")
    return needed


def _least_work(table: TomlTable, network: Network) -> int:
    least = MAINNET_LEAST_WORK if network is MAINNET else 0
    work = _number(table, "least_work") if "least_work" in table else least
    if work < least:
        table.refuse("least_work", f"is at least {least:x} on {network}")
    return work


def _max_pace(table: TomlTable, network: Network) -> int | None:
    """On test networks blocks come as they like."""
    if "max_pace_seconds" in table:
        return table.number("max_pace_seconds")
    return MAX_PACE if network is MAINNET else None


def _checkpoint(table: TomlTable, network: Network) -> Checkpoint | None:
    if "checkpoint" not in table:
        if network is not REGTEST:
            table.refuse("checkpoint", f"is needed on {network} (`pegwarden spv checkpoint`)")
        return None
    inner = table.table("checkpoint")
    checkpoint = Checkpoint(
        height=inner.number("height"),
        hash=_bytes(inner, "hash", _HASH)[::-1],
        work=_number(inner, "chainwork"),
        headers=_bytes(inner, "headers", _HEADERS),
    )
    inner.end()
    if network is MAINNET and checkpoint.work < MAINNET_LEAST_WORK * 19 // 20:
        table.refuse(
            "checkpoint", "is too old: from there on headers cost little; take a newer one"
        )
    try:
        seed(rules_of(network), checkpoint)
    except Malformed as error:
        table.refuse("checkpoint", f"is none ({error.code}): {error.detail}")
    return checkpoint


def _number(table: TomlTable, key: str) -> int:
    return int(_digits(table, key, _WORK), 16)


def _bytes(table: TomlTable, key: str, form: re.Pattern[str]) -> bytes:
    return bytes.fromhex(_digits(table, key, form))


def _digits(table: TomlTable, key: str, form: re.Pattern[str]) -> str:
    text = table.text(key)
    if not form.fullmatch(text):
        table.refuse(key, "is in small hexadecimal digits, as a node shows it")
    return text
