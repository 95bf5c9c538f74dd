"""Invariant: on every network, a text is refused with a code, or is the address of the script that it names
(in lower case, which is canonical for Bech32).
"""

from collections.abc import Iterator

from signer.bitcoin.address import address_of, script_of
from signer.bitcoin.errors import Malformed
from signer.bitcoin.network import MAINNET, NETWORKS, REGTEST
from signer.bitcoin.script import p2pkh, p2sh, witness_script_pubkey
from tests.fuzz.target import coded

SCRIPTS = {
    "p2pkh": p2pkh(bytes(20)),
    "p2sh": p2sh(bytes(20)),
    "p2wpkh": witness_script_pubkey(0, bytes(20)),
    "p2wsh": witness_script_pubkey(0, bytes(32)),
    "p2tr": witness_script_pubkey(1, bytes(32)),
    "version-16": witness_script_pubkey(16, b"ab"),
}


def seeds() -> Iterator[tuple[str, bytes]]:
    for name, script in SCRIPTS.items():
        for network in (MAINNET, REGTEST):
            yield f"{name}-{network.name}", address_of(script, network).encode()


def accepts(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    return sum(_is_address(text, name) for name in NETWORKS) > 0


def _is_address(text: str, name: str) -> bool:
    try:
        script = script_of(text, NETWORKS[name])
    except Malformed as refusal:
        return coded(refusal)
    assert address_of(script, NETWORKS[name]) in (text, text.lower())
    return True
