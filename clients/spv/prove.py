"""Makes proofs from a bitcoind: any transaction of any of its blocks, with what a deposit or an anchor needs.

1. The block is the one that is named, or the one in which the node's transaction index has it (`txindex=1`).
2. A proof is made from the block's own txids: no `gettxoutproof` is asked, which a pruned node may refuse.
3. Previous transactions are asked of the node: with `txindex=1` it has all; without, those of its mempool.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from clients.jsonrpc import NodeError
from clients.spv.merkle_tree import merkle_tree
from clients.spv.node import NOT_FOUND, ChainMoved, Node, NotFound
from clients.spv.proof_file import ProofFile
from signer.bitcoin.header import read_header
from signer.bitcoin.inclusion import CoinbaseProof, TxProof
from signer.bitcoin.transaction import (
    Transaction,
    Txid,
    display,
    parse_transaction,
    txid_from_display,
)


class Previous(Enum):
    """Which previous transactions a proof brings."""

    NONE = "none"
    FIRST = "first"
    """That of the first input: enough to show whose coins an anchor spends."""
    ALL = "all"
    """As a deposit needs them: that it spends no coin of the vault."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which proof."""

    txid: Txid
    block: bytes | None = None
    """Its hash, internal order; None: the node is asked for it (rule 1)."""
    previous: Previous = Previous.NONE
    after: int = 5
    """How many headers on the block it brings, if there are so many."""


def prove(node: Node, wanted: Wanted) -> ProofFile:
    """The proof, from the node's blocks. Raises NotFound, ChainMoved and NodeError."""
    name = _block_of(node, wanted.txid) if wanted.block is None else wanted.block[::-1].hex()
    block = node.block(name)
    txids = [txid_from_display(each["txid"]) for each in block["tx"]]
    if wanted.txid not in txids:
        raise NotFound(f"block {name} has no transaction {display(wanted.txid)}")
    position, tree = txids.index(wanted.txid), merkle_tree(txids)
    transaction = _transaction(block["tx"][position])
    coinbase = None
    if position:
        coinbase = CoinbaseProof(_transaction(block["tx"][0]).stripped, tree.branch(0))
    return ProofFile(
        network=node.network().name,
        height=int(block["height"]),
        header=bytes.fromhex(node.rpc("getblockheader", block["hash"], False)),
        proof=TxProof(transaction.stripped, position, tree.branch(position), coinbase),
        previous=_previous(node, transaction, wanted.previous) if position else (),
        after=_after(node, block, wanted.after),
    )


def _after(node: Node, block: Mapping[str, Any], count: int) -> tuple[bytes, ...]:
    """None for a block beside the best chain. Raises ChainMoved."""
    if block["confirmations"] < 1:
        return ()
    raws = node.headers(int(block["height"]) + 1, count)
    if raws and read_header(raws[0]).previous[::-1].hex() != block["hash"]:
        raise ChainMoved("the block has left the node's best chain")
    return tuple(raws)


def _transaction(row: Mapping[str, Any]) -> Transaction:
    return parse_transaction(bytes.fromhex(row["hex"]))


def _block_of(node: Node, txid: Txid) -> str:
    try:
        told = node.rpc("getrawtransaction", display(txid), True)
    except NodeError as error:
        if error.code == NOT_FOUND:
            raise NotFound(
                f"{error}; name its block with --block, or use a node with txindex=1"
            ) from None
        raise
    if "blockhash" not in told:
        raise NotFound(f"{display(txid)} is in no block yet")
    return str(told["blockhash"])


def _previous(node: Node, transaction: Transaction, which: Previous) -> tuple[bytes | None, ...]:
    asked = {Previous.NONE: 0, Previous.FIRST: 1, Previous.ALL: len(transaction.inputs)}[which]
    if not asked:
        return ()
    points = [txin.previous for txin in transaction.inputs]
    found = node.rpc.many("getrawtransaction", [(display(each.txid),) for each in points[:asked]])
    raws = [parse_transaction(bytes.fromhex(each)).stripped for each in found]
    return (*raws, *([None] * (len(points) - asked)))
