"""What is particular to PSBT version 2 (BIP-370): the unsigned transaction, put together from the maps.

Rule 1: a field that BIP-370 requires is there.
Rule 2: an input without PSBT_IN_SEQUENCE has the final sequence.
Rule 3: the locktime is the fallback (0 when absent) unless inputs require one. Of the two types, height
        and time, all inputs that require any must have the one that is taken; where both can be taken it
        is the height; of its values, the greatest.
"""

from collections.abc import Sequence

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt import fields, values
from signer.bitcoin.psbt.maps import PsbtMap
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import sats_checked

_FINAL = b"\xff\xff\xff\xff"


def read_counts(globals_: PsbtMap) -> tuple[int, int]:
    """How many inputs and outputs there are."""
    inputs = _required(globals_, fields.GLOBAL_INPUT_COUNT, "PSBT_GLOBAL_INPUT_COUNT")
    outputs = _required(globals_, fields.GLOBAL_OUTPUT_COUNT, "PSBT_GLOBAL_OUTPUT_COUNT")
    return values.read_count(inputs), values.read_count(outputs)


def read_modifiable(globals_: PsbtMap) -> int:
    """PSBT_GLOBAL_TX_MODIFIABLE; without it nothing may be modified."""
    return values.read_u8(globals_.by_key.get(fields.GLOBAL_TX_MODIFIABLE, b"\x00"))


def read_transaction(
    globals_: PsbtMap, inputs: Sequence[PsbtMap], outputs: Sequence[PsbtMap]
) -> Transaction:
    """The unsigned transaction. Raises Malformed."""
    version = _required(globals_, fields.GLOBAL_TX_VERSION, "PSBT_GLOBAL_TX_VERSION")
    fallback = globals_.by_key.get(fields.GLOBAL_FALLBACK_LOCKTIME, bytes(4))
    transaction = Transaction(
        values.read_u32(version),
        tuple([_read_input(each) for each in inputs]),
        tuple([_read_output(each) for each in outputs]),
        determine_locktime(values.read_u32(fallback), [_read_locks(each) for each in inputs]),
    )
    sats_checked(sum([txout.amount for txout in transaction.outputs]))
    return transaction


def determine_locktime(fallback: int, required: list[tuple[int, int]]) -> int:
    """Rule 3, with the (height, time) that each input requires, 0 for none.

    Raises Malformed `psbt-locktime-conflict`.
    """
    asking = [each for each in required if any(each)]
    if not asking:
        return fallback
    heights, times = zip(*asking, strict=True)
    if all(heights):
        return int(max(heights))
    if all(times):
        return int(max(times))
    raise Malformed("psbt-locktime-conflict", "one input requires a height, another a time")


def _read_input(of_input: PsbtMap) -> TxIn:
    txid = _required(of_input, fields.IN_PREVIOUS_TXID, "PSBT_IN_PREVIOUS_TXID")
    vout = _required(of_input, fields.IN_OUTPUT_INDEX, "PSBT_IN_OUTPUT_INDEX")
    sequence = of_input.by_key.get(fields.IN_SEQUENCE, _FINAL)
    outpoint = OutPoint(Txid(values.read_hash(txid)), values.read_u32(vout))
    return TxIn(outpoint, b"", values.read_u32(sequence))


def _read_output(of_output: PsbtMap) -> TxOut:
    amount = _required(of_output, fields.OUT_AMOUNT, "PSBT_OUT_AMOUNT")
    script = _required(of_output, fields.OUT_SCRIPT, "PSBT_OUT_SCRIPT")
    return TxOut(values.read_amount(amount), script)


def _read_locks(of_input: PsbtMap) -> tuple[int, int]:
    """The height and the time that the input requires, 0 for none."""
    height = of_input.by_key.get(fields.IN_REQUIRED_HEIGHT_LOCKTIME)
    time = of_input.by_key.get(fields.IN_REQUIRED_TIME_LOCKTIME)
    return (
        0 if height is None else values.read_required_height(height),
        0 if time is None else values.read_required_time(time),
    )


def _required(of: PsbtMap, key: bytes, name: str) -> bytes:
    value = of.by_key.get(key)
    if value is None:
        raise Malformed("psbt-field-missing", f"version 2 requires {name}")
    return value
