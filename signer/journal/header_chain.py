"""What the record says of Bitcoin's chain: signer.ports.chain.ChainReading on the journal's tables.

1. A source vouches for the last header that it brought, and so for all before it. Where that header is beside
   the best chain, it vouches for what both have.
2. Burial is counted up to the highest header of the best chain for which enough sources vouch. So one source
   alone buries no block; and neither its silence nor a branch of its own takes from what enough others say.
3. A block counts no more confirmations than half the time since its header came on record allows: a chain
   that was made in secret and is shown at once is young here, however old it says to be. The headers with
   which a record starts are trusted, and count at once.
4. While a better chain is told of that leaves ours too deep, nothing is decided (`best_chain`, rule 4).
5. A look lives in one transaction, and what it has found out once it does not ask again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from signer.bitcoin.best_chain import ChainBounds
from signer.bitcoin.burial import Burial, burial
from signer.bitcoin.chain_rules import ChainRules
from signer.bitcoin.checkpoint import Checkpoint
from signer.bitcoin.header_record import ancestry
from signer.bitcoin.tail import Link
from signer.bitcoin.transaction import Txid, display
from signer.bitcoin.units import Height
from signer.core.errors import unverified
from signer.core.freshness import FreshnessBounds, verify_fresh
from signer.journal.database import StoreError, Tables
from signer.journal.header_record import TableHeaders
from signer.ports.chain import SourceSeen

_MOST_BESIDE = 1_000
"""Headers beside the best chain that are gone back for a source. Who is further off vouches for nothing."""
_IN_A_ROW = 10
"""Hashes of a locator before its steps grow."""


@dataclass(frozen=True, slots=True)
class ChainSetting:
    """The chain that a kernel is configured for."""

    rules: ChainRules
    bounds: ChainBounds
    fresh: FreshnessBounds
    sources: tuple[str, ...]
    sources_needed: int
    checkpoint: Checkpoint | None = None


class TableChain(TableHeaders):
    """A look at the chain within the transaction that `tables` is in. To be made anew after each write."""

    def __init__(self, tables: Tables, setting: ChainSetting, now: int) -> None:
        """`now`: effective time, Unix seconds."""
        super().__init__(tables)
        self._now = now
        self._setting = setting
        self._vouched: Height | None = None

    def sources_needed(self) -> int:
        """See ChainReading."""
        return self._setting.sources_needed

    def sources(self) -> tuple[SourceSeen, ...]:
        """See ChainReading."""
        query = "SELECT source, hash, moment, equivocations FROM header_sources"
        heard = {row[0]: row for row in self._tables.execute(query).fetchall()}
        return tuple(
            self._seen(*heard[name]) if name in heard else SourceSeen(name, b"", 0, 0, 0)
            for name in self._setting.sources
        )

    def vouched(self) -> Height:
        """See ChainReading."""
        if self._vouched is None:
            found = [self.link(each.hash) for each in self.sources() if each.hash]
            heights = sorted(self._shared(each) for each in found if each is not None)
            needed = self._setting.sources_needed
            enough = len(heights) >= needed
            self._vouched = Height(heights[-needed] if enough else self.start().height)
        return self._vouched

    def burial(self, block_hash: bytes) -> Burial:
        """See ChainReading."""
        last, spacing = self.vouched(), self._setting.bounds.spacing
        link, since = self.link(block_hash), self.received(block_hash)
        if link is not None and since is not None and spacing:  # 3
            last = Height(min(last, link.height + 2 * max(0, self._now - since) // spacing))
        counted = self.best(last)
        return Burial(0, 0) if counted is None else burial(self, block_hash, counted)

    def locator(self) -> Iterator[bytes]:
        """See ChainReading."""
        start, tip, step = self.start(), self.tip(), 1
        height = tip.height
        while height > start.height and (link := self.best(height)) is not None:
            yield link.hash
            step = step if tip.height - height < _IN_A_ROW - 1 else 2 * step
            height -= step
        yield start.hash

    def require_fresh(self, now: int) -> None:
        """See ChainReading. Raises also VerificationError `header-chain-disputed` (4)."""
        dispute = self.dispute()
        if dispute is not None:
            last = dispute.last
            raise unverified(
                "header-chain-disputed",
                f"a better chain leaves ours above height {dispute.fork}: which one is right, people decide",
                f"{self.tip().work:x}",
                f"{last.work:x}, at {display(Txid(last.hash))}",
            )
        verify_fresh(self.tip_seen(), now, self._setting.fresh)

    def _shared(self, link: Link) -> Height:
        """Up to where the best chain has what is vouched for with that header (1)."""
        back = islice(ancestry(self, link), _MOST_BESIDE)
        shared = (each.height for each in back if self.best(each.height) == each)
        return Height(next(shared, self.start().height))

    def _seen(self, name: str, block_hash: bytes, moment: int, equivocations: int) -> SourceSeen:
        link = self.link(block_hash)
        if link is None:
            raise StoreError(f"what {name} vouches for is not on record")
        return SourceSeen(name, link.hash, link.height, moment, equivocations)
