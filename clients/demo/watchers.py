"""The demo's attestors: three keys, of which two sign, each with its own look at the chain."""

from dataclasses import dataclass

from clients.attestor.attestor import Attestor
from clients.messages import attestation_message
from pegwarden.v1 import types_pb2
from signer.bitcoin.transaction import OutPoint, Txid


@dataclass(frozen=True, slots=True)
class Watchers:
    """Evidence by these attestors: `clients.relayer.relayer.Evidence`."""

    attestors: tuple[Attestor, ...]

    def withdrawals(self, ids: tuple[bytes, ...]) -> list[types_pb2.Attestation]:
        """Each attestor's word for these burns."""
        return [attestation_message(each.withdrawals(ids)) for each in self.attestors]

    def anchors(self, batches: tuple[tuple[bytes, int], ...]) -> list[types_pb2.Attestation]:
        """Each attestor's word for these batches (magic, id)."""
        return [attestation_message(each.anchors(batches)) for each in self.attestors]

    def sweeps(self, nonces: tuple[bytes, ...]) -> list[types_pb2.Attestation]:
        """Each attestor's word for these moves."""
        return [attestation_message(each.sweeps(nonces)) for each in self.attestors]

    def spends(self, pairs: tuple[tuple[OutPoint, Txid], ...]) -> list[types_pb2.Attestation]:
        """Each attestor's word for these spends."""
        return [attestation_message(each.spends(pairs)) for each in self.attestors]

    def coins(self, outpoints: tuple[OutPoint, ...]) -> list[types_pb2.Attestation]:
        """Each attestor's word for these coins."""
        return [attestation_message(each.coins(outpoints)) for each in self.attestors]
