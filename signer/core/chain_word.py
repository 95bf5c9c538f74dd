"""What the kernel's own headers say about a spend: what consent is asked with, and the record keeps.

1. A coin's transaction is in a block on record, proven before (`signer.core.proven_coins`).
2. How deep the block is buried is asked when it is decided, in the transaction of the record that the
   decision sees (`chain_word`): a proof is a fact for ever, its depth is not.
3. What the chain said is a value: whoever has it decides the same again, without the chain.
4. That an output is in a block does not say that it is unspent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from signer.bitcoin.burial import Burial
from signer.bitcoin.header_record import HeaderRecord
from signer.bitcoin.inclusion import TxProof
from signer.bitcoin.transaction import Txid
from signer.bitcoin.units import Height
from signer.core.errors import Objection, VerificationError
from signer.core.freshness import TipSeen
from signer.core.proven import InclusionClaim, ProvenTx


class ChainSeen(HeaderRecord, Protocol):
    """What is asked of the headers on record (`signer.ports.chain.ChainReading`)."""

    def tip_seen(self) -> TipSeen:
        """The best chain's tip."""

    def vouched(self) -> Height:
        """The highest height for which enough sources vouch."""

    def burial(self, block_hash: bytes) -> Burial:
        """How deep that block is buried, up to there; (0, 0) off the best chain."""

    def require_fresh(self, now: int) -> None:
        """Raises VerificationError `header-chain-light`, `header-tip-stale` or `header-feed-frozen`."""


@dataclass(frozen=True, slots=True)
class ProvenCoins:
    """Fact: a transaction whose outputs the spend spends is in a block on record."""

    fact: ProvenTx
    proof: TxProof
    """What shows it, for the record: without witnesses."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a proven transaction is, and how deep at the decision."""

    height: Height
    burial: Burial
    is_coinbase: bool
    """Whether its outputs need 100 blocks before they can be spent."""


@dataclass(frozen=True, slots=True)
class ChainWord:
    """What the chain says, at one moment."""

    tip: TipSeen
    vouched: Height
    """The highest header for which enough sources vouch: burial is counted up to it."""
    stale: tuple[Objection, ...] = ()
    """Why nothing is decided on this chain now: one reason at most."""
    placed: Mapping[Txid, Placed] = field(default_factory=dict)
    """Of each proven transaction."""
    proven: tuple[ProvenCoins, ...] = ()
    """The same with their proofs, for the record; none where the chain is only described."""


def claims_of(word: ChainWord) -> tuple[InclusionClaim, ...]:
    """What was claimed, to be proven again."""
    return tuple(InclusionClaim(each.fact.block_hash, each.proof) for each in word.proven)


def chain_word(facts: Iterable[ProvenCoins], chain: ChainSeen, now: int) -> ChainWord:
    """Rule 2."""
    kept = tuple(facts)
    stale = tuple[Objection, ...]()
    try:
        chain.require_fresh(now)
    except VerificationError as refusal:
        stale = refusal.objections
    placed = {
        each.transaction.txid: Placed(each.height, chain.burial(each.block_hash), each.is_coinbase)
        for each in (coins.fact for coins in kept)
    }
    return ChainWord(chain.tip_seen(), chain.vouched(), stale, placed, kept)
