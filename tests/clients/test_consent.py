"""The relayer brings officers' acts to the member that they name, and to no other release."""

import json
from pathlib import Path
from typing import Any

import pytest

from clients.relayer.burials import Burial, release
from clients.relayer.consent import acts_saying, read_consent
from clients.relayer.proofs import NO_PROOFS
from pegwarden.v1 import control_pb2, kernel_pb2
from signer.bitcoin.network import REGTEST
from signer.bitcoin.transaction import OutPoint, Transaction, Txid, TxIn, TxOut
from signer.bitcoin.units import Sats
from signer.cli.act_file import act_json
from signer.core.acts import ReleaseWithdrawal, Scope, StatedAct, act_text
from signer.core.acts_control import CLOSED, STRUCK
from signer.core.officers import claimed_act, verify_act
from tests.core.spends import NOW
from tests.kernel.governed import ADA, BOB
from tests.officers import SshOfficer

LOG_KEY = b"\x0a" * 32
PIN, SPENT = OutPoint(Txid(b"\x03" * 32), 1), OutPoint(Txid(b"\x05" * 32), 0)
KILLER = Transaction(2, (TxIn(PIN, b"", 0xFFFFFFFF),), (TxOut(Sats(1_000), b"\x51"),), 0)
SCOPE = Scope(LOG_KEY, 0, 7)


def act(**changes: object) -> ReleaseWithdrawal:
    said: dict[str, Any] = {
        "scope": SCOPE,
        "vault_fingerprint": bytes(32),
        "withdrawal_id": b"\x01" * 32,
        "verdict": STRUCK,
        "pin": PIN,
        "killer": KILLER.txid,
    }
    return ReleaseWithdrawal(**(said | changes))


class Kernel:
    """A member that records what it is asked."""

    name = "a"

    def __init__(self) -> None:
        self.asked: list[control_pb2.ReleaseWithdrawalRequest] = []

    def ask(self, request: Any, _: type) -> Any:
        if isinstance(request, kernel_pb2.GetInfoRequest):
            return kernel_pb2.GetInfoResponse(log_key=LOG_KEY)
        self.asked.append(request)
        return control_pb2.ReleaseWithdrawalResponse(state="waiting")


class Relayer:
    """Whose attestors say nothing."""

    evidence = type("Evidence", (), {"spends": staticmethod(lambda _: [])})
    proofs = NO_PROOFS


def file_of(folder: Path, said: ReleaseWithdrawal, officer: Any = ADA) -> Path:
    path = folder / f"act{len(list(folder.iterdir()))}"
    path.write_text(act_json(officer.says(said, NOW + 60)))
    return path


def brought(burial: Burial, *files: Path) -> list[str]:
    kernel = burial.member
    assert isinstance(kernel, Kernel)
    release(Relayer(), burial, [read_consent(each) for each in files])  # type: ignore[arg-type]
    return [each.text for each in kernel.asked[-1].acts]


def test_acts_go_to_the_release_that_they_name(tmp_path: Path) -> None:
    strike = Burial(Kernel(), b"\x01" * 32, PIN, SPENT, KILLER)  # type: ignore[arg-type]
    close = Burial(Kernel(), b"\x01" * 32, None, SPENT, KILLER)  # type: ignore[arg-type]
    ours = [file_of(tmp_path, act(), each) for each in (ADA, BOB)]
    closing = file_of(tmp_path, act(verdict=CLOSED))
    others = [
        file_of(tmp_path, act(scope=Scope(b"\x0b" * 32, 0, 7))),
        file_of(tmp_path, act(withdrawal_id=b"\x02" * 32)),
        file_of(tmp_path, act(pin=SPENT)),
        file_of(tmp_path, act(killer=Txid(b"\x09" * 32))),
    ]
    text = act_text(StatedAct(act(), REGTEST, NOW + 60))
    assert brought(strike, *others, *ours, closing) == [text, text]
    assert brought(close, *others, *ours, closing) == [read_consent(closing).text]
    assert brought(strike) == []


def test_what_is_read_is_what_the_officer_signed(tmp_path: Path) -> None:
    for officer in (ADA, SshOfficer("ssh")):
        said = read_consent(file_of(tmp_path, act(), officer))
        claimed = claimed_act(said.text, said.officer_key, said.signature)
        assert verify_act(claimed, REGTEST, frozenset({officer.key}), NOW).act == act()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"text": "t", "officer": "xy", "signature": "00"}),
        json.dumps({"text": "t", "officer": "00", "signature": 5}),
        json.dumps({"text": 5, "officer": "00", "signature": "00"}),
        json.dumps({"text": "t", "officer": "ssh-ed25519", "signature": "-----BEGIN"}),
    ],
)
def test_another_file_is_no_act(content: str, tmp_path: Path) -> None:
    path = tmp_path / "act"
    path.write_text(content)
    with pytest.raises(ValueError, match="no officer's act"):
        read_consent(path)


def test_acts_that_say_less_are_not_chosen(tmp_path: Path) -> None:
    said = read_consent(file_of(tmp_path, act()))
    assert acts_saying(frozenset({f"kernel: {LOG_KEY.hex()}"}), [said]) == [said]
    assert acts_saying(frozenset({"kernel: other"}), [said]) == []
