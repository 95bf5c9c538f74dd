"""Whoever brings headers, and what came of it."""

from dataclasses import dataclass
from typing import Protocol

from signer.bitcoin.tail import Link


@dataclass(frozen=True, slots=True)
class Brought:
    """What a batch of headers changed."""

    added: int
    """Headers that were not on record."""
    last: Link
    """The batch's last header, new or not."""
    tip: Link
    """Of the best chain, after it."""
    left: int
    """Headers that left the best chain by it."""
    equivocated: bool
    """Whether its source went over to another branch with no more work."""


class HeaderFeed(Protocol):
    """Takes headers into the record."""

    def submit(self, source: str, data: bytes) -> Brought:
        """All of that batch or none of it. Raises Malformed as `best_chain.HeaderChain.advance` does, Refusal
        `journal-unavailable`, and what stops headers."""
