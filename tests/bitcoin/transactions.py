"""Random transactions, and the transactions of Core's test data."""

import json
from collections.abc import Iterator

from hypothesis import strategies as st

from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats
from tests.vectors import load_json

U32 = st.integers(0, 2**32 - 1)
SCRIPTS = st.binary(max_size=40) | st.binary(min_size=250, max_size=260)
OUTPOINTS = st.builds(OutPoint, st.binary(min_size=32, max_size=32).map(Txid), U32)
INPUTS = st.builds(TxIn, OUTPOINTS, SCRIPTS, U32)
OUTPUTS = st.builds(TxOut, st.integers(0, 10**15).map(Sats), SCRIPTS)


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    """A transaction that can be serialised: 1 to 4 inputs and 1 to 2 outputs, witness or not."""
    inputs = tuple(draw(st.lists(INPUTS, min_size=1, max_size=4)))
    outputs = tuple(draw(st.lists(OUTPUTS, min_size=1, max_size=2)))
    stack = st.lists(st.binary(max_size=80), max_size=4).map(tuple)
    stacks = tuple(draw(st.lists(stack, min_size=len(inputs), max_size=len(inputs))))
    witnesses = stacks if any(stacks) else ()
    return Transaction(draw(U32), inputs, outputs, draw(U32), witnesses)


def core_rows(name: str) -> Iterator[tuple[bytes, str]]:
    """(transaction, flags) of each usable row of Core's tx_valid.json or tx_invalid.json."""
    for row in load_json(f"bitcoin-core/src_test_data/{name}.json"):
        if len(row) == 3:
            yield bytes.fromhex(row[1]), str(row[2])
        else:
            assert len(row) == 1, json.dumps(row)
