"""`key verify-backup` of what a token holds or sealed: the token is asked by a process without passphrase."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from keystore.token.questions import Operation, public_question
from signer.cli import token_process
from signer.cli.passphrases import PassphraseSource
from signer.cli.token_process import READING, TokenDoor
from signer.core.errors import Refusal
from signer.process.launch import Program
from tests.kernel import room
from tests.token.members import SoftTokenMember, TokenHouse, mixed_policy
from tests.token.softhsm import BACKUP_KEK, KEK, PIN, SoftToken

OTHER = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
GIVEN = ("--config", "member.toml", "--passphrase-file", "passphrase", "--json")
WITH_PIN = (*GIVEN, "--pin-file", "pin")


def furnished(member: room.Member, token: SoftToken) -> TokenHouse:
    """Its files; nothing runs."""
    place = member.folder / "journal.sqlite"
    house = TokenHouse("a", member.folder, place, token=token, policy=member.policy)
    house.furnish(member.policy)
    (house.folder / "pin").write_text(PIN)
    (house.folder / "pin").chmod(0o600)
    return house


def pinned(folder: Path, token: SoftToken, pubkey: bytes) -> TokenHouse:
    clock = room.ManualClock(int(time.time()))
    member = SoftTokenMember(folder, 0, mixed_policy(pubkey), clock, pubkey=pubkey)
    return furnished(member.init(), token)


def verified(house: TokenHouse, *given: str) -> tuple[Any, subprocess.CompletedProcess[str]]:
    done = house.run("key", "verify-backup", *given)
    return json.loads(done.stdout), done


def test_it_signs_nothing() -> None:
    assert {Operation.PUBLIC, Operation.OPEN} == READING


def test_the_passphrase_does_not_go_to_who_loads_the_module(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A descriptor that a shell opened goes to every process, if nobody keeps it back. The PIN's does."""
    seen: list[tuple[bool, tuple[int, ...]]] = []
    passphrase, pin = (os.open(os.devnull, os.O_RDONLY) for _ in range(2))
    os.set_inheritable(passphrase, True)

    class Ending(Program):
        """It ends before it answers."""

        def start(self) -> int:
            seen.append((os.get_inheritable(passphrase), tuple(self.handed)))
            os.close(self.handed[0])
            return os.posix_spawn("/bin/true", ["true"], os.environ)

    monkeypatch.setattr(token_process, "Program", Ending)
    door = TokenDoor(tmp_path, PassphraseSource(None, pin), PassphraseSource(None, passphrase))
    with door.open() as asked, pytest.raises(Refusal) as refused:
        asked.ask(public_question(b"\x01"), time.monotonic() + 60.0)
    assert refused.value.code == "token-unavailable"
    ((inheritable, handed),) = seen
    assert (inheritable, handed[1:]) == (False, (pin,))
    for each in (passphrase, pin):
        os.close(each)


def test_the_file_of_a_key_in_the_token(
    token: SoftToken, vault_pubkey: bytes, tmp_path: Path
) -> None:
    house = pinned(tmp_path / "m", token, vault_pubkey)
    said, _ = verified(house, "vault.key", *WITH_PIN)
    proved = " / ".join(said["proved"])
    for words in (
        "the token holds its key 01",
        "the seal opens",
        f"its key {vault_pubkey.hex()} is in vault peg's registration",
        "bound to the journal that is here",
        "it is the key of",
    ):
        assert words in proved
    (untried,) = said["not_compared"]
    assert "whether the token signs with it" in untried
    said, _ = verified(house, "vault.key", *GIVEN)
    assert said["ok"]
    assert "it is asked where --pin-file is given" in said["not_compared"][0]


def test_the_token_s_key_is_another(token: SoftToken, vault_pubkey: bytes, tmp_path: Path) -> None:
    """The file is in order; the token of that label holds another key under its id."""
    assert vault_pubkey != OTHER
    house = pinned(tmp_path / "m", token, OTHER)
    assert verified(house, "vault.key", *GIVEN)[0]["ok"]
    said, done = verified(house, "vault.key", *WITH_PIN)
    assert (done.returncode, said["code"]) == (1, "backup-differs")
    assert "the token's key 01 is another" in said["detail"]


@pytest.fixture
def sealed(token: SoftToken, vault_pubkey: bytes, tmp_path: Path) -> TokenHouse:
    """A member with two copies of its key that the token sealed."""
    clock = room.ManualClock(int(time.time()))
    house = furnished(room.Member(tmp_path / "m", 0, clock=clock).init(), token)
    logged_in = ("--config", "member.toml", "--pin-file", "pin")
    for kek, *kind in ((KEK,), (BACKUP_KEK, "--backup")):
        name = f"{kek.hex()}.key"
        done = house.run("key", "wrap", "vault.key", name, kek.hex(), *logged_in, *kind)
        assert done.returncode == 0, done.stderr
    return house


@pytest.mark.parametrize(("kek", "kind"), [(KEK, "hsm-sealed"), (BACKUP_KEK, "hsm-backup")])
def test_a_copy_that_the_token_sealed(sealed: TokenHouse, kek: bytes, kind: str) -> None:
    said, done = verified(sealed, f"{kek.hex()}.key", *WITH_PIN)
    assert said["ok"], done.stderr
    assert said["not_compared"] == []
    assert said["proved"][0] == f"the token's key {kek.hex()} opens its seal, {kind}"
    assert "child keys are those of vault peg" in " / ".join(said["proved"])


def test_a_sealed_copy_that_does_not_open(sealed: TokenHouse) -> None:
    """Changed, with the PIN of somebody else, or where the configuration knows no token."""
    copy = sealed.folder / f"{BACKUP_KEK.hex()}.key"
    content = copy.read_text()
    members = json.loads(content)
    members["cipher"]["nonce"] = "00" * 12
    copy.write_text(json.dumps(members, indent=1) + "\n")
    said, _ = verified(sealed, copy.name, *WITH_PIN)
    assert said["code"] == "token-seal-wrong"
    copy.write_text(content)
    (sealed.folder / "pin").write_text("another pin")
    said, done = verified(sealed, copy.name, *WITH_PIN)
    assert (said["code"], "token-pin-wrong" in done.stderr) == ("token-unavailable", True)
    (sealed.folder / "pin").write_text(PIN)
    assert verified(sealed, copy.name, *WITH_PIN)[0]["ok"]
    config = sealed.folder / "member.toml"
    config.write_text(config.read_text().partition("[token]")[0])
    said, _ = verified(sealed, copy.name, *WITH_PIN)
    assert said["code"].startswith("config-")
