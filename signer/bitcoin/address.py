"""Addresses: the text form of a scriptPubKey on one network.

Rule 1: `script_of` and `address_of` are inverse (up to the case of Bech32 letters).
Rule 2: an address of another network is refused. Testnet4 and signet write the same addresses, and
        legacy addresses look alike on all test networks: no text can tell these apart.
Rule 3: an address says where coins go, not that they can be spent from there: a P2TR key off the
        curve has an address (BIP-350). Whoever pays one asks `secp.parse_xonly` first.
"""

from signer.bitcoin.base58 import base58check_decode, base58check_encode
from signer.bitcoin.bech32 import segwit_decode, segwit_encode
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import NETWORKS, Network
from signer.bitcoin.script import (
    ScriptType,
    p2pkh,
    p2sh,
    script_type,
    witness_program,
    witness_script_pubkey,
)

_PREFIXES = tuple(f"{network.bech32_hrp}1" for network in NETWORKS.values())
_VERSIONS = frozenset(
    version
    for network in NETWORKS.values()
    for version in (network.p2pkh_version, network.p2sh_version)
)


def address_of(script_pubkey: bytes, network: Network) -> str:
    """The address of a scriptPubKey. Raises Malformed `address-unrepresentable`."""
    form = script_type(script_pubkey)
    if form is ScriptType.P2PKH:
        return base58check_encode(bytes((network.p2pkh_version,)) + script_pubkey[3:23])
    if form is ScriptType.P2SH:
        return base58check_encode(bytes((network.p2sh_version,)) + script_pubkey[2:22])
    program = witness_program(script_pubkey)
    if program is None or form is ScriptType.OTHER:
        raise Malformed("address-unrepresentable", f"no address stands for this {form} script")
    return segwit_encode(network.bech32_hrp, *program)


def script_of(address: str, network: Network) -> bytes:
    """The scriptPubKey. Raises Malformed `address-malformed` or `address-wrong-network`."""
    try:
        if address.lower().startswith(_PREFIXES):
            return _segwit_script(address, network)
        return _legacy_script(base58check_decode(address), network)
    except Malformed as error:
        if error.code == "address-wrong-network":
            raise
        raise Malformed("address-malformed", error.detail) from None


def _segwit_script(address: str, network: Network) -> bytes:
    prefix, version, program = segwit_decode(address)
    if prefix != network.bech32_hrp:
        raise Malformed("address-wrong-network", f"{prefix} is not the prefix of {network}")
    return witness_script_pubkey(version, program)


def _legacy_script(payload: bytes, network: Network) -> bytes:
    if len(payload) != 21 or payload[0] not in _VERSIONS:
        raise Malformed("address-malformed", "neither a P2PKH nor a P2SH address")
    if payload[0] == network.p2pkh_version:
        return p2pkh(payload[1:])
    if payload[0] == network.p2sh_version:
        return p2sh(payload[1:])
    raise Malformed("address-wrong-network", f"version {payload[0]} is not one of {network}")
