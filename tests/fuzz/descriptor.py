"""Invariant: a text, given its right checksum, is refused with a code, or is a descriptor whose canonical
text is read as the same descriptor, and which has scripts and for every spending path a worst-case weight.
"""

from collections.abc import Iterator

from signer.bitcoin.descriptor import (
    canonical_text,
    derive,
    input_weight,
    parse_descriptor,
    spending_paths,
    with_checksum,
)
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import REGTEST
from tests.federation import taproot_vault, vault
from tests.fuzz.target import coded


def seeds() -> Iterator[tuple[str, bytes]]:
    for name, of in (
        ("wsh-1of1", vault(1, 1)),
        ("wsh-2of3", vault()),
        ("tr-recovery", taproot_vault()),
    ):
        yield name, canonical_text(of.descriptor, REGTEST).encode()


def accepts(data: bytes) -> bool:
    try:
        text = data.decode("utf-8", "replace")
        descriptor = parse_descriptor(with_checksum(text), REGTEST)
        derive(descriptor, 0, 0)
    except Malformed as refusal:
        return coded(refusal)
    canonical = canonical_text(descriptor, REGTEST)
    assert parse_descriptor(with_checksum(canonical), REGTEST) == descriptor
    for number in range(len(spending_paths(descriptor))):
        assert input_weight(descriptor, number) > 0
    return True
