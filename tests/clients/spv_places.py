"""A node that recites a chain and a kernel that judges one, both in memory, for the clients of `spv`."""

from collections.abc import Iterator, Sequence
from typing import Any

from clients.jsonrpc import JsonRpc, NodeAddress, NodeError
from clients.spv.node import Node
from pegwarden.v1 import header_chain_pb2 as pb
from signer.bitcoin.best_chain import ChainBounds, HeaderChain
from signer.bitcoin.header import read_header
from signer.bitcoin.network_rules import REGTEST_RULES
from signer.bitcoin.transaction import parse_transaction
from tests.bitcoin.mined import NOW, MemoryRecord, Wish, begun, mined


class RecitingNode(JsonRpc):
    """Answers as Core does, from headers and blocks that it was told."""

    def __init__(self, height: int) -> None:
        super().__init__(NodeAddress(1, None))
        self.raws: list[bytes] = []
        self.hashes: list[bytes] = []
        self._heights: dict[bytes, int] = {}
        self._known: dict[bytes, bytes] = {}
        """Hash -> header, those beside its best chain too."""
        self.take([REGTEST_RULES.genesis])
        self.mine(height)
        self.blocks: dict[str, list[bytes]] = {}
        """Hash -> raw transactions."""
        self.raw_transactions: dict[str, bytes] = {}
        """By txid, those that are in no block."""
        self.calls: list[str] = []
        self.before: dict[str, Any] = {}
        """Method -> what happens once before it is answered."""

    @property
    def node(self) -> Node:
        return Node(self)

    def mine(self, count: int, below: int = 0, root: bytes = bytes(32)) -> None:
        """So many headers, in the place of the last `below` ones; its best chain, whatever its work."""
        raws = self.raws[: len(self.raws) - below]
        for _ in range(count):
            last = read_header(raws[-1])
            raws.append(mined(last.hash, Wish(last.time + 600, merkle_root=root)))
        self.take(raws)

    def start_at(self, height: int) -> None:
        """It has nothing below."""
        self._known = {}
        self.take(self.raws[height:])

    def take(self, raws: list[bytes]) -> None:
        """That is its best chain now."""
        self.raws, self.hashes = raws, [read_header(raw).hash for raw in raws]
        self._heights = {each: height for height, each in enumerate(self.hashes)}
        self._known |= zip(self.hashes, self.raws, strict=True)

    def __call__(self, method: str, *params: Any) -> Any:
        self.calls.append(method)
        happens = self.before.pop(method, None)
        if happens is not None:
            happens()
        return getattr(self, f"_{method}")(*params)

    def many(self, method: str, calls: Sequence[Sequence[object]]) -> list[Any]:
        return [self(method, *params) for params in calls]

    def _getblockchaininfo(self) -> Any:
        return {"chain": "regtest"}

    def _getblockcount(self) -> int:
        return len(self.raws) - 1

    def _getbestblockhash(self) -> str:
        return self.hashes[-1][::-1].hex()

    def _getblockhash(self, height: int) -> str:
        if not 0 <= height < len(self.raws):
            raise NodeError(-8, "Block height out of range")
        return self.hashes[height][::-1].hex()

    def _getblockheader(self, name: str, verbose: bool = True) -> Any:
        block_hash = bytes.fromhex(name)[::-1]
        if block_hash not in self._known:
            raise NodeError(-5, "Block not found")
        if not verbose:
            return self._known[block_hash].hex()
        height = self._heights.get(block_hash)
        if height is None:
            return {"height": 0, "confirmations": -1}
        work = f"{2 * (height + 1):064x}"
        return {"height": height, "confirmations": len(self.raws) - height, "chainwork": work}

    def _getblock(self, name: str, verbosity: int) -> Any:
        assert verbosity == 2
        if name not in self.blocks:
            raise NodeError(-5, "Block not found")
        raws = self.blocks[name]
        rows = [{"txid": parse_transaction(r).txid[::-1].hex(), "hex": r.hex()} for r in raws]
        return {"hash": name, "tx": rows} | self._getblockheader(name)

    def _getrawtransaction(self, txid: str, verbose: bool = False) -> Any:
        found = dict(self.raw_transactions)
        places = {}
        for name, raws in self.blocks.items():
            for raw in raws:
                places[parse_transaction(raw).txid[::-1].hex()] = name
                found[parse_transaction(raw).txid[::-1].hex()] = raw
        if txid not in found:
            raise NodeError(-5, "No such mempool or blockchain transaction")
        place = {"blockhash": places[txid]} if txid in places else {}
        return {"hex": found[txid].hex(), **place} if verbose else found[txid].hex()

    def _waitfornewblock(self, milliseconds: int, tip: str) -> Any:
        return {}


class JudgingKernel:
    """A kernel's chain: the real rules on a record in memory."""

    def __init__(self) -> None:
        self.record: MemoryRecord = begun(REGTEST_RULES)[0]
        self.chain = HeaderChain(REGTEST_RULES, self.record, ChainBounds(144, 0))
        self.vouched: bytes = b""
        self.batches: list[int] = []
        """Headers of each message."""

    def tip(self) -> pb.GetTipResponse:
        places = [*range(0, -8, -1), *(-8 - (1 << step) for step in range(20))]
        chain = self.record.chain
        seen = [chain[place - 1].hash for place in places if -place < len(chain)]
        return pb.GetTipResponse(locator=[*seen, chain[0].hash])

    def submit(self, batches: list[bytes]) -> Iterator[pb.SubmitHeadersResponse]:
        for each in batches:
            self.batches.append(len(each) // 80)
            advance = self.chain.advance(each, NOW)
            self.record.write(advance)
            self.vouched = advance.last.hash
            tip = self.record.tip()
            yield pb.SubmitHeadersResponse(
                added=len(advance.new),
                last_hash=advance.last.hash,
                last_height=advance.last.height,
                tip_hash=tip.hash,
                tip_height=tip.height,
                left=len(advance.left),
            )
