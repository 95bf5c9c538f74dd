"""A transaction in a block on record: claims of inclusion, and the facts that they become.

1. The block is one whose header is on record, on whatever branch: `header-unknown` else. What the proof
   itself says about the header is not asked.
2. Branch and coinbase lead to that header's root (`signer.bitcoin.inclusion`).
3. The fact is for ever: it does not say that the block is on the best chain, nor how deep. Whoever decides
   on it asks the chain at the decision.
"""

from dataclasses import dataclass

from signer.bitcoin.header import read_header
from signer.bitcoin.header_record import HeaderRecord
from signer.bitcoin.inclusion import TxProof, verify_tx_proof
from signer.bitcoin.transaction import Transaction, Txid, display
from signer.bitcoin.units import Height
from signer.core.errors import Objection, Refusal, unverified


@dataclass(frozen=True, slots=True)
class InclusionClaim:
    """A claim: a transaction is in that block."""

    block_hash: bytes
    """32 bytes, internal order."""
    proof: TxProof
    """As branches, in whatever form it came."""


@dataclass(frozen=True, slots=True)
class ProvenTx:
    """Fact: that transaction is in that block, whose header is on record."""

    transaction: Transaction
    """Without its witness."""
    block_hash: bytes
    """32 bytes, internal order."""
    height: Height
    position: int
    """In the block, counted from 0."""
    header: bytes
    """80 bytes: what the proof was verified against."""

    @property
    def is_coinbase(self) -> bool:
        """Whether its outputs need 100 blocks before they can be spent."""
        return self.position == 0


def proven(claim: InclusionClaim, record: HeaderRecord | None) -> ProvenTx:
    """The fact. `record`: None where the configuration names no chain.

    Raises Refusal `chain-not-configured`, VerificationError `header-unknown`, and Malformed as
    `verify_tx_proof` does.
    """
    if record is None:
        raise Refusal(no_chain())
    link = record.link(claim.block_hash)
    if link is None:  # 1
        shown = display(Txid(claim.block_hash))
        raise unverified("header-unknown", "no header with that hash is on record", shown)
    return proven_by(claim.proof, link.raw, Height(link.height))


def proven_by(proof: TxProof, header: bytes, height: Height) -> ProvenTx:
    """The fact under 80 bytes of a header that was on record at that height: for replay. Raises Malformed as
    `verify_tx_proof` does, `header-malformed`."""
    fact = verify_tx_proof(proof, read_header(header))  # 2
    return ProvenTx(fact.transaction, fact.block_hash, height, fact.position, header)


def no_chain() -> Objection:
    """Why nothing is said about blocks."""
    return Objection("chain-not-configured", "this kernel's configuration has no [chain]")
