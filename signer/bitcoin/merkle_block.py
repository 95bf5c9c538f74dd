"""What Core's `gettxoutproof` writes: a partial Merkle tree (BIP-37, CMerkleBlock) as branches and positions.

Rule 1: header (80 bytes), number of transactions, hashes, flag bits; not a byte more.
Rule 2: 1 to 16,666 transactions, at most as many hashes, at least as many flag bits as hashes.
Rule 3: every hash is used; every flag bit too, but for those that fill the last byte, and they are 0. (Core
        does not look at them, nor at bytes behind the flags.)
Rule 4: two siblings that both exist are not equal (CVE-2012-2459).
Rule 5: the number of transactions is a claim that only a node can judge. So this proves nothing: it is one
        more way to write a `TxProof`, and must show the coinbase too. Root and depth are for `inclusion`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import HEADER_SIZE, Header, read_header
from signer.bitcoin.inclusion import CoinbaseProof, TxProof
from signer.bitcoin.transaction import Txid, parse_transaction

MAX_TRANSACTIONS = 4_000_000 // 240
"""Core's bound: the weight of a block over that of a transaction of 60 bytes."""


@dataclass(frozen=True, slots=True)
class MerkleBlock:
    """A partial tree, read."""

    header: Header
    """As it was sent: whether it is on a chain is not said."""
    count: int
    """Of the block's transactions, as claimed."""
    matched: Mapping[Txid, int]
    """The transactions that it shows, and their positions."""
    nodes: Mapping[tuple[int, int], bytes]
    """The hash at (level, place): all those on a branch of what it shows."""

    def branch(self, position: int) -> tuple[bytes, ...]:
        """The siblings from the leaf at the position of a match up to the root."""
        places = enumerate(position >> level for level in range((self.count - 1).bit_length()))
        nodes = self.nodes  # a place without a partner is its own
        return tuple([nodes.get((at, place ^ 1), nodes[at, place]) for at, place in places])

    def tx_proof(self, transaction: bytes, coinbase: bytes) -> TxProof:
        """The same proof as branches, for a raw transaction and its block's raw coinbase transaction.

        Raises Malformed `merkle-block-unmatched`, `proof-of-wtxid`, or what `parse_transaction` raises.
        """
        position = self.matched.get(parse_transaction(transaction).txid)
        if position is None and hash256(transaction) in self.matched:
            raise Malformed("proof-of-wtxid", "the tree is one of wtxids")
        if position is None or 0 not in self.matched.values():
            raise Malformed("merkle-block-unmatched", "transaction or coinbase is not shown")
        coinbase_proof = CoinbaseProof(coinbase, self.branch(0))
        return TxProof(transaction, position, self.branch(position), coinbase_proof)


def read_merkle_block(data: bytes) -> MerkleBlock:
    """What the bytes show. At most 16,666 transactions, so at most 33,000 steps.

    Raises Malformed `merkle-block-malformed`, `merkle-block-count`, `merkle-block-rest`, `merkle-duplicate`.
    """
    reader = Reader(data, "merkle-block")
    header, count = read_header(reader.take(HEADER_SIZE)), reader.u32()
    hashes = [reader.take(32) for _ in range(reader.count(32))]
    flags = reader.var_bytes()
    reader.end()
    if not 1 <= count <= MAX_TRANSACTIONS or len(hashes) > count or len(flags) * 8 < len(hashes):
        shape = f"{count} transactions, {len(hashes)} hashes, {len(flags)} bytes of flags"
        raise Malformed("merkle-block-count", shape)
    tree = _Tree(count, hashes, flags)
    tree.read((count - 1).bit_length(), 0)
    tree.end()
    return MerkleBlock(header, count, tree.matched, tree.nodes)


class _Tree:
    """Reads the tree from its root down, left before right."""

    __slots__ = ("_bits", "_count", "_flags", "_hashes", "matched", "nodes")

    def __init__(self, count: int, hashes: list[bytes], flags: bytes) -> None:
        self._count = count
        self._hashes = hashes[::-1]
        self._flags = flags
        self._bits = 0
        self.matched: dict[Txid, int] = {}
        self.nodes: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, place: int) -> bytes:
        """The hash of that node. It calls itself at most 15 levels deep, for each bit once."""
        leads = self._bit()
        if level and leads:
            left = right = self.read(level - 1, place * 2)
            if (place * 2 + 1) << (level - 1) < self._count:
                right = self.read(level - 1, place * 2 + 1)
                if left == right:
                    raise Malformed("merkle-duplicate", f"at level {level}, place {place}")
            node = hash256(left + right)
        else:
            node = self._hash()
            if leads:
                self.matched[Txid(node)] = place
        self.nodes[level, place] = node
        return node

    def end(self) -> None:
        """Refuse what is left over."""
        spare = len(self._flags) * 8 - self._bits
        if self._hashes or spare >= 8 or self._flags[-1] >> (8 - spare):
            raise Malformed("merkle-block-rest", "hashes or flag bits are left over")

    def _bit(self) -> int:
        at = self._bits
        if at >= len(self._flags) * 8:
            raise Malformed("merkle-block-rest", "too few flag bits")
        self._bits = at + 1
        return self._flags[at >> 3] >> (at & 7) & 1

    def _hash(self) -> bytes:
        if not self._hashes:
            raise Malformed("merkle-block-rest", "too few hashes")
        return self._hashes.pop()
