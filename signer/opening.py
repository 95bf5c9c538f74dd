"""A member's keys, opened: by the passphrase; and where a token holds or seals them, by its keepers, too.

1. What a token sealed is unsealed first: it is a file under the passphrase still.
2. A keeper is waited for at the start; who has none then does not serve.
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keystore.file_keystore import FileKeystore, open_keystore
from keystore.header import Header, WrapKind, is_wrapped, kind_of, read_file
from keystore.hsm_sealed import TokenDesk, unwrap
from keystore.secret import Secret
from keystore.token.links import KEEPERS, Links, LinksSetting
from keystore.token.pinned_key import START_SECONDS, Bench
from signer.config_token import TokenConfig
from signer.core.errors import Objection, Refusal
from signer.read_member import MemberFiles


@dataclass(frozen=True, slots=True)
class OpenedKeys:
    """All keys of a member."""

    keystore: FileKeystore
    headers: Mapping[Path, Header]
    """Of the vault keys; their seals are verified."""
    kinds: Mapping[bytes, str]
    """Vault -> what signs for it: `file`, `hsm-sealed` or `token`."""


def keeper_links(listener: socket.socket, token: TokenConfig, keeper_uid: int) -> Links:
    """To keepers of that user, who connect there. Starts a thread."""
    listener.listen(KEEPERS)
    return Links(listener, LinksSetting(keeper_uid, token.answer_seconds))


def open_keys(files: MemberFiles, passphrase: Secret, links: Links | None) -> OpenedKeys:
    """Raises Refusal, or Fault `self-test-failed`."""
    sealed = {path: _under_passphrase(content, links) for path, content in files.vaults.items()}
    headers = {path: read_file(content)[0] for path, content in sealed.items()}
    token = files.config.token
    bench = None if links is None or token is None else Bench(links, token.sign_seconds)
    keystore = open_keystore(files.identity, sealed.values(), passphrase, bench, files.attestation)
    kinds = {
        header.binding.vault_fingerprint: kind_of(files.vaults[path])
        for path, header in headers.items()
        if header.binding is not None
    }
    return OpenedKeys(keystore, headers, kinds)


def _under_passphrase(content: bytes, links: Links | None) -> bytes:
    """Rule 1."""
    if not is_wrapped(content):
        return content
    if links is None:
        detail = "a key file is sealed by a token, and the configuration has no [token]"
        raise Refusal(Objection("token-unavailable", detail))
    return unwrap(content, WrapKind.SEALED, TokenDesk(links, time.monotonic() + START_SECONDS))
