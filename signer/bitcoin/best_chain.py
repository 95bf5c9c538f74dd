"""The best chain: a batch of headers from anyone, what of it is new, and what becomes best by it.

1. A batch is headers in a row. What is on record is passed over; the first other one follows one that is.
2. The chain with the most work is best; of two with the same work that which was there first.
3. A branch leaves the best chain at most `depth` headers below its tip; deeper ones are not kept. This binds
   once those it would replace have been on record for half the time that `depth` headers take, and the chain
   has `least_work`: who came first, with cheap headers or with a few after a long silence, locks nobody out.
4. A deeper branch with more work than the tip is not followed either, and not passed over in silence: it
   disputes the best chain. People decide, and name a header of the right one (`follow`).
5. Nothing is written here: whoever keeps the record writes all of an `Advance` or nothing of it, before
   anything else is judged by the same record.
6. What nobody worked for costs little: its first new header has the work that it says, before anything older
   is looked at, and a walk back ends where rule 3 does.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import takewhile

from signer.bitcoin.chain import extend, split_headers
from signer.bitcoin.chain_rules import ChainRules
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import HEADER_SIZE, read_header
from signer.bitcoin.header_record import HeaderRecord, ancestry, fork_of, tail_at
from signer.bitcoin.tail import Link, Tail
from signer.bitcoin.target import target_of, work_of


@dataclass(frozen=True, slots=True)
class Dispute:
    """A better chain that leaves ours too deep (rule 4)."""

    fork: int
    """Height of the last header that both have."""
    last: Link
    """Of the better one, as far as it was brought: its end is nowhere on record."""


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
    dispute: Dispute | None = None
    """Then nothing else changes."""


@dataclass(frozen=True, slots=True)
class ChainBounds:
    """What the config says (rules 3, 4)."""

    depth: int
    """Of a reorganisation that is followed, in headers."""
    least_work: int
    """Of a chain on which anything is decided: expected hashes, as Core's nMinimumChainWork. 0 on regtest."""
    spacing: int = 0
    """Seconds between two blocks, as the network means it; 0 where anybody makes blocks at will (regtest)."""
    follow: bytes = b""
    """Hash of a header: a branch that has it is followed, however deep. Empty for none."""

    @property
    def settled(self) -> int:
        """Seconds on record after which a header may not be replaced by a deep branch."""
        return self.depth * self.spacing // 2


class HeaderChain:
    """Batches against a record. Its one memory saves time: the tail of the batch before."""

    __slots__ = ("_bounds", "_record", "_rules", "_tail")

    def __init__(
        self,
        rules: ChainRules,
        record: HeaderRecord,
        bounds: ChainBounds,
        tail: Tail | None = None,
    ) -> None:
        self._rules, self._record, self._bounds = rules, record, bounds
        self._tail = tail

    @property
    def tail(self) -> Tail | None:
        """That of the batch before, for the next chain on the same record."""
        return self._tail

    def advance(self, data: bytes, now: int) -> Advance:
        """What that batch changes; `now` in Unix seconds.

        Raises Malformed as `chain.extend` does, or `header-fork-too-deep` or `header-before-start`.
        """
        parent, rest = self._known(data)
        if not rest:
            return Advance(parent)
        self._worked(rest[:HEADER_SIZE])
        tip = self._record.tip()
        branch, is_deep = self._branch(parent, tip, now)
        is_deep = is_deep and not self._is_named(branch, rest)
        if is_deep:
            self._require_better(parent, rest, tip)
        tail, new = extend(self._rules, self._tail_of(parent), rest, now)
        if is_deep:
            return Advance(tip, dispute=Dispute(fork_of(self._record, parent).height, new[-1]))  # 4
        self._tail = tail
        if new[-1].work <= tip.work:  # 2
            return Advance(new[-1], tuple(new))
        kept = parent.height - len(branch)
        left = takewhile(lambda each: each.height > kept, ancestry(self._record, tip))
        return Advance(new[-1], tuple(new), (*branch, *new), tuple(left)[::-1])

    def _known(self, data: bytes) -> tuple[Link, bytes]:
        """Rule 1: the last header on record, and the bytes of those that are to follow it.

        A record is closed: of headers in a row, the first of them on record, those on record come first, and
        are counted by halves.
        """
        raws = split_headers(data)
        hashes = [hash256(raw) for raw in raws]
        row = 1
        while row < len(raws) and read_header(raws[row]).previous == hashes[row - 1]:
            row += 1
        known = 0
        if not self._is_new(hashes[0]):
            known = bisect_left(hashes, x=True, hi=row, key=self._is_new)
        last = hashes[known - 1] if known else read_header(raws[0]).previous
        parent = self._record.link(last)
        is_broken = row == known < len(raws) and not self._is_new(hashes[row])
        if parent is None or is_broken:
            raise Malformed("header-unlinked", "headers in a row, from one on record, are wanted")
        return parent, data[known * HEADER_SIZE :]

    def _is_new(self, block_hash: bytes) -> bool:
        return self._record.link(block_hash) is None

    def _branch(self, parent: Link, tip: Link, now: int) -> tuple[list[Link], bool]:
        """The headers beside the best chain up to that one; none where it is on it. And whether rule 3 binds:
        then they are given as far as they were looked at (6)."""
        branch = list[Link]()
        for each in ancestry(self._record, parent):
            if self._record.best(each.height) == each:
                break
            branch.append(each)
            if not self._bounds.follow and self._binds(each.height - 1, tip, now):
                break
        else:
            raise LookupError("the record of headers has a gap")
        return branch[::-1], self._binds(parent.height - len(branch), tip, now)

    def _binds(self, kept: int, tip: Link, now: int) -> bool:
        """Whether a branch whose last header of the best chain has that height is too deep."""
        bounds = self._bounds
        if tip.height - kept <= bounds.depth or tip.work < bounds.least_work:
            return False
        if not bounds.settled:
            return True
        first = self._record.best(kept + bounds.depth + 1)
        since = None if first is None else self._record.received(first.hash)
        return since is None or now - since >= bounds.settled

    def _is_named(self, branch: list[Link], rest: bytes) -> bool:
        """Whether people have named a header of these."""
        hashes = (*(each.hash for each in branch), *map(hash256, split_headers(rest)))
        return self._bounds.follow in hashes

    def _require_better(self, parent: Link, rest: bytes, tip: Link) -> None:
        """Rules 3 and 4, before anything dear is done."""
        work = sum(map(self._worked, split_headers(rest)))
        if parent.work + work <= tip.work:
            raise Malformed("header-fork-too-deep", f"{parent.height}, and no better than the tip")

    def _worked(self, raw: bytes) -> int:
        """Expected hashes that went into that header (6). Raises Malformed `header-bits`, `header-work`."""
        header, limit = read_header(raw), target_of(self._rules.limit_bits)
        try:
            target = target_of(header.bits)
        except Malformed:
            target = limit + 1
        if target > limit:
            raise Malformed("header-bits", f"{header.bits:08x} is beyond the network's limit")
        if int.from_bytes(header.hash, "little") > target:
            raise Malformed("header-work", f"{header.hash[::-1].hex()} exceeds {header.bits:08x}")
        return work_of(header.bits)

    def _tail_of(self, parent: Link) -> Tail:
        if self._tail is not None and self._tail.hash == parent.hash:
            return self._tail
        return tail_at(self._record, parent)
