"""What is particular to PSBT version 0 (BIP-174): it holds the unsigned transaction whole.

Rule 1: there is one, with empty scriptSigs and without witnesses.
Rule 2: its inputs and outputs are counted, for comparison with the limits, before any is built.
"""

from signer.bitcoin.codec import Reader
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt import fields
from signer.bitcoin.psbt.maps import PsbtMap
from signer.bitcoin.transaction import Transaction, parse_unsigned


def read_counts(globals_: PsbtMap) -> tuple[int, int]:
    """How many inputs and outputs there are. Raises Malformed (rule 2)."""
    reader = Reader(_unsigned(globals_), "transaction")
    reader.take(4)
    inputs = reader.count(41)
    reader.skip_strings(inputs, 36, 4)
    return inputs, reader.count(9)


def read_transaction(globals_: PsbtMap) -> Transaction:
    """PSBT_GLOBAL_UNSIGNED_TX. Raises Malformed (rule 1)."""
    transaction = parse_unsigned(_unsigned(globals_))
    if any(txin.script_sig for txin in transaction.inputs):
        raise Malformed("psbt-unsigned-tx", "the unsigned transaction has a scriptSig")
    return transaction


def _unsigned(globals_: PsbtMap) -> bytes:
    data = globals_.by_key.get(fields.GLOBAL_UNSIGNED_TX)
    if data is None:
        raise Malformed("psbt-unsigned-tx", "there is no unsigned transaction")
    return data
