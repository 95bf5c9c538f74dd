"""Invariant: bytes are refused with a code, or are a transaction that is written again byte for byte, and
whose txid and outputs are those of Bitcoin Core's own code.
"""

from collections.abc import Iterator
from dataclasses import replace

import pbk

from signer.bitcoin.errors import Malformed
from signer.bitcoin.transaction import parse_transaction
from tests.core.standard_cases import OR_I, PAID, carrier, key_spend, leaf_spend, paying, wsh
from tests.fuzz.target import coded


def seeds() -> Iterator[tuple[str, bytes]]:
    for name, candidate in (
        ("p2wsh", wsh(OR_I, lambda sign: (b"", b"\x01"))),
        ("taproot-leaf", leaf_spend(b"\x51")),
        ("taproot-key", key_spend()),
        ("op-return", paying(PAID, carrier(b"\x02ab"))),
        ("two-inputs", wsh(b"\x51", lambda sign: (), coins=2)),
    ):
        yield name, candidate.imagined().serialize()
        yield f"{name}-unsigned", candidate.imagined().stripped


def accepts(data: bytes) -> bool:
    try:
        ours = parse_transaction(data)
    except Malformed as refusal:
        return coded(refusal)
    again = replace(ours)  # forgets the bytes that it was read from
    assert again.serialize() == data
    core = pbk.Transaction(data)
    assert bytes(core.txid) == again.txid == ours.txid
    assert [(out.amount, bytes(out.script_pubkey)) for out in core.outputs] == [
        (out.amount, out.script_pubkey) for out in ours.outputs
    ]
    return True
