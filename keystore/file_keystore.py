"""The keystore on sealed files: signer.ports.Keystore, and the journal's LogSigner.

Rule 1: it opens after the self-test, and only with bound vault keys of one network and one journal.
Rule 2: it holds one key per vault; the vault of a recorded spend chooses the key.
"""

from collections.abc import Iterable
from typing import NoReturn

from keystore.gate import sign_recorded
from keystore.header import Binding
from keystore.identity import Identity
from keystore.sealed import KeyFile, open_sealed
from keystore.selftest import self_test
from keystore.vault_key import VaultKey
from signer.bitcoin.keys import ExtendedPublicKey
from signer.core.errors import Fault, Objection, Refusal
from signer.core.spend import RecordedSpend, SignedSpend


class FileKeystore:
    """Opened keys. Thread-safe."""

    def __init__(self, identity: Identity, keys: tuple[VaultKey, ...]) -> None:
        self._identity = identity
        self._keys = {_binding_of(key).vault_fingerprint: key for key in keys}
        networks = {identity.network.name, *(key.network.name for key in keys)}
        leaves = {_binding_of(key).first_leaf for key in keys}
        if len(self._keys) != len(keys) or len(networks) != 1 or len(leaves) != 1:
            raise Refusal(
                Objection(
                    "key-binding-mismatch",
                    "the key files are for different networks or journals, or two for one vault",
                    f"networks {', '.join(sorted(networks))}, {len(leaves)} journals",
                )
            )
        self.first_leaf: bytes = leaves.pop()
        """Leaf hash of the genesis entry of the journal that these keys serve."""

    def xpubs(self) -> tuple[ExtendedPublicKey, ...]:
        """See signer.ports.Keystore."""
        return tuple(key.xpub for key in self._keys.values())

    def sign(self, recorded: RecordedSpend) -> SignedSpend:
        """See signer.ports.Keystore."""
        key = self._keys.get(recorded.spend.vault.fingerprint)
        if key is None:
            raise Fault("no key is bound to this vault")
        return sign_recorded(recorded, key)

    def sign_statement(self, digest: bytes) -> bytes:
        """See signer.ports.Keystore."""
        return self._identity.sign_statement(digest)

    def sign_head(self, text: bytes) -> bytes:
        """See signer.journal.note.LogSigner."""
        return self._identity.sign_head(text)

    def cosign(self, text: bytes, moment: int) -> bytes:
        """See signer.journal.cosignature.Cosigner."""
        return self._identity.cosign(text, moment)

    def sign_message(self, text: bytes) -> bytes:
        """See signer.ports.Keystore."""
        return self._identity.sign_message(text)

    @property
    def statement_key(self) -> bytes:
        """See signer.ports.Keystore."""
        return self._identity.statement_key

    @property
    def log_key(self) -> bytes:
        """See signer.ports.Keystore."""
        return self._identity.log_key

    def close(self) -> None:
        """Zero the vault keys."""
        for key in self._keys.values():
            key.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a keystore is neither copied nor pickled")


def open_keystore(identity: KeyFile, vaults: Iterable[KeyFile]) -> FileKeystore:
    """Self-test, then open the files.

    Raises Fault `self-test-failed`, and Refusal `key-unbound`, `key-binding-mismatch` and those of
    `open_sealed`.
    """
    self_test()
    keys = tuple(VaultKey(open_sealed(vault)) for vault in vaults)
    return FileKeystore(Identity(open_sealed(identity)), keys)


def _binding_of(key: VaultKey) -> Binding:
    if key.binding is None:
        raise Refusal(
            Objection("key-unbound", "an unbound vault key signs nothing; run `pegwarden key bind`")
        )
    return key.binding
