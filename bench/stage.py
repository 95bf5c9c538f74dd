"""One serving kernel whose key is known, a Core wallet with the same key, and coins of their vault."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from clients.attestor.attestor import Attestor
from clients.bitcoind import Bitcoind
from clients.demo.casting import attestor_keys, cast_with
from clients.demo.command import pegwarden
from clients.demo.policy import policy_text
from clients.demo.scene import Cast
from clients.demo.stage import THRESHOLD, House, build
from clients.jsonrpc import JsonRpc
from clients.relayer.coins import VaultCoin, coin_on_chain
from keystore.header import Role
from keystore.passphrase import passphrase_from_file
from keystore.sealed import Label, create, seal
from keystore.secret import Secret
from signer.bitcoin.address import address_of
from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, txid_from_display
from signer.core.vault import RECEIVE, Vault
from tests import federation

XPRV_VERSION = bytes.fromhex("04358394")
MEMBER = federation.MEMBERS[0]
WALLET = "bench"


@dataclass(frozen=True)
class Stage:
    """What is measured."""

    cast: Cast
    core: JsonRpc
    """Core's wallet with the same private key and descriptor."""
    vault: Vault
    attestors: tuple[Attestor, ...]

    def fund(self, count: int, sats: int) -> list[VaultCoin]:
        """Confirmed coins of the vault, at receive indexes from 0, each of its own transaction."""
        return [self._coin(index, sats) for index in range(count)]

    def _coin(self, index: int, sats: int) -> VaultCoin:
        node, script = self.cast.node, self.vault.script(RECEIVE, index).script_pubkey
        txid = node.fund(address_of(script, REGTEST), sats)
        outputs = node.rpc("getrawtransaction", txid, True)["vout"]
        (vout,) = (out["n"] for out in outputs if out["scriptPubKey"]["hex"] == script.hex())
        return coin_on_chain(node.rpc, OutPoint(txid_from_display(txid), vout), RECEIVE, index)


@contextmanager
def stage(directory: Path) -> Iterator[Stage]:
    """Everything of it, running."""
    keys = attestor_keys()
    policy = directory / "policy.toml"
    with ExitStack() as opened:
        node = opened.enter_context(Bitcoind.start(directory / "node"))
        house = _house(directory)
        xpubs = tuple(member.key_text for member in federation.MEMBERS[:3])
        policy.write_text(policy_text(THRESHOLD, xpubs, tuple(key.public for key in keys)))
        options = ("--config", house.config, "--passphrase-file", house.passphrase)
        pegwarden("key", "bind", str(policy), *options)
        opened.callback(house.crash)
        house.serve()
        house.wait_until_it_answers()
        cast = opened.enter_context(cast_with(directory, node, (house,), keys))
        vault = federation.vault()
        yield Stage(cast, _core_wallet(node, vault), vault, cast.watchers.attestors)


def _house(directory: Path) -> House:
    """A member whose vault key is replaced by the known one before it is bound."""
    house = build(directory, "alice")
    key = house.directory / "keys" / "vault.json"
    key.unlink()
    label = Label(Role.VAULT, REGTEST, MEMBER.key_text)
    seed = Secret(MEMBER.name.encode().ljust(32, b"\x07"))
    create(key, seal(seed, label, passphrase_from_file(Path(house.passphrase))))
    return house


def _core_wallet(node: Bitcoind, vault: Vault) -> JsonRpc:
    node.rpc("createwallet", WALLET, False, True)
    wallet = node.rpc.wallet(WALLET)
    origin, _, _ = MEMBER.key_text.partition("]")
    xpub = MEMBER.key_text.partition("]")[2]
    private = vault.text.replace(
        f"{origin}]{xpub}", f"{origin}]{MEMBER.account.to_base58(XPRV_VERSION)}"
    )
    request = {
        "desc": with_checksum(private),
        "active": True,
        "range": [0, 200],
        "timestamp": int(time.time()) - 86_400,
    }
    (answer,) = wallet("importdescriptors", [request])
    if not answer["success"]:
        raise RuntimeError(f"Core does not take the descriptor: {answer}")
    return wallet
