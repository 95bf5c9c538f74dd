"""Proofs of inclusion on the wire: one message, two forms, one claim.

Rule 1: a proof is exactly one of both forms, and has the coinbase that its form needs.
Rule 2: what a node wrote is of the block that is named beside it; its own header proves nothing.
"""

from collections.abc import Iterable
from itertools import islice

from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.inclusion import CoinbaseProof, TxProof
from signer.bitcoin.merkle_block import read_merkle_block
from signer.core.deposits import DepositFacts
from signer.core.errors import malformed, unverified
from signer.core.proven import InclusionClaim, ProvenTx
from signer.core.proven_coins import MAX_PROOFS
from signer.ports.chain import ChainReading
from signer.wire import sized

MAX_TRANSACTION = 4_000_000
"""Bytes: no block holds more."""


def inclusion_claim(message: t.TxInclusionProof) -> InclusionClaim:
    """What the message claims. Raises MalformedRequest `request-malformed`, and Malformed as
    `read_merkle_block` and its `tx_proof` do."""
    block_hash = sized(message.block_hash, 32, "block_hash")
    for name in ("transaction", "coinbase"):
        if len(getattr(message, name)) > MAX_TRANSACTION:
            raise malformed("request-malformed", f"{name} is larger than a block")
    if not message.transaction:
        raise malformed("request-malformed", "transaction is missing")
    form = message.WhichOneof("path")
    if form == "branches":
        return InclusionClaim(block_hash, _of_branches(message))
    if form == "txoutproof":
        return InclusionClaim(block_hash, _of_node(message))
    raise malformed("request-malformed", "branches or txoutproof is missing")


def inclusion_claims(messages: Iterable[t.TxInclusionProof]) -> tuple[InclusionClaim, ...]:
    """Each of them. Raises VerificationError `proofs-too-large` before any is read."""
    kept = tuple(islice(messages, MAX_PROOFS + 1))
    if len(kept) > MAX_PROOFS:
        raise unverified(
            "proofs-too-large", "too many proofs", f"more than {MAX_PROOFS}", f"{MAX_PROOFS} proofs"
        )
    return tuple(map(inclusion_claim, kept))


def burial_message(chain: ChainReading, block_hash: bytes) -> t.Burial:
    """How deep that block is buried now, up to the vouched header."""
    found = chain.burial(block_hash)
    return t.Burial(blocks=found.blocks, work=found.work.to_bytes(32, "big"))


def is_on_best_chain(chain: ChainReading, fact: ProvenTx | DepositFacts) -> bool:
    """Whether its block is one of the best chain's now, vouched for or not."""
    best = chain.best(fact.height)
    return best is not None and best.hash == fact.block_hash


def _of_branches(message: t.TxInclusionProof) -> TxProof:
    path = message.branches
    coinbase = None
    if message.coinbase:
        coinbase = CoinbaseProof(message.coinbase, tuple(path.coinbase_branch))
    elif path.coinbase_branch:
        raise malformed("request-malformed", "a branch of a coinbase that is not there")
    return TxProof(message.transaction, path.position, tuple(path.branch), coinbase)


def _of_node(message: t.TxInclusionProof) -> TxProof:
    tree = read_merkle_block(message.txoutproof)
    if tree.header.hash != message.block_hash:  # 2
        raise malformed("request-malformed", "txoutproof is of another block than block_hash")
    return tree.tx_proof(message.transaction, message.coinbase or message.transaction)
