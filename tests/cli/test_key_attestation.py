"""`pegwarden key attestation`: made, named in the configuration, opened with the others, backed up."""

import pytest

from keystore.secret import Secret
from signer import compose as composition
from signer.config import load_config
from signer.core.errors import Refusal
from signer.read_member import read_member
from tests.cli.desk import PASSPHRASE, Desk, MemberPlace


def opened(place: MemberPlace) -> bytes:
    files = read_member(load_config(place.config))
    member = composition.compose(files, Secret(PASSPHRASE.strip().encode()))
    member.close()
    return member.keystore.attestation_key


def test_a_key_that_attests_deposits(member: MemberPlace, pegwarden: Desk) -> None:
    file = member.directory / "keys" / "attestation.json"
    make = ("key", "attestation", file, *member.opened)
    said = pegwarden(*make, "--json")
    assert (said.status, said.json["file"]) == (0, str(file))
    key = bytes.fromhex(str(said.json["attestation_key"]))
    assert file.stat().st_mode & 0o777 == 0o600
    assert pegwarden(*make, "--json").json["code"] == "key-file-exists"
    shown = pegwarden("key", "show", file)
    assert "attestation key, regtest" in shown.out
    assert key.hex() in shown.out
    assert opened(member) == b""

    text = member.config.read_text()
    place = "[keys]\n"
    assert place in text
    member.config.write_text(text.replace(place, f'{place}attestation = "keys/attestation.json"\n'))
    assert opened(member) == key
    assert pegwarden("config", "check", "--config", member.config).status == 0
    proved = pegwarden("key", "verify-backup", file, *member.opened, "--json").json
    assert any("attests deposits" in each for each in proved["proved"])
    assert any("it is the key of" in each for each in proved["proved"])

    file.unlink()
    with pytest.raises(Refusal) as caught:
        opened(member)
    assert caught.value.code == "key-file-missing"
    assert pegwarden("config", "check", "--config", member.config).status != 0


def test_another_kind_of_key_attests_nothing(member: MemberPlace) -> None:
    text = member.config.read_text()
    other = member.vault_key.relative_to(member.directory)
    member.config.write_text(text.replace("[keys]\n", f'[keys]\nattestation = "{other}"\n'))
    with pytest.raises(Refusal) as caught:
        opened(member)
    assert caught.value.code == "key-file-malformed"
