"""Which key signs where, and how the demo knows: without processes."""

import json
from pathlib import Path

import pytest

from clients.demo.custody import KEYSTORES, Custody, chosen_keystore, has_room, move_in
from clients.demo.narrator import Unexpected
from clients.demo.policy import is_fixed, wsh_vault
from clients.demo.processes import rooms, running
from clients.demo.stage import House
from clients.demo.who_signed import expect_kinds
from signer.room.landlock import ABI, landlock_abi
from tests import federation

FIXED = "02" + "11" * 32
XPUB = federation.MEMBERS[0].key_text


def test_a_keystore_is_one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEYSTORE", raising=False)
    assert chosen_keystore() == KEYSTORES["file"]
    monkeypatch.setenv("KEYSTORE", "pkcs11")
    assert chosen_keystore() == (Custody.PINNED, Custody.SEALED, Custody.FILES)
    monkeypatch.setenv("KEYSTORE", "tpm")
    with pytest.raises(Unexpected, match="KEYSTORE=tpm: it is one of file, pkcs11"):
        chosen_keystore()


def test_a_token_signs_in_the_p2wsh_vault_alone() -> None:
    kinds = {each: [custody.kind(each) for custody in Custody] for each in ("peg", "tap")}
    assert kinds == {
        "peg": ["file", "file", "hsm-sealed", "token"],
        "tap": ["file", "file", "hsm-sealed", "hsm-sealed"],
    }


def test_a_key_without_children_stands_in_a_template_as_it_is() -> None:
    for fixed in (FIXED, f"[0a0b0c0d/48'/1'/0'/2']03{FIXED[2:]}"):
        assert is_fixed(fixed)
        assert "sortedmulti(2,@0,@1/**)" in wsh_vault("peg", 2, (fixed, XPUB))
    assert not is_fixed(XPUB)
    assert "sortedmulti(2,@0/**,@1/**)" in wsh_vault("peg", 2, (XPUB, XPUB))


@pytest.mark.parametrize("closes", [True, False])
def test_a_room_that_cannot_be_closed_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, closes: bool
) -> None:
    monkeypatch.setattr("clients.demo.custody.has_room", lambda: closes)
    house = House("carol", tmp_path, "127.0.0.1:1", {})
    move_in(house, Custody.FILES)
    config = Path(house.config).read_text()
    assert "[processes]\n" in config
    assert ("unsafe_open_room" in config) is not closes


def test_the_demo_asks_for_the_room_as_a_kernel_does() -> None:
    assert has_room() is (landlock_abi() >= ABI)


def told(log: Path, **fields: object) -> None:
    with log.open("a") as lines:
        lines.write(json.dumps(fields) + "\n")


def test_what_signs_is_what_the_last_start_said(tmp_path: Path) -> None:
    house = House("alice", tmp_path, "127.0.0.1:1", {})
    told(house.log, event="vault-key", vault="aa", kind="file")
    told(house.log, event="vault-key", vault="aa", kind="token")
    members = [(house, Custody.PINNED)]
    assert expect_kinds(members, "peg", "aa") == {"alice": "token"}
    with pytest.raises(Unexpected, match="token signs for tap, not hsm-sealed"):
        expect_kinds(members, "tap", "aa")
    with pytest.raises(Unexpected, match="None signs for peg, not token"):
        expect_kinds(members, "peg", "bb")


def test_a_log_tells_who_runs_and_in_what_room(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('a process-started that is no event\n{"event": "process-started", "proc\n')
    told(log, event="process-started", process="kernel", pid=5)
    told(log, event="process-started", process="keeper-1", pid=6)
    told(log, event="process-ended", process="keeper-1", pid=6, status=1)
    told(log, event="opened", room="closed")
    assert running(log) == {"kernel": 5}
    assert rooms((log,)) == {"closed"}
    told(log, event="process-started", process="keeper-1", pid=7)
    assert running(log) == {"kernel": 5, "keeper-1": 7}
