"""A vault key: the account that a sealed seed derives to, and what it is bound to.

Rule 1: the seed leaves with its master key as soon as the account is derived.
Rule 2: the public key in the file's header must be the one that the seed derives to.
Rule 3: the branch key is derived once per branch; a child's key is its caller's to zero.
"""

import os
from threading import Lock
from typing import Any, NoReturn

from keystore.derive import SEED_SIZE, PrivateNode, derive_account
from keystore.header import DEFAULT_COST, Binding, Role, malformed_file
from keystore.sealed import Label, OpenedKey, seal
from keystore.secret import Secret
from signer.bitcoin.keys import ExtendedPublicKey
from signer.bitcoin.network import Network


class VaultKey:
    """An opened vault key."""

    def __init__(self, opened: OpenedKey) -> None:
        header = opened.header
        if header.role is not Role.VAULT or len(opened.secret) != SEED_SIZE:
            raise malformed_file("not the seed of a vault key")
        with opened.secret:
            origin, self._account = derive_account(opened.secret, header.network)
        self._branches: dict[int, PrivateNode] = {}
        self._deriving = Lock()
        self.network: Network = header.network
        self.binding: Binding | None = header.binding
        self.xpub: ExtendedPublicKey = self._account.public
        self.text: str = f"{origin}{self.xpub.text(header.network)}"
        """The xpub with its origin, as a policy lists it."""
        if self.text != header.public:
            raise malformed_file("the seed does not derive to the public key in the header")

    def derive_child(self, branch: int, index: int, key: Any) -> None:
        """Write the private key of that address into a buffer, which its owner zeroes."""
        self._branch(branch).write_child(index, key)

    def close(self) -> None:
        """Zero every key."""
        for node in (self._account, *self._branches.values()):
            node.close()

    def __repr__(self) -> str:
        return f"<vault key {self.text}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a vault key is neither copied nor pickled")

    def _branch(self, branch: int) -> PrivateNode:
        with self._deriving:  # else two threads would derive it, and one copy would never be zeroed
            if branch not in self._branches:
                self._branches[branch] = self._account.child(branch)
            return self._branches[branch]


def new_vault_key(
    network: Network, passphrase: Secret, cost: int = DEFAULT_COST
) -> tuple[bytes, str]:
    """A fresh seed, sealed unbound, and its xpub with origin."""
    with Secret(os.urandom(SEED_SIZE)) as seed:
        origin, account = derive_account(seed, network)
        account.close()
        text = f"{origin}{account.public.text(network)}"
        return seal(seed, Label(Role.VAULT, network, text, None, cost), passphrase), text
