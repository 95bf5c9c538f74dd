"""Keystores of files, as a member opens them: read first, opened together."""

from collections.abc import Iterable

from keystore.file_keystore import FileKeystore, open_keystore
from keystore.sealed import KeyFile, read_sealed
from keystore.token.pinned_key import Bench


def open_files(
    identity: KeyFile, vaults: Iterable[KeyFile], bench: Bench | None = None
) -> FileKeystore:
    """All of them have one passphrase."""
    sealed = [read_sealed(vault.path) for vault in vaults]
    return open_keystore(read_sealed(identity.path), sealed, identity.passphrase, bench)
