"""What a copy of a vault key is good for: the private keys that it derives are those of the registered vault.

1. The seal was opened and the seed derives to the public key in the header, or there is no `VaultKey`.
2. At each of our places, on each branch, at the first address and the last of the lookahead, the public key
   of the private child is compared with the one that the registration derives from the xpub.
3. Nothing is signed; a child key exists in a buffer that is zeroed.
"""

from typing import Any

from coincurve._libsecp256k1 import ffi, lib

from keystore.secret import borrowed
from keystore.vault_key import VaultKey
from signer.bitcoin.keys import FixedKey
from signer.bitcoin.secp import CONTEXT, serialize_pubkey
from signer.core.errors import Fault, Objection, Refusal
from signer.core.vault import Vault


def prove_children(key: VaultKey, vault: Vault) -> int:
    """How many child keys were compared, at least one. Raises Refusal `backup-differs`."""
    compared = 0
    for position in vault.positions_of(key.xpub):
        for branch, step in enumerate(vault.places[position].branches):
            for index in (0, vault.lookahead - 1):
                registered = vault.script(branch, index).keys[position].pubkey
                if _child(key, step, index) != registered:
                    raise differs("a child key is not the registered one", registered.hex())
                compared += 1
    if not compared:
        raise differs("its key has no place in the vault that it is bound to", vault.text)
    return compared


def prove_pinned(key: FixedKey, vault: Vault) -> None:
    """That the registration lists a token's key, which has no children. Raises Refusal `backup-differs`."""
    if not vault.positions_of(key):
        raise differs("its key has no place in the vault that it is bound to", vault.text)


def differs(detail: str, limit: str, observed: str = "") -> Refusal:
    """The copy is not of the key that the member uses."""
    return Refusal(Objection("backup-differs", detail, observed, limit))


def _child(key: VaultKey, step: int, index: int) -> bytes:
    """The public key of that private child (3)."""
    with borrowed(32) as secret:
        key.derive_child(step, index, secret)
        return _public(secret)


def _public(secret: Any) -> bytes:
    point = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_create(CONTEXT, point, secret):
        raise Fault("a private key without a public key")
    return serialize_pubkey(point)
