"""Network constants, against Core's chainparams and independent sources."""

import pytest
from embit.networks import NETWORKS as EMBIT  # type: ignore[import-untyped, unused-ignore]

from signer.bitcoin.hashes import hash256
from signer.bitcoin.network import MAINNET, NETWORKS, REGTEST, network_named
from tests.bitcoin.refused import refused


def test_named() -> None:
    for name in ("mainnet", "testnet3", "testnet4", "signet", "regtest"):
        assert str(network_named(name)) == name
    for name in ("", "testnet", "Mainnet", "regtest "):
        with refused("network-unknown"):
            network_named(name)


@pytest.mark.parametrize(
    ("name", "foreign"),
    [("mainnet", "main"), ("testnet3", "test"), ("signet", "signet"), ("regtest", "regtest")],
)
def test_constants_as_a_foreign_wallet_has_them(name: str, foreign: str) -> None:
    ours, theirs = NETWORKS[name], EMBIT[foreign]
    assert ours.bech32_hrp == theirs["bech32"]
    assert bytes((ours.p2pkh_version,)) == theirs["p2pkh"]
    assert bytes((ours.p2sh_version,)) == theirs["p2sh"]
    assert ours.xpub_version == theirs["xpub"]
    assert ours.xprv_version == theirs["xprv"]
    assert ours.coin_type == theirs["bip32"]


MERKLE_ROOT = "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"


@pytest.mark.parametrize(
    ("name", "time", "bits", "nonce"),
    [
        ("mainnet", 1231006505, 0x1D00FFFF, 2083236893),
        ("testnet3", 1296688602, 0x1D00FFFF, 414098458),
        ("signet", 1598918400, 0x1E0377AE, 52613770),
        ("regtest", 1296688602, 0x207FFFFF, 2),
    ],
)
def test_genesis_hash_is_that_of_the_header(name: str, time: int, bits: int, nonce: int) -> None:
    header = (
        (1).to_bytes(4, "little")
        + bytes(32)
        + bytes.fromhex(MERKLE_ROOT)
        + b"".join(number.to_bytes(4, "little") for number in (time, bits, nonce))
    )
    assert NETWORKS[name].genesis_hash == hash256(header)


def test_no_two_networks_share_a_genesis_hash() -> None:
    assert len({network.genesis_hash for network in NETWORKS.values()}) == 5
    testnet4 = "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043"
    assert NETWORKS["testnet4"].genesis_hash[::-1].hex() == testnet4
    assert MAINNET.xpub_version != REGTEST.xpub_version
