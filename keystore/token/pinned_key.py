"""A key in a token: what its file is bound to, and how it signs.

1. The file is sealed by the passphrase like any vault key's, so its binding and caps are authenticated. Its
   secret is the key of its ledger; the signing key never leaves the token.
2. The token's key of that id must be the one that is pinned in the file: asked before anything is served.
3. The token is asked for signatures of digests that `keystore.gate` computed, within a time of its own.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from keystore.header import DEFAULT_COST, Binding, Limits, Role, malformed_file
from keystore.sealed import LEDGER_KEY_SIZE, Label, OpenedKey, ledger_key_of, seal
from keystore.secret import Secret, random_secret
from keystore.token.gate import TokenKey, sign_tasks
from keystore.token.links import Links
from keystore.token.questions import public_question
from signer.bitcoin.descriptor.keys import parse_key_information
from signer.bitcoin.errors import Malformed
from signer.bitcoin.keys import FixedKey
from signer.bitcoin.network import Network
from signer.bitcoin.psbt.model import PartialSignature
from signer.core.errors import Objection, Refusal
from signer.core.spend import SigningTask

START_SECONDS = 60.0
"""That keepers have to come, and for a question of a start."""


class Bench(NamedTuple):
    """Where a token signs."""

    links: Links
    seconds: float
    """That keepers have for one spend (3)."""


class PinnedKey:
    """An opened file of a key in a token."""

    def __init__(self, opened: OpenedKey, bench: Bench) -> None:
        """Raises Refusal `key-file-malformed`, `token-key-missing` and those of `Links.ask`."""
        header, self._bench = opened.header, bench
        with opened.secret:
            self.xpub: FixedKey = pinned_key_of(opened)
            self.ledger_key: Secret = ledger_key_of(opened)
        self.network: Network = header.network
        self.binding: Binding | None = header.binding
        self.limits: Limits | None = header.limits
        self.text: str = header.public
        self._key = TokenKey(header.token, self.xpub.pubkey)
        self._require_pinned()

    def sign(self, tasks: Sequence[SigningTask]) -> tuple[PartialSignature, ...]:
        """By the token, each verified. Raises what `sign_tasks` raises."""
        until = time.monotonic() + self._bench.seconds
        return sign_tasks(self._bench.links, self._key, tasks, until)

    def close(self) -> None:
        """Zero what is ours."""
        self.ledger_key.close()

    def __repr__(self) -> str:
        return f"<key in a token {self.text}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key in a token is neither copied nor pickled")

    def _require_pinned(self) -> None:
        """Rule 2."""
        ident = self._key.ident
        until = time.monotonic() + START_SECONDS
        found = self._bench.links.ask(public_question(ident), until)
        if found != self._key.pubkey:
            detail = f"the token's key of id {ident.hex()} is another than the one that is pinned"
            raise Refusal(
                Objection("token-key-missing", detail, found[:33].hex(), self._key.pubkey.hex())
            )


def new_pinned_key(
    network: Network, ident: bytes, pubkey: bytes, passphrase: Secret, cost: int = DEFAULT_COST
) -> tuple[bytes, str]:
    """The file of a key that a token holds, sealed unbound, and the key as a policy lists it."""
    text = FixedKey(pubkey).text(network)
    label = Label(Role.VAULT, network, text, None, cost, token=ident)
    with random_secret(LEDGER_KEY_SIZE) as ledger_key:
        return seal(ledger_key, label, passphrase), text


def pinned_key_of(opened: OpenedKey) -> FixedKey:
    """The key that such a file pins; the token is not asked. Raises Refusal `key-file-malformed`."""
    header = opened.header
    if header.role is not Role.VAULT or len(opened.secret) != LEDGER_KEY_SIZE:
        raise malformed_file("not the file of a key in a token")
    try:
        _, key = parse_key_information(header.public, header.network)
    except Malformed as error:
        raise malformed_file(error.detail) from None
    if not isinstance(key, FixedKey):
        raise malformed_file("a key in a token has no children, and its file names an xpub")
    return key
