"""A vault key: the account that a sealed seed derives to, and what it is bound to.

Rule 1: the seed leaves with its master key as soon as the account is derived.
Rule 2: the public key in the file's header must be the one that the seed derives to.
Rule 3: the branch key is derived once per branch; a child's key exists for one signature.
"""

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from coincurve._libsecp256k1 import ffi, lib

from keystore.derive import SEED_SIZE, PrivateNode, derive_account
from keystore.header import DEFAULT_COST, Binding, Role, malformed_file
from keystore.sealed import Label, OpenedKey, seal
from keystore.secret import UNSAFE_EXPOSE, Secret, borrowed
from signer.bitcoin.keys import ExtendedPublicKey
from signer.bitcoin.network import Network
from signer.bitcoin.secp import CONTEXT
from signer.core.errors import Fault


class VaultKey:
    """An opened vault key."""

    def __init__(self, opened: OpenedKey) -> None:
        header = opened.header
        if header.role is not Role.VAULT or len(opened.secret) != SEED_SIZE:
            raise malformed_file("not the seed of a vault key")
        with opened.secret:
            origin, self._account = derive_account(opened.secret, header.network)
        self._branches: dict[int, PrivateNode] = {}
        self.network: Network = header.network
        self.binding: Binding | None = header.binding
        self.xpub: ExtendedPublicKey = self._account.public
        self.text: str = f"{origin}{self.xpub.text(header.network)}"
        """The xpub with its origin, as a policy lists it."""
        if self.text != header.public:
            raise malformed_file("the seed does not derive to the public key in the header")

    @contextmanager
    def child(self, branch: int, index: int) -> Iterator[Any]:
        """The private key of that address in a buffer, zeroed afterwards."""
        node = self._branch(branch)
        message = node.public.pubkey + index.to_bytes(4, "big")
        tweak = hmac.digest(node.public.chain_code, message, "sha512")
        with borrowed(32) as key:
            ffi.memmove(key, node.expose(UNSAFE_EXPOSE), 32)
            if not lib.secp256k1_ec_seckey_tweak_add(CONTEXT, key, tweak):
                raise Fault(f"child {branch}/{index} does not exist")
            yield key

    def close(self) -> None:
        """Zero every key."""
        for node in (self._account, *self._branches.values()):
            node.close()

    def __repr__(self) -> str:
        return f"<vault key {self.text}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a vault key is neither copied nor pickled")

    def _branch(self, branch: int) -> PrivateNode:
        node = self._branches.get(branch)
        if node is None:
            node = self._branches.setdefault(branch, self._account.child(branch))
        return node


def new_vault_key(
    network: Network, passphrase: Secret, cost: int = DEFAULT_COST
) -> tuple[bytes, str]:
    """A fresh seed, sealed unbound, and its xpub with origin."""
    with Secret(os.urandom(SEED_SIZE)) as seed:
        origin, account = derive_account(seed, network)
        account.close()
        text = f"{origin}{account.public.text(network)}"
        return seal(seed, Label(Role.VAULT, network, text, None, cost), passphrase), text
