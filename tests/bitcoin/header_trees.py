"""Random trees of headers, given to the chain in batches and judged beside it by the slow model."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from signer.bitcoin.best_chain import Advance, ChainBounds, HeaderChain
from signer.bitcoin.burial import burial
from signer.bitcoin.chain_rules import (
    ChainRules,
    RegtestRules,
    StrictRules,
    Testnet3Rules,
    Testnet4Rules,
)
from signer.bitcoin.errors import Malformed
from signer.bitcoin.header import FIELDS
from signer.bitcoin.header_record import tail_at
from signer.bitcoin.tail import Link
from tests.bitcoin.header_model import (
    INTERVAL,
    Node,
    Params,
    after,
    faults,
    hashed,
    median_time_past,
    next_bits,
    proof,
)
from tests.bitcoin.mined import EASY_BITS, GENESIS, MemoryRecord, Wish, mined

VERSIONS, HEIGHTS = ((3, 2), (2_017, 3), (4_034, 4)), (3, 2_017, 4_034)
LIMIT = (1 << 255) - 1
LOW = (0, 2, 8, 9, 10, 11, 14)
"""Heights where trees begin: genesis, a full median."""
NEAR = (*LOW, 2_010, 2_014, 2_015, 2_015, 2_016, 2_017, 2_022, 2_030, 4_028, 4_031, 4_031, 4_040)
"""And both changes of difficulty."""
BATCHES = 12
TOO_DEEP, DISPUTE = "header-fork-too-deep", "dispute"


@dataclass(frozen=True)
class Kind:
    """Rules, and the model's parameters for the same network."""

    rules: ChainRules
    params: Params
    near: tuple[int, ...] = NEAR


KINDS = (
    Kind(StrictRules(GENESIS, EASY_BITS, VERSIONS), Params(LIMIT, version_heights=HEIGHTS)),
    Kind(
        Testnet3Rules(GENESIS, EASY_BITS, VERSIONS),
        Params(LIMIT, allow_min_difficulty=True, version_heights=HEIGHTS),
    ),
    Kind(
        Testnet4Rules(GENESIS, EASY_BITS, VERSIONS),
        Params(LIMIT, allow_min_difficulty=True, enforce_bip94=True, version_heights=HEIGHTS),
    ),
    Kind(
        RegtestRules(GENESIS, EASY_BITS, VERSIONS),
        Params(LIMIT, allow_min_difficulty=True, no_retargeting=True, version_heights=HEIGHTS),
        LOW,
    ),
)


def root() -> Node:
    """Genesis."""
    return Node(GENESIS, None, 0, proof(EASY_BITS))


def child(random: Random, last: Node, params: Params) -> bytes:
    """A good header, if its time is not too far ahead. (One in three of those that BIP-94 binds is bad.)"""
    earliest = median_time_past(last) + 1
    step = random.choice((1, 400, 600, 600, 900, 1_200, 1_201, 2_000, -600, -601, -3_000))
    time = random.choice((earliest, *[max(earliest, last.time + step)] * 7))
    if params.enforce_bip94 and (last.height + 1) % INTERVAL == 0 and time % 3:
        time = max(time, last.time - 600)
    bits, version = next_bits(last, time, params), random.choice((4, 4, 0x2000_0000))
    return mined(last.name, Wish(time, bits, version, random.randbytes(32)))


def late_faults(last: Node, raw: bytes, params: Params) -> set[str]:
    """What the model has against the first header of a period; others are good as they are made."""
    return faults(last, raw, 1 << 33, params) if (last.height + 1) % INTERVAL == 0 else set()


def trunk(random: Random, kind: Kind) -> list[Node]:
    """A chain as long as its trees want it."""
    nodes = [root()]
    for _ in range(max(kind.near)):
        raw = child(random, nodes[-1], kind.params)
        while "header-time-warp" in late_faults(nodes[-1], raw, kind.params):
            raw = child(random, nodes[-1], kind.params)
        nodes.append(after(nodes[-1], raw))
    return nodes


def mutated(random: Random, raw: bytes) -> bytes:
    """One field changed; with its work made again, or not."""
    version, previous, merkle_root, time, bits, nonce = FIELDS.unpack(raw)
    changes: tuple[Callable[[], tuple[object, ...]], ...] = (
        lambda: (random.choice((-1, 0, 1, 2, 3)), previous, merkle_root, time, bits),
        lambda: (version, random.randbytes(32), merkle_root, time, bits),
        lambda: (version, previous, random.randbytes(32), time, bits),
        lambda: (version, previous, merkle_root, time + _shift(random), bits),
        lambda: (version, previous, merkle_root, time, bits ^ 1 << random.randrange(32)),
        lambda: (version, previous, merkle_root, time, EASY_BITS),
    )
    changed = FIELDS.pack(*random.choice(changes)(), nonce)
    return changed if random.random() < 0.3 else _reground(changed)


def _shift(random: Random) -> int:
    return random.choice((-1, 1)) * random.choice((1, 2, 599, 600, 601, 1_200, 3_600, 7_200, 10**6))


def _reground(raw: bytes) -> bytes:
    """With work on the easiest target, and so mostly on the one that is due."""
    nonce = int.from_bytes(raw[76:], "little")
    while hashed(raw)[-1] > 0x1F:
        nonce = (nonce + 1) % (1 << 32)
        raw = raw[:76] + nonce.to_bytes(4, "little")
    return raw


def _kind(advance: Advance) -> str:
    if advance.left:
        return "reorganised"
    return "joined" if advance.joined else "aside" if advance.new else "known"


class Tree:
    """A chain of ours and the model's nodes, on one trunk."""

    def __init__(self, random: Random, kind: Kind, nodes: list[Node]) -> None:
        self.random, self.kind = random, kind
        cut = random.choice(kind.near)
        self.start = INTERVAL if cut >= INTERVAL and random.random() < 0.5 else 0
        known = nodes[max(0, self.start - 10) : cut + 1]
        self.record = MemoryRecord.of(Link(n.name, n.height, n.work, n.raw) for n in known)
        self.nodes = {node.name: node for node in known}
        self.recent, self.best = known[-14:], known[-1]
        self.depth = random.randrange(1, 17)
        self.least_work = self.best.work + random.choice((-1, -1, -1, 0, 1, 12))
        bounds = ChainBounds(self.depth, self.least_work)
        self.chain = HeaderChain(kind.rules, self.record, bounds)
        self.tally: Counter[str] = Counter()

    def batch(self) -> tuple[list[bytes], int]:
        """Headers, mostly good ones, and a clock, mostly late enough."""
        random = self.random
        last = self.best if random.random() < 0.5 else random.choice(self.recent)
        raws = [node.raw for node in islice(last.back(), random.choice((0, 0, 1, 3)))][::-1]
        for _ in range(random.choice((0, 1, 1, 2, 5)) if raws else random.choice((1, 1, 2, 5))):
            raws.append(child(random, last, self.kind.params))
            last = after(last, raws[-1])
        if random.random() < 0.4:
            place = random.randrange(len(raws))
            raws[place] = mutated(random, raws[place])
        if random.random() < 0.1:
            del raws[random.randrange(len(raws))]
        return raws, last.time + random.choice((*[10**6] * 6, 0, -7_199, -7_200, -7_201))

    def verdict(self, raws: list[bytes], now: int) -> tuple[set[str], list[Node]]:
        """The model's: what is wrong, or the new nodes."""
        if not raws:
            return {"header-malformed"}, []
        last: Node | None = None
        while raws and hashed(raws[0]) in self.nodes:
            if last is not None and raws[0][4:36] != last.name:
                return {"header-unlinked"}, []
            last, raws = self.nodes[hashed(raws[0])], raws[1:]
        if not raws:
            return set(), []
        last = last or self.nodes.get(raws[0][4:36])
        if last is None:
            return {"header-unlinked"}, []
        place, wrong, new = self._of_place(last), set(), []
        for raw in raws:
            found = faults(last, raw, now, self.kind.params)
            if found and not place:
                return found, []
            wrong |= found
            last = after(last, raw)
            new.append(last)
        if place == {TOO_DEEP} and not wrong and last.work > self.best.work:
            return {DISPUTE}, []
        return place | wrong, new

    def _of_place(self, last: Node) -> set[str]:
        """What is wrong with whatever follows that one."""
        fork = next(node for node in last.back() if self._is_best(node))
        deep = self.best.height - fork.height > self.depth and self.best.work >= self.least_work
        found = {TOO_DEEP} if deep else set()
        return found | ({"header-before-start"} if last.height < self.start else set())

    def _is_best(self, node: Node) -> bool:
        return next(each for each in self.best.back() if each.height <= node.height) is node

    def differences(self) -> Iterator[str]:
        """Where the two disagree, over some batches."""
        for _ in range(BATCHES):
            raws, now = self.batch()
            wrong, new = self.verdict(raws, now)
            answer = self._answer(b"".join(raws), now)
            self.tally[answer if isinstance(answer, str) else _kind(answer)] += 1
            if isinstance(answer, str):
                if answer not in wrong:
                    yield f"{self._name()}: {answer}, not {sorted(wrong)}: {b''.join(raws).hex()}"
                continue
            if wrong or [each.raw for each in answer.new] != [node.raw for node in new]:
                yield f"{self._name()}: taken, and {sorted(wrong)}: {b''.join(raws).hex()}"
                return
            self._take(answer, new)
            yield from self._states()

    def _answer(self, data: bytes, now: int) -> Advance | str:
        try:
            advance = self.chain.advance(data, now)
            return advance if advance.dispute is None else DISPUTE
        except Malformed as error:
            return error.code
        except Exception as error:
            return repr(error)

    def _take(self, advance: Advance, new: list[Node]) -> None:
        self.record.write(advance)
        self.nodes.update({node.name: node for node in new})
        self.recent = (self.recent + new)[-14:]
        if new and new[-1].work > self.best.work:
            self.best = new[-1]

    def _states(self) -> Iterator[str]:
        """The same best chain, work, median, and burial of a header."""
        theirs = [node.name for node in islice(self.best.back(), 40)]
        ours = [link.hash for link in self.record.chain[: -len(theirs) - 1 : -1]]
        if ours != theirs[: len(ours)] or self.record.tip().work != self.best.work:
            yield f"{self._name()}: another best chain at {self.best.height}"
        if self.best.height >= self.start:
            tail = tail_at(self.record, self.record.tip())
            if tail.median_time != median_time_past(self.best):
                yield f"{self._name()}: another median at {self.best.height}"
        node = self.random.choice(self.recent)
        deep = (self.best.height - node.height + 1, self.best.work - node.work + proof(node.bits))
        if not self._is_best(node):
            deep = (0, 0)
        if tuple(burial(self.record, node.name)) != deep:
            yield f"{self._name()}: another burial of {node.name[::-1].hex()}"

    def _name(self) -> str:
        return type(self.kind.rules).__name__
