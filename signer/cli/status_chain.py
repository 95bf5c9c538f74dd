"""What `pegwarden status` and `config check` say of the kernel's own chain of headers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from signer.config_chain import ChainConfig
from signer.core.moments import format_time

if TYPE_CHECKING:
    from pegwarden.v1 import header_chain_pb2 as hb


def chain_lines(chain: "hb.GetTipResponse") -> Iterator[str]:
    """Tip, who vouches for it, and why nothing is decided on it."""
    yield f"chain        height {chain.height}, {chain.hash_display}"
    vouched = f"{chain.sources_needed} of {len(chain.sources)} sources vouch for it"
    yield f"             up to height {chain.vouched_height} {vouched}"
    for objection in chain.stale:
        seen = f" ({objection.observed}, limit {objection.limit})" if objection.limit else ""
        yield f"             {objection.code}: {objection.detail}{seen}"
    for source in chain.sources:
        if not source.brought_unix:
            yield f"source       {source.name}: nothing yet"
            continue
        brought = f"height {source.height}, {format_time(source.brought_unix)}"
        lies = f"; EQUIVOCATED {source.equivocations} times" if source.equivocations else ""
        yield f"source       {source.name}: {brought}{lies}"


def chain_json(chain: "hb.GetTipResponse") -> dict[str, object]:
    """The same, for machines."""
    return {
        "hash": chain.hash_display,
        "height": chain.height,
        "chain_work": chain.chain_work.hex(),
        "median_time_unix": chain.median_time_unix,
        "since_unix": chain.since_unix,
        "vouched_height": chain.vouched_height,
        "sources_needed": chain.sources_needed,
        "sources": {
            source.name: {
                "height": source.height,
                "brought_unix": source.brought_unix,
                "equivocations": source.equivocations,
            }
            for source in chain.sources
        },
        "stale": [objection.code for objection in chain.stale],
    }


def configured(chain: ChainConfig | None) -> str:
    """One line."""
    if chain is None:
        return "no [chain]: nothing is asked of Bitcoin's headers"
    start = "genesis" if chain.checkpoint is None else f"height {chain.checkpoint.height}"
    sources = ", ".join(chain.sources)
    return f"headers from {sources}, of whom {chain.sources_needed} must vouch, since {start}"
