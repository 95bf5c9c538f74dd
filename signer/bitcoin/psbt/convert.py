"""A PSBT in the other version: the same transaction, so the same txid and the same sighashes.

Rule 1: only the pairs that state the transaction change (BIP-174's one against BIP-370's many).
Rule 2: what version 0 cannot say is lost in it: what may be modified, and of the locks that inputs
        require all but the locktime that they give. Nothing is lost the other way.
Rule 3: the result has its pairs in the order of their keys; it is to be read again like any other.
"""

from collections.abc import Container

from signer.bitcoin.codec import compact_size, u32, u64
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.model import Pair, UnverifiedPsbt
from signer.bitcoin.psbt.writer import serialize_maps, serialize_psbt
from signer.bitcoin.transaction import Transaction, TxIn, TxOut

_GLOBAL = fields.FORMS[0].of_global.foreign.keys() | {
    fields.GLOBAL_UNSIGNED_TX,
    fields.GLOBAL_VERSION,
}
_INPUT = fields.FORMS[0].of_input.foreign.keys()
_OUTPUT = fields.FORMS[0].of_output.foreign.keys()


def as_version_0(psbt: UnverifiedPsbt) -> bytes:
    """The PSBT as BIP-174 writes it."""
    if psbt.version == 0:
        return serialize_psbt(psbt)
    unsigned = (fields.GLOBAL_UNSIGNED_TX, psbt.transaction.stripped)
    maps = [[*_without(psbt.global_pairs, _GLOBAL), unsigned]]
    maps += [_without(each.pairs, _INPUT) for each in psbt.inputs]
    maps += [_without(each.pairs, _OUTPUT) for each in psbt.outputs]
    return serialize_maps(sorted(pairs) for pairs in maps)


def as_version_2(psbt: UnverifiedPsbt) -> bytes:
    """The PSBT as BIP-370 writes it. Nothing of it may be modified."""
    if psbt.version == 2:
        return serialize_psbt(psbt)
    transaction = psbt.transaction
    maps = [_without(psbt.global_pairs, _GLOBAL) + _global_pairs(transaction)]
    for of_input, txin in zip(psbt.inputs, transaction.inputs, strict=True):
        maps.append([*of_input.pairs, *_input_pairs(txin)])
    for of_output, txout in zip(psbt.outputs, transaction.outputs, strict=True):
        maps.append([*of_output.pairs, *_output_pairs(txout)])
    return serialize_maps(sorted(pairs) for pairs in maps)


def _without(pairs: tuple[Pair, ...], keys: Container[bytes]) -> list[Pair]:
    return [pair for pair in pairs if pair[0] not in keys]


def _global_pairs(transaction: Transaction) -> list[Pair]:
    return [
        (fields.GLOBAL_TX_VERSION, u32(transaction.version)),
        (fields.GLOBAL_FALLBACK_LOCKTIME, u32(transaction.locktime)),
        (fields.GLOBAL_INPUT_COUNT, compact_size(len(transaction.inputs))),
        (fields.GLOBAL_OUTPUT_COUNT, compact_size(len(transaction.outputs))),
        (fields.GLOBAL_VERSION, u32(2)),
    ]


def _input_pairs(txin: TxIn) -> list[Pair]:
    return [
        (fields.IN_PREVIOUS_TXID, txin.previous.txid),
        (fields.IN_OUTPUT_INDEX, u32(txin.previous.vout)),
        (fields.IN_SEQUENCE, u32(txin.sequence)),
    ]


def _output_pairs(txout: TxOut) -> list[Pair]:
    return [
        (fields.OUT_AMOUNT, u64(txout.amount)),
        (fields.OUT_SCRIPT, txout.script_pubkey),
    ]
