"""Withdrawals and the outputs that settle them."""

from dataclasses import dataclass

from signer.bitcoin.units import Sats

WithdrawalId = bytes
"""32 bytes, stable under an L2 reorganisation (docs/integrate.md)."""


@dataclass(frozen=True, slots=True)
class PaymentClaim:
    """The caller's word: this output settles that withdrawal."""

    withdrawal_id: WithdrawalId
    vout: int


@dataclass(frozen=True, slots=True)
class WithdrawalTerms:
    """What attestors say is owed."""

    withdrawal_id: WithdrawalId
    amount: Sats
    script_pubkey: bytes


@dataclass(frozen=True, slots=True)
class Payment:
    """One output that settles one withdrawal."""

    withdrawal_id: WithdrawalId
    vout: int
    amount: Sats
    script_pubkey: bytes

    @property
    def terms(self) -> WithdrawalTerms:
        """The terms that it meets."""
        return WithdrawalTerms(self.withdrawal_id, self.amount, self.script_pubkey)
