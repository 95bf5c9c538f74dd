"""The chain as an entry has it: what the kernel's own headers said then, for an entry that is derived again.

1. The headers themselves are no part of the log: a record rebuilt has none. Of those on which an entry rests
   it keeps the 80 bytes, so that its proofs are verified again; how deep they were is taken from it.
2. Of all other blocks nothing is known.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from signer.bitcoin.burial import Burial
from signer.bitcoin.hashes import hash256
from signer.bitcoin.tail import Link
from signer.bitcoin.units import Height
from signer.core.chain_word import ChainWord
from signer.core.control import ControlState
from signer.core.errors import Fault, Objection, VerificationError
from signer.core.freshness import TipSeen
from signer.journal.decide import Session
from signer.journal.reading import TableReading
from signer.ports.chain import ChainReading, SourceSeen


@dataclass(frozen=True, slots=True)
class RecordedBlock:
    """A block on which an entry rests."""

    header: bytes
    """80 bytes."""
    height: Height
    burial: Burial
    """At the decision; (0, 0) off the best chain."""
    received: int | None = None
    """When its header came on record, where the entry says so."""

    @property
    def link(self) -> Link:
        """Its header; the work of the whole chain is not kept."""
        return Link(hash256(self.header), self.height, 0, self.header)


class RecordedChain:
    """signer.ports.chain.ChainReading, by what one entry keeps."""

    def __init__(
        self,
        blocks: Iterable[RecordedBlock],
        tip: TipSeen | None = None,
        vouched: Height | None = None,
        stale: tuple[Objection, ...] = (),
    ) -> None:
        self._blocks = {block.link.hash: block for block in blocks}
        self._tip = tip
        self._vouched = vouched
        self._stale = stale

    def link(self, block_hash: bytes) -> Link | None:
        """See HeaderRecord."""
        block = self._blocks.get(block_hash)
        return None if block is None else block.link

    def best(self, height: int) -> Link | None:
        """See HeaderRecord."""
        found = (each for each in self._blocks.values() if each.height == height)
        return next((each.link for each in found if each.burial.blocks), None)

    def tip(self) -> Link:
        """See HeaderRecord."""
        raise _unkept("the tip's header")

    def tip_seen(self) -> TipSeen:
        """See ChainReading."""
        if self._tip is None:
            raise _unkept("the tip")
        return self._tip

    def sources(self) -> tuple[SourceSeen, ...]:
        """See ChainReading."""
        raise _unkept("who brought headers")

    def sources_needed(self) -> int:
        """See ChainReading."""
        raise _unkept("how many sources were needed")

    def vouched(self) -> Height:
        """See ChainReading."""
        if self._vouched is None:
            raise _unkept("the vouched height")
        return self._vouched

    def burial(self, block_hash: bytes) -> Burial:
        """See ChainReading."""
        block = self._blocks.get(block_hash)
        return Burial(0, 0) if block is None else block.burial

    def received(self, block_hash: bytes) -> int | None:
        """See ChainReading."""
        block = self._blocks.get(block_hash)
        return None if block is None else block.received

    def locator(self) -> Iterator[bytes]:
        """See ChainReading."""
        raise _unkept("the headers")

    def require_fresh(self, now: int) -> None:  # noqa: ARG002 (as it was then)
        """See ChainReading."""
        if self._stale:
            raise VerificationError(*self._stale)


def chain_of_word(word: ChainWord) -> RecordedChain:
    """The chain as the entry of a spend has it."""
    blocks = (
        RecordedBlock(each.header, each.height, word.placed[each.transaction.txid].burial)
        for each in (coins.fact for coins in word.proven)
    )
    return RecordedChain(blocks, word.tip, word.vouched, word.stale)


def _unkept(what: str) -> Fault:
    return Fault(f"an entry does not keep {what}")


class ChainedReading(TableReading):
    """The record rebuilt, with the chain of the entry that is derived again."""

    def __init__(self, session: "ReplaySession", control: ControlState | None) -> None:
        super().__init__(session.tables, session.now, control)
        self._told = session.told

    def chain(self) -> ChainReading | None:
        """See Reading."""
        return self._told


@dataclass(slots=True)
class ReplaySession(Session):
    """The turn in which an entry is derived again."""

    told: ChainReading | None = field(default=None, kw_only=True)
    """As the entry has it; None where it was not asked."""

    def reading(self, control: ControlState | None = None) -> TableReading:
        """See Session."""
        return ChainedReading(self, control)
