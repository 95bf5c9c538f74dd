"""Sealed files with caps: what they say, what is sealed of it, and that older files open as before."""

import json
from pathlib import Path
from typing import Any

import pytest

from keystore import sealed
from keystore.caps import Caps
from keystore.header import LEAST_COST, Limits, Role, read_file
from keystore.sealed import KeyFile, Label, backup, limit, open_sealed, seal, unseal
from keystore.secret import UNSAFE_EXPOSE, Secret
from keystore.vault_key import VaultKey
from signer.bitcoin.network import REGTEST
from signer.bitcoin.units import Sats
from signer.core.errors import Refusal
from tests import federation
from tests.keystore.vaultroom import BINDING, SEED, passphrase, sealed_vault_key, vault_file

LIMITS = Limits(Caps(Sats(1_000), Sats(5_000)), b"\x05" * 32)


def capped(limits: Limits = LIMITS, secret: bytes = SEED + b"\x0a" * 32) -> bytes:
    label = Label(Role.VAULT, REGTEST, federation.MEMBERS[0].key_text, BINDING, LEAST_COST, limits)
    return seal(Secret(secret), label, passphrase())


CAPPED = capped()


def changed(**members: Any) -> bytes:
    return json.dumps(json.loads(CAPPED) | members, indent=1).encode() + b"\n"


def refusal(content: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        unseal(content, passphrase())
    return caught.value.code


def test_what_a_file_with_caps_says() -> None:
    members = json.loads(CAPPED)
    assert members["format"] == "pegwarden-key/2"
    assert members["kind"] == "file"
    assert members["caps"] == {"per_spend": 1_000, "per_day": 5_000}
    assert members["successor"] == "05" * 32
    key = VaultKey(unseal(CAPPED, passphrase()))
    assert (key.limits, key.binding) == (LIMITS, BINDING)
    assert bytes(key.ledger_key.expose(UNSAFE_EXPOSE)) == b"\x0a" * 32
    alone = Limits(LIMITS.caps)
    assert json.loads(capped(alone))["successor"] is None
    assert read_file(capped(alone))[0].limits == alone


def test_a_file_without_caps_is_as_it_was() -> None:
    content = sealed_vault_key(BINDING)
    assert json.loads(content).keys() == json.loads(CAPPED).keys() - {"kind", "caps", "successor"}
    key = VaultKey(unseal(content, passphrase()))
    assert key.limits is None
    assert len(key.ledger_key) == 0


def test_caps_are_sealed() -> None:
    """Nobody raises them, or takes them away, without the passphrase."""
    for name, value in (
        ("caps", {"per_spend": 1_001, "per_day": 5_000}),
        ("caps", {"per_spend": 1_000, "per_day": 5_001}),
        ("successor", None),
        ("successor", "06" * 32),
    ):
        assert refusal(changed(**{name: value})) == "key-passphrase-wrong"
    members = json.loads(CAPPED) | {"format": "pegwarden-key/1"}
    for name in ("kind", "caps", "successor"):
        del members[name]
    old = {name: members.pop(name) for name in ("sealed",)}
    assert refusal(json.dumps(members | old, indent=1).encode() + b"\n") == "key-passphrase-wrong"


@pytest.mark.parametrize(
    "members",
    [
        {"format": "pegwarden-key/1"},
        {"format": "pegwarden-key/3"},
        {"role": "identity"},
        {"kind": "token"},
        {"caps": None},
        {"caps": {"per_spend": 1_000}},
        {"caps": {"per_spend": 1_000, "per_day": 5_000, "per_year": 6_000}},
        {"caps": {"per_spend": 1_000, "per_day": "5000"}},
        {"caps": {"per_spend": True, "per_day": 5_000}},
        {"caps": {"per_spend": 1_000.0, "per_day": 5_000}},
        {"successor": ""},
        {"successor": "05" * 31},
    ],
)
def test_a_file_that_is_not_as_we_write_it(members: dict[str, Any]) -> None:
    assert refusal(changed(**members)) == "key-file-malformed"
    assert unseal(changed(), passphrase()).header.limits == LIMITS


def test_caps_that_none_can_have() -> None:
    assert refusal(changed(caps={"per_spend": 2, "per_day": 1})) == "cap-out-of-range"


@pytest.mark.parametrize("secret", [SEED, SEED + b"\x0a" * 31, SEED + b"\x0a" * 33])
def test_a_secret_without_the_key_of_a_ledger(secret: bytes) -> None:
    """Only who knows the passphrase can write these; they are refused all the same."""
    with pytest.raises(Refusal) as caught:
        VaultKey(unseal(capped(secret=secret), passphrase()))
    assert caught.value.code == "key-file-malformed"


def test_caps_and_ledger_key_go_with_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = vault_file(tmp_path / "vault.key", BINDING)
    limit(file, LIMITS)
    original = open_sealed(file)
    copy = KeyFile(tmp_path / "backup.key", passphrase(b"another one"))
    assert backup(file, copy).limits == LIMITS
    again = open_sealed(copy)
    assert bytes(again.secret.expose(UNSAFE_EXPOSE)) == bytes(original.secret.expose(UNSAFE_EXPOSE))
    assert len(again.secret) == 64
    other = capped(Limits(LIMITS.caps), bytes(original.secret.expose(UNSAFE_EXPOSE)))
    write = sealed.create
    monkeypatch.setattr(sealed, "create", lambda path, _: write(path, other))
    with pytest.raises(Refusal) as caught:
        backup(file, KeyFile(tmp_path / "third.key", passphrase()))
    assert caught.value.code == "key-file-unusable"
