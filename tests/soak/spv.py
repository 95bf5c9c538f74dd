"""Invariants of proofs of inclusion. Of each trial one random block, and of it one transaction:

1. Its true proof is accepted, as branches and as a partial Merkle tree.
2. With one bit changed, of transactions, branches, position or tree, the proof is refused, or it proves the
   same: what was changed is a witness, or a claim of the tree that makes no difference. (Every bit of every
   tenth block's proof; one bit in sixteen of the others'.)
3. Any other position is refused; those of copies behind the last transaction too (CVE-2012-2459).
4. With a level more or less, in either or both branches, at either end, the proof is refused.
5. A transaction below one of 64 bytes is refused; a verifier without the coinbase takes it (CVE-2017-12842).
Then n / 5 proofs of a live node, good and bad: it agrees with us but for five named differences
(`tests/regtest/txoutproofs.py`).
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from clients.bitcoind import Bitcoind
from clients.spv.merkle_tree import merkle_block
from signer.bitcoin.errors import Malformed
from signer.bitcoin.inclusion import CoinbaseProof, TxInclusion, TxProof, verify_tx_proof
from signer.bitcoin.merkle_block import read_merkle_block
from signer.core.catalogue import CATALOGUE
from tests.bitcoin.blocks import Block, random_block
from tests.bitcoin.forgeries import deceived_without_coinbase, forgery_below, walk
from tests.regtest.txoutproofs import DIFFERENCES, Node, trials

FULL = 10_000
MOST_LEVELS = 7
"""Blocks have up to 2^7 transactions, every depth about equally often."""
EVERY_BIT, ONE_BIT = 10, 16
"""In one block of so many every bit is changed, in the others one bit in so many."""
OF_A_NODE = 5
"""One in so many is a proof of a live node's."""


def run(n: int, seed: int) -> list[str]:
    """What breaks an invariant."""
    random, violations = Random(seed), []
    for number in range(n):
        stride = ONE_BIT if number % EVERY_BIT else 1
        violations += _of_a_block(random, stride)
    with tempfile.TemporaryDirectory() as folder, Bitcoind.start(Path(folder) / "node") as node:
        found = trials(Node(node), n // OF_A_NODE, seed)
    agreed = {name: count for name, count in found.items() if not name.startswith("violated")}
    print(f"spv: {n} blocks; proofs of a live node: {dict(sorted(agreed.items()))}")
    return violations + [name for name in found if name not in {"good", "bad"} | DIFFERENCES]


def _of_a_block(random: Random, stride: int) -> list[str]:
    """All of the five."""
    block = random_block(random, random.randint(1, 1 << random.randint(0, MOST_LEVELS)))
    count = len(block.transactions)
    position = random.randrange(count)
    fact = _verdict(block, block.proof(position))
    about = f"position {position} of {count}, root {block.tree.root.hex()}"
    if not isinstance(fact, TxInclusion) or not _true(block, position, fact):
        return [f"1: {about}: {fact}"]
    bits = slice(random.randrange(stride), None, stride)
    found = [*_positions(block, position), *_levels(block, position)]
    found += [*_trees(block, position, bits), *_bits(block, fact, bits)]
    if count > 1:
        found += _forged(random, count)
    return [f"{each} ({about})" for each in found]


def _verdict(block: Block, proof: TxProof) -> TxInclusion | str:
    """The fact; or a code, or an exception that should not be."""
    try:
        return verify_tx_proof(proof, block.header)
    except Malformed as error:
        return error.code if error.code in CATALOGUE else f"not in the catalogue: {error}"
    except Exception as error:
        return f"escaped: {error!r}"


def _is_refused(verdict: TxInclusion | str) -> bool:
    return isinstance(verdict, str) and verdict in CATALOGUE


def _true(block: Block, position: int, fact: TxInclusion) -> bool:
    """Judged by the block itself."""
    said = (fact.transaction.stripped, fact.block_hash, fact.position)
    return said == (block.transactions[position].stripped, block.header.hash, position)


def _trees(block: Block, position: int, bits: slice) -> Iterator[str]:
    """Invariants 1 and 2 of a partial tree."""
    data = merkle_block(block.raw_header, block.tree.levels[0], {0, position})
    true = block.proof(position)
    if _read(data, true) != true:
        yield "1: tree"
    for bit in range(80 * 8, len(data) * 8)[bits]:  # another header is for the chain to know
        read = _read(_turned(data, bit), true)
        if read not in (None, true) and not _is_refused(_verdict(block, read)):
            yield f"2: bit {bit} of the tree"


def _read(data: bytes, true: TxProof) -> TxProof | None:
    try:
        return read_merkle_block(data).tx_proof(true.transaction, _first(true).transaction)
    except Malformed:
        return None


def _first(proof: TxProof) -> CoinbaseProof:
    if proof.coinbase is None:
        raise TypeError("a proof with its coinbase")
    return proof.coinbase


def _turned(data: bytes, bit: int) -> bytes:
    """With that bit changed."""
    at = bit // 8
    return data[:at] + bytes((data[at] ^ 1 << bit % 8,)) + data[at + 1 :]


def _bits(block: Block, fact: TxInclusion, bits: slice) -> Iterator[str]:
    """Invariant 2 of branches."""
    for what, changed in _changed(block.proof(fact.position), bits):
        verdict = _verdict(block, changed)
        same = what.startswith("transaction") and verdict == fact
        if not same and not _is_refused(verdict):
            yield f"2: {what}"


def _changed(proof: TxProof, bits: slice) -> Iterator[tuple[str, TxProof]]:
    """Every proof that differs in one of these bits; of a witness too."""
    first = _first(proof)
    for bit in range(32)[bits]:
        yield f"position {bit}", replace(proof, position=proof.position ^ 1 << bit)
    for bit in range(len(proof.transaction) * 8)[bits]:
        yield f"transaction {bit}", replace(proof, transaction=_turned(proof.transaction, bit))
    for bit in range(len(first.transaction) * 8)[bits]:
        changed = replace(first, transaction=_turned(first.transaction, bit))
        yield f"transaction of the coinbase {bit}", replace(proof, coinbase=changed)
    for bit in range(len(proof.branch) * 256)[bits]:
        yield f"branch {bit}", replace(proof, branch=_turned_in(proof.branch, bit))
        changed = replace(first, branch=_turned_in(first.branch, bit))
        yield f"branch of the coinbase {bit}", replace(proof, coinbase=changed)


def _turned_in(branch: tuple[bytes, ...], bit: int) -> tuple[bytes, ...]:
    at = bit // 256
    return (*branch[:at], _turned(branch[at], bit % 256), *branch[at + 1 :])


def _positions(block: Block, position: int) -> Iterator[str]:
    """Invariant 3: with its own branch anywhere else; and the last one as a copy of itself."""
    proof, count = block.proof(position), len(block.transactions)
    for other in range(1 << len(proof.branch)):
        if other != position and not _is_refused(_verdict(block, replace(proof, position=other))):
            yield f"3: at position {other}"
    last = block.proof(count - 1)
    for level, sibling in enumerate(last.branch):
        node = walk(block.transactions[-1].txid, replace(last, branch=last.branch[:level]))
        if sibling == node:
            copy = replace(last, position=count - 1 | 1 << level)
            if walk(block.transactions[-1].txid, copy) != block.tree.root:
                yield f"3: the copy at level {level} deceives nobody"
            if not _is_refused(_verdict(block, copy)):
                yield f"3: the copy at level {level}"


def _levels(block: Block, position: int) -> Iterator[str]:
    """Invariant 4."""
    proof = block.proof(position)
    first = _first(proof)
    changes: tuple[Callable[[tuple[bytes, ...]], tuple[bytes, ...]], ...] = (
        lambda branch: (*branch, block.tree.root),
        lambda branch: (bytes(32), *branch),
        lambda branch: branch[:1] + branch,
        lambda branch: branch[1:],
        lambda branch: branch[:-1],
    )
    for number, change in enumerate(changes):
        if change(proof.branch) == proof.branch:
            continue
        other = replace(first, branch=change(first.branch))
        for place in {position, position // 2, position * 2, position * 2 + 1}:
            longer = replace(proof, branch=change(proof.branch), position=place)
            for each in (longer, replace(longer, coinbase=other), replace(longer, coinbase=None)):
                if not _is_refused(_verdict(block, each)):
                    yield f"4: change {number} at place {place}"


def _forged(random: Random, count: int) -> Iterator[str]:
    """Invariant 5, with everything that a forger has for a coinbase's branch."""
    forgery = forgery_below(random, count)
    block = forgery.block
    if not deceived_without_coinbase(forgery.proof(None), block.tree.root):
        yield "5: the forgery deceives nobody"
    first = _first(block.proof(0))
    mores = (bytes(32), forgery.half, forgery.fake.txid, first.branch[0], random.randbytes(32))
    branches = [first.branch, *((more, *first.branch) for more in mores)]
    branches += [(*first.branch, more) for more in mores]
    proofs = [
        forgery.proof(None),
        *(forgery.proof(replace(first, branch=each)) for each in branches),
    ]
    if not all(_is_refused(_verdict(block, each)) for each in proofs):
        yield "5: a transaction below one of 64 bytes"
    if not _is_refused(_verdict(block, block.proof(forgery.at))):
        yield "5: the transaction of 64 bytes"
