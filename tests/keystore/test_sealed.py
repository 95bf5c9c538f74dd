"""Sealed files: what opens, what is refused and how it is said; binding once; backup and restore."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keystore import sealed
from keystore.header import LEAST_COST, MAX_FILE, Role, read_file
from keystore.identity import Identity, new_identity, public_text
from keystore.sealed import (
    KeyFile,
    Label,
    backup,
    bind,
    create,
    open_sealed,
    restore,
    seal,
    unseal,
)
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.vault_key import VaultKey, new_vault_key
from signer.bitcoin.keys import parse_xpub
from signer.bitcoin.network import MAINNET, REGTEST
from signer.core.errors import Refusal
from tests import federation
from tests.keystore.vaultroom import (
    BINDING,
    SEED,
    identity_file,
    passphrase,
    sealed_vault_key,
    vault_file,
)

SEALED = sealed_vault_key()
BOUND = sealed_vault_key(BINDING)


def shown(secret: Secret) -> bytes:
    return bytes(secret.expose(UNSAFE_EXPOSE))


def refusal(content: bytes, words: bytes = b"correct horse") -> str:
    with pytest.raises(Refusal) as caught:
        unseal(content, passphrase(words))
    return caught.value.code


def changed(content: bytes, **members: Any) -> bytes:
    return json.dumps(json.loads(content) | members, indent=1).encode() + b"\n"


def test_what_was_sealed_opens() -> None:
    opened = unseal(BOUND, passphrase())
    assert shown(opened.secret) == SEED
    assert opened.header.binding == BINDING
    assert opened.header.public == federation.MEMBERS[0].key_text
    assert unseal(SEALED, passphrase()).header.binding is None


def test_every_seal_is_fresh() -> None:
    first, second = (read_file(sealed_vault_key()) for _ in range(2))
    assert first[0].salt != second[0].salt
    assert first[0].nonce != second[0].nonce
    assert first[1] != second[1]


def test_a_wrong_passphrase() -> None:
    assert refusal(SEALED, b"correct horsf") == "key-passphrase-wrong"
    assert refusal(SEALED, b"correct horse ") == "key-passphrase-wrong"
    with pytest.raises(Refusal) as caught:
        unseal(SEALED, passphrase(b"x"))
    assert "cannot tell" in caught.value.objections[0].detail


def test_the_seal_is_not_under_a_key_of_zeros() -> None:
    """The key is wiped after use; wiped too early, every passphrase would open every file."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header, content = read_file(SEALED)
    with pytest.raises(InvalidTag):
        AESGCM(bytes(32)).decrypt(header.nonce, content, header.associated())


def test_the_header_is_sealed_too() -> None:
    """A key of regtest is not made one of mainnet, nor is its binding moved, without the passphrase."""
    fields = json.loads(BOUND)
    other_binding = fields["binding"] | {"first_leaf": "09" * 32}
    for name, value in (
        ("role", "identity"),
        ("public", fields["public"].replace("/48'", "/49'")),
        ("binding", None),
        ("binding", other_binding),
        ("kdf", fields["kdf"] | {"salt": "00" * 32}),
        ("kdf", fields["kdf"] | {"n": LEAST_COST * 2}),
        ("cipher", fields["cipher"] | {"nonce": "00" * 12}),
    ):
        assert refusal(changed(BOUND, **{name: value})) == "key-passphrase-wrong"
    moved = changed(BOUND, network="mainnet", genesis_hash=MAINNET.genesis_hash.hex())
    assert refusal(moved) == "key-passphrase-wrong"


@pytest.mark.parametrize(
    "members",
    [
        {"format": "pegwarden-key/2"},
        {"role": "admin"},
        {"network": "testnet3"},
        {"network": "mainnet"},
        {"genesis_hash": "00" * 32},
        {"more": 1},
        {"binding": {}},
        {"binding": 7},
        {"kdf": {"name": "scrypt", "n": 2**30, "r": 8, "p": 1, "salt": "00" * 32}},
        {"kdf": {"name": "scrypt", "n": 2**14, "r": 2**20, "p": 1, "salt": "00" * 32}},
        {"kdf": {"name": "scrypt", "n": 2**13, "r": 8, "p": 1, "salt": "00" * 32}},
        {"kdf": {"name": "scrypt", "n": 3 * 2**14, "r": 8, "p": 1, "salt": "00" * 32}},
        {"kdf": {"name": "scrypt", "n": True, "r": 8, "p": 1, "salt": "00" * 32}},
        {"kdf": {"name": "scrypt", "n": 2**14, "r": 8, "p": 1, "salt": "00"}},
        {"kdf": {"name": "scrypt", "n": 2**14, "r": 8, "p": 1}},
        {"kdf": []},
        {"cipher": {"name": "none", "nonce": "00" * 12}},
        {"sealed": "###"},
        {"sealed": 7},
        {"public": 7},
    ],
)
def test_a_file_that_is_not_as_we_write_it(members: dict[str, Any]) -> None:
    assert refusal(changed(SEALED, **members)) == "key-file-malformed"
    assert changed(SEALED) == SEALED


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        SEALED[:-20],
        SEALED + b"\n",
        SEALED.replace(b"\n", b"\r\n"),
        b"\xff" + SEALED,
        SEALED.replace(b'"role"', b'"role": "vault", "role"'),
        b"[" * 10_000,
        b" " * (MAX_FILE + 1),
    ],
)
def test_a_file_cut_short_or_of_another_kind(content: bytes) -> None:
    assert refusal(content) == "key-file-malformed"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, bits: int) -> None:
    content = bytearray(SEALED)
    content[place] ^= bits
    assert refusal(bytes(content)) in ("key-file-malformed", "key-passphrase-wrong")


def test_files_are_their_owner_s_alone(tmp_path: Path) -> None:
    file = vault_file(tmp_path / "vault.key")
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert shown(open_sealed(file).secret) == SEED
    for mode in (0o640, 0o604, 0o660):
        file.path.chmod(mode)
        with pytest.raises(Refusal) as caught:
            open_sealed(file)
        assert caught.value.code == "key-file-exposed"


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    file = vault_file(tmp_path / "vault.key")
    before = file.path.read_bytes()
    with pytest.raises(Refusal) as caught:
        create(file.path, SEALED)
    assert caught.value.code == "key-file-exists"
    assert file.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["vault.key"]
    create(tmp_path / "another.key", SEALED)


def test_places_without_a_key_file(tmp_path: Path) -> None:
    for path, code in (
        (tmp_path / "nothing", "key-file-missing"),
        (tmp_path, "key-file-malformed"),
        (tmp_path / ("x" * 300), "key-file-unusable"),
    ):
        with pytest.raises(Refusal) as caught:
            open_sealed(KeyFile(path, passphrase()))
        assert caught.value.code == code
    with pytest.raises(Refusal) as caught:
        create(tmp_path / "no" / "folder", SEALED)
    assert caught.value.code == "key-file-unusable"


def test_a_vault_key_is_bound_once(tmp_path: Path) -> None:
    file = vault_file(tmp_path / "vault.key")
    bind(file, BINDING)
    opened = open_sealed(file)
    assert (opened.header.binding, shown(opened.secret)) == (BINDING, SEED)
    before = file.path.read_bytes()
    with pytest.raises(Refusal) as caught:
        bind(file, BINDING)
    assert caught.value.code == "key-already-bound"
    assert file.path.read_bytes() == before


def test_an_identity_is_not_bound(tmp_path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        bind(identity_file(tmp_path / "identity.key"), BINDING)
    assert caught.value.code == "key-role-wrong"


def no_space(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_binding_cut_short_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = vault_file(tmp_path / "vault.key")
    before = file.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", no_space)
        with pytest.raises(Refusal) as caught:
            bind(file, BINDING)
    assert caught.value.code == "key-file-unusable"
    assert file.path.read_bytes() == before
    bind(file, BINDING)


def test_backup_and_restore(tmp_path: Path) -> None:
    file = vault_file(tmp_path / "vault.key", BINDING)
    copy = KeyFile(tmp_path / "backup.key", passphrase(b"another one"))
    assert backup(file, copy).binding == BINDING
    with pytest.raises(Refusal) as caught:
        open_sealed(KeyFile(copy.path, passphrase()))
    assert caught.value.code == "key-passphrase-wrong"
    with pytest.raises(Refusal) as caught:
        restore(copy, file)
    assert caught.value.code == "key-file-exists"
    file.path.unlink()
    restore(copy, file)
    assert shown(open_sealed(file).secret) == SEED


def test_a_backup_that_does_not_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = vault_file(tmp_path / "vault.key")
    monkeypatch.setattr(sealed, "create", lambda path, _: create(path, sealed_vault_key(BINDING)))
    with pytest.raises(Refusal) as caught:
        backup(file, KeyFile(tmp_path / "backup.key", passphrase()))
    assert caught.value.code == "key-file-unusable"


def test_new_keys_are_random_and_say_what_they_are() -> None:
    first, second = (new_vault_key(REGTEST, passphrase(), LEAST_COST) for _ in range(2))
    assert first[1] != second[1]
    key = VaultKey(unseal(first[0], passphrase()))
    assert key.text == first[1]
    assert parse_xpub(first[1].partition("]")[2], REGTEST) == key.xpub
    content, log_key, statement_key = new_identity(REGTEST, passphrase(), LEAST_COST)
    identity = Identity(unseal(content, passphrase()))
    assert (identity.log_key, identity.statement_key) == (log_key, statement_key)
    assert log_key != statement_key


def test_a_secret_that_is_not_what_the_header_says() -> None:
    """Only who knows the passphrase can write these; they are refused all the same."""
    for role, secret, public in (
        (Role.VAULT, SEED, federation.MEMBERS[1].key_text),
        (Role.VAULT, SEED[:16], federation.MEMBERS[0].key_text),
        (Role.IDENTITY, SEED, "x"),
    ):
        label = Label(role, REGTEST, public, None, LEAST_COST)
        opened = unseal(seal(Secret(secret), label, passphrase()), passphrase())
        with pytest.raises(Refusal) as caught:
            VaultKey(opened)
        assert caught.value.code == "key-file-malformed"
    for secret, public in ((SEED * 2, public_text(SEED, SEED)), (SEED, "x")):
        label = Label(Role.IDENTITY, REGTEST, public, None, LEAST_COST)
        with pytest.raises(Refusal) as caught:
            Identity(unseal(seal(Secret(secret), label, passphrase()), passphrase()))
        assert caught.value.code == "key-file-malformed"
