"""Files of keys in a token: what they say, what is sealed of it; and the token's key is the pinned one."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey

from keystore.caps import Caps
from keystore.file_keystore import open_keystore
from keystore.header import LEAST_COST, Binding, Limits, Role, read_file
from keystore.identity import new_identity
from keystore.sealed import KeyFile, Label, backup, bind, create, limit, open_sealed, seal, unseal
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.token.pinned_key import PinnedKey, new_pinned_key
from keystore.vault_key import VaultKey
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from tests import federation
from tests.kernel.pinned import IDENT, Token
from tests.keystore.vaultroom import BINDING, passphrase

SECRET = PrivateKey(b"\x01" * 32)
PUBKEY = SECRET.public_key.format()
CONTENT, TEXT = new_pinned_key(REGTEST, IDENT, PUBKEY, passphrase(), LEAST_COST)
LIMITS = Limits(Caps(Sats(5), Sats(6)))


def pinned_file(folder: Path) -> KeyFile:
    file = KeyFile(folder / "token.json", passphrase())
    create(file.path, CONTENT)
    return file


def opened(file: KeyFile) -> PinnedKey:
    return PinnedKey(open_sealed(file), Token(SECRET).bench())


def code(content: bytes, secret: PrivateKey = SECRET) -> str:
    with pytest.raises(Refusal) as caught:
        PinnedKey(unseal(content, passphrase()), Token(secret).bench())
    return caught.value.code


def test_what_the_file_says() -> None:
    members = json.loads(CONTENT)
    assert (members["format"], members["kind"]) == ("pegwarden-key/2", "token")
    assert (members["public"], members["ident"]) == (PUBKEY.hex(), IDENT.hex())
    assert (members["caps"], members["successor"]) == (None, None)
    assert PUBKEY.hex() == TEXT
    assert read_file(CONTENT)[0].token == IDENT


def test_binding_caps_and_ledger_key_stay_with_it(tmp_path: Path) -> None:
    file = pinned_file(tmp_path)
    before = open_sealed(file)
    bind(file, BINDING)
    limit(file, LIMITS)
    key = opened(file)
    assert (key.binding, key.limits, key.text) == (BINDING, LIMITS, PUBKEY.hex())
    assert bytes(key.ledger_key.expose(UNSAFE_EXPOSE)) == bytes(before.secret.expose(UNSAFE_EXPOSE))
    copy = KeyFile(tmp_path / "copy.json", passphrase(b"another"))
    assert backup(file, copy).token == IDENT
    key.close()
    assert bytes(key.ledger_key.expose(UNSAFE_EXPOSE)) == bytes(32)
    assert repr(key) == f"<key in a token {PUBKEY.hex()}>"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def changed(**members: Any) -> bytes:
    return json.dumps(json.loads(CONTENT) | members, indent=1).encode() + b"\n"


@pytest.mark.parametrize(
    "members",
    [
        {"kind": "file"},
        {"kind": "hsm-sealed"},
        {"role": "identity"},
        {"ident": ""},
        {"ident": "11" * 33},
        {"ident": "0A"},
        {"ident": None},
        {"caps": {}},
        {"caps": []},
        {"successor": "05" * 32},
        {"format": "pegwarden-key/1"},
    ],
)
def test_a_file_that_is_not_as_we_write_it(members: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        read_file(changed(**members))
    assert caught.value.code == "key-file-malformed"
    assert read_file(changed(**dict.fromkeys(()))) == read_file(CONTENT)


def test_the_id_is_sealed() -> None:
    assert code(changed(ident="02")) == "key-passphrase-wrong"
    assert PinnedKey(unseal(CONTENT, passphrase()), Token(SECRET).bench()).text == TEXT


def test_another_key_of_that_id() -> None:
    assert code(CONTENT, PrivateKey(b"\x02" * 32)) == "token-key-missing"


@pytest.mark.parametrize(
    ("public", "secret"),
    [
        (federation.MEMBERS[0].key_text, bytes(32)),
        ("02" + "00" * 32, bytes(32)),
        ("no key", bytes(32)),
        (PUBKEY.hex(), bytes(31)),
        (PUBKEY.hex(), bytes(64)),
    ],
)
def test_what_only_who_knows_the_passphrase_can_write(public: str, secret: bytes) -> None:
    label = Label(Role.VAULT, REGTEST, public, None, LEAST_COST, token=IDENT)
    assert code(seal(Secret(secret), label, passphrase())) == "key-file-malformed"


def test_it_is_no_seed() -> None:
    with pytest.raises(Refusal) as caught:
        VaultKey(unseal(CONTENT, passphrase()))
    assert caught.value.code == "key-file-malformed"


def test_without_a_token_it_does_not_open(tmp_path: Path) -> None:
    file = pinned_file(tmp_path)
    bind(file, Binding(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32))
    identity = new_identity(REGTEST, passphrase(), LEAST_COST)[0]
    sealed = (file.path.read_bytes(),)
    with pytest.raises(Refusal) as caught:
        open_keystore(identity, sealed, passphrase())
    assert caught.value.code == "token-unavailable"
    assert open_keystore(identity, sealed, passphrase(), Token(SECRET).bench()).xpubs()
