"""How deep a block is buried: in blocks and in work.

Rule 1: both count the block itself, and only on the best chain: beside it, or unknown, a block has 0 of both.
        They end with its tip, or with a header below that: then what is above it has 0 of both.
Rule 2: the work is what it costs to replace the block: expected hashes of a chain as good as that from it on.
"""

from typing import NamedTuple

from signer.bitcoin.header import read_header
from signer.bitcoin.header_record import HeaderRecord
from signer.bitcoin.tail import Link
from signer.bitcoin.target import work_of


class Burial(NamedTuple):
    """What lies on a block, itself included."""

    blocks: int
    """Confirmations."""
    work: int
    """Expected hashes."""


def burial(record: HeaderRecord, block_hash: bytes, last: Link | None = None) -> Burial:
    """How deep the block with that hash is buried now, counted to `last` of the best chain, or to the tip."""
    link, last = record.link(block_hash), last or record.tip()
    if link is None or link.height > last.height or record.best(link.height) != link:
        return Burial(0, 0)
    own = work_of(read_header(link.raw).bits)
    return Burial(last.height - link.height + 1, last.work - link.work + own)
