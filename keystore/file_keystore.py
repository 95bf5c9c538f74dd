"""The keystore on sealed files: signer.ports.Keystore, and the journal's LogSigner.

Rule 1: it opens after the self-test, and only with bound vault keys of one network and one journal.
Rule 2: it holds one key per vault; the vault of a recorded spend chooses the key. A key that attests deposits
        is held beside them, where the member has one, and is given no spend.
Rule 3: a key with caps has a ledger of its own, named by the vault's fingerprint; it signs nothing before the
        ledger is open and has caught up with the journal. A key without caps opens beside no ledger of its
        vault: it may be an older file of a key that has them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from keystore.attestation import AttestationKey
from keystore.caps import Caps
from keystore.gate import sign_recorded
from keystore.header import Binding
from keystore.identity import Identity
from keystore.ledger import Charged, Ledger, missing_ledger, unused_ledger
from keystore.sealed import OpenedKey, unseal
from keystore.second_gate import SecondGate, Since, since_boot
from keystore.secret import Secret
from keystore.selftest import self_test
from keystore.token.pinned_key import Bench, PinnedKey
from keystore.vault_key import VaultKey
from signer.bitcoin.keys import MemberKey
from signer.core.deposits import RecordedDeposit
from signer.core.errors import Fault, Objection, Refusal
from signer.core.spend import RecordedSpend, SignedSpend, VerifiedSpend


class FileKeystore:
    """Opened keys. Thread-safe."""

    def __init__(
        self,
        identity: Identity,
        keys: tuple[VaultKey | PinnedKey, ...],
        attestation: AttestationKey | None = None,
    ) -> None:
        self._identity = identity
        self._attestation = attestation
        self._keys = {_binding_of(key).vault_fingerprint: key for key in keys}
        self._second: dict[bytes, SecondGate] = {}
        others = () if attestation is None else (attestation.network.name,)
        networks = {identity.network.name, *(key.network.name for key in keys), *others}
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

    def xpubs(self) -> tuple[MemberKey, ...]:
        """See signer.ports.Keystore."""
        return tuple(key.xpub for key in self._keys.values())

    def open_ledgers(
        self, descriptors: Mapping[bytes, int], passed: Callable[[], float] = since_boot
    ) -> None:
        """Those of the keys with caps, by vault (3); the files are theirs to close from then on. Raises
        `cap-ledger-missing`, `cap-ledger-unused` or `cap-ledger-broken`."""
        for vault, key in self._keys.items():
            if key.limits is None:
                if vault in descriptors:
                    raise unused_ledger(vault)
            else:
                if vault not in descriptors:
                    raise missing_ledger()
                ledger = Ledger(descriptors[vault], key.ledger_key, vault)
                self._second[vault] = SecondGate(_binding_of(key), key.limits, ledger, passed)

    def behind(self) -> dict[bytes, Since]:
        """Vault -> what its ledger needs of the journal first."""
        found = {vault: second.behind() for vault, second in self._second.items()}
        return {vault: since for vault, since in found.items() if since is not None}

    def caps(self) -> dict[bytes, Caps | None]:
        """Vault -> the caps of our key for it."""
        return {
            vault: None if key.limits is None else key.limits.caps
            for vault, key in self._keys.items()
        }

    def catch_up(
        self, vault_fingerprint: bytes, recorded: Iterable[Charged], size: int, now: int = 0
    ) -> None:
        """At the start, of each vault: what the journal recorded. See `SecondGate.catch_up`."""
        if vault_fingerprint in self._second:
            self._second[vault_fingerprint].catch_up(recorded, size, now)

    def follow(self, now: int) -> None:
        """That is the kernel's effective time. See `SecondGate.follow`."""
        for second in self._second.values():
            second.follow(now)

    def objections(
        self, spend: VerifiedSpend, now: int, recorded_at: int | None = None
    ) -> tuple[Objection, ...]:
        """See signer.ports.Keystore: why the second gate would not let it pass."""
        vault = spend.vault.fingerprint
        if self._key_of(vault).limits is None:
            return ()
        if vault not in self._second:
            raise missing_ledger()
        return self._second[vault].objections(spend, now, recorded_at)

    def sign(self, recorded: RecordedSpend) -> SignedSpend:
        """See signer.ports.Keystore."""
        vault = recorded.spend.vault.fingerprint
        return sign_recorded(recorded, self._key_of(vault), self._second.get(vault))

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

    def attest(self, recorded: RecordedDeposit) -> bytes:
        """See signer.ports.Keystore."""
        if self._attestation is None:
            raise Fault("this member has no attestation key")
        return self._attestation.attest(recorded)

    @property
    def attestation_key(self) -> bytes:
        """See signer.ports.Keystore."""
        return b"" if self._attestation is None else self._attestation.public

    @property
    def statement_key(self) -> bytes:
        """See signer.ports.Keystore."""
        return self._identity.statement_key

    @property
    def log_key(self) -> bytes:
        """See signer.ports.Keystore."""
        return self._identity.log_key

    def close(self) -> None:
        """Zero the vault keys and the attestation key, and close the ledgers."""
        for second in self._second.values():
            second.close()
        for key in self._keys.values():
            key.close()
        if self._attestation is not None:
            self._attestation.close()

    def _key_of(self, vault_fingerprint: bytes) -> VaultKey | PinnedKey:
        key = self._keys.get(vault_fingerprint)
        if key is None:
            raise Fault("no key is bound to this vault")
        return key

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a keystore is neither copied nor pickled")


def open_keystore(
    identity: bytes,
    vaults: Iterable[bytes],
    passphrase: Secret,
    bench: Bench | None = None,
    attestation: bytes | None = None,
) -> FileKeystore:
    """Self-test, then open what the sealed files hold; keys in a token need a bench.

    Raises Fault `self-test-failed`, and Refusal `key-unbound`, `key-binding-mismatch`, `token-unavailable`,
    `token-key-missing` and those of `unseal`.
    """
    self_test()
    keys = tuple(_opened(unseal(vault, passphrase), bench) for vault in vaults)
    attesting = None if attestation is None else AttestationKey(unseal(attestation, passphrase))
    return FileKeystore(Identity(unseal(identity, passphrase)), keys, attesting)


def _opened(opened: OpenedKey, bench: Bench | None) -> VaultKey | PinnedKey:
    if not opened.header.token:
        return VaultKey(opened)
    if bench is None:
        raise Refusal(
            Objection("token-unavailable", "a key in a token, and no token is configured")
        )
    return PinnedKey(opened, bench)


def _binding_of(key: VaultKey | PinnedKey) -> Binding:
    if key.binding is None:
        raise Refusal(
            Objection("key-unbound", "an unbound vault key signs nothing; run `pegwarden key bind`")
        )
    return key.binding
