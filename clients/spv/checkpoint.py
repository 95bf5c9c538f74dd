"""A checkpoint from a node, as `[chain.checkpoint]` of a kernel's configuration: read it, then compare it.

What it says is one node's word: compare hash and chainwork with other nodes before you trust them.
"""

from clients.spv.node import Node
from signer.bitcoin.checkpoint import Checkpoint, seed
from signer.bitcoin.network_rules import rules_of
from signer.bitcoin.tail import MEDIAN_OF


def checkpoint_at(node: Node, height: int) -> Checkpoint:
    """The node's header of that height, with the ten before it. Raises Malformed as `checkpoint.seed` does,
    ChainMoved and NodeError."""
    block_hash = str(node.rpc("getblockhash", height))
    work = int(node.rpc("getblockheader", block_hash)["chainwork"], 16)
    headers = node.headers(max(0, height + 1 - MEDIAN_OF), MEDIAN_OF)
    checkpoint = Checkpoint(height, bytes.fromhex(block_hash)[::-1], work, b"".join(headers))
    seed(rules_of(node.network()), checkpoint)
    return checkpoint


def checkpoint_toml(checkpoint: Checkpoint) -> str:
    """The table."""
    return "\n".join(
        (
            "[chain.checkpoint]",
            f"height = {checkpoint.height}",
            f'hash = "{checkpoint.hash[::-1].hex()}"',
            f'chainwork = "{checkpoint.work:064x}"',
            f'headers = "{checkpoint.headers.hex()}"',
        )
    )
