"""The best chain: a batch of headers from anyone, what of it is new, and what becomes best by it.

1. A batch is headers in a row. What is on record is passed over; the first other one follows one that is.
2. The chain with the most work is best; of two with the same work that which was there first.
3. A branch leaves the best chain at most `depth` headers below its tip, be it better or not: older ones may
   be cheap, and a reorganisation as deep is for people to look at. This holds from `least_work` on: nothing
   is decided on less, and whoever came first with cheap headers must not lock Bitcoin out.
4. Nothing is written here: whoever keeps the record writes all of an `Advance` or nothing of it.
A batch costs memory for itself, for `depth` headers and for one period.
"""

from dataclasses import dataclass
from itertools import pairwise, takewhile

from signer.bitcoin.chain import extend, split_headers
from signer.bitcoin.chain_rules import ChainRules
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import HEADER_SIZE, read_header
from signer.bitcoin.header_record import HeaderRecord, ancestry, tail_at
from signer.bitcoin.tail import Link, Tail


@dataclass(frozen=True, slots=True)
class Advance:
    """What a batch changes. Lists are in order of height."""

    last: Link
    """The batch's last header, new or not: what its sender vouches for."""
    new: tuple[Link, ...] = ()
    """To be kept."""
    joined: tuple[Link, ...] = ()
    """The best chain from now on, above the last header that it keeps. Empty when it stays as it is."""
    left: tuple[Link, ...] = ()
    """Those in whose place they come: more than none is a reorganisation."""


@dataclass(frozen=True, slots=True)
class ChainBounds:
    """What the config says (rule 3)."""

    depth: int
    """Of a reorganisation that is followed, in headers."""
    least_work: int
    """Of a chain on which anything is decided: expected hashes, as Core's nMinimumChainWork. 0 on regtest."""


class HeaderChain:
    """Batches against a record. Its one memory saves time: the tail of the batch before."""

    __slots__ = ("_bounds", "_record", "_rules", "_tail")

    def __init__(self, rules: ChainRules, record: HeaderRecord, bounds: ChainBounds) -> None:
        self._rules, self._record, self._bounds = rules, record, bounds
        self._tail: Tail | None = None

    def advance(self, data: bytes, now: int) -> Advance:
        """What that batch changes; `now` in Unix seconds.

        Raises Malformed as `chain.extend` does, or `header-fork-too-deep` or `header-before-start`.
        """
        parent, rest = self._known(data)
        if not rest:
            return Advance(parent)
        branch = self._branch(parent)
        self._tail, new = extend(self._rules, self._tail_of(parent), rest, now)
        tip = self._record.tip()
        if new[-1].work <= tip.work:  # 2
            return Advance(new[-1], tuple(new))
        kept = parent.height - len(branch)
        left = takewhile(lambda each: each.height > kept, ancestry(self._record, tip))
        return Advance(new[-1], tuple(new), (*branch, *new), tuple(left)[::-1])

    def _known(self, data: bytes) -> tuple[Link, bytes]:
        """Rule 1: the last header on record, and the bytes of those that are to follow it."""
        raws, known = split_headers(data), list[Link]()
        for raw in raws:
            found = self._record.link(hash256(raw))
            if found is None:
                break
            known.append(found)
        parent = known[-1] if known else self._record.link(read_header(raws[0]).previous)
        in_a_row = all(read_header(b.raw).previous == a.hash for a, b in pairwise(known))
        if parent is None or not in_a_row:
            raise Malformed("header-unlinked", "headers in a row, from one on record, are wanted")
        return parent, data[len(known) * HEADER_SIZE :]

    def _branch(self, parent: Link) -> list[Link]:
        """Rule 3: the headers beside the best chain up to that one; none where it is on it."""
        best, tip = self._record.best, self._record.tip()
        lower = takewhile(lambda each: best(each.height) != each, ancestry(self._record, parent))
        branch = list(lower)[::-1]
        below = tip.height - parent.height + len(branch)
        if below > self._bounds.depth and tip.work >= self._bounds.least_work:
            detail = f"{below} below the tip, not {self._bounds.depth}"
            raise Malformed("header-fork-too-deep", detail)
        return branch

    def _tail_of(self, parent: Link) -> Tail:
        if self._tail is not None and self._tail.hash == parent.hash:
            return self._tail
        return tail_at(self._rules, self._record, parent)
