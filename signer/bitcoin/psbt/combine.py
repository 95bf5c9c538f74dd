"""The combiner (BIP-174, BIP-370): several members' PSBTs of one transaction become one. Checklist G3.

Rule 1: the PSBTs are of one version and of one transaction. In version 2 that is the transaction with all
        sequences 0, since an updater may still set them (BIP-370, "Unique Identification").
Rule 2: a pair is the same in every PSBT that has it. Two values for one key are refused, signatures
        included: no value wins because it came last.
Rule 3: the result has its pairs in the order of their keys, whatever order the PSBTs came in.
Rule 4: what the PSBTs require of the locktime together gives the locktime that each had alone.
"""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.model import Pair, UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_maps
from signer.bitcoin.transaction import Transaction, TxIn


def combine(psbts: tuple[UnverifiedPsbt, ...]) -> bytes:
    """One PSBT with every pair of all. Raises Malformed `psbt-combine-...`.

    It is as unverified as they were: parse it again.
    """
    transaction = _the_one_transaction(psbts)
    globals_ = _merged([psbt.global_pairs for psbt in psbts], "the global map")
    inputs = zip(*(psbt.inputs for psbt in psbts), strict=True)
    outputs = zip(*(psbt.outputs for psbt in psbts), strict=True)
    maps = [globals_]
    for index, maps_of_input in enumerate(inputs):
        maps.append(_merged([each.pairs for each in maps_of_input], f"input {index}"))
    for index, maps_of_output in enumerate(outputs):
        maps.append(_merged([each.pairs for each in maps_of_output], f"output {index}"))
    combined = serialize_maps(maps)
    if psbts[0].version and _unique(parse_psbt(combined)) != transaction:
        raise Malformed("psbt-combine-conflict", "together they require another locktime")
    return combined


def _the_one_transaction(psbts: tuple[UnverifiedPsbt, ...]) -> bytes:
    """What all have in common (rule 1)."""
    if len({psbt.version for psbt in psbts}) > 1:
        raise Malformed("psbt-combine-different-versions", "PSBTs of version 0 and of version 2")
    transactions = {_unique(psbt) for psbt in psbts}
    if len(transactions) != 1:
        raise Malformed(
            "psbt-combine-different-transactions", f"{len(transactions)} transactions, 1 wanted"
        )
    return transactions.pop()


def _unique(psbt: UnverifiedPsbt) -> bytes:
    """The transaction that the PSBT is of, without witness."""
    transaction = psbt.transaction
    if psbt.version == 0:
        return transaction.stripped
    inputs = tuple(TxIn(txin.previous, b"", 0) for txin in transaction.inputs)
    return Transaction(
        transaction.version, inputs, transaction.outputs, transaction.locktime
    ).stripped


def _merged(maps: list[tuple[Pair, ...]], where: str) -> list[Pair]:
    merged: dict[bytes, bytes] = {}
    for pairs in maps:
        for key, value in pairs:
            if merged.setdefault(key, value) != value:
                raise Malformed(
                    "psbt-combine-conflict", f"two values for key {key.hex()} in {where}"
                )
    return sorted(merged.items())
