"""The kernel's own chain of headers, as the record has it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from signer.bitcoin.burial import Burial
from signer.bitcoin.header_record import HeaderRecord
from signer.bitcoin.units import Height
from signer.core.freshness import TipSeen


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """What one of the configured sources vouches for."""

    name: str
    hash: bytes
    """32 bytes, internal order: the last header that it brought; empty when it brought none."""
    height: int
    moment: int
    """When it brought that, or brought it again; effective time, Unix seconds."""
    equivocations: int
    """Times that it went over to another branch with no more work."""


class ChainReading(HeaderRecord, Protocol):
    """A look at the headers on record, in the transaction of the reading that it belongs to."""

    def tip_seen(self) -> TipSeen:
        """The best chain's tip."""

    def sources(self) -> tuple[SourceSeen, ...]:
        """The configured ones, in the configuration's order."""

    def sources_needed(self) -> int:
        """How many of them must vouch for a header."""

    def vouched(self) -> Height:
        """The highest height of the best chain up to which at least as many sources as are needed vouch: each
        for a header there, or for one that follows it on whatever branch. Where the record starts if there is
        none."""

    def burial(self, block_hash: bytes) -> Burial:
        """How deep that block is buried, counted up to the vouched header; (0, 0) off the best chain, above
        the vouched header, or unknown."""

    def received(self, block_hash: bytes) -> int | None:
        """When that header came on record, effective time, Unix seconds; None for the headers with which the
        record starts, or when it is unknown."""

    def locator(self) -> Iterator[bytes]:
        """Hashes of the best chain from the tip back, in growing steps, the record's first one last."""

    def require_fresh(self, now: int) -> None:
        """Raises VerificationError `header-chain-light`, `header-tip-stale` or `header-feed-frozen`."""
