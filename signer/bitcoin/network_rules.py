"""The rules of each network, by its name: fixed when the config is loaded, and no field of the config.

1. The values are Core's (kernel/chainparams.cpp); each genesis header has the hash that `network` names.
2. Least versions hold from where Core has buried BIP-34, BIP-66 and BIP-65.
On signet headers prove work alone: the signature of a block (BIP-325) stands in its coinbase transaction.
"""

from signer.bitcoin.chain_rules import (
    ChainRules,
    RegtestRules,
    StrictRules,
    Testnet3Rules,
    Testnet4Rules,
    Versions,
)
from signer.bitcoin.network import MAINNET, REGTEST, SIGNET, TESTNET3, TESTNET4, Network

_LIMIT_BITS = 0x1D00_FFFF
_SIGNET_LIMIT_BITS = 0x1E03_77AE
_REGTEST_LIMIT_BITS = 0x207F_FFFF
_SINCE_BLOCK_1: Versions = ((1, 4),)
_SATOSHIS_ROOT = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
_TESTNET4_ROOT = "7aa0a7ae1e223414cb807e40cd57e667b718e42aaf9306db9102fe28912b7b4e"


def _genesis(root: str, *numbers: int) -> bytes:
    """Version 1, no predecessor, then time, bits and nonce."""
    tail = b"".join(number.to_bytes(4, "little") for number in numbers)
    return (1).to_bytes(4, "little") + bytes(32) + bytes.fromhex(root)[::-1] + tail


MAINNET_RULES = StrictRules(
    genesis=_genesis(_SATOSHIS_ROOT, 1_231_006_505, _LIMIT_BITS, 2_083_236_893),
    limit_bits=_LIMIT_BITS,
    versions=((227_931, 2), (363_725, 3), (388_381, 4)),
)
SIGNET_RULES = StrictRules(
    genesis=_genesis(_SATOSHIS_ROOT, 1_598_918_400, _SIGNET_LIMIT_BITS, 52_613_770),
    limit_bits=_SIGNET_LIMIT_BITS,
    versions=_SINCE_BLOCK_1,
)
TESTNET3_RULES = Testnet3Rules(
    genesis=_genesis(_SATOSHIS_ROOT, 1_296_688_602, _LIMIT_BITS, 414_098_458),
    limit_bits=_LIMIT_BITS,
    versions=((21_111, 2), (330_776, 3), (581_885, 4)),
)
TESTNET4_RULES = Testnet4Rules(
    genesis=_genesis(_TESTNET4_ROOT, 1_714_777_860, _LIMIT_BITS, 393_743_547),
    limit_bits=_LIMIT_BITS,
    versions=_SINCE_BLOCK_1,
)
REGTEST_RULES = RegtestRules(
    genesis=_genesis(_SATOSHIS_ROOT, 1_296_688_602, _REGTEST_LIMIT_BITS, 2),
    limit_bits=_REGTEST_LIMIT_BITS,
    versions=_SINCE_BLOCK_1,
)
_RULES: dict[Network, ChainRules] = {
    MAINNET: MAINNET_RULES,
    TESTNET3: TESTNET3_RULES,
    TESTNET4: TESTNET4_RULES,
    SIGNET: SIGNET_RULES,
    REGTEST: REGTEST_RULES,
}


def rules_of(network: Network) -> ChainRules:
    """What that network demands of its headers."""
    return _RULES[network]
