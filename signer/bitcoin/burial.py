"""How deep a block is buried: in blocks and in work.

Rule 1: both count the block itself, and only on the best chain: beside it, or unknown, a block has 0 of both.
Rule 2: the work is what it costs to replace the block: expected hashes of a chain as good as that from it on.
"""

from typing import NamedTuple

from signer.bitcoin.header import read_header
from signer.bitcoin.header_record import HeaderRecord
from signer.bitcoin.target import work_of


class Burial(NamedTuple):
    """What lies on a block, itself included."""

    blocks: int
    """Confirmations."""
    work: int
    """Expected hashes."""


def burial(record: HeaderRecord, block_hash: bytes) -> Burial:
    """How deep the block with that hash is buried now."""
    link = record.link(block_hash)
    if link is None or record.best(link.height) != link:
        return Burial(0, 0)
    tip = record.tip()
    own = work_of(read_header(link.raw).bits)
    return Burial(tip.height - link.height + 1, tip.work - link.work + own)
