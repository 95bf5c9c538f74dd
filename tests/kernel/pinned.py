"""Members whose vault key is in a token that the test plays, without processes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from coincurve import PrivateKey

from keystore.file_keystore import FileKeystore
from keystore.header import LEAST_COST
from keystore.ledger import ledger_files
from keystore.sealed import create
from keystore.secret import Secret
from keystore.token.links import Links
from keystore.token.pinned_key import Bench, new_pinned_key
from keystore.token.questions import Operation, read_digests, read_question
from signer.bitcoin.network import REGTEST
from tests.kernel import room
from tests.keystore.opening import open_files

IDENT = b"\x01"


class Token:
    """Keepers that answer at once; `signed` counts digests."""

    def __init__(self, secret: PrivateKey) -> None:
        self.secret, self.signed = secret, 0

    def ask(self, question: bytes, deadline: float) -> bytes:
        return self.ask_all((question,), deadline)[0]

    def ask_all(self, questions: Sequence[bytes], _: float) -> list[bytes]:
        return [self._answer(each) for each in questions]

    def bench(self) -> Bench:
        return Bench(cast("Links", self), 10.0)

    def _answer(self, packet: bytes) -> bytes:
        question = read_question(packet)
        assert question.ident == IDENT
        if question.operation is Operation.PUBLIC:
            return self.secret.public_key.format()
        digests = read_digests(question.rest)
        self.signed += len(digests)
        return b"".join(self.secret.sign_recoverable(each, hasher=None)[:64] for each in digests)


@dataclass
class PinnedMember(room.Member):
    """Its key file names the token's key."""

    secret: PrivateKey = field(default_factory=lambda: PrivateKey(b"\x01" * 32))

    def make_vault_key(self) -> None:
        pubkey = self.secret.public_key.format()
        passphrase = Secret(room.PASSPHRASE)
        content, _ = new_pinned_key(REGTEST, IDENT, pubkey, passphrase, LEAST_COST)
        create(self.folder / "vault.key", content)

    def start_keystore(self) -> FileKeystore:
        self.token = Token(self.secret)
        files = self._file("identity"), (self._file("vault"),)
        keystore = open_files(*files, self.token.bench())
        keystore.open_ledgers(ledger_files(self.folder / "ledgers"))
        return keystore
