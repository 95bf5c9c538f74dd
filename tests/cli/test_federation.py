"""`pegwarden status --federation`: several members beside each other."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pegwarden.v1 import control_pb2 as pb
from pegwarden.v1 import kernel_pb2 as kb
from pegwarden.v1 import types_pb2 as t
from signer.cli.federation import disagreements, read_federation
from signer.core.caller import Caller
from signer.core.errors import Objection, Refusal
from tests.cli.desk import Desk
from tests.edge.lobby import AUTHORITY, OFFICER, Kernel, Lobby, RefusingKernel, served

CLOCK = 1_795_262_400
STATUS = pb.GetStatusResponse(
    state="open", clock_unix=CLOCK, entries=70, custody=t.Custody(keys=[t.KeyCustody(kind="file")])
)
INFO = kb.GetInfoResponse(
    network="regtest", genesis_hash=b"\1" * 32, policy_id=b"\2" * 32, policy_version=3
)


def status(**changed: object) -> pb.GetStatusResponse:
    told = pb.GetStatusResponse(**changed)
    merged = pb.GetStatusResponse()
    merged.CopyFrom(STATUS)
    merged.MergeFrom(told)
    return merged


class Member:
    """A kernel that says that of itself."""

    def __init__(self, told: pb.GetStatusResponse, info: kb.GetInfoResponse = INFO) -> None:
        self.answers = {"GetStatus": told, "GetInfo": info}

    def __call__(self, method: str, _: Caller, __: bytes) -> bytes:
        return self.answers[method].SerializeToString()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[object]:
    """Serves a kernel; the lines of the federation file that name it."""
    files = {"ca": AUTHORITY.issued.certificate_pem, "certificate": OFFICER.certificate_pem}
    for name, content in (files | {"key": OFFICER.key_pem}).items():
        (tmp_path / f"{name}.pem").write_bytes(content)
    with ExitStack() as stack:

        def start(name: str, kernel: Kernel) -> str:
            lobby: Lobby = stack.enter_context(served(kernel))
            return entry(name, lobby.port)

        yield start


def entry(name: str, port: int, key: str = "key.pem") -> str:
    return (
        f'[members.{name}]\naddress = "127.0.0.1:{port}"\nca = "ca.pem"\n'
        f'certificate = "certificate.pem"\nkey = "{key}"\n'
    )


def written(folder: Path, *entries: str) -> Path:
    file = folder / "federation.toml"
    file.write_text('format = "pegwarden-federation/1"\n' + "".join(entries))
    return file


def test_members_that_agree(serve, tmp_path: Path, pegwarden: Desk) -> None:
    file = written(tmp_path, serve("alice", Member(STATUS)), serve("bob", Member(STATUS)))
    said = pegwarden("status", "--federation", file, "--json")
    assert (said.status, said.json["ok"], said.json["differences"]) == (0, True, [])
    assert [member["name"] for member in said.json["members"]] == ["alice", "bob"]
    assert said.json["members"][0]["keys"] == [": file"]
    text = pegwarden("status", "--federation", file).out
    assert text.splitlines()[1].split() == [
        *("alice", "open", "3", "70", "0", "0", "2026-11-21T12:00:00Z", "file")
    ]


def test_one_that_is_away_and_one_that_is_not_ready(serve, tmp_path: Path, pegwarden: Desk) -> None:
    shut = Member(status(state="shut", not_ready_reasons=["clock-stepped: so"]))
    away = (entry("bob", 1), entry("cyd", 1, key="nothing.pem"))
    file = written(tmp_path, serve("alice", shut), *away)
    said = pegwarden("status", "--federation", file, "--json")
    assert (said.status, said.json["differences"]) == (1, [])
    assert [member["is_ready"] for member in said.json["members"]] == [False, False, False]
    text = pegwarden("status", "--federation", file).out
    assert "shut, not ready" in text
    assert "alice: clock-stepped: so" in text
    assert "bob: cannot be asked: failed to connect" in text
    assert "nothing.pem: No such file" in text


def test_an_answer_that_is_a_refusal_is_a_row(serve, tmp_path: Path, pegwarden: Desk) -> None:

    refusing = RefusingKernel(Refusal(Objection("kernel-restarting", "no kernel")))
    said = pegwarden("status", "--federation", written(tmp_path, serve("alice", refusing)))
    assert (said.status, "alice: cannot be asked: kernel-restarting" in said.out) == (1, True)


DIFFERENT = {
    "network": (STATUS, kb.GetInfoResponse(genesis_hash=b"\5" * 32, policy_id=b"\2" * 32)),
    "policy": (STATUS, kb.GetInfoResponse(genesis_hash=b"\1" * 32, policy_id=b"\5" * 32)),
    "vaults": (
        STATUS,
        kb.GetInfoResponse(
            genesis_hash=b"\1" * 32, policy_id=b"\2" * 32, vaults=[kb.VaultInfo(fingerprint=b"\7")]
        ),
    ),
    "effective times": (status(clock_unix=CLOCK + 121), INFO),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_on_what_they_differ(what: str, serve, tmp_path: Path, pegwarden: Desk) -> None:
    other = Member(*DIFFERENT[what])
    file = written(tmp_path, serve("alice", Member(STATUS)), serve("bob", other))
    said = pegwarden("status", "--federation", file, "--json")
    assert said.status == 1
    (difference,) = said.json["differences"]
    assert difference.startswith(what)


def test_clocks_two_minutes_apart_agree(serve, tmp_path: Path, pegwarden: Desk) -> None:
    late = Member(status(clock_unix=CLOCK + 120))
    file = written(tmp_path, serve("alice", Member(STATUS)), serve("bob", late))
    assert pegwarden("status", "--federation", file).status == 0


def test_who_says_nothing_differs_on_nothing() -> None:
    assert disagreements(()) == []


def refused(file: Path) -> str:
    with pytest.raises(Refusal) as caught:
        read_federation(file)
    return caught.value.code


def test_a_file_is_read_to_the_letter(tmp_path: Path) -> None:
    good = entry("alice", 1)
    assert list(read_federation(written(tmp_path, good))) == ["alice"]
    assert refused(tmp_path / "nothing.toml") == "config-unreadable"
    assert refused(written(tmp_path, "# " + "x" * (1 << 16))) == "config-unreadable"
    assert refused(written(tmp_path)) == "config-value", "no member"
    assert refused(written(tmp_path, *(entry(f"m{n}", 1) for n in range(65)))) == "config-value"
    assert refused(written(tmp_path, good + "role = 1\n")) == "config-key-unknown"
    assert refused(written(tmp_path, "extra = 1\n")) == "config-key-unknown"
    assert refused(written(tmp_path, good.replace("ca =", "co ="))) == "config-key-missing"
    written(tmp_path, good).write_text('format = "pegwarden-federation/2"\n' + good)
    assert refused(tmp_path / "federation.toml") == "config-value"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--connect", "127.0.0.1:1"),
        ("--connect", "127.0.0.1:1", "--ca", "x", "--cert", "x"),
        ("--federation", "x", "--connect", "127.0.0.1:1"),
        ("--federation", "x", "--ca", "x"),
    ],
)
def test_one_kernel_or_a_federation(options: tuple[str, ...], pegwarden: Desk) -> None:
    assert pegwarden("status", *options).status == 2


def test_one_kernel_is_told_as_ever(serve, tmp_path: Path, pegwarden: Desk) -> None:
    told = Member(status(policy_expires_unix=CLOCK))
    (address,) = [line for line in serve("a", told).splitlines() if line.startswith("address")]
    files = [("--ca", "ca.pem"), ("--cert", "certificate.pem"), ("--cert-key", "key.pem")]
    given = [each for option, name in files for each in (option, tmp_path / name)]
    asked = ("status", "--connect", json.loads(address.split("=")[1]), *given)
    said = pegwarden(*asked)
    assert (said.status, "expires at 2026-11-21T12:00:00Z" in said.out) == (0, True)
    assert pegwarden(*asked, "--json").json["policy_expires_unix"] == CLOCK
