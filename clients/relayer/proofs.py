"""Proofs that transactions are in blocks, for members whose policy asks for them (docs/spv.md).

1. They are made by the relayer's own node. Whoever asks for none sends none.
2. What is in no block of the node's chain has no proof: the members say what they lack.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from clients.jsonrpc import JsonRpc
from clients.spv.messages import inclusion_message
from clients.spv.node import Node, NotFound
from clients.spv.prove import Wanted, prove
from pegwarden.v1 import types_pb2
from signer.bitcoin.transaction import Txid


class Proofs(Protocol):
    """Where proofs come from."""

    def of(self, txids: Iterable[Txid]) -> list[types_pb2.TxInclusionProof]:
        """One for each of these transactions that is in a block, each transaction once."""


class NoProofs:
    """For members that ask for none."""

    def of(self, _: Iterable[Txid]) -> list[types_pb2.TxInclusionProof]:
        """See Proofs."""
        return []


NO_PROOFS = NoProofs()


@dataclass(frozen=True, slots=True)
class NodeProofs:
    """Made by that node, which keeps a transaction index."""

    node: JsonRpc

    def of(self, txids: Iterable[Txid]) -> list[types_pb2.TxInclusionProof]:
        """See Proofs."""
        made = list[types_pb2.TxInclusionProof]()
        for txid in dict.fromkeys(txids):
            try:
                made.append(inclusion_message(prove(Node(self.node), Wanted(txid, after=0))))
            except NotFound:  # 2
                continue
        return made
