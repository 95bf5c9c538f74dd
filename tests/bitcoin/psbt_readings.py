"""One PSBT, read by us, by btclib-wallet and by Bitcoin Core: what each takes it to pay, from which coins."""

from typing import Any, NamedTuple

from btclib.exceptions import BTClibValueError
from btclib_wallet.psbt import Psbt

from clients.jsonrpc import NodeError, to_sats
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.transaction import Transaction, TxOut, txid_from_display

RpcCall = Any
"""`rpc(method, *parameters)` of a node."""


class Reading(NamedTuple):
    """What must be the same for everyone."""

    txid: bytes
    locktime: int
    sequences: list[int]
    outputs: list[tuple[int, bytes]]
    claimed: list[tuple[int, bytes] | None]
    """Amount and script of each witness UTXO."""
    previous: list[bytes | None]
    """The txid of each previous transaction."""


def our_reading(psbt: UnverifiedPsbt) -> Reading:
    """Ours."""
    transaction: Transaction = psbt.transaction
    return Reading(
        transaction.txid,
        transaction.locktime,
        [txin.sequence for txin in transaction.inputs],
        [_pair(txout) for txout in transaction.outputs],
        [None if each.witness_utxo is None else _pair(each.witness_utxo) for each in psbt.inputs],
        [
            None if each.non_witness_utxo is None else txin.previous.txid
            for each, txin in zip(psbt.inputs, transaction.inputs, strict=True)
        ],
    )


def _pair(txout: TxOut) -> tuple[int, bytes]:
    return txout.amount, txout.script_pubkey


def btclib_reading(data: bytes) -> Reading | str:
    """btclib-wallet's, or why it refuses."""
    try:
        psbt = Psbt.parse(data)
    except BTClibValueError as error:
        return str(error)
    transaction = psbt.tx
    claimed: list[Any] = [each.witness_utxo for each in psbt.inputs]
    previous: list[Any] = [each.non_witness_utxo for each in psbt.inputs]
    return Reading(
        transaction.id[::-1],
        psbt.lock_time,
        [each.sequence for each in transaction.vin],
        [(out.value, out.script_pub_key.script) for out in transaction.vout],
        [each and (each.value, each.script_pub_key.script) for each in claimed],
        [each and each.id[::-1] for each in previous],
    )


def core_reading(rpc: RpcCall, text: str) -> Reading | str:
    """Bitcoin Core's `decodepsbt` of base64 (version 0 only), or why it refuses."""
    try:
        answer = rpc("decodepsbt", text)
    except NodeError as error:
        return str(error)
    transaction = answer["tx"]
    previous = [each.get("non_witness_utxo") for each in answer["inputs"]]
    return Reading(
        txid_from_display(transaction["txid"]),
        transaction["locktime"],
        [each["sequence"] for each in transaction["vin"]],
        [_core_pair(out) for out in transaction["vout"]],
        [
            _core_pair(each["witness_utxo"]) if "witness_utxo" in each else None
            for each in answer["inputs"]
        ],
        [each and txid_from_display(each["txid"]) for each in previous],
    )


def _core_pair(out: dict[str, Any]) -> tuple[int, bytes]:
    amount = out["value"] if "value" in out else out["amount"]
    return to_sats(amount), bytes.fromhex(out["scriptPubKey"]["hex"])
