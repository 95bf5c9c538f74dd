"""Which keys a member opens, by what; what is said where the token is missing. The token is played here."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from coincurve import PrivateKey

from keystore.header import LEAST_COST, Binding, WrapKind
from keystore.hsm_sealed import TokenDesk, wrap
from keystore.identity import new_identity
from keystore.sealed import KeyFile, bind, create
from keystore.token.links import Links
from keystore.token.pinned_key import new_pinned_key
from keystore.token.questions import TAG, Operation, read_gcm, read_question
from signer.bitcoin.network import REGTEST
from signer.config_token import TokenConfig
from signer.core.errors import Refusal
from signer.opening import OpenedKeys, open_keys
from signer.read_member import MemberFiles
from tests.kernel.pinned import IDENT, Token
from tests.keystore.vaultroom import BINDING, passphrase, sealed_vault_key

SECRET = PrivateKey(b"\x01" * 32)
OTHER = Binding(b"\x0a" * 32, BINDING.policy_id, BINDING.first_leaf)
WRAPPED, PINNED, PLAIN = Path("wrapped"), Path("pinned"), Path("plain")


class SealingToken(Token):
    """It signs, and "seals" by adding a tag."""

    def ask_all(self, questions: Sequence[bytes], deadline: float) -> list[bytes]:
        answers = []
        for packet in questions:
            question = read_question(packet)
            if question.operation is Operation.SEAL:
                answers.append(read_gcm(question.rest).content + bytes(TAG))
            elif question.operation is Operation.OPEN:
                answers.append(read_gcm(question.rest).content[:-TAG])
            else:
                answers += super().ask_all((packet,), deadline)
        return answers


TOKEN = SealingToken(SECRET)


def wrapped() -> bytes:
    return wrap(sealed_vault_key(BINDING), WrapKind.SEALED, b"\x02", TokenDesk(TOKEN, 0.0))


def pinned(folder: Path) -> bytes:
    public = SECRET.public_key.format()
    file = KeyFile(folder / "token.json", passphrase())
    create(file.path, new_pinned_key(REGTEST, IDENT, public, passphrase(), LEAST_COST)[0])
    bind(file, OTHER)
    return file.path.read_bytes()


def opened(vaults: dict[Path, bytes], links: Any) -> OpenedKeys:
    token = TokenConfig("module", "label", 1, 1, 10)
    files = MemberFiles(
        config=cast("Any", SimpleNamespace(token=token)),
        policy=b"",
        identity=new_identity(REGTEST, passphrase(), LEAST_COST)[0],
        vaults=vaults,
        ledgers={},
        journal=Path(),
        build_digest=b"",
    )
    return open_keys(files, passphrase(), cast("Links | None", links))


def test_each_kind_is_opened_by_what_it_needs(tmp_path: Path) -> None:
    keys = opened({WRAPPED: wrapped(), PINNED: pinned(tmp_path)}, TOKEN)
    assert keys.kinds == {
        BINDING.vault_fingerprint: "hsm-sealed",
        OTHER.vault_fingerprint: "token",
    }
    assert {path: header.binding for path, header in keys.headers.items()} == {
        WRAPPED: BINDING,
        PINNED: OTHER,
    }
    keys.keystore.close()
    keys = opened({PLAIN: sealed_vault_key(BINDING)}, None)
    assert keys.kinds == {BINDING.vault_fingerprint: "file"}
    keys.keystore.close()


@pytest.mark.parametrize("kind", [WRAPPED, PINNED])
def test_without_a_token_neither_opens(tmp_path: Path, kind: Path) -> None:
    content = wrapped() if kind == WRAPPED else pinned(tmp_path)
    with pytest.raises(Refusal) as caught:
        opened({kind: content}, None)
    assert caught.value.code == "token-unavailable"
