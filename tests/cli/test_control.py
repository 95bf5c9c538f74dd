"""`pegwarden control`: drafted offline from a kernel's status, signed, and carried over mTLS to it."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import control_pb2 as pb
from pegwarden.v1 import header_chain_pb2 as hb
from pegwarden.v1 import kernel_pb2 as kb
from pegwarden.v1 import types_pb2 as t
from signer.bitcoin.transaction import OutPoint, Txid, display
from signer.cli.act_file import act_json
from signer.core.acts import (
    ApproveWithdrawal,
    ConfirmPause,
    Lock,
    NewEpoch,
    Pause,
    Resume,
    Scope,
    Unlock,
    read_act,
)
from signer.core.acts_control import ReleaseWithdrawal
from signer.core.caller import Caller
from tests.cli.desk import Desk, Said
from tests.edge.lobby import AUTHORITY, OFFICER, served, with_limits
from tests.kernel.controlled import Controlled, Host
from tests.kernel.governed import ADA, BOB, GENESIS
from tests.kernel.test_approvals import FINGERPRINT, TERMS

KEY, ROOT = "0a" * 32, "0b" * 32
STATUS = {
    "network": "regtest",
    "log_key": KEY,
    "epoch": 2,
    "entries": 70,
    "contrary_size": 0,
    "contrary_root": "",
}
TODAY = GENESIS + b"# of a journal that begins today\n"
SCOPE = Scope(bytes.fromhex(KEY), 2, 70)


def drafted(folder: Path, pegwarden: Desk, *arguments: object, **changed: object) -> Said:
    status = folder / "status.json"
    status.write_text(json.dumps(STATUS | changed))
    out = folder / f"{arguments[0]}.txt"
    return pegwarden("control", *arguments, "--status", status, "--out", out, "--json")


@pytest.mark.parametrize(
    ("name", "act"),
    [("confirm", ConfirmPause(SCOPE)), ("resume", Resume(SCOPE)), ("lock", Lock(SCOPE))],
)
def test_a_text_names_what_the_status_says(
    name: str, act: ConfirmPause | Resume | Lock, tmp_path: Path, pegwarden: Desk
) -> None:
    said = drafted(tmp_path, pegwarden, name)
    assert said.status == 0, said
    text = (tmp_path / f"{name}.txt").read_text()
    assert said.json["text"] == text
    stated = read_act(text)
    assert stated.act == act
    assert 0 < stated.expires - time.time() <= 43_200
    assert drafted(tmp_path, pegwarden, name).status == 3, "nothing is overwritten"


def test_a_pause_and_an_unlock_state_times(tmp_path: Path, pegwarden: Desk) -> None:
    before = int(time.time())
    pause = read_act(drafted(tmp_path, pegwarden, "pause", "--hours", 2).json["text"]).act
    unlock = read_act(drafted(tmp_path, pegwarden, "unlock").json["text"]).act
    after = int(time.time())
    assert isinstance(pause, Pause)
    assert isinstance(unlock, Unlock)
    assert before + 7_200 <= pause.until <= after + 7_200
    assert before <= unlock.moment <= after


def test_an_epoch_gives_up_the_head_that_the_status_names(tmp_path: Path, pegwarden: Desk) -> None:
    none = read_act(drafted(tmp_path, pegwarden, "epoch").json["text"]).act
    assert isinstance(none, NewEpoch)
    assert (none.abandoned_size, none.abandoned_root) == (0, bytes(32))
    (tmp_path / "epoch.txt").unlink()
    lost = {"contrary_size": 99, "contrary_root": ROOT}
    act = read_act(drafted(tmp_path, pegwarden, "epoch", **lost).json["text"]).act
    assert isinstance(act, NewEpoch)
    assert (act.abandoned_size, act.abandoned_root.hex()) == (99, ROOT)


PIN, KILLER = OutPoint(Txid(b"\x03" * 32), 1), Txid(b"\x04" * 32)
RELEASED = ("release", "--vault", "peg", "--withdrawal", "05" * 32, "--killer", display(KILLER))
VAULTS = [{"name": "peg", "fingerprint": "06" * 32}]


@pytest.mark.parametrize("verdict", ["closed", "struck"])
@pytest.mark.parametrize("pin", [PIN, None])
def test_a_release_names_all_that_officers_consent_to(
    verdict: str, pin: OutPoint | None, tmp_path: Path, pegwarden: Desk
) -> None:
    chosen = ("--verdict", verdict, *(() if pin is None else ("--pin", str(pin))))
    said = drafted(tmp_path, pegwarden, *RELEASED, *chosen, vaults=VAULTS)
    assert said.status == 0, said
    assert read_act(said.json["text"]).act == ReleaseWithdrawal(
        SCOPE, b"\x06" * 32, b"\x05" * 32, verdict, pin, KILLER
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--vault", "next"),
        ("--withdrawal", "05" * 31),
        ("--killer", "xy"),
        ("--pin", "none:at:all"),
        ("--verdict", "lost"),
    ],
)
def test_a_release_of_something_else_is_not_written(
    option: str, value: str, tmp_path: Path, pegwarden: Desk
) -> None:
    given = (*RELEASED, "--verdict", "closed", option, value)
    assert drafted(tmp_path, pegwarden, *given, vaults=VAULTS).status == 2
    assert not (tmp_path / "release.txt").exists()
    assert drafted(tmp_path, pegwarden, *given[:-2], vaults=VAULTS).status == 0


@pytest.mark.parametrize(
    "changed", [{"log_key": "no"}, {"entries": None}, {"epoch": "x"}, {"contrary_root": "z"}]
)
def test_another_file_is_no_status(
    changed: dict[str, object], tmp_path: Path, pegwarden: Desk
) -> None:
    assert drafted(tmp_path, pegwarden, "lock", **changed).status == 2
    assert not (tmp_path / "lock.txt").exists()


@dataclass
class Bureau:
    """An officer's folder, and a kernel that serves."""

    folder: Path
    pegwarden: Desk
    room: Controlled
    port: int

    def __call__(self, *arguments: object) -> Said:
        return self.pegwarden(*arguments, *self.connection)

    @property
    def connection(self) -> tuple[object, ...]:
        files = (self.folder / name for name in ("ca.pem", "us.pem", "us.key"))
        options = zip(("--ca", "--cert", "--cert-key"), files, strict=True)
        return ("--connect", f"127.0.0.1:{self.port}", *(each for pair in options for each in pair))

    def signed(self, name: str) -> list[Path]:
        """Acts of the text that `control NAME` draws from the kernel's present status."""
        status, out = self.folder / "status.json", self.folder / f"{name}.txt"
        status.write_text(self("control", "status", "--json").out)
        out.unlink(missing_ok=True)
        hours = ("--hours", 1) if name == "pause" else ()
        assert self.pegwarden("control", name, "--status", status, "--out", out, *hours).status == 0
        paths = []
        for officer in (ADA, BOB)[: 1 if name == "pause" else 2]:
            path = self.folder / f"{name}.{officer.name}"
            path.write_text(act_json(officer.sign(out.read_text())))
            paths.append(path)
        return paths


@pytest.fixture
def bureau(tmp_path: Path, pegwarden: Desk) -> Iterator[Bureau]:
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.issued.certificate_pem)
    (tmp_path / "us.pem").write_bytes(OFFICER.certificate_pem)
    (tmp_path / "us.key").write_bytes(OFFICER.key_pem)
    room = Controlled(tmp_path / "member", TODAY, host=Host(time.time()))
    with served(room.running.handler.handle, with_limits()) as lobby:
        yield Bureau(tmp_path, pegwarden, room, lobby.port)
    room.running.stop()


def test_a_kernel_is_paused_locked_and_opened_again(bureau: Bureau) -> None:
    """What the manual says, step by step."""
    for name, state in (
        ("pause", "paused"),
        ("confirm", "paused"),
        ("resume", "open"),
        ("lock", "locked"),
        ("unlock", "open"),
        ("epoch", "open"),
    ):
        acts = bureau.signed(name)
        said = bureau("control", "submit", *acts, "--json")
        assert said.status == 0, said
        assert len(said.json["decision_ids"]) == len(acts)
        again = bureau("control", "submit", *acts)
        assert again.out.count("on record: ") == len(acts)
        assert json.loads(bureau("status", "--json").out)["state"] == state, name
    few = bureau("control", "submit", bureau.signed("lock")[0], "--json")
    assert (few.status, few.json["code"]) == (1, "control-quorum-missing")


def test_a_status_is_for_people_too(bureau: Bureau) -> None:
    shown = bureau("status").out
    assert "state        open, ready\n" in shown
    assert "officers     2 make a quorum\n" in shown
    assert f"kernel       {bureau.room.running.info().log_key.hex()}\n" in shown
    bureau("control", "submit", *bureau.signed("pause"))
    bureau("control", "submit", *bureau.signed("epoch"))
    shown = bureau("control", "status").out
    assert "state        paused\n" in shown
    assert "kernel-paused: an officer has paused this kernel" in shown
    assert f"{ADA.key.hex()} pauses until " in shown
    assert "epoch 1      opened by entry " in shown


def test_other_acts_go_elsewhere(bureau: Bureau) -> None:
    approval = ADA.says(ApproveWithdrawal(FINGERPRINT, TERMS), int(time.time()) + 60)
    path = bureau.folder / "approval"
    path.write_text(act_json(approval))
    said = bureau("control", "submit", path, "--json")
    assert (said.status, said.json["code"]) == (1, "act-misplaced")


class Lost:
    """A kernel with witnesses that was restored, and waits."""

    def __init__(self, custody: t.Custody) -> None:
        self.custody = custody

    def __call__(self, method: str, _: Caller, __: bytes) -> bytes:
        if method == "GetInfo":
            witnessed = kb.VaultInfo(
                vault_id="peg",
                threshold=2,
                members=4,
                tolerated=1,
                may_be_silent=1,
                witnesses=kb.WitnessTerms(log_keys=[bytes.fromhex(KEY)], quorum=3, start_needs=3),
            )
            alone = kb.VaultInfo(vault_id="hot", threshold=2, members=3, may_be_silent=1)
            return kb.GetInfoResponse(
                network="regtest", policy_name="p", vaults=[witnessed, alone]
            ).SerializeToString()
        return pb.GetStatusResponse(
            state="shut",
            not_ready_reasons=["state-rolled-back: an old copy"],
            contrary_size=99,
            contrary_root=bytes.fromhex(ROOT),
            waiting_for=["2 of 3 members"],
            pending_entries=[7, 8],
            followed=[au.FollowedLog(log_key=bytes.fromhex(KEY), size=40)],
            custody=self.custody,
            chain=hb.GetTipResponse(height=7, hash_display="00ab"),
        ).SerializeToString()


def test_a_status_says_what_a_kernel_lost_and_waits_for(bureau: Bureau) -> None:
    with served(Lost(t.Custody(processes=1))) as lobby:
        bureau.port = lobby.port
        shown, told = bureau("status").out, bureau("status", "--json").json
    for line in (
        "state        shut\n             state-rolled-back: an old copy\n",
        f"lost         a head of 99 entries with root {ROOT}\n",
        "waits for    2 of 3 members\n",
        f"follows      {KEY}: 40 entries\n",
        "pending      entries 7, 8\n",
        "officers     none\n",
        "chain        height 7, 00ab\n",
        "vault        peg: 2 of 4 sign, 3 witness, 3 others at a start; f = 1, any 1 may be silent\n",
        "vault        hot: 2 of 3 sign, no witnesses; f = 0, any 1 may be silent\n",
    ):
        assert line in shown
    assert told["ok"] is False
    assert told["chain"]["height"] == 7
    assert (told["contrary_size"], told["contrary_root"]) == (99, ROOT)
    assert (told["followed"], told["pending_entries"]) == ({KEY: 40}, [7, 8])
    assert told["vaults"][0] == {
        "name": "peg",
        "fingerprint": "",
        "threshold": 2,
        "members": 4,
        "tolerated": 1,
        "may_be_silent": 1,
        "witnesses": [KEY],
        "witness_quorum": 3,
        "start_needs": 3,
    }
    assert (told["vaults"][1]["witnesses"], told["vaults"][1]["witness_quorum"]) == ([], 0)


def key(kind: str, has_caps: bool) -> t.KeyCustody:
    return t.KeyCustody(vault_id="peg", kind=kind, has_caps=has_caps)


@pytest.mark.parametrize(
    ("custody", "lines"),
    [
        (
            t.Custody(processes=1, keys=[key("file", False)]),
            "process      one for edge and kernel: no room\nkey          peg: file, no caps\n",
        ),
        (
            t.Custody(processes=2, keys=[key("hsm-sealed", True)]),
            "process      the kernel's own, its room OPEN\n"
            "key          peg: hsm-sealed, with caps\n",
        ),
        (
            t.Custody(processes=2, room_is_closed=True, keys=[key("token", False)]),
            "process      the kernel's own, its room closed\nkey          peg: token, no caps\n",
        ),
    ],
)
def test_a_status_says_where_the_keys_are(bureau: Bureau, custody: t.Custody, lines: str) -> None:
    with served(Lost(custody)) as lobby:
        bureau.port = lobby.port
        shown, told = bureau("status").out, bureau("status", "--json").json
    assert lines in shown
    assert told["processes"] == custody.processes
    assert told["room_is_closed"] == custody.room_is_closed
    (said,) = custody.keys
    assert told["keys"] == [{"vault": "peg", "kind": said.kind, "has_caps": said.has_caps}]
