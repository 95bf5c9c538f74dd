"""From orders to a confirmed transaction, through kernels that believe nothing of it.

1. The draft comes from a kernel, the evidence from attestors, the signatures from the federation.
2. The node's `testmempoolaccept` speaks before every broadcast.
3. A bump is a further version: it spends every pin that any member holds, pays all that is pinned there,
   and pays more fee than the dearest version did, by the node's increment.
4. What was signed is known from the members alone (`book`).
5. What waits for officers or time is asked again, with fresh evidence, until it passes or patience ends.
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from clients.jsonrpc import JsonRpc, NodeError, to_sats
from clients.messages import outpoint_message
from clients.relayer.book import Book
from clients.relayer.coins import VaultCoin, coins_of_psbt
from clients.relayer.draft import Draft, Fee, Order
from clients.relayer.federation import Federation, NotSigned
from clients.relayer.proofs import NO_PROOFS, Proofs
from pegwarden.v1 import approval_pb2, kernel_pb2, types_pb2
from signer.bitcoin.address import address_of, script_of
from signer.bitcoin.network import Network
from signer.bitcoin.transaction import OutPoint, Txid, display

POLL_SECONDS = 0.25
WAIT_SECONDS = 1.0
"""Between two requests for what waits for officers or time."""
NO_SUCH_TRANSACTION = -5
ALREADY = ("txn-already-in-mempool", "txn-already-known")
"""The node has exactly this transaction: what a relayer that was interrupted asked for before."""


class NotAccepted(Exception):
    """The node would not relay the transaction."""


class Evidence(Protocol):
    """Where attestations come from."""

    def withdrawals(self, ids: tuple[bytes, ...]) -> list[types_pb2.Attestation]:
        """Attestations that these are owed."""

    def coins(self, outpoints: tuple[OutPoint, ...]) -> list[types_pb2.Attestation]:
        """Attestations that these are confirmed and unspent."""

    def anchors(self, batches: tuple[tuple[bytes, int], ...]) -> list[types_pb2.Attestation]:
        """Attestations of these batches (magic, id)."""

    def sweeps(self, nonces: tuple[bytes, ...]) -> list[types_pb2.Attestation]:
        """Attestations that these moves are decided."""

    def spends(self, pairs: tuple[tuple[OutPoint, Txid], ...]) -> list[types_pb2.Attestation]:
        """Attestations that these outputs are spent by these confirmed transactions."""


@dataclass(frozen=True, slots=True)
class Relayer:
    """Pays withdrawals of one vault."""

    federation: Federation
    node: JsonRpc
    evidence: Evidence
    network: Network
    proofs: Proofs = NO_PROOFS

    def construct(
        self,
        orders: tuple[Order, ...],
        coins: tuple[VaultCoin, ...],
        fee: Fee,
        pins: tuple[OutPoint, ...] = (),
    ) -> Draft:
        """The transaction that pays the orders, with evidence for all of it."""
        ids = tuple(order.withdrawal_id for order in orders)
        return self.proven(self.unproven(orders, coins, fee, pins), self.evidence.withdrawals(ids))

    def proven(self, draft: Draft, said: list[types_pb2.Attestation]) -> Draft:
        """The draft with that evidence, and evidence for its coins."""
        return replace(draft, attestations=(*said, *self.evidence.coins(draft.inputs)))

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
        return self.broadcast(self.federation.extract(self.federation.collect(self.placed(draft))))

    def placed(self, draft: Draft) -> Draft:
        """The draft with proofs that its coins are in blocks, where members are shown any."""
        proofs = self.proofs.of(coin.txid for coin in draft.inputs)
        return replace(draft, proofs=tuple(proofs))

    def finish_in_time(self, draft: Draft, seconds: float) -> str:
        """The same, asking again while kernels wait for officers or time (rule 5)."""
        ids = tuple(claim.withdrawal_id for claim in draft.payments)
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.finish(draft)
            except NotSigned as reason:
                if not reason.is_waiting or time.monotonic() > deadline:
                    raise
            time.sleep(WAIT_SECONDS)
            draft = self.proven(draft, self.evidence.withdrawals(ids))

    def propose(self, orders: tuple[Order, ...]) -> list[approval_pb2.ProposeWithdrawalsResponse]:
        """Lay withdrawals before the officers, at every member that answers; clocks of `aged` rules start.
        Raises NotSigned when nobody answers."""
        said = self.evidence.withdrawals(tuple(order.withdrawal_id for order in orders))
        request = approval_pb2.ProposeWithdrawalsRequest(
            vault_id=self.federation.vault_id,
            withdrawals=[
                types_pb2.WithdrawalStatement(
                    withdrawal_id=order.withdrawal_id,
                    amount_sat=order.amount_sat,
                    script_pubkey=script_of(order.address, self.network),
                )
                for order in orders
            ],
            attestations=said,
        )
        answer = approval_pb2.ProposeWithdrawalsResponse
        return self.federation.all_answers(lambda member: member.ask(request, answer))

    def pay(self, orders: tuple[Order, ...], coins: tuple[VaultCoin, ...], fee: Fee) -> str:
        """Construct and finish."""
        return self.finish(self.construct(orders, coins, fee))

    def broadcast(self, transaction: bytes) -> str:
        """The txid (display form) of what is now in the node's mempool or chain. Raises NotAccepted."""
        verdict: Any = self.node("testmempoolaccept", [transaction.hex()])[0]
        if verdict.get("reject-reason") in ALREADY:
            return str(verdict["txid"])
        if not verdict["allowed"]:
            raise NotAccepted(str(verdict.get("reject-details", verdict.get("reject-reason"))))
        return str(self.node("sendrawtransaction", transaction.hex()))

    def book(self) -> Book:
        """What the members have on record, each for itself."""
        return Book(tuple(self.federation.listed()))

    def further_version(
        self,
        withdrawal_id: bytes,
        rate_sat_per_kvb: int,
        fresh: tuple[VaultCoin, ...] = (),
        more: tuple[Order, ...] = (),
    ) -> Draft:
        """A version that replaces all earlier ones (rule 3). `fresh`: coins that may join. With `more`, the
        batch grows by these orders, and the fresh coins, which they are pinned to, join."""
        book = self.book()
        family = book.family(withdrawal_id)
        infos = [info for each in family for info in self.federation.on_record(each)]
        versions = [version for info in infos for version in info.versions]
        spent = {coin.outpoint: coin for each in versions for coin in coins_of_psbt(each.psbt)}
        left_alone = book.others_pins(family)
        known = (each for each in spent if each not in left_alone and self.is_unspent(each))
        coins = (*(spent[point] for point in known), *fresh)
        orders = (*(self._order(book.of(each)[0]) for each in family), *more)
        pins = (*book.pins(family), *(coin.outpoint for coin in fresh if more))
        draft = self.construct(orders, coins, Fee(rate_sat_per_kvb), pins)
        floor = max(each.fee_sat for each in versions) + self._increment(draft.vsize)
        if draft.fee_sat >= floor:
            return draft
        return self.construct(orders, coins, Fee(rate_sat_per_kvb, floor), pins)

    def bump(self, withdrawal_id: bytes, rate_sat_per_kvb: int) -> str:
        """Sign and broadcast a further version."""
        return self.finish(self.further_version(withdrawal_id, rate_sat_per_kvb))

    def is_unspent(self, coin: OutPoint) -> bool:
        """Whether no block of the node's chain spends the coin: what a struck pin's killer took is gone."""
        return self.node("gettxout", display(coin.txid), coin.vout, False) is not None

    def raw(self, txid: str) -> bytes:
        """The whole transaction, from the node. Raises NodeError where it knows none."""
        return bytes.fromhex(self.node("getrawtransaction", txid))

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

    def _order(self, info: kernel_pb2.WithdrawalInfo) -> Order:
        address = address_of(info.script_pubkey, self.network)
        return Order(info.withdrawal_id, address, info.amount_sat)

    def _increment(self, vsize: int) -> int:
        per_kvb = to_sats(self.node("getmempoolinfo")["incrementalrelayfee"])
        return -(-per_kvb * vsize // 1000)
