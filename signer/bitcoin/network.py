"""The networks a kernel may be bound to, with everything that tells them apart."""

from dataclasses import dataclass

from signer.bitcoin.errors import Malformed


@dataclass(frozen=True, slots=True)
class Network:
    """Constants of one network (Core's chainparams)."""

    name: str
    genesis_hash: bytes
    """Internal byte order."""
    bech32_hrp: str
    p2pkh_version: int
    p2sh_version: int
    xpub_version: bytes
    """BIP-32 version bytes of public keys. SLIP-132 variants are refused."""
    xprv_version: bytes
    coin_type: int
    """BIP-44 / SLIP-44."""

    def __str__(self) -> str:
        return self.name


def _internal(genesis: str) -> bytes:
    return bytes.fromhex(genesis)[::-1]


def _test_network(name: str, genesis: str, bech32_hrp: str) -> Network:
    return Network(
        name=name,
        genesis_hash=_internal(genesis),
        bech32_hrp=bech32_hrp,
        p2pkh_version=0x6F,
        p2sh_version=0xC4,
        xpub_version=bytes.fromhex("043587cf"),
        xprv_version=bytes.fromhex("04358394"),
        coin_type=1,
    )


MAINNET = Network(
    name="mainnet",
    genesis_hash=_internal("000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"),
    bech32_hrp="bc",
    p2pkh_version=0x00,
    p2sh_version=0x05,
    xpub_version=bytes.fromhex("0488b21e"),
    xprv_version=bytes.fromhex("0488ade4"),
    coin_type=0,
)
TESTNET3 = _test_network(
    "testnet3", "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943", "tb"
)
TESTNET4 = _test_network(
    "testnet4", "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043", "tb"
)
SIGNET = _test_network(
    "signet", "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6", "tb"
)
REGTEST = _test_network(
    "regtest", "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", "bcrt"
)
NETWORKS = {network.name: network for network in (MAINNET, TESTNET3, TESTNET4, SIGNET, REGTEST)}


def network_named(name: str) -> Network:
    """The network of that name. Raises Malformed `network-unknown`."""
    try:
        return NETWORKS[name]
    except KeyError:
        raise Malformed("network-unknown", f"{name!r} is none of {', '.join(NETWORKS)}") from None
