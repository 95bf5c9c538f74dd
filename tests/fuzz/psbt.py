"""Invariant: bytes are refused with a code, or are a PSBT that is written again byte for byte; combined
with itself it is the same in canonical order, and combining that again changes nothing.
"""

from collections.abc import Iterator

from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.combine import combine
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_psbt
from tests.bitcoin.psbt_mutation import multisig_draft
from tests.core.coins import sign
from tests.core.test_extract import withdrawal
from tests.federation import vault
from tests.fuzz.target import coded


def seeds() -> Iterator[tuple[str, bytes]]:
    yield "p2wsh-draft", multisig_draft(inputs=1, members=2)
    yield "p2wsh-signed", serialize_psbt(sign(withdrawal(vault(1, 1), 1, 20_000), vault(1, 1), 0))


def accepts(data: bytes) -> bool:
    try:
        psbt = parse_psbt(data)
    except Malformed as refusal:
        return coded(refusal)
    assert serialize_psbt(psbt) == data
    once = parse_psbt(combine((psbt, psbt)))
    assert once.transaction == psbt.transaction
    assert combine((once, psbt)) == combine((once, once)) == serialize_psbt(once)
    return True
