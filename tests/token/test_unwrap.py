"""A key that the token sealed is unwrapped, changed and wrapped again, as docs/hsm.md says; on SoftHSM 2."""

import json
import time
from pathlib import Path

import pytest

from carrier.member import Refused
from tests.kernel import room
from tests.room.children import linux_room
from tests.token.members import TokenHouse, sealed_house
from tests.token.softhsm import BACKUP_KEK, KEK, SoftToken
from tests.token.test_verify_backup import furnished

BY_PIN = ("--config", "member.toml", "--pin-file", "pin")
BY_PASSPHRASE = ("--config", "member.toml", "--passphrase-file", "passphrase")
CAPS = ("--per-spend", "60000000", "--per-day", "120000000")
"""Two of the house's spends of half a coin, and no third one."""


def told(house: TokenHouse, status: int, *command: str) -> dict[str, object]:
    """What a command says that ends so."""
    ended = house.run("key", *command, "--json")
    assert ended.returncode == status, ended.stdout + ended.stderr
    said: dict[str, object] = json.loads(ended.stdout)
    return said


@linux_room
def test_caps_of_a_sealed_key_change_by_unwrapping_it(
    token: SoftToken, vault_pubkey: bytes, tmp_path: Path
) -> None:
    """The kernel that starts with what was wrapped again has the new caps, and the day goes on."""
    with sealed_house(tmp_path / "m", token, KEK) as house:
        assert house.pay().signatures == 1
        house.stop()
        said = told(house, 0, "unwrap", "wrapped.key", "plain.key", *BY_PIN)
        assert (said["kind"], said["was"]) == ("file", "hsm-sealed")
        told(house, 0, "caps", "set", "plain.key", *CAPS, *BY_PASSPHRASE)
        told(house, 0, "wrap", "plain.key", "again.key", KEK.hex(), *BY_PIN)
        for old in ("plain.key", "wrapped.key"):
            (house.folder / old).unlink()
        config = house.folder / "member.toml"
        config.write_text(config.read_text().replace('"wrapped.key"', '"again.key"'))
        house.start()
        assert house.pay().signatures == 1
        with pytest.raises(Refused, match="cap-per-day"):
            house.pay()
        before, after = house.events("vault-key")
        assert before["kind"] == after["kind"] == "hsm-sealed"
        assert before != after


def test_a_backup_that_the_token_sealed_is_worth_the_key(
    token: SoftToken, vault_pubkey: bytes, tmp_path: Path
) -> None:
    """It opens to the very file that was sealed, and nothing is overwritten."""
    clock = room.ManualClock(int(time.time()))
    house = furnished(room.Member(tmp_path / "m", 0, clock=clock).init(), token)
    told(house, 0, "wrap", "vault.key", "copy.key", BACKUP_KEK.hex(), "--backup", *BY_PIN)
    said = told(house, 0, "unwrap", "copy.key", "second.key", *BY_PIN)
    assert said["was"] == "hsm-backup"
    sealed = (house.folder / "vault.key").read_bytes()
    assert (house.folder / "second.key").read_bytes() == sealed
    assert (house.folder / "second.key").stat().st_mode & 0o777 == 0o600
    (house.folder / "vault.key").write_bytes(b"something else")
    said = told(house, 1, "unwrap", "copy.key", "vault.key", *BY_PIN)
    assert said["code"] == "key-file-exists"
    assert (house.folder / "vault.key").read_bytes() == b"something else"
