"""Releases by the kernel's own chain, where the vault has a `release_work` (docs/releases.md).

1. The killer is in a block of the best chain: a proof of inclusion says so, and no attestor is asked.
2. On that block, itself included, lie `release_depth` blocks and `release_work`, as our chain counts them
   (`signer.ports.chain`): up to the header for which enough sources vouch, and no more than half the time
   since its header came on record allows. And the chain is fresh.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from signer.bitcoin.burial import Burial
from signer.bitcoin.units import Height
from signer.core.errors import Objection


@dataclass(frozen=True, slots=True)
class KillerBlock:
    """The killer's block as our own chain has it: a fact."""

    hash: bytes
    """32 bytes, internal order."""
    height: Height
    burial: Burial
    """As our chain counts it; none off the best chain."""
    stale: tuple[Objection, ...] = ()
    """Why the chain is not to be believed now."""


@dataclass(frozen=True, slots=True)
class BurialTerms:
    """What a vault asks of a killer that is proven by our own chain."""

    depth: int
    """Confirmations."""
    work: int | None
    """Expected hashes; None: it takes no such proof."""


def burial_objections(block: KillerBlock, terms: BurialTerms) -> Iterator[Objection]:
    """Why our chain does not prove that the killer is buried as the vault asks."""
    if terms.work is None:
        detail = "the vault has no `release_work`: attestors say what is buried"
        yield Objection("release-proof-unasked", detail)
        return
    yield from block.stale  # 2
    burial = block.burial
    if burial.blocks < terms.depth:  # 2
        seen, limit = f"{burial.blocks} confirmations", f"{terms.depth} confirmations"
        yield Objection(
            "release-too-shallow", "the transaction is not buried deep enough", seen, limit
        )
    elif burial.work < terms.work:  # 2
        detail = "too little work lies on the transaction's block"
        yield Objection("release-too-light", detail, f"{burial.work:x}", f"{terms.work:x}")
