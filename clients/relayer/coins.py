"""Coins of the vault that a relayer offers, with their whole previous transactions."""

from dataclasses import dataclass

from clients.jsonrpc import JsonRpc
from clients.messages import outpoint_message
from pegwarden.v1 import kernel_pb2, types_pb2
from signer.bitcoin.psbt.model import PsbtInput, PsbtOutput
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.transaction import OutPoint, display, parse_transaction

BRANCHES = (types_pb2.BRANCH_RECEIVE, types_pb2.BRANCH_CHANGE)


@dataclass(frozen=True, slots=True)
class VaultCoin:
    """An output of the vault and where its key is."""

    outpoint: OutPoint
    branch: int
    """0 receive, 1 change."""
    index: int
    previous_tx: bytes

    @property
    def amount(self) -> int:
        """Satoshis, as its transaction says."""
        return parse_transaction(self.previous_tx).outputs[self.outpoint.vout].amount

    def offered(self) -> kernel_pb2.OfferedCoin:
        """The coin as ConstructWithdrawalTx takes it."""
        return kernel_pb2.OfferedCoin(
            outpoint=outpoint_message(self.outpoint),
            amount_sat=self.amount,
            branch=BRANCHES[self.branch],
            index=self.index,
            previous_tx=self.previous_tx,
        )


def coin_on_chain(node: JsonRpc, outpoint: OutPoint, branch: int, index: int) -> VaultCoin:
    """The coin with its previous transaction from the node (which keeps a transaction index)."""
    raw = bytes.fromhex(node("getrawtransaction", display(outpoint.txid)))
    return VaultCoin(outpoint, branch, index, raw)


def coins_of_psbt(psbt: bytes) -> tuple[VaultCoin, ...]:
    """The coins that a PSBT of ours spends: what a further version may spend again."""
    parsed = parse_psbt(psbt)
    coins = []
    for txin, each in zip(parsed.transaction.inputs, parsed.inputs, strict=True):
        place = _place_of(each)
        if each.non_witness_utxo is None or place is None:
            continue
        coins.append(VaultCoin(txin.previous, *place, each.non_witness_utxo))
    return tuple(coins)


def coins_made(psbt: bytes) -> tuple[VaultCoin, ...]:
    """The coins of a vault that a PSBT of ours makes: its change, or what it rotates."""
    parsed = parse_psbt(psbt)
    transaction, coins = parsed.transaction, []
    for vout, each in enumerate(parsed.outputs):
        place = _place_of(each)
        if place is not None:
            point = OutPoint(transaction.txid, vout)
            coins.append(VaultCoin(point, *place, transaction.stripped))
    return tuple(coins)


def _place_of(hints: PsbtInput | PsbtOutput) -> tuple[int, int] | None:
    """(branch, index). A member may stand in several places, by other branches than the vault's own two; in
    Taproot the internal key, which stands in none, says it."""
    paths = [each.path for each in hints.bip32_derivations]
    paths += [each.path for each in hints.tap_derivations if not each.leaf_hashes]
    own = [
        path for path in paths if len(path) > 1 and path[-2] < len(BRANCHES)
    ]  # not a fixed key's
    return (own[0][-2], own[0][-1]) if own else None
