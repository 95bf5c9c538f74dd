"""A vault key: the account that a sealed seed derives to, and what it is bound to.

Rule 1: the seed leaves with its master key as soon as the account is derived.
Rule 2: the public key in the file's header must be the one that the seed derives to.
Rule 3: behind the seed of a key with caps stands the key of its ledger; it is its ledger's to zero.
Rule 4: the branch key is derived once per branch; a child's key is its caller's to zero.
Rule 5: account and branch keys, which stay while it serves, stand in the arena.
"""

from threading import Lock
from typing import Any, NoReturn

from keystore.arena import process_arena
from keystore.derive import SEED_SIZE, PrivateNode, derive_account
from keystore.header import DEFAULT_COST, Binding, Limits, Role, malformed_file
from keystore.sealed import LEDGER_KEY_SIZE, Label, OpenedKey, seal
from keystore.secret import UNSAFE_EXPOSE, Secret, random_secret
from signer.bitcoin.keys import ExtendedPublicKey
from signer.bitcoin.network import Network


class VaultKey:
    """An opened vault key."""

    def __init__(self, opened: OpenedKey) -> None:
        header = opened.header
        size = SEED_SIZE + (LEDGER_KEY_SIZE if header.limits else 0)
        if header.role is not Role.VAULT or len(opened.secret) != size:
            raise malformed_file("not the seed of a vault key")
        with opened.secret:
            content = opened.secret.expose(UNSAFE_EXPOSE)
            with Secret(content[:SEED_SIZE]) as seed:
                origin, account = derive_account(seed, header.network)
            self._arena = process_arena()
            self._account = account.moved(self._arena)
            self.ledger_key: Secret = Secret(content[SEED_SIZE:])
            """Empty without caps."""
        self._branches: dict[int, PrivateNode] = {}
        self._deriving = Lock()
        self.network: Network = header.network
        self.binding: Binding | None = header.binding
        self.limits: Limits | None = header.limits
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
        self.ledger_key.close()

    def __repr__(self) -> str:
        return f"<vault key {self.text}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a vault key is neither copied nor pickled")

    def _branch(self, branch: int) -> PrivateNode:
        with self._deriving:  # else two threads would derive it, and one copy would never be zeroed
            if branch not in self._branches:
                self._branches[branch] = self._account.child(branch).moved(self._arena)
            return self._branches[branch]


def account_text(seed: Secret, network: Network) -> str:
    """The account's xpub with its origin, as a policy lists it."""
    origin, account = derive_account(seed, network)
    account.close()
    return f"{origin}{account.public.text(network)}"


def sealed_vault_key(
    seed: Secret, network: Network, passphrase: Secret, cost: int = DEFAULT_COST
) -> tuple[bytes, str]:
    """That seed, sealed unbound, and its xpub with origin."""
    text = account_text(seed, network)
    return seal(seed, Label(Role.VAULT, network, text, None, cost), passphrase), text


def new_vault_key(
    network: Network, passphrase: Secret, cost: int = DEFAULT_COST
) -> tuple[bytes, str]:
    """A fresh seed, sealed unbound, and its xpub with origin."""
    with random_secret(SEED_SIZE) as seed:
        return sealed_vault_key(seed, network, passphrase, cost)
