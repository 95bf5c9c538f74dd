"""Core's other mainnet: 2016 headers of least difficulty, two minutes apart, and the change that follows.

Its file has times and nonces; all else of a block is fixed (Core's mining_mainnet.py), so that headers can be
made again. They are real work: mainnet's own rules take them.
"""

from functools import cache

import pytest

from signer.bitcoin.chain import extend
from signer.bitcoin.chain_rules import PERIOD
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import FIELDS
from signer.bitcoin.network_rules import MAINNET_RULES, TESTNET3_RULES
from signer.bitcoin.tail import Link, Tail
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import COIN, Sats
from tests.bitcoin.mined import NOW, begun
from tests.bitcoin.refused import refused
from tests.vectors import load_json

PAID_TO = bytes.fromhex("76a914eadbac7f36c37e39361168b7aaee3cb24a25312d88ac")
LEAST, FOUR_TIMES = 0x1D00_FFFF, 0x1C3F_FFC0


def coinbase(height: int) -> Txid:
    """BIP-34: the height first; a second operation where it is a single byte."""
    number = height.to_bytes(height.bit_length() // 8 + 1, "little")
    script = bytes((0x50 + height, 0)) if height <= 16 else bytes((len(number),)) + number
    source = TxIn(OutPoint(Txid(bytes(32)), 0xFFFF_FFFF), script, 0xFFFF_FFFF)
    return Transaction(2, (source,), (TxOut(Sats(50 * COIN), PAID_TO),), 0).txid


@cache
def headers() -> tuple[bytes, ...]:
    rows = load_json("bitcoin-core/functional/mainnet_alt.json")
    found, previous = [], hash256(MAINNET_RULES.genesis)
    for height, (time, nonce) in enumerate(zip(rows["timestamps"], rows["nonces"], strict=True), 1):
        bits = LEAST if height < PERIOD else FOUR_TIMES
        found.append(FIELDS.pack(0x2000_0000, previous, coinbase(height), time, bits, nonce))
        previous = hash256(found[-1])
    return tuple(found)


def sent(until: int) -> tuple[Tail, list[Link]]:
    _, tail = begun(MAINNET_RULES)
    middle, links = extend(MAINNET_RULES, tail, b"".join(headers()[:1_000]), NOW)
    end, more = extend(MAINNET_RULES, middle, b"".join(headers()[1_000:until]), NOW)
    return end, links + more


def test_a_period_of_mainnet_and_the_first_of_the_next() -> None:
    end, links = sent(PERIOD)
    assert (end.height, end.bits, len(links)) == (PERIOD, FOUR_TIMES, PERIOD)
    assert end.work == PERIOD * 0x1_0001_0001 + (1 << 256) // ((0x3F_FFC0 << 200) + 1)


@pytest.mark.parametrize("bits", [LEAST, FOUR_TIMES - 1, FOUR_TIMES + 1])
def test_other_bits_for_the_next(bits: int) -> None:
    end, _ = sent(PERIOD - 1)
    last = headers()[-1]
    with refused("header-bits"):
        extend(MAINNET_RULES, end, last[:72] + bits.to_bytes(4, "little") + last[76:], NOW)
    assert extend(MAINNET_RULES, end, last, NOW)
    assert extend(TESTNET3_RULES, end, last, NOW)
