"""Previous transactions: refusals that random bytes seldom reach."""

from tests.bitcoin.refused import refused
from tests.bitcoin.test_previous import PLAIN, previous

DATA = PLAIN.serialize()
BODY, LOCKTIME = DATA[4:-4], DATA[-4:]


def extended(flag: bytes, witness: bytes) -> bytes:
    return DATA[:4] + flag + BODY + witness + LOCKTIME


def test_witness_flag_without_a_witness() -> None:
    """Such bytes would give one transaction two serialisations (BIP-144)."""
    assert previous(extended(b"\x00\x01", b"\x01\x00")).txid == PLAIN.txid
    with refused("transaction-malformed"):
        previous(extended(b"\x00\x01", b"\x00"))


def test_another_flag() -> None:
    with refused("transaction-malformed"):
        previous(extended(b"\x00\x02", b"\x01\x00"))
