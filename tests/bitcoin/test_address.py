"""Addresses. Invariant: `address_of` and `script_of` are inverse on every network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signer.bitcoin.address import address_of, script_of
from signer.bitcoin.base58 import base58check_encode
from signer.bitcoin.network import MAINNET, NETWORKS, REGTEST, SIGNET, TESTNET4, Network
from signer.bitcoin.script import p2pkh, p2sh, witness_script_pubkey
from tests.bitcoin.refused import refused, unless_refused
from tests.vectors import load_json

EITHER = "address-malformed or address-wrong-network"
CHAINS = {"main": MAINNET, "testnet4": TESTNET4, "signet": SIGNET, "regtest": REGTEST}


def test_core_key_io_valid() -> None:
    ran = 0
    for address, script, about in load_json("bitcoin-core/src_test_data/key_io_valid.json"):
        if about["isPrivkey"]:
            with refused("address-malformed"):
                script_of(address, CHAINS[about["chain"]])
            continue
        network = CHAINS[about["chain"]]
        assert script_of(address, network).hex() == script
        assert address_of(bytes.fromhex(script), network) == address
        if about.get("tryCaseFlip"):
            assert script_of(address.swapcase(), network).hex() == script
        ran += 1
    assert ran == 54


def test_core_key_io_invalid_is_refused_on_every_network() -> None:
    texts = [row[0] for row in load_json("bitcoin-core/src_test_data/key_io_invalid.json")]
    for text in texts:
        for network in NETWORKS.values():
            assert unless_refused(EITHER, script_of, text, network) is None, text
    assert len(texts) == 70


SCRIPTS = {
    "p2pkh": p2pkh(bytes(range(20))),
    "p2sh": p2sh(bytes(range(20))),
    "p2wpkh": witness_script_pubkey(0, bytes(range(20))),
    "p2wsh": witness_script_pubkey(0, bytes(range(32))),
    "p2tr": witness_script_pubkey(1, bytes(range(32))),
    "p2a": witness_script_pubkey(1, b"\x4e\x73"),
    "v1 of 40 bytes": witness_script_pubkey(1, bytes(40)),
    "v16": witness_script_pubkey(16, b"\x01\x02"),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_only_mainnet_and_test_networks_can_be_told_apart_always(script: bytes) -> None:
    for test_network in (TESTNET4, SIGNET, REGTEST):
        with refused("address-wrong-network"):
            script_of(address_of(script, test_network), MAINNET)
        with refused("address-wrong-network"):
            script_of(address_of(script, MAINNET), test_network)
    assert address_of(script, SIGNET) == address_of(script, TESTNET4)


def test_regtest_has_a_prefix_of_its_own_and_no_version_byte() -> None:
    segwit, legacy = SCRIPTS["p2wsh"], SCRIPTS["p2sh"]
    with refused("address-wrong-network"):
        script_of(address_of(segwit, REGTEST), SIGNET)
    assert script_of(address_of(legacy, REGTEST), SIGNET) == legacy


@pytest.mark.parametrize(
    "script",
    [
        b"",
        b"\x6a\x04data",
        b"\x51",
        b"\x51\x02\x4e",
        b"\x51\x02\x4e\x73\x51",
        b"\x00\x15" + bytes(21),  # version 0 of neither 20 nor 32 bytes
        b"\x00\x14" + bytes(19),
        b"\x21" + b"\x02" * 33 + b"\xac",  # P2PK
        SCRIPTS["p2pkh"][:-1],
        SCRIPTS["p2sh"] + b"\x00",
        b"\x51\x29" + bytes(41),
    ],
)
def test_other_scripts_have_no_address(script: bytes) -> None:
    with refused("address-unrepresentable"):
        address_of(script, REGTEST)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x6f" + bytes(19),
        b"\x6f" + bytes(21),
        b"\x6e" + bytes(20),  # a version byte of nobody
        bytes.fromhex("043587cf") + bytes(74),  # an extended key
    ],
)
def test_base58check_that_is_no_address(payload: bytes) -> None:
    with refused("address-malformed"):
        script_of(base58check_encode(payload), REGTEST)


def test_its_twin_is_an_address() -> None:
    assert script_of(base58check_encode(b"\x6f" + bytes(20)), REGTEST) == p2pkh(bytes(20))


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@given(
    st.binary(min_size=20, max_size=20).map(p2pkh)
    | st.binary(min_size=20, max_size=20).map(p2sh)
    | st.builds(witness_script_pubkey, st.integers(1, 16), st.binary(min_size=2, max_size=40))
    | st.binary(max_size=45)
)
def test_script_and_address_are_inverse(network: Network, script: bytes) -> None:
    address = unless_refused("address-unrepresentable", address_of, script, network)
    if address is not None:
        assert script_of(address, network) == script


@given(st.text(max_size=140) | st.text("bcrt1qpzy9x8gf2tvdw0snm", max_size=100))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    script = unless_refused(EITHER, script_of, text, REGTEST)
    if script is not None:
        assert script_of(address_of(script, REGTEST), REGTEST) == script
