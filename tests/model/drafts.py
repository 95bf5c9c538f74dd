"""Transactions as the relayer presents them, and the requests that make them."""

from dataclasses import dataclass, replace

from clients.messages import outpoint_message
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.address import address_of
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Transaction, Txid
from signer.core.evidence import AnchorTerms
from signer.core.payment import WithdrawalTerms
from tests.attacks.bridge import offered
from tests.kernel.history_world import Owned


@dataclass(frozen=True)
class Draft:
    """A transaction as the relayer presents it."""

    message: pb.SignPsbtRequest
    transaction: Transaction
    coins: tuple[Owned, ...]
    burns: tuple[WithdrawalTerms, ...]
    """As its outputs are labelled."""
    change: tuple[int, int] | None = None
    """(vout, index)."""
    anchored: AnchorTerms | None = None
    """Of an anchor: what attestors say of its batch."""

    @property
    def txid(self) -> Txid:
        return self.transaction.txid


def withdrawal_request(
    burns: tuple[WithdrawalTerms, ...], coins: tuple[Owned, ...], rate: int, index: int
) -> pb.ConstructWithdrawalTxRequest:
    """All these coins, paying all these burns."""
    return pb.ConstructWithdrawalTxRequest(
        vault_id="peg",
        payments=[
            pb.WithdrawalPayment(
                withdrawal_id=each.withdrawal_id,
                address=address_of(each.script_pubkey, REGTEST),
                amount_sat=each.amount,
            )
            for each in burns
        ],
        coins=map(offered, coins),
        required_inputs=[outpoint_message(each.outpoint) for each in coins],
        fee_rate_sat_per_kvb=rate,
        change_index=index,
    )


def anchor_request(said: AnchorTerms, coin: Owned, index: int) -> pb.ConstructAnchorTxRequest:
    """An anchor of that batch."""
    return pb.ConstructAnchorTxRequest(
        vault_id="peg",
        magic=said.magic,
        batch_id=said.batch,
        state_root=said.root,
        eth_tx_hash=said.eth_tx_hash,
        coins=[offered(coin)],
        fee_rate_sat_per_kvb=2_000,
        change_index=index,
    )


def relabelled(draft: Draft, labels: list[WithdrawalTerms]) -> Draft:
    """With these equal burns in the place of its own, in their order."""
    message = pb.SignPsbtRequest()
    message.CopyFrom(draft.message)
    vouts = {each.withdrawal_id: each.vout for each in message.payments}
    del message.payments[:]
    for burn, label in zip(draft.burns, labels, strict=True):
        message.payments.add(withdrawal_id=label.withdrawal_id, vout=vouts[burn.withdrawal_id])
    return replace(draft, message=message, burns=tuple(labels))


def pin_of(info: pb.WithdrawalInfo) -> OutPoint | None:
    """What a member lists as its pin."""
    return OutPoint(Txid(info.pin.txid), info.pin.vout) if info.HasField("pin") else None
