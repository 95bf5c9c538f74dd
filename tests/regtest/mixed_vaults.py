"""The vaults of mixed teams: their policy for kernels, a member's private descriptor for Core's wallet."""

from collections.abc import Callable
from random import Random

from coincurve import PrivateKey

from clients.bitcoind import Bitcoind
from clients.jsonrpc import JsonRpc
from signer.bitcoin.descriptor import with_checksum
from signer.bitcoin.script import p2pkh, p2sh, witness_script_pubkey
from signer.core.vault import Vault, VaultDefinition
from tests import federation
from tests.bitcoin.taproot_vaults import UNSPENDABLE, plain_template, recovery_template

DELAY = 10
INDEXES = 20
"""Addresses of each branch that hold coins."""
NODE_OPTIONS = (f"-keypool={INDEXES}", "-unsafesqlitesync")
"""Else each wallet derives a thousand addresses ahead, and each coin it sees waits for the disk."""
PLACES = [(branch, index) for branch in (0, 1) for index in range(INDEXES)]
ACCOUNT_SECRET = bytes.fromhex("04358394")


def _wsh(threshold: int, members: int) -> VaultDefinition:
    return federation.definition(threshold, members)


def _tr(template: str, members: int) -> VaultDefinition:
    keys = (UNSPENDABLE, *(each.key_text for each in federation.MEMBERS[:members]))
    return VaultDefinition("peg", template, keys, INDEXES)


TEMPLATES = {
    "wsh": _wsh(2, 3),
    "wsh-large": _wsh(11, 15),
    "tr": _tr(plain_template(2, 3), 3),
    "tr-recovery": _tr(recovery_template(2, 3, 1, DELAY), 3),
}


def policy_text(definition: VaultDefinition) -> bytes:
    """That vault, for withdrawals and sweeps."""
    keys = ", ".join(f'"{key}"' for key in definition.keys)
    watchers = ", ".join(f'"{watcher.key.hex()}"' for watcher in federation.WATCHERS)
    weaker = f"weaker_after = {DELAY}" if "older" in definition.template else ""
    return f"""format = "pegwarden-policy/1"
name = "mixed-team"
version = 1
network = "regtest"

[vaults.peg]
template = "{definition.template}"
keys = [{keys}]
lookahead = {INDEXES}
coins = "attested(2, watchers)"
{weaker}

[groups]
watchers = [{watchers}]

[[allow]]
spend = "withdrawal"
from = "peg"
when = "and(attested(2, watchers), fee_at_most(0.05 BTC))"

[[allow]]
spend = "sweep"
from = "peg"
to = "peg"
when = "attested(2, watchers)"
""".encode()


def _p2tr(random: Random) -> bytes:
    key = PrivateKey(random.randbytes(32)).public_key_xonly.format()
    return witness_script_pubkey(1, key)


DESTINATIONS: tuple[Callable[[Random], bytes], ...] = (
    lambda random: p2pkh(random.randbytes(20)),
    lambda random: p2sh(random.randbytes(20)),
    lambda random: witness_script_pubkey(0, random.randbytes(20)),
    lambda random: witness_script_pubkey(0, random.randbytes(32)),
    _p2tr,
)


def private_descriptor(vault: Vault, member: federation.Member) -> str:
    """The vault's descriptor with that member's xprv in place of its xpub, wherever it stands."""
    xpub = member.key_text.rpartition("]")[2]
    xprv = member.account.to_base58(ACCOUNT_SECRET)
    return with_checksum(vault.text.replace(xpub, xprv))


def private_wallet(node: Bitcoind, name: str, descriptor: str) -> JsonRpc:
    """A wallet that can sign with that descriptor."""
    node.rpc("createwallet", name, False, True)
    wallet = node.rpc.wallet(name)
    wanted = {"desc": descriptor, "timestamp": "now", "range": [0, INDEXES - 1]}
    (imported,) = wallet("importdescriptors", [wanted])
    assert imported["success"], imported
    return wallet
