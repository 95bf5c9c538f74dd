"""The combiner (BIP-174): several members' PSBTs of one transaction become one. Checklist G3.

Rule 1: the unsigned transactions are the same bytes.
Rule 2: a pair is the same in every PSBT that has it. Two values for one key are refused, signatures
        included: no value wins because it came last.
Rule 3: the result has its pairs in the order of their keys, whatever order the PSBTs came in.
"""

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.model import Pair, UnverifiedPsbt
from signer.bitcoin.psbt.writer import serialize_maps


def combine(psbts: tuple[UnverifiedPsbt, ...]) -> bytes:
    """One PSBT with every pair of all. Raises Malformed `psbt-combine-...`.

    It is as unverified as they were: parse it again.
    """
    transactions = {psbt.transaction.stripped for psbt in psbts}
    if len(transactions) != 1:
        raise Malformed(
            "psbt-combine-different-transactions", f"{len(transactions)} transactions, 1 wanted"
        )
    globals_ = _merged([psbt.global_pairs for psbt in psbts], "the global map")
    inputs = zip(*(psbt.inputs for psbt in psbts), strict=True)
    outputs = zip(*(psbt.outputs for psbt in psbts), strict=True)
    maps = [globals_]
    for index, maps_of_input in enumerate(inputs):
        maps.append(_merged([each.pairs for each in maps_of_input], f"input {index}"))
    for index, maps_of_output in enumerate(outputs):
        maps.append(_merged([each.pairs for each in maps_of_output], f"output {index}"))
    return serialize_maps(maps)


def _merged(maps: list[tuple[Pair, ...]], where: str) -> list[Pair]:
    merged: dict[bytes, bytes] = {}
    for pairs in maps:
        for key, value in pairs:
            if merged.setdefault(key, value) != value:
                raise Malformed(
                    "psbt-combine-conflict", f"two values for key {key.hex()} in {where}"
                )
    return sorted(merged.items())
