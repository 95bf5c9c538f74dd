"""From orders to a confirmed transaction, through kernels that believe nothing of it.

1. The draft comes from a kernel, the evidence from attestors, the signatures from the federation.
2. The node's `testmempoolaccept` speaks before every broadcast.
3. A bump is a further version: it spends every pin, pays all that is pinned there, and pays more fee
   than the dearest version did, by the node's increment.
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from clients.jsonrpc import JsonRpc, NodeError, to_sats
from clients.messages import outpoint_message, outpoint_of
from clients.relayer.coins import VaultCoin, coins_of_psbt
from clients.relayer.draft import Draft, Fee, Order
from clients.relayer.federation import Federation
from pegwarden.v1 import kernel_pb2, types_pb2
from signer.bitcoin.address import address_of
from signer.bitcoin.network import Network
from signer.bitcoin.transaction import OutPoint

POLL_SECONDS = 0.25
NO_SUCH_TRANSACTION = -5


class NotAccepted(Exception):
    """The node would not relay the transaction."""


class Evidence(Protocol):
    """Where attestations come from."""

    def withdrawals(self, ids: tuple[bytes, ...]) -> list[types_pb2.Attestation]:
        """Attestations that these are owed."""

    def coins(self, outpoints: tuple[OutPoint, ...]) -> list[types_pb2.Attestation]:
        """Attestations that these are confirmed and unspent."""


@dataclass(frozen=True, slots=True)
class Relayer:
    """Pays withdrawals of one vault."""

    federation: Federation
    node: JsonRpc
    evidence: Evidence
    network: Network

    def construct(
        self,
        orders: tuple[Order, ...],
        coins: tuple[VaultCoin, ...],
        fee: Fee,
        pins: tuple[OutPoint, ...] = (),
    ) -> Draft:
        """The transaction that pays the orders, with evidence for all of it."""
        draft = self.unproven(orders, coins, fee, pins)
        attestations = (
            *self.evidence.withdrawals(tuple(order.withdrawal_id for order in orders)),
            *self.evidence.coins(draft.inputs),
        )
        return replace(draft, attestations=attestations)

    def unproven(
        self,
        orders: tuple[Order, ...],
        coins: tuple[VaultCoin, ...],
        fee: Fee,
        pins: tuple[OutPoint, ...] = (),
    ) -> Draft:
        """The same without evidence."""
        request = kernel_pb2.ConstructWithdrawalTxRequest(
            vault_id=self.federation.vault_id,
            payments=[order.payment() for order in orders],
            coins=[coin.offered() for coin in coins],
            change_index=self.federation.next_change_index(),
            fee_rate_sat_per_kvb=fee.rate_sat_per_kvb,
            required_inputs=[outpoint_message(pin) for pin in pins],
            min_fee_sat=fee.floor_sat,
        )
        built = self.federation.construct(request)
        return Draft(built.psbt, tuple(built.payments), (), built.fee_sat, built.vsize)

    def finish(self, draft: Draft) -> str:
        """Collect, combine, broadcast; the txid in display form. Raises NotSigned or NotAccepted."""
        return self.broadcast(self.federation.extract(self.federation.collect(draft)))

    def pay(self, orders: tuple[Order, ...], coins: tuple[VaultCoin, ...], fee: Fee) -> str:
        """Construct and finish."""
        return self.finish(self.construct(orders, coins, fee))

    def broadcast(self, transaction: bytes) -> str:
        """The txid (display form) of what is now in the node's mempool. Raises NotAccepted."""
        verdict: Any = self.node("testmempoolaccept", [transaction.hex()])[0]
        if not verdict["allowed"]:
            raise NotAccepted(str(verdict.get("reject-details", verdict.get("reject-reason"))))
        return str(self.node("sendrawtransaction", transaction.hex()))

    def further_version(
        self, withdrawal_id: bytes, rate_sat_per_kvb: int, fresh: tuple[VaultCoin, ...] = ()
    ) -> Draft:
        """A version that replaces all earlier ones (rule 3). `fresh`: coins that may join."""
        infos = self.federation.on_record(withdrawal_id)
        versions = [version for info in infos for version in info.versions]
        spent = {coin.outpoint: coin for each in versions for coin in coins_of_psbt(each.psbt)}
        coins = (*spent.values(), *fresh)
        pins = tuple(sorted({outpoint_of(info.pin) for info in infos}))
        orders = self._orders({each for info in infos for each in info.pinned_together})
        draft = self.construct(orders, coins, Fee(rate_sat_per_kvb), pins)
        floor = max(each.fee_sat for each in versions) + self._increment(draft.vsize)
        if draft.fee_sat >= floor:
            return draft
        return self.construct(orders, coins, Fee(rate_sat_per_kvb, floor), pins)

    def bump(self, withdrawal_id: bytes, rate_sat_per_kvb: int) -> str:
        """Sign and broadcast a further version."""
        return self.finish(self.further_version(withdrawal_id, rate_sat_per_kvb))

    def confirmations(self, txid: str) -> int:
        """How deep the transaction is; 0 in the mempool, -1 when the node does not know it."""
        try:
            return int(self.node("getrawtransaction", txid, True).get("confirmations", 0))
        except NodeError as error:
            if error.code == NO_SUCH_TRANSACTION:
                return -1
            raise

    def follow(self, txid: str, depth: int, seconds: float) -> int:
        """Wait for that many confirmations. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while (seen := self.confirmations(txid)) < depth:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{txid} has {seen} of {depth} confirmations")
            time.sleep(POLL_SECONDS)
        return seen

    def _orders(self, ids: set[bytes]) -> tuple[Order, ...]:
        infos = [self.federation.on_record(each)[0] for each in sorted(ids)]
        return tuple(
            Order(info.withdrawal_id, address_of(info.script_pubkey, self.network), info.amount_sat)
            for info in infos
        )

    def _increment(self, vsize: int) -> int:
        per_kvb = to_sats(self.node("getmempoolinfo")["incrementalrelayfee"])
        return -(-per_kvb * vsize // 1000)
