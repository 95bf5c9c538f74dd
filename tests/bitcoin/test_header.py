"""The door for headers."""

import pytest

from signer.bitcoin.header import read_header
from signer.bitcoin.network import NETWORKS
from signer.bitcoin.network_rules import MAINNET_RULES, rules_of
from signer.bitcoin.target import target_of
from tests.bitcoin.refused import refused
from tests.vectors import load_json


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def test_a_header_is_80_bytes() -> None:
    assert read_header(MAINNET_RULES.genesis).nonce == 2_083_236_893
    for raw in (b"", MAINNET_RULES.genesis[:79], MAINNET_RULES.genesis + b"\0"):
        with refused("header-malformed"):
            read_header(raw)


def test_a_version_has_a_sign() -> None:
    raw = b"\xff\xff\xff\xff" + MAINNET_RULES.genesis[4:]
    assert read_header(raw).version == -1


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_its_rules_and_its_genesis_header(name: str) -> None:
    network = NETWORKS[name]
    rules = rules_of(network)
    genesis = read_header(rules.genesis)
    assert genesis.hash == network.genesis_hash
    assert genesis.bits == rules.limit_bits
    assert genesis.previous == bytes(32)


CASES = {
    "extractMerkleRootLE": lambda header: header.merkle_root,
    "extractPrevBlockLE": lambda header: header.previous,
    "workHash": lambda header: header.hash,
    "extractTarget": lambda header: target_of(header.bits).to_bytes(32, "big"),
    "extractTimestamp": lambda header: header.time,
    "work": lambda header: int.from_bytes(header.hash, "little"),
}


@pytest.mark.parametrize("group", CASES)
def test_fields_as_bitcoin_spv_has_them(group: str) -> None:
    rows = load_json("bitcoin-spv/testVectors.json")[group]
    assert rows
    for row in rows:
        found = CASES[group](read_header(_bytes(row["input"])))
        expected = row["output"]
        if group == "work":
            assert found == int(expected)
        else:
            assert found == (expected if isinstance(expected, int) else _bytes(expected))


NAMES = {"hash": "hash", "merkle_root": "merkle_root", "prevhash": "previous"}


def test_headers_with_a_wrong_claim() -> None:
    """bitcoin-spv keeps a header with its fields beside it; here bytes are the only source of fields."""
    rows = load_json("bitcoin-spv/testProofs.json")["badHeaders"]
    assert len(rows) == 3
    for row in rows:
        header, claims = read_header(_bytes(row["header"]["raw"])), row["header"]
        wrong = [name for name in NAMES if _bytes(claims[name]) != getattr(header, NAMES[name])]
        assert [row["comment"]] == [f"Bad {WORDS[name]}" for name in wrong]


WORDS = {"hash": "Hash", "merkle_root": "MerkleRoot", "prevhash": "Prevhash"}
