"""Anchors, sweeps, rotations and recoveries: the same way as withdrawals, from draft to broadcast."""

from dataclasses import dataclass

from clients.relayer.coins import VaultCoin
from clients.relayer.draft import Draft, Fee
from clients.relayer.relayer import Relayer
from pegwarden.v1 import kernel_pb2


@dataclass(frozen=True, slots=True)
class Batch:
    """What to anchor."""

    magic: bytes
    batch_id: int
    state_root: bytes
    eth_tx_hash: bytes


@dataclass(frozen=True, slots=True)
class Move:
    """Where coins go, and the nonce of the statement that allows it."""

    to_vault_id: str
    nonce: bytes
    path_index: int = 0
    index: int = 0
    """On the receive branch of the next vault; a sweep takes the vault's own next change index."""


def anchor_draft(relayer: Relayer, batch: Batch, coins: tuple[VaultCoin, ...], fee: Fee) -> Draft:
    """The transaction that carries the anchor, with evidence."""
    federation = relayer.federation
    request = kernel_pb2.ConstructAnchorTxRequest(
        vault_id=federation.vault_id,
        magic=batch.magic,
        batch_id=batch.batch_id,
        state_root=batch.state_root,
        eth_tx_hash=batch.eth_tx_hash,
        coins=[coin.offered() for coin in coins],
        change_index=federation.next_change_index(),
        fee_rate_sat_per_kvb=fee.rate_sat_per_kvb,
        min_fee_sat=fee.floor_sat,
    )
    built = federation.ask_any(request, kernel_pb2.ConstructAnchorTxResponse)
    draft = Draft(built.psbt, (), (), built.fee_sat, built.vsize)
    said = relayer.evidence.anchors(((batch.magic, batch.batch_id),))
    return relayer.proven(draft, said)


def move_draft(relayer: Relayer, move: Move, coins: tuple[VaultCoin, ...], fee: Fee) -> Draft:
    """The transaction that moves all these coins, with evidence."""
    federation = relayer.federation
    is_sweep = move.to_vault_id == federation.vault_id
    request = kernel_pb2.ConstructSweepTxRequest(
        vault_id=federation.vault_id,
        to_vault_id=move.to_vault_id,
        index=federation.next_change_index() if is_sweep else move.index,
        coins=[coin.offered() for coin in coins],
        path_index=move.path_index,
        fee_rate_sat_per_kvb=fee.rate_sat_per_kvb,
        min_fee_sat=fee.floor_sat,
    )
    built = federation.ask_any(request, kernel_pb2.ConstructSweepTxResponse)
    draft = Draft(built.psbt, (), (), built.fee_sat, built.vsize, move.path_index)
    return relayer.proven(draft, relayer.evidence.sweeps((move.nonce,)))
