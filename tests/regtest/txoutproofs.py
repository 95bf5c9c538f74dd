"""Proofs of a live node's `gettxoutproof`, good and bad, judged by its `verifytxoutproof` and by us.

We agree but for these, and each that is met must be what it is called:
1. `bits behind`: bits set that only fill the last byte. Core takes any.
2. `bytes behind`: bytes behind the flags. Core does not read them.
3. `no coinbase`: the proof does not show the coinbase. Core knows how deep the tree is.
4. `64 bytes`: the transaction is so long without its witness. Core knows that it is one.
5. `wrong number`: another number of transactions, but the same shape and depth. Core knows the number; we
   take the proof, since what it shows is in the block.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from clients.bitcoind import Bitcoind
from clients.jsonrpc import JsonRpc, NodeError
from clients.spv.merkle_tree import merkle_block
from signer.bitcoin.address import address_of
from signer.bitcoin.codec import Reader, compact_size, u32, var_bytes
from signer.bitcoin.errors import Malformed
from signer.bitcoin.header import read_header
from signer.bitcoin.inclusion import verify_tx_proof
from signer.bitcoin.merkle_block import read_merkle_block
from signer.bitcoin.network import REGTEST
from signer.bitcoin.script import p2wsh
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut, parse_transaction
from signer.bitcoin.units import Sats

DIFFERENCES = frozenset({"bits behind", "bytes behind", "no coinbase", "64 bytes", "wrong number"})
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 31)
"""Transactions of the blocks that are mined."""
ANYONE = b"\x51"
PAID = p2wsh(ANYONE)
SHORT_OUTPUT = b"\x6a\x02hi"
"""Four bytes: one input without a scriptSig and one such output make 64."""


@dataclass(frozen=True)
class Mined:
    """A block as the node has it."""

    raw_header: bytes
    raws: Mapping[Txid, bytes]
    """Serialised transactions, in their order."""

    @property
    def txids(self) -> tuple[Txid, ...]:
        return tuple(self.raws)


class Node:
    """A node with blocks of all sizes, one of them with a transaction of 64 bytes."""

    def __init__(self, node: Bitcoind) -> None:
        self.rpc: JsonRpc = node.rpc
        self._home = address_of(PAID, REGTEST)
        coins = self._coins()
        self.blocks = [self._mined(coins, size) for size in SIZES]
        odd = self._spend(coins.pop(), SHORT_OUTPUT)
        self.odd = odd.txid
        self.blocks.append(self._mined(coins, 5, odd))
        self._by_hash = {read_header(each.raw_header).hash: each for each in self.blocks}

    def block_of(self, block_hash: bytes) -> Mined | None:
        """The block of that hash (internal order), if it is one of ours."""
        return self._by_hash.get(block_hash)

    def proof_of(self, block: Mined, shown: Sequence[int]) -> bytes:
        """What `gettxoutproof` says of these positions, which is also what we make."""
        txids = [block.txids[at][::-1].hex() for at in shown]
        block_hash = read_header(block.raw_header).hash[::-1].hex()
        data = bytes.fromhex(self.rpc("gettxoutproof", txids, block_hash))
        if data != merkle_block(block.raw_header, block.txids, set(shown)):
            raise AssertionError(f"another proof than ours: {data.hex()}")
        return data

    def proven(self, data: bytes) -> frozenset[Txid]:
        """What `verifytxoutproof` finds; nothing where it refuses."""
        try:
            found = self.rpc("verifytxoutproof", data.hex())
        except NodeError:
            return frozenset()
        return frozenset(Txid(bytes.fromhex(each)[::-1]) for each in found)

    def _coins(self) -> list[OutPoint]:
        """Enough of them, which anyone can spend."""
        first, *_ = self.rpc("generatetoaddress", 101, self._home)
        (raw,) = self._block(first).raws.values()
        coinbase = parse_transaction(raw)
        count = sum(SIZES) + 8
        share = TxOut(Sats(coinbase.outputs[0].amount // count), PAID)
        spent = TxIn(OutPoint(coinbase.txid, 0), b"", 0xFFFFFFFF)
        fan = Transaction(2, (spent,), (share,) * count, 0, ((ANYONE,),))
        self.rpc("generateblock", self._home, [fan.serialize().hex()])
        return [OutPoint(fan.txid, vout) for vout in range(count)]

    def _spend(self, coin: OutPoint, script_pubkey: bytes) -> Transaction:
        paid = TxOut(Sats(1_000), script_pubkey)
        return Transaction(2, (TxIn(coin, b"", 0xFFFFFFFD),), (paid,), 0, ((ANYONE,),))

    def _mined(self, coins: list[OutPoint], size: int, *more: Transaction) -> Mined:
        others = [self._spend(coins.pop(), PAID) for _ in range(size - 1 - len(more))]
        raws = [each.serialize().hex() for each in (*others, *more)]
        return self._block(self.rpc("generateblock", self._home, raws)["hash"])

    def _block(self, block_hash: str) -> Mined:
        found = self.rpc("getblock", block_hash, 2)
        raws = [bytes.fromhex(each["hex"]) for each in found["tx"]]
        header = bytes.fromhex(self.rpc("getblockheader", block_hash, False))
        return Mined(header, {parse_transaction(raw).txid: raw for raw in raws})


def our_verdict(node: Node, data: bytes) -> tuple[frozenset[Txid], Counter[str]]:
    """The transactions that we hold for proven, and the codes of what we refuse."""
    proven, codes = set(), Counter[str]()
    try:
        read = read_merkle_block(data)
    except Malformed as error:
        return frozenset(), Counter((error.code,))
    block = node.block_of(read.header.hash)
    if block is None:
        return frozenset(), Counter(("unknown block",))
    first = block.raws[block.txids[0]]
    for txid in read.matched:
        try:  # a leaf that is no transaction of the block has no raw one to show
            proof = read.tx_proof(block.raws.get(txid, first), first)
            proven.add(verify_tx_proof(proof, read_header(block.raw_header)).transaction.txid)
        except Malformed as error:
            codes[error.code] += 1
    return frozenset(proven), codes


def compared(node: Node, data: bytes) -> str:
    """`good` or `bad` where we agree; the difference's name, if it is one of the five; else what is wrong."""
    theirs = node.proven(data)
    ours, codes = our_verdict(node, data)
    if theirs == ours:
        return "good" if ours else "bad"
    if not theirs:
        name = "wrong number" if _has_another_number(node, data, ours) else ""
    else:
        name = _difference(node, data, theirs, codes) if ours < theirs else ""
    return name or f"violated: {data.hex()}: Core {len(theirs)}, we {len(ours)}, {dict(codes)}"


def _difference(node: Node, data: bytes, theirs: frozenset[Txid], codes: Counter[str]) -> str:
    """The name of what Core takes and we do not, if it is that indeed: without it we read the same."""
    if codes == {"merkle-block-rest": 1} and _shown(_without_bits_behind(data)) == theirs:
        return "bits behind"
    if codes == {"merkle-block-malformed": 1} and _shown(data[: _end(data)]) == theirs:
        return "bytes behind"
    block = node.block_of(read_header(data[:80]).hash)
    if block is None or _shown(data) != theirs:
        return ""
    if codes == {"merkle-block-unmatched": len(theirs)} and block.txids[0] not in theirs:
        return "no coinbase"
    return "64 bytes" if codes == {"transaction-64-bytes": 1} and node.odd in theirs else ""


def _shown(data: bytes) -> frozenset[Txid]:
    """What we read in a proof, the coinbase asked for or not."""
    try:
        return frozenset(read_merkle_block(data).matched)
    except Malformed:
        return frozenset()


def _end(data: bytes) -> int:
    """Where the flags end."""
    reader = Reader(data, "proof")
    reader.take(84)
    reader.take(32 * reader.compact_size())
    reader.var_bytes()
    return reader.position


def _without_bits_behind(data: bytes) -> bytes:
    """With zeros for one, two, ... of the highest bits, the first form that we read."""
    for spare in range(1, 8):
        changed = data[:-1] + bytes((data[-1] & (0xFF >> spare),))
        try:
            read_merkle_block(changed)
        except Malformed:
            continue
        return changed
    return data


def _has_another_number(node: Node, data: bytes, ours: frozenset[Txid]) -> bool:
    """Whether Core agrees as soon as the number is the block's."""
    read = read_merkle_block(data)
    block = node.block_of(read.header.hash)
    if block is None or read.count == len(block.txids):
        return False
    return node.proven(data[:80] + u32(len(block.txids)) + data[84:]) == ours


def trial(node: Node, random: Random) -> bytes:
    """A proof, in half of the trials a bad one, in most with the coinbase."""
    block = random.choice(node.blocks)
    count = len(block.txids)
    shown = set(random.sample(range(count), random.randint(1, min(count, 4))))
    if random.random() < 0.8:
        shown.add(0)
    data = node.proof_of(block, sorted(shown))
    return data if random.random() < 0.5 else _worsened(node, block, shown, data, random)


def _worsened(node: Node, block: Mined, shown: set[int], data: bytes, random: Random) -> bytes:
    kind = random.randrange(9)
    txids, last = block.txids, max(shown)
    if kind == 0:  # CVE-2012-2459: the last one twice, the root perhaps the same
        return merkle_block(block.raw_header, (*txids, txids[-1]), shown)
    if kind == 1:  # another block's header
        return random.choice(node.blocks).raw_header + data[80:]
    if kind == 2:  # a transaction that is not in the block
        strange = (*txids[:last], Txid(random.randbytes(32)), *txids[last + 1 :])
        return merkle_block(block.raw_header, strange, shown)
    if kind == 3:
        return data + random.randbytes(random.randint(1, 3))
    if kind == 4:
        return data[: random.randrange(len(data))]
    if kind == 5:
        return data[:-1] + bytes((data[-1] | 0x80 >> random.randrange(3),))
    if kind == 6:
        claimed = random.choice((0, 16_667, len(txids) - 1, len(txids) + 1, len(txids) + 2))
        return data[:80] + u32(claimed) + data[84:]
    if kind == 7:
        return _with_other_hashes(data, random)
    return _with_a_bit_turned(data, random)


def _with_other_hashes(data: bytes, random: Random) -> bytes:
    """One more, one less, two exchanged; or the lengths in a longer form."""
    reader = Reader(data[84:], "proof")
    hashes = [reader.take(32) for _ in range(reader.compact_size())]
    flags = reader.var_bytes()
    kind, at = random.randrange(5), random.randrange(len(hashes))
    if kind == 0:
        hashes.insert(at, random.randbytes(32))
    elif kind == 1:
        del hashes[at]
    elif kind == 2:
        hashes[0], hashes[at] = hashes[at], hashes[0]
    elif kind == 3:
        flags += bytes(1)
    length = compact_size(len(hashes)) if kind < 4 else b"\xfd" + bytes((len(hashes), 0))
    return data[:84] + length + b"".join(hashes) + var_bytes(flags)


def _with_a_bit_turned(data: bytes, random: Random) -> bytes:
    """Anywhere; in half of the cases in what follows the hashes."""
    start = random.choice((0, len(data) - 2))
    changed = bytearray(data)
    changed[random.randrange(start, len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def trials(node: Node, n: int, seed: int) -> Counter[str]:
    """How often we agreed on good and on bad ones, how often we differed in which way; and violations."""
    random = Random(seed)
    return Counter(compared(node, trial(node, random)) for _ in range(n))
