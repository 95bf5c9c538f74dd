"""What the chain asks of whoever keeps its headers, and how a tail is made again from them.

Rule 1: a record is closed: with a header it has those before it, back to where it starts (`checkpoint.seed`).
Rule 2: it keeps every header that was verified, best chain or not, and gives back the same bytes.
Rule 3: a tail needs the headers of its period, and eleven: at most 2026. Where the record starts later than
        those, nothing can follow.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from signer.bitcoin.chain_rules import PERIOD
from signer.bitcoin.errors import Malformed
from signer.bitcoin.header import read_header
from signer.bitcoin.tail import MEDIAN_OF, Link, Tail


class HeaderRecord(Protocol):
    """The headers on record."""

    def link(self, block_hash: bytes) -> Link | None:
        """The header with that hash, wherever it stands."""

    def best(self, height: int) -> Link | None:
        """The best chain's header at that height."""

    def tip(self) -> Link:
        """The best chain's last header."""

    def received(self, block_hash: bytes) -> int | None:
        """When that header came on record, by our own clock, Unix seconds; None for those with which the
        record starts, or where it is unknown."""


def ancestry(record: HeaderRecord, link: Link) -> Iterator[Link]:
    """That header and those before it, back to where the record starts."""
    found: Link | None = link
    while found is not None:
        yield found
        found = record.link(found.raw[4:36])  # its predecessor


def fork_of(record: HeaderRecord, link: Link) -> Link:
    """The highest header of the best chain that is that one, or before it."""
    return next(each for each in ancestry(record, link) if record.best(each.height) == each)


def is_before(record: HeaderRecord, link: Link, later: Link) -> bool:
    """Whether that header is the later one, or before it."""
    for each in ancestry(record, later):
        if each.height <= link.height:
            return each == link
        if record.best(each.height) == each:
            return record.best(link.height) == link
    return False


def tail_at(record: HeaderRecord, link: Link) -> Tail:
    """The tail whose last header is that one, as following would have made it.

    Raises Malformed `header-before-start`.
    """
    start = link.height // PERIOD * PERIOD
    lowest = max(0, min(start, link.height + 1 - MEDIAN_OF))
    links = list(islice(ancestry(record, link), link.height + 1 - lowest))[::-1]
    if links[0].height != lowest:
        raise Malformed("header-before-start", f"nothing follows height {link.height}: too early")
    headers = [read_header(each.raw) for each in links]
    period = headers[start - lowest :]
    return Tail(
        hash=link.hash,
        height=link.height,
        work=link.work,
        time=headers[-1].time,
        bits=headers[-1].bits,
        times=tuple(each.time for each in headers[-MEDIAN_OF:]),
        first_time=period[0].time,
        first_bits=period[0].bits,
    )
