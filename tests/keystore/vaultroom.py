"""Sealed keys of test members, cheap to open, and recorded spends for them to sign."""

from pathlib import Path

from keystore.derive import derive_account
from keystore.file_keystore import FileKeystore
from keystore.header import LEAST_COST, Binding, Role
from keystore.identity import new_identity
from keystore.sealed import KeyFile, Label, bind, create, seal
from keystore.secret import Secret
from signer.bitcoin.network import REGTEST
from signer.core.spend import RecordedSpend, VerifiedSpend
from tests import federation
from tests.keystore.opening import open_files

SEED = b"member-a".ljust(32, b"\x07")
"""Of `federation.MEMBERS[0]`."""
BINDING = Binding(federation.vault().fingerprint, b"\x02" * 32, b"\x03" * 32)
PASSPHRASE = b"correct horse"


def passphrase(text: bytes = PASSPHRASE) -> Secret:
    return Secret(text)


def sealed_vault_key(binding: Binding | None = None, seed: bytes = SEED) -> bytes:
    with Secret(seed) as secret:
        origin, account = derive_account(secret, REGTEST)
        text = f"{origin}{account.public.text(REGTEST)}"
        label = Label(Role.VAULT, REGTEST, text, binding, LEAST_COST)
        return seal(secret, label, passphrase())


def vault_file(path: Path, binding: Binding | None = None) -> KeyFile:
    create(path, sealed_vault_key(binding))
    return KeyFile(path, passphrase())


def identity_file(path: Path) -> KeyFile:
    create(path, new_identity(REGTEST, passphrase(), LEAST_COST)[0])
    return KeyFile(path, passphrase())


def open_room(folder: Path) -> FileKeystore:
    """A keystore as a member makes it: seal, bind, open."""
    vault = vault_file(folder / "vault.key")
    bind(vault, BINDING)
    return open_files(identity_file(folder / "identity.key"), (vault,))


def recorded(spend: VerifiedSpend) -> RecordedSpend:
    """As the journal would answer."""
    return RecordedSpend(spend, b"\x04" * 32, "head", 0)
