"""Members whose keys are in a token, or sealed by one, as real processes: who signed, and what a lost keeper
or a wrong PIN does."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from keystore.hsm_sealed import header_of
from keystore.sealed import create
from pegwarden.v1 import kernel_pb2 as pb
from signer.bitcoin.psbt.reader import parse_psbt
from signer.process.launch import NOT_AGAIN_STATUS, Program, _Turn
from tests.keystore.vaultroom import BINDING, sealed_vault_key
from tests.link.test_processes import until
from tests.room.children import linux_room
from tests.token.members import TokenHouse, pinned_house, sealed_house
from tests.token.softhsm import BACKUP_KEK, KEK, VAULT_KEY, SoftToken

pytestmark = linux_room


def kinds(house: TokenHouse) -> set[object]:
    return {each["kind"] for each in house.events("vault-key")}


def signers(answer: pb.SignPsbtResponse) -> set[bytes]:
    """Whose signatures it brings."""
    psbt = parse_psbt(answer.psbt)
    return {each.pubkey for txin in psbt.inputs for each in txin.partial_signatures}


def test_the_token_signs_and_a_lost_keeper_is_made_up_for(
    token: SoftToken, vault_pubkey: bytes, tmp_path: Path
) -> None:
    with pinned_house(tmp_path / "m", token, vault_pubkey) as house:
        assert signers(house.pay()) == {vault_pubkey}
        assert house.pay(inputs=11).signatures == 11
        assert kinds(house) == {"token"}
        assert house.events("opened")[0]["room"] == "closed"
        keepers = [*house.pids("keeper-1"), *house.pids("keeper-2")]
        for each in keepers:
            with suppress(ProcessLookupError):  # given up before, on a slow machine
                os.kill(each, signal.SIGKILL)
        assert signers(house.pay()) == {vault_pubkey}
        until(lambda: len(house.events("keeper-serving")) >= 4)
        assert not [each for each in house.events("process-ended") if each["process"] == "kernel"]


def test_a_file_that_the_token_seals_signs_in_the_kernel(
    token: SoftToken, vault_pubkey: bytes, tmp_path: Path
) -> None:
    with sealed_house(tmp_path / "m", token, KEK) as house:
        assert house.pay().signatures == 1
        assert vault_pubkey not in signers(house.pay())
        assert kinds(house) == {"hsm-sealed"}
        checked = house.run("config", "check", "--config", "member.toml")
        assert checked.returncode == 0, checked.stdout
        shown = house.run("key", "show", "wrapped.key")
        assert house.vault.fingerprint.hex() in shown.stdout
        assert "kind     hsm-sealed" in shown.stdout


def listening(folder: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(folder / "keeper.sock"))
    listener.listen(1)
    return listener


def ends_when_asked(listener: socket.socket) -> None:
    """A kernel that hears the knock, then the keeper, and ends."""
    listener.settimeout(60.0)
    for _ in range(2):
        listener.accept()[0].close()


@pytest.fixture
def house(token: SoftToken, tmp_path: Path) -> TokenHouse:
    """Files, and no process."""
    made = TokenHouse("a", tmp_path, tmp_path / "journal.sqlite", token=token)
    made.furnish(b"no policy")
    (tmp_path / "pin").touch(0o600)
    return made


def test_a_keeper_with_a_wrong_pin_is_not_started_again(house: TokenHouse) -> None:
    (house.folder / "pin").write_text("another pin")
    with listening(house.folder) as listener:
        done = house.run("keeper", "--config", "member.toml", "--pin-file", "pin")
        with listener.accept()[0] as knocked:  # before the login
            assert knocked.recv(100) == b""
    assert done.returncode == NOT_AGAIN_STATUS
    assert "token-pin-wrong" in done.stderr
    (house.folder / "keeper.sock").unlink()
    (house.folder / "pin").write_text("1234-pin")
    with listening(house.folder) as listener, ThreadPoolExecutor(1) as kernel:
        kernel.submit(ends_when_asked, listener)
        done = house.run("keeper", "--config", "member.toml", "--pin-file", "pin")
    assert done.returncode == 1, done.stderr
    turn = _Turn(Program(()), 0.0)
    turn.ended(1, 5.0)
    assert turn.due == 5.5
    turn.ended(1, 6.0)
    assert turn.due == 7.0
    turn.ended(NOT_AGAIN_STATUS, 8.0)
    assert turn.due is None


def test_a_copy_that_the_token_sealed_is_no_key_to_serve_with(
    house: TokenHouse, token: SoftToken, vault_pubkey: bytes
) -> None:
    (house.folder / "pin").write_text("1234-pin")
    create(house.folder / "bound.key", sealed_vault_key(BINDING))
    create(house.folder / "new.key", sealed_vault_key())
    given = (BACKUP_KEK.hex(), "--config", "member.toml", "--pin-file", "pin", "--json")
    made = house.run("key", "wrap", "bound.key", "copy.key", *given, "--backup")
    assert made.returncode == 0, made.stderr
    assert '"kind": "hsm-backup"' in made.stdout
    assert header_of((house.folder / "copy.key").read_bytes()).binding == BINDING
    opened = house.run("key", "unwrap", "copy.key", "again.key", *given[1:])
    assert (opened.returncode, '"was": "hsm-backup"' in opened.stdout) == (0, True), opened.stderr
    assert (house.folder / "again.key").read_bytes() == (house.folder / "bound.key").read_bytes()
    plain = house.run("key", "unwrap", "bound.key", "other.key", *given[1:])
    assert (plain.returncode, "key-kind-wrong" in plain.stdout) == (1, True)
    unbound = house.run("key", "wrap", "new.key", "other.key", *given)
    assert (unbound.returncode, "key-unbound" in unbound.stdout) == (1, True)
    again = house.run("key", "wrap", "bound.key", "copy.key", *given)
    assert (again.returncode, "key-file-exists" in again.stdout) == (1, True)


def test_keys_are_made_in_the_token_once(house: TokenHouse) -> None:
    (house.folder / "pin").write_text("1234-pin")
    given = ("--config", "member.toml", "--pin-file", "pin", "--json")
    made = house.run("key", "generate", "0a01", *given)
    assert made.returncode == 0, made.stderr
    assert '"ident": "0a01"' in made.stdout
    again = house.run("key", "generate", "0a01", *given)
    assert again.returncode == 1
    assert "token-key-missing" in again.stdout
    assert house.run("key", "generate", "0a02", "--kek", *given).returncode == 0
    weak = house.run("key", "generate", VAULT_KEY.hex() * 40, *given)
    assert weak.returncode == 2
