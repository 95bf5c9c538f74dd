"""What a bitcoind knows of headers and blocks, over its RPC.

1. Its answers are taken as they come: whoever verifies them is elsewhere. Only that headers follow each other
   is looked at, because a node may change its chain between two answers.
2. Many headers are asked for at once: 2,000 by two questions.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from clients.jsonrpc import JsonRpc, NodeError
from signer.bitcoin.header import read_header
from signer.bitcoin.network import Network, network_named

AT_ONCE = 2_000
"""Headers of one batch: what a kernel takes in one message."""
NOT_FOUND = -5
NO_SUCH_HEIGHT = -8
_NAMES = {"main": "mainnet", "test": "testnet3"}
"""What Core calls otherwise."""


class NotFound(Exception):
    """The node does not have what is asked for; the message says what."""


class ChainMoved(Exception):
    """The node went over to another chain while it was asked: ask again."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A header of the node's best chain."""

    hash: bytes
    """32 bytes, internal order."""
    height: int


class Node:
    """A bitcoind, asked."""

    def __init__(self, rpc: JsonRpc) -> None:
        self.rpc = rpc

    def network(self) -> Network:
        """Which one it is on. Raises Malformed `network-unknown`."""
        chain = str(self.rpc("getblockchaininfo")["chain"])
        return network_named(_NAMES.get(chain, chain))

    def tip(self) -> Spot:
        """Of its best chain."""
        best = str(self.rpc("getbestblockhash"))
        return Spot(bytes.fromhex(best)[::-1], int(self.rpc("getblockheader", best)["height"]))

    def on_best_chain(self, block_hash: bytes) -> Spot | None:
        """Where that header is on its best chain, if it is there."""
        try:
            told = self.rpc("getblockheader", block_hash[::-1].hex())
        except NodeError as error:
            if error.code == NOT_FOUND:
                return None
            raise
        return Spot(block_hash, int(told["height"])) if told["confirmations"] > 0 else None

    def headers(self, first: int, count: int) -> list[bytes]:
        """Up to so many headers of its best chain from that height on, in a row. Raises ChainMoved."""
        last = min(first + count, int(self.rpc("getblockcount")) + 1)
        try:
            hashes = self.rpc.many("getblockhash", [(height,) for height in range(first, last)])
        except NodeError as error:
            if error.code == NO_SUCH_HEIGHT:  # its chain became shorter
                raise ChainMoved(f"the node has no height {last - 1} any more") from None
            raise
        texts = self.rpc.many("getblockheader", [(each, False) for each in hashes])
        raws = [bytes.fromhex(each) for each in texts]
        for before, raw in pairwise(raws):
            if read_header(raw).previous != read_header(before).hash:
                raise ChainMoved("the node's headers are not in a row")
        return raws

    def block(self, block_hash: str) -> Mapping[str, Any]:
        """A block with all its transactions, as `getblock` tells it. Raises NotFound."""
        try:
            return dict(self.rpc("getblock", block_hash, 2))
        except NodeError as error:
            if error.code in {NOT_FOUND, NO_SUCH_HEIGHT}:
                raise NotFound(f"the node has no block {block_hash}: {error}") from None
            raise

    def wait_for_other(self, tip: bytes, seconds: float) -> None:
        """Until its tip is another than that, or for so many seconds. Nodes before Core 29 are not asked."""
        try:
            self.rpc("waitfornewblock", int(seconds * 1_000), tip[::-1].hex())
        except NodeError:
            time.sleep(seconds)
