"""Verifying that a transaction is in a block: microseconds, over the size of the block.

1. `branches` is `verify_tx_proof` of what lies in memory: two transactions are parsed, two branches walked.
   `gettxoutproof` is reading Core's form, making branches of it, and the same.
2. `hashes` is what SHA-256 alone takes for it through the same module: two for each txid and each node. The
   rest is ours.
3. Random blocks, the last transaction of each. All figures are of the fastest of many rounds of 200, in time
   of the processor: others on the machine slow a cache down, and no round is faster than the code.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from clients.spv.merkle_tree import merkle_block
from signer.bitcoin.hashes import hash256
from signer.bitcoin.inclusion import verify_tx_proof
from signer.bitcoin.merkle_block import read_merkle_block
from tests.bitcoin.blocks import random_block

SIZES = (1, 100, 2_000, 4_000, 16_000)
FULL, SHORT = 60, 5
"""Rounds."""
CALLS = 200


@dataclass(frozen=True)
class Proofs:
    """One row. Microseconds for one proof."""

    transactions: int
    depth: int
    hashes: float
    branches: float
    gettxoutproof: float


def proofs(rounds: int) -> list[Proofs]:
    """Measured now."""
    return [_row(size, rounds) for size in SIZES]


def _row(size: int, rounds: int) -> Proofs:
    block = random_block(Random(size), size)
    header, last = block.header, size - 1
    proof = block.proof(last)
    raw, coinbase = proof.transaction, block.transactions[0].serialize()
    data = merkle_block(block.raw_header, block.tree.levels[0], {0, last})
    depth, node = len(proof.branch), bytes(64)

    def hashes() -> None:
        for _ in range(2 * depth + 2):
            hash256(node)

    trials = (
        hashes,
        lambda: verify_tx_proof(proof, header),
        lambda: verify_tx_proof(read_merkle_block(data).tx_proof(raw, coinbase), header),
    )
    found = [[_microseconds(trial) for trial in trials] for _ in range(rounds)]
    return Proofs(size, depth, *(round(min(column), 1) for column in zip(*found, strict=True)))


def _microseconds(trial: Callable[[], object]) -> float:
    begun = time.thread_time()
    for _ in range(CALLS):
        trial()
    return (time.thread_time() - begun) / CALLS * 1_000_000


def proofs_table(found: Sequence[Proofs]) -> str:
    """For the page."""
    lines = [
        "| transactions | depth | hashes alone | branches | gettxoutproof | branches / hashes |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found:
        times = " | ".join(f"{each} µs" for each in (row.hashes, row.branches, row.gettxoutproof))
        ratio = row.branches / row.hashes
        lines.append(f"| {row.transactions:,} | {row.depth} | {times} | {ratio:.1f} |")
    return "\n".join(lines)
