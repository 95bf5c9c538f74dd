"""Where a record of headers starts: at genesis, or at a checkpoint that an operator trusts.

1. A checkpoint is the first header of a period, so that the next retargeting counts from it.
2. It comes with the ten headers before it, so that every median is one of eleven: linked, up to its hash,
   each with its work, their median not after the last.
3. Height, hash and work are trusted (`height`, `hash`, `chainwork` of Core's `getblockheader`), nothing else.
"""

from dataclasses import dataclass

from signer.bitcoin.chain_rules import PERIOD, ChainRules
from signer.bitcoin.errors import Malformed
from signer.bitcoin.header import HEADER_SIZE, Header, read_header
from signer.bitcoin.tail import MEDIAN_OF, Link
from signer.bitcoin.target import target_of, work_of


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A header that is trusted, with what is needed to go on from it."""

    height: int
    hash: bytes
    """32 bytes, internal order."""
    work: int
    """Of the whole chain up to it, its own included: expected hashes."""
    headers: bytes
    """880 bytes: the ten before it, then itself."""


def seed(rules: ChainRules, checkpoint: Checkpoint | None) -> list[Link]:
    """The headers with which a record starts, all on its best chain; without a checkpoint the genesis header.

    Raises Malformed `checkpoint-height`, `checkpoint-headers`, `checkpoint-work` or `target-malformed`.
    """
    if checkpoint is None:
        genesis = read_header(rules.genesis)
        return [Link(genesis.hash, 0, work_of(genesis.bits), rules.genesis)]
    if checkpoint.height < PERIOD or checkpoint.height % PERIOD:  # 1
        raise Malformed("checkpoint-height", f"{checkpoint.height} does not start a period")
    links, work = [], checkpoint.work
    raws = _raws(checkpoint)
    for below, raw in enumerate(reversed(raws)):
        header = read_header(raw)
        links.append(Link(header.hash, checkpoint.height - below, work, raw))
        work -= work_of(header.bits)
    if work <= 0:
        raise Malformed("checkpoint-work", f"{checkpoint.work} is less than the headers' own")
    return links[::-1]


def _raws(checkpoint: Checkpoint) -> list[bytes]:
    """The eleven, verified (rule 2)."""
    data, size = checkpoint.headers, HEADER_SIZE
    if len(data) != MEDIAN_OF * size:
        raise Malformed("checkpoint-headers", f"{len(data)} bytes, not {MEDIAN_OF * size}")
    raws = [data[at : at + size] for at in range(0, len(data), size)]
    headers = [read_header(raw) for raw in raws]
    followed = [each.previous for each in headers[1:]]
    if [each.hash for each in headers] != [*followed, checkpoint.hash]:
        raise Malformed("checkpoint-headers", "they do not lead to the hash")
    median_time = sorted(each.time for each in headers)[MEDIAN_OF // 2]
    if any(map(_lacks_work, headers)) or median_time > headers[-1].time:
        raise Malformed("checkpoint-headers", "they could not be in any chain")
    return raws


def _lacks_work(header: Header) -> bool:
    return int.from_bytes(header.hash, "little") > target_of(header.bits)
