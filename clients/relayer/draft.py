"""What a relayer works on: orders, fees, and unsigned transactions with the evidence for them."""

from dataclasses import dataclass

from pegwarden.v1 import kernel_pb2, types_pb2
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint


@dataclass(frozen=True, slots=True)
class Order:
    """A withdrawal to pay."""

    withdrawal_id: bytes
    address: str
    amount_sat: int

    def payment(self) -> kernel_pb2.WithdrawalPayment:
        """As ConstructWithdrawalTx takes it."""
        return kernel_pb2.WithdrawalPayment(
            withdrawal_id=self.withdrawal_id, address=self.address, amount_sat=self.amount_sat
        )


@dataclass(frozen=True, slots=True)
class Fee:
    """What a transaction may cost."""

    rate_sat_per_kvb: int
    floor_sat: int = 0
    """At least so much: a replacement pays more than what it replaces."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsigned transaction, and what is said about it."""

    psbt: bytes
    payments: tuple[types_pb2.PaymentClaim, ...]
    attestations: tuple[types_pb2.Attestation, ...]
    fee_sat: int
    vsize: int
    path_index: int = 0
    """The vault's path that it spends by; 0 is the primary one."""
    proofs: tuple[types_pb2.TxInclusionProof, ...] = ()
    """That its coins are in blocks, where the members' policy asks for that."""

    @property
    def inputs(self) -> tuple[OutPoint, ...]:
        """The coins it spends."""
        return tuple(each.previous for each in parse_psbt(self.psbt).transaction.inputs)
