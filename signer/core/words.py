"""What consent asks of evidence: who vouches for what. Verified words, or described ones."""

from collections.abc import Mapping
from typing import Protocol

from signer.bitcoin.transaction import OutPoint, TxOut
from signer.core.evidence import Attestation, CoinTerms, Statement


class Words(Protocol):
    """What rules ask of the evidence."""

    @property
    def said(self) -> Mapping[Statement, tuple[tuple[bytes, int], ...]]:
        """Statement -> (attestor, expiry)."""

    @property
    def coins(self) -> Mapping[OutPoint, tuple[CoinTerms, ...]]:
        """The coin statements about each outpoint."""

    @property
    def attestations(self) -> tuple[Attestation, ...]:
        """As they were signed, for the record."""

    def coin_statements(self, outpoint: OutPoint, prevout: TxOut) -> tuple[CoinTerms, ...]:
        """The statements that this coin with exactly this amount and script exists."""

    def attestors(self, statement: Statement, now: int, beyond: int = 0) -> frozenset[bytes]:
        """The distinct attestors whose word for exactly this statement counts at `now` and expires later than
        `beyond`."""
