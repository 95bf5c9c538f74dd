"""Coins of the vault that a relayer offers, with their whole previous transactions."""

from dataclasses import dataclass

from clients.jsonrpc import JsonRpc
from clients.messages import outpoint_message
from pegwarden.v1 import kernel_pb2, types_pb2
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
        if each.non_witness_utxo is None or not each.bip32_derivations:
            continue
        branch, index = each.bip32_derivations[0].path[-2:]
        previous = each.non_witness_utxo.serialize()
        coins.append(VaultCoin(txin.previous, branch, index, previous))
    return tuple(coins)
