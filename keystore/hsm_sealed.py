"""`hsm-sealed` files: the passphrase's seal inside, the token's outside. The token signs nothing with them.

1. What the keeper opens is a sealed file still: the seed appears in the kernel's process alone, and neither
   token and PIN nor file and passphrase are enough.
2. The token's seal authenticates a domain, the vault, the KEK's id and the kind: a file of another vault, of
   another KEK or of another kind opens nothing (`token-seal-wrong`). Backups have a kind and a KEK of their
   own.
3. The nonce is fresh from our system for each seal; the tag has 128 bits. What was sealed is opened once
   before it is a file: there are tokens that take another nonce than they are given. A token says of a wrong
   tag what it says of its own failure; the refusal says so.
4. The file is strict JSON: these members, in the form in which we write it, at most MAX_FILE bytes.
5. What the sealed key's header says stands in the open, too, for tools; it must be the header inside.
"""

import base64
import binascii
import json
import os
from dataclasses import dataclass
from typing import Protocol

from keystore.header import (
    MAX_FILE,
    Header,
    WrapKind,
    is_wrapped,
    kind_of,
    malformed_file,
    other_kind,
    read_file,
    read_header,
    require_unwrapped,
)
from keystore.token.cryptoki import GcmText
from keystore.token.questions import MOST_ID, NONCE, TAG, Operation, gcm_question
from signer.core.errors import Objection, Refusal

FORMAT = "pegwarden-key/2"
_DOMAIN = b"pegwarden/hsm-sealed/v1\0"


class AsksToken(Protocol):
    """Who asks keepers."""

    def ask(self, question: bytes, deadline: float) -> bytes:
        """See `keystore.token.links.Links`."""


@dataclass(frozen=True, slots=True)
class Wrap:
    """What the token's seal authenticates."""

    kind: WrapKind
    kek: bytes
    """CKA_ID of the key that wraps."""
    vault: bytes
    """Fingerprint of the vault that the key inside is bound to."""

    def associated(self) -> bytes:
        """Each part has its length or is the last."""
        ident = bytes((len(self.kek),)) + self.kek
        return _DOMAIN + self.vault + ident + self.kind.encode()


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Whom to ask, and until when (monotonic clock)."""

    links: AsksToken
    deadline: float


def wrap(inner: bytes, kind: WrapKind, kek: bytes, desk: TokenDesk) -> bytes:
    """The bytes of a file: a sealed key under the token's seal, too. The keeper offers SEAL and OPEN.

    Raises Refusal `key-unbound`, `key-kind-wrong`, `token-seal-wrong`, `key-file-malformed` and those of
    `Links.ask`.
    """
    header = read_file(require_unwrapped(inner))[0]
    outer = Wrap(kind, kek, _vault_of(header))
    nonce = os.urandom(NONCE)
    text = GcmText(nonce, outer.associated(), inner)
    sealed = desk.links.ask(gcm_question(Operation.SEAL, kek, text), desk.deadline)
    if len(sealed) != len(inner) + TAG:
        raise malformed_file("the token sealed another number of bytes")
    again = gcm_question(Operation.OPEN, kek, GcmText(nonce, outer.associated(), sealed))
    if desk.links.ask(again, desk.deadline) != inner:  # 3
        raise Refusal(Objection("token-seal-wrong", "the token opens another text than it sealed"))
    return _write(outer, (nonce, sealed), header)


def unwrap(content: bytes, kind: WrapKind, desk: TokenDesk) -> bytes:
    """The sealed key inside, still under its passphrase.

    Raises Refusal `key-file-malformed`, `key-kind-wrong`, `key-binding-mismatch` and those of `Links.ask`.
    """
    outer, nonce, sealed, header = read_wrap(content)
    if outer.kind is not kind:
        raise other_kind("what a token sealed is used for its kind", outer.kind, kind)
    text = GcmText(nonce, outer.associated(), sealed)
    inner = desk.links.ask(gcm_question(Operation.OPEN, outer.kek, text), desk.deadline)
    if read_file(inner)[0] != header or _vault_of(header) != outer.vault:
        detail = "the key inside is another, or bound to another vault, than its token seal says"
        raise Refusal(Objection("key-binding-mismatch", detail))
    return inner


def wrap_kind_of(content: bytes) -> WrapKind:
    """What a token sealed it for. Raises Refusal `key-kind-wrong` where none did, `key-file-malformed`."""
    if not is_wrapped(content):
        wanted = " or ".join(WrapKind)
        raise other_kind("no token's seal is around it", kind_of(content), wanted)
    return read_wrap(content)[0].kind


def header_of(content: bytes) -> Header:
    """What a key file says in the open, whoever sealed it. Raises Refusal `key-file-malformed`."""
    return read_wrap(content)[3] if is_wrapped(content) else read_file(content)[0]


def read_wrap(content: bytes) -> tuple[Wrap, bytes, bytes, Header]:
    """What it is, nonce, sealed bytes, and the header of the key (5). Raises Refusal `key-file-malformed`."""
    if len(content) > MAX_FILE:
        raise malformed_file(f"longer than {MAX_FILE} bytes")
    try:
        members = json.loads(content.decode("ascii"))
        outer = Wrap(
            WrapKind(members["kind"]),
            bytes.fromhex(members["kek"]),
            bytes.fromhex(members["vault"]),
        )
        nonce = bytes.fromhex(members["cipher"]["nonce"])
        sealed = base64.b64decode(members["sealed"], validate=True)
        header = read_header(members["header"])
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise malformed_file("not the JSON of a key that a token sealed") from None
    sizes = len(nonce) == NONCE and 1 <= len(outer.kek) <= MOST_ID
    if not sizes or len(outer.vault) != 32:
        raise malformed_file("a nonce, id or fingerprint of another length")
    if _write(outer, (nonce, sealed), header) != content:
        raise malformed_file("not in the form in which we write it")
    return outer, nonce, sealed, header


def _write(outer: Wrap, sealing: tuple[bytes, bytes], header: Header) -> bytes:
    """`sealing`: nonce and sealed bytes."""
    nonce, sealed = sealing
    members = {
        "format": FORMAT,
        "kind": outer.kind.value,
        "kek": outer.kek.hex(),
        "vault": outer.vault.hex(),
        "header": header.members(),
        "cipher": {"name": "aes-256-gcm", "nonce": nonce.hex()},
        "sealed": base64.b64encode(sealed).decode(),
    }
    content = json.dumps(members, indent=1).encode() + b"\n"
    if len(content) > MAX_FILE:
        raise malformed_file(f"longer than {MAX_FILE} bytes")
    return content


def _vault_of(header: Header) -> bytes:
    """Raises Refusal `key-unbound`: bind a key, then seal it."""
    if header.binding is None:
        raise Refusal(Objection("key-unbound", "what a token seals is bound before to its vault"))
    return header.binding.vault_fingerprint
