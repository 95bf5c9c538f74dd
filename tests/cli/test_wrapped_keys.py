"""Commands that get a key file of the wrong kind say so, and name `key unwrap`; the token is played."""

from pathlib import Path

import pytest

from keystore.header import WrapKind
from keystore.hsm_sealed import TokenDesk, wrap
from keystore.sealed import create, read_sealed
from signer.cli.symptoms import Grade, keys
from signer.config import load_config
from signer.core.catalogue import CATALOGUE
from tests.cli.desk import Desk, MemberPlace
from tests.token.test_opening import TOKEN

TOKEN_TABLE = '\n[token]\nmodule = "/nowhere/module.so"\nlabel = "a"\n'
PROCESSES = '\n[processes]\nsockets = "."\n'


def wrapped(member: MemberPlace, kind: WrapKind) -> Path:
    """The member's bound key with caps, under a token's seal, too."""
    path = member.vault_key.with_name(f"{kind}.json")
    content = read_sealed(member.vault_key)
    create(path, wrap(content, kind, b"\x02", TokenDesk(TOKEN, 0.0)))
    return path


@pytest.fixture
def capped(member: MemberPlace, pegwarden: Desk) -> MemberPlace:
    caps = ("--per-spend", 5, "--per-day", 7)
    assert pegwarden("key", "caps", "set", member.vault_key, *caps, *member.opened).status == 0
    with member.config.open("a") as stream:
        stream.write(PROCESSES + TOKEN_TABLE)
    return member


def commands(member: MemberPlace, key: Path) -> dict[str, tuple[object, ...]]:
    """All that open a key file by its passphrase, and `wrap`, which gives it to a token."""
    new = member.directory / "new"
    copied = ("--passphrase-file", member.passphrase, "--new-passphrase-file", member.passphrase)
    return {
        "backup": (key, new, *copied),
        "restore": (key, new, *copied),
        "caps set": (key, "--per-spend", 6, "--per-day", 7, *member.opened),
        "caps fold": (key, *member.opened),
        "caps successor": (key, *member.opened),
        "record make": (key, new, *member.opened),
        "wrap": (key, new, "02", "--config", member.config),
    }


@pytest.mark.parametrize("kind", WrapKind)
def test_what_a_token_seals_too_is_not_called_damaged(
    capped: MemberPlace, pegwarden: Desk, kind: WrapKind
) -> None:
    """The advice was to restore it from its backup, which was the file in hand."""
    key = wrapped(capped, kind)
    before = {path: path.read_bytes() for path in capped.vault_key.parent.glob("*.json")}
    for name, given in commands(capped, key).items():
        said = pegwarden("key", *name.split(), *given, "--json")
        assert (name, said.status, said.json["code"]) == (name, 1, "key-kind-wrong")
        assert "`pegwarden key unwrap`" in said.json["detail"]
        assert not (capped.directory / "new").exists()
    assert {path: path.read_bytes() for path in before} == before
    assert "`pegwarden key unwrap`" in CATALOGUE["key-kind-wrong"].remedy


def test_the_same_commands_take_the_file_without_that_seal(
    capped: MemberPlace, pegwarden: Desk
) -> None:
    given = commands(capped, capped.vault_key)
    for name in ("backup", "caps set", "caps fold", "caps successor"):
        said = pegwarden("key", *name.split(), *given[name], "--json")
        assert (name, said.status) == (name, 0), said


def test_no_token_s_seal_to_take_off(capped: MemberPlace, pegwarden: Desk) -> None:
    new = capped.directory / "new"
    for key, code in (
        (capped.vault_key, "key-kind-wrong"),
        (capped.config, "key-file-malformed"),
        (wrapped(capped, WrapKind.SEALED), "token-unavailable"),  # taken: there is no such module
    ):
        key.chmod(0o600)
        pin = ("--pin-file", capped.passphrase)
        said = pegwarden("key", "unwrap", key, new, "--config", capped.config, *pin, "--json")
        assert (said.status, said.json["code"]) == (1, code)
    assert not new.exists()


def test_what_no_kernel_can_open_is_missing(capped: MemberPlace, pegwarden: Desk) -> None:
    """A copy put away in the place of a key; a key that a token sealed, and no token."""
    wrapped(capped, WrapKind.SEALED)
    capped.edit('"keys/vault.json"', '"keys/hsm-sealed.json"')
    said = pegwarden("config", "check", "--config", capped.config, "--json")
    assert (said.status, said.json["missing"]) == (0, [])
    assert faults_of_doctor(capped) == []
    capped.edit(TOKEN_TABLE, "")
    (missing,) = pegwarden("config", "check", "--config", capped.config, "--json").json["missing"]
    assert "no [token]" in missing
    assert faults_of_doctor(capped) == [missing]
    wrapped(capped, WrapKind.BACKUP)
    capped.edit('"keys/hsm-sealed.json"', '"keys/hsm-backup.json"')
    (missing,) = pegwarden("config", "check", "--config", capped.config, "--json").json["missing"]
    assert "hsm-backup" in missing
    assert "`pegwarden key unwrap`" in missing
    assert faults_of_doctor(capped) == [missing]


def faults_of_doctor(member: MemberPlace) -> list[str]:
    """What `pegwarden doctor` finds bad about the keys."""
    found = keys(load_config(member.config))
    return [each.text for each in found if each.grade is Grade.BAD]
