"""`key verify-backup`: a copy is proved to be of this member's key, without a signature; lies are named."""

from pathlib import Path

import pytest

from keystore import gate, identity
from keystore.backup_proof import prove_children
from keystore.derive import PrivateNode
from keystore.header import LEAST_COST, Binding, Role, read_file
from keystore.sealed import KeyFile, Label, OpenedKey, bind, create, open_sealed, read_sealed, seal
from keystore.secret import Secret
from keystore.vault_key import VaultKey, new_vault_key
from signer.bitcoin.network import REGTEST
from signer.core.errors import Refusal
from tests import federation
from tests.cli.desk import PASSPHRASE, Desk, MemberPlace, Said
from tests.keystore.vaultroom import BINDING, vault_file

TOKEN_KEY = "02" + "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
OTHER = b"another passphrase"


def secret() -> Secret:
    return Secret(PASSPHRASE.strip().encode())


def backed_up(place: MemberPlace, key: Path, pegwarden: Desk) -> tuple[Path, Path]:
    """A copy of that file under another passphrase, and the file with it."""
    copy, words = place.directory.parent / "copy.json", place.directory.parent / "words"
    words.write_bytes(OTHER)
    words.chmod(0o600)
    said = pegwarden(
        *("key", "backup", key, copy, "--passphrase-file", place.passphrase),
        *("--new-passphrase-file", words),
    )
    assert said.status == 0
    return copy, words


def verified(place: MemberPlace, copy: Path, words: Path, pegwarden: Desk) -> Said:
    said = pegwarden(
        *("key", "verify-backup", copy, "--config", place.config),
        *("--passphrase-file", words, "--json"),
    )
    assert said.status in (0, 1), said
    return said


def test_a_good_copy_is_proved_and_nothing_is_signed(
    member: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, words = backed_up(member, member.vault_key, pegwarden)
    files = {path: path.read_bytes() for path in (copy, member.vault_key)}
    for name in ("_sign", "_sign_schnorr", "sign_recorded"):
        monkeypatch.setattr(gate, name, None)
    monkeypatch.setattr(identity.Identity, "sign_message", None)
    monkeypatch.setattr(identity.Identity, "sign_statement", None)
    said = verified(member, copy, words, pegwarden)
    assert (said.status, said.json["not_compared"]) == (0, [])
    proved = " / ".join(said.json["proved"])
    for words_said in (
        "the seal opens",
        "4 child keys are those of vault peg",
        "bound to the journal that is here",
        f"it is the key of {member.vault_key}",
    ):
        assert words_said in proved
    assert {path: path.read_bytes() for path in files} == files
    text = pegwarden(
        *("key", "verify-backup", copy, "--config", member.config, "--passphrase-file", words)
    ).out
    assert text.endswith("Nothing was signed.\n")


def test_what_is_not_here_is_not_compared(member: MemberPlace, pegwarden: Desk) -> None:
    """On the machine of a restore there is no journal yet, and caps were raised since."""
    copy, words = backed_up(member, member.vault_key, pegwarden)
    caps = ("--per-spend", 5, "--per-day", 7)
    assert pegwarden("key", "caps", "set", member.vault_key, *caps, *member.opened).status == 0
    for path in member.directory.glob("journal.sqlite*"):
        path.unlink()
    told = verified(member, copy, words, pegwarden).json["not_compared"]
    assert [each.partition(":")[0] for each in told] == ["the journal", "caps or successor"]
    member.vault_key.unlink()
    told = verified(member, copy, words, pegwarden).json["not_compared"]
    assert [each.partition(":")[0] for each in told] == ["the journal", "the key file in use"]


def test_an_identity(member: MemberPlace, made: MemberPlace, pegwarden: Desk) -> None:
    copy, words = backed_up(member, member.directory / "keys" / "identity.json", pegwarden)
    said = verified(member, copy, words, pegwarden)
    assert (said.status, said.json["role"]) == (0, "identity")
    assert "the identity with which the journal begins" in " / ".join(said.json["proved"])
    content, _, _ = identity.new_identity(REGTEST, secret(), LEAST_COST)
    other = member.directory.parent / "other.json"
    create(other, content)
    said = verified(member, other, member.passphrase, pegwarden)
    assert (said.status, said.json["code"]) == (1, "backup-differs")


def test_a_wrong_passphrase_and_a_changed_byte(member: MemberPlace, pegwarden: Desk) -> None:
    copy, words = backed_up(member, member.vault_key, pegwarden)
    said = verified(member, copy, member.passphrase, pegwarden)
    assert said.json["code"] == "key-passphrase-wrong"
    content = copy.read_text()
    copy.write_text(content.replace('"regtest"', '"signet"'))
    assert verified(member, copy, words, pegwarden).status == 1
    copy.write_text(content)
    assert verified(member, copy, words, pegwarden).status == 0


def rebound(member: MemberPlace, name: str, **changes: bytes) -> Path:
    """The member's key, bound to something else."""
    with open_sealed(KeyFile(member.vault_key, secret())).secret as opened:
        header = read_file(read_sealed(member.vault_key))[0]
        assert header.binding is not None
        binding = Binding(**{n: getattr(header.binding, n) for n in Binding.__slots__} | changes)
        label = Label(Role.VAULT, REGTEST, header.public, binding, LEAST_COST)
        path = member.directory.parent / name
        create(path, seal(opened, label, secret()))
    return path


@pytest.mark.parametrize("name", Binding.__slots__)
def test_a_copy_that_is_bound_elsewhere(member: MemberPlace, pegwarden: Desk, name: str) -> None:
    copy = rebound(member, f"{name}.json", **{name: b"\x05" * 32})
    said = verified(member, copy, member.passphrase, pegwarden)
    assert (said.status, said.json["code"]) == (1, "backup-differs")
    twin = rebound(member, "twin.json")
    assert verified(member, twin, member.passphrase, pegwarden).status == 0


def test_a_copy_that_is_older_than_its_binding_or_another_member_s(
    member: MemberPlace, made: MemberPlace, pegwarden: Desk
) -> None:
    said = verified(member, made.vault_key, made.passphrase, pegwarden)
    assert said.json["code"] == "backup-differs"
    content, _ = new_vault_key(REGTEST, secret(), LEAST_COST)
    other = member.directory.parent / "other.json"
    create(other, content)
    binding = read_file(read_sealed(member.vault_key))[0].binding
    assert binding is not None
    bind(KeyFile(other, secret()), binding)
    assert verified(member, other, member.passphrase, pegwarden).json["code"] == "backup-differs"


def test_the_file_of_another_token_key(member: MemberPlace, pegwarden: Desk) -> None:
    """It is unbound; bound, its key is not the vault's (tests/token/test_verify_backup.py has the twin)."""
    place = member.directory / "keys" / "token.json"
    assert pegwarden("key", "pin", place, "01", TOKEN_KEY, *member.opened).status == 0
    said = verified(member, place, member.passphrase, pegwarden)
    assert (said.status, said.json["code"]) == (1, "backup-differs")
    assert "unbound" in said.json["detail"]
    binding = read_file(read_sealed(member.vault_key))[0].binding
    assert binding is not None
    bind(KeyFile(place, secret()), binding)
    said = verified(member, place, member.passphrase, pegwarden)
    assert (said.status, said.json["code"]) == (1, "backup-differs")
    assert "no place in the vault" in said.json["detail"]


def opened_key(tmp_path: Path) -> OpenedKey:
    return open_sealed(vault_file(tmp_path / "vault.key", BINDING))


def test_each_child_key_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that derives otherwise, at the last index of the change branch, is found."""
    vault = federation.vault()
    key = VaultKey(opened_key(tmp_path))
    assert prove_children(key, vault) == 4
    honest, last = PrivateNode.write_child, vault.lookahead - 1

    def lying(node: PrivateNode, number: int, buffer: object) -> None:
        honest(node, 7 if number == last else number, buffer)

    monkeypatch.setattr(PrivateNode, "write_child", lying)
    with pytest.raises(Refusal) as caught:
        prove_children(key, vault)
    assert caught.value.code == "backup-differs"
    monkeypatch.undo()
    with pytest.raises(Refusal) as caught:
        prove_children(key, federation.vault(2, 3, 3))
    assert caught.value.code == "backup-differs"
