"""Headers mined for tests, on targets so easy that Python finds them, and a record of them in memory."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from signer.bitcoin.best_chain import Advance
from signer.bitcoin.chain import follow
from signer.bitcoin.chain_rules import (
    ChainRules,
    RegtestRules,
    StrictRules,
    Testnet3Rules,
    Testnet4Rules,
)
from signer.bitcoin.checkpoint import seed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import FIELDS
from signer.bitcoin.header_record import tail_at
from signer.bitcoin.network_rules import REGTEST_RULES
from signer.bitcoin.tail import Link, Tail
from signer.bitcoin.target import target_of

EASY_BITS = 0x207F_FFFF
GENESIS = REGTEST_RULES.genesis
EASY = StrictRules(GENESIS, EASY_BITS, ())
"""A network of mainnet's rules with an easy limit."""
EASY_TESTNET3 = Testnet3Rules(GENESIS, EASY_BITS, ())
EASY_TESTNET4 = Testnet4Rules(GENESIS, EASY_BITS, ())
EASY_REGTEST = RegtestRules(GENESIS, EASY_BITS, ())
SPACING = 600
NOW = 2_000_000_000


@dataclass(frozen=True)
class Wish:
    """What a header is to say beside what it follows."""

    time: int
    bits: int = EASY_BITS
    version: int = 4
    merkle_root: bytes = bytes(32)


def mined(previous: bytes, wish: Wish) -> bytes:
    """A header with its work."""
    return _ground(previous, wish, with_work=True)


def unmined(previous: bytes, wish: Wish) -> bytes:
    """A header without."""
    return _ground(previous, wish, with_work=False)


def _ground(previous: bytes, wish: Wish, *, with_work: bool) -> bytes:
    target, head = target_of(wish.bits), (wish.version, previous, wish.merkle_root, wish.time)
    for nonce in count():
        raw = FIELDS.pack(*head, wish.bits, nonce)
        if (int.from_bytes(hash256(raw), "little") <= target) is with_work:
            return raw
    raise AssertionError


def next_on(rules: ChainRules, tail: Tail, step: int = SPACING, root: bytes = bytes(32)) -> bytes:
    """A good header that many seconds after the tail's."""
    time = tail.time + step
    return mined(tail.hash, Wish(time, rules.required_bits(tail, time), merkle_root=root))


def grown(
    rules: ChainRules, tail: Tail, steps: Iterable[int], root: bytes = bytes(32)
) -> list[bytes]:
    """Good headers in a row, so many seconds apart; the tail moves along."""
    raws = []
    for step in steps:
        raws.append(next_on(rules, tail, step, root))
        follow(rules, tail, raws[-1], NOW)
    return raws


@dataclass
class MemoryRecord:
    """A record of headers."""

    links: dict[bytes, Link]
    chain: list[Link]
    """The best one."""
    undone: list[Link] = field(default_factory=list)
    """All that ever left it."""
    moments: dict[bytes, int] = field(default_factory=dict)
    """When headers came, where a test says so."""

    @classmethod
    def of(cls, links: Iterable[Link]) -> "MemoryRecord":
        """One that starts with these."""
        chain = list(links)
        return cls({each.hash: each for each in chain}, chain)

    def link(self, block_hash: bytes) -> Link | None:
        return self.links.get(block_hash)

    def best(self, height: int) -> Link | None:
        place = height - self.chain[0].height
        return self.chain[place] if 0 <= place < len(self.chain) else None

    def tip(self) -> Link:
        return self.chain[-1]

    def received(self, block_hash: bytes) -> int | None:
        return self.moments.get(block_hash)

    def write(self, advance: Advance) -> None:
        """All of it."""
        self.links.update({each.hash: each for each in advance.new})
        if advance.joined:
            del self.chain[advance.joined[0].height - self.chain[0].height :]
            self.chain.extend(advance.joined)
            self.undone.extend(advance.left)

    def copy(self) -> "MemoryRecord":
        return MemoryRecord(dict(self.links), list(self.chain))


def begun(rules: ChainRules) -> tuple[MemoryRecord, Tail]:
    """A record with the genesis header alone, and its tail."""
    record = MemoryRecord.of(seed(rules, None))
    return record, tail_at(record, record.tip())
