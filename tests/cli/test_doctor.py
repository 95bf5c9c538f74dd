"""`pegwarden doctor`: each finding with the machine, or the file, that brings it about."""

import os
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keystore.arena import ArenaKind
from keystore.hsm_sealed import header_of
from keystore.sealed import read_sealed
from signer.cli import symptoms
from signer.cli.certificates import make_authority
from signer.cli.symptoms import Grade
from signer.config import AgreementConfig, KernelConfig, TlsPaths, load_config
from signer.config_processes import ProcessesConfig
from signer.config_token import TokenConfig
from signer.core.errors import Objection, Refusal
from tests.cli.desk import Desk, MemberPlace

TWO = ProcessesConfig(Path("run"), "nobody")
MIB = 1 << 20


@pytest.fixture
def config(member: MemberPlace) -> KernelConfig:
    return load_config(member.config)


def grades(look: symptoms.Look, config: KernelConfig) -> list[Grade]:
    return [finding.grade for finding in look(config)]


def test_a_member_is_told_and_a_bad_finding_is_the_exit_status(
    member: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = pegwarden("doctor", "--config", member.config, "--json")
    assert said.json["ok"] is (said.status == 0)
    assert {each["what"] for each in said.json["findings"]} == {
        *("room", "memory", "clock", "disk", "keys", "chain", "days")
    }
    monkeypatch.setattr("signer.cli.doctor.LOOKS", (symptoms.keys,))
    said = pegwarden("doctor", "--config", member.config)
    assert (said.status, "warning  keys" in said.out) == (0, True)
    member.vault_key.unlink()
    said = pegwarden("doctor", "--config", member.config)
    assert (said.status, "key-file-missing" in said.out) == (1, True)


@pytest.mark.parametrize("is_closed", [True, False])
def test_the_room_is_tried_where_that_is_asked_for(
    is_closed: bool, member: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prove(folder: Path | None) -> None:
        assert folder == member.directory
        if not is_closed:
            raise Refusal(Objection("room-incomplete", "fork was done"))

    monkeypatch.setattr("signer.cli.doctor.LOOKS", ())
    monkeypatch.setattr("signer.cli.doctor.prove", prove)
    said = pegwarden("doctor", "--config", member.config, "--prove-room", "--json")
    (finding,) = said.json["findings"]
    assert (said.status, finding["grade"]) == ((0, "good") if is_closed else (1, "bad"))


ROOMS = [
    (None, 7, [Grade.WARNING]),
    (TWO, 7, [Grade.GOOD]),
    (TWO, 6, [Grade.GOOD]),
    (TWO, 5, [Grade.BAD]),
    (replace(TWO, edge_user=None), 7, [Grade.GOOD, Grade.WARNING]),
    (replace(TWO, open_room=True), 7, [Grade.BAD]),
]


@pytest.mark.parametrize(("processes", "abi", "expected"), ROOMS)
def test_rooms(
    processes: ProcessesConfig | None,
    abi: int,
    expected: list[Grade],
    config: KernelConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(symptoms, "landlock_abi", lambda: abi)
    assert grades(symptoms.room, replace(config, processes=processes)) == expected


def test_a_machine_whose_calls_are_not_known(
    config: KernelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    monkeypatch.setattr(symptoms, "landlock_abi", lambda: 7)
    assert grades(symptoms.room, replace(config, processes=TWO)) == [Grade.BAD]


MEMORIES = [
    (None, resource.RLIM_INFINITY, ArenaKind.SECRET, [Grade.GOOD, Grade.GOOD]),
    (None, 8 * MIB, ArenaKind.SECRET, [Grade.WARNING, Grade.GOOD]),
    (TWO, resource.RLIM_INFINITY, ArenaKind.LOCKED, [Grade.GOOD, Grade.WARNING]),
    (replace(TWO, unlocked_memory=True), 8 * MIB, ArenaKind.SECRET, [Grade.BAD, Grade.GOOD]),
]


@pytest.mark.parametrize(("processes", "limit", "kind", "expected"), MEMORIES)
def test_memory(
    processes: ProcessesConfig | None,
    limit: int,
    kind: ArenaKind,
    expected: list[Grade],
    config: KernelConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(symptoms.resource, "getrlimit", lambda _: (limit, limit))
    arena = type("Arena", (), {"kind": kind})()
    monkeypatch.setattr(symptoms, "process_arena", lambda: arena)
    assert grades(symptoms.memory, replace(config, processes=processes)) == expected


@pytest.mark.parametrize(("state", "expected"), [(0, Grade.GOOD), (5, Grade.WARNING)])
def test_the_system_says_whether_its_clock_is_synchronised(
    state: int, expected: Grade, config: KernelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    libc = type("Libc", (), {"adjtimex": staticmethod(lambda _: state)})
    monkeypatch.setattr(symptoms, "LIBC", libc)
    assert grades(symptoms.clock, config) == [expected]


def test_the_real_clock_is_asked(config: KernelConfig) -> None:
    (finding,) = symptoms.clock(config)
    assert "synchronised" in finding.text


@pytest.mark.parametrize(("ahead", "expected"), [(30, []), (3_600, [Grade.BAD])])
def test_a_head_file_from_the_future(
    ahead: int, expected: list[Grade], config: KernelConfig
) -> None:
    config.journal_head.write_bytes(b"")
    now = config.journal_head.stat().st_mtime
    os.utime(config.journal_head, (now + ahead, now + ahead))
    assert grades(symptoms.clock, config)[1:] == expected


def test_disks(config: KernelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {"f_frsize": 4_096, "f_favail": 1_000}
    for blocks, expected in ((272 * MIB // 4_096, Grade.GOOD), (271 * MIB // 4_096, Grade.BAD)):
        seen: Any = type("Seen", (), free | {"f_bavail": blocks})
        monkeypatch.setattr(symptoms.os, "statvfs", lambda _, seen=seen: seen)
        assert grades(symptoms.disk, config) == [expected]
        server: Any = object()
        assert grades(symptoms.disk, replace(config, journal=server)) == [Grade.GOOD]


def test_a_folder_that_is_not_there(config: KernelConfig) -> None:
    away = replace(config, journal_head=Path("/nowhere/journal.head"))
    assert grades(symptoms.disk, away) == [Grade.BAD]


def test_the_tokens_module_is_nobodys_to_change(config: KernelConfig, tmp_path: Path) -> None:
    module = tmp_path / "module.so"
    at = replace(config, token=TokenConfig(str(module), "alice", 1, 1, 10))
    assert grades(symptoms.token, config) == []
    assert grades(symptoms.token, at) == [Grade.BAD], "there is none"
    module.touch()
    for mode, expected in ((0o755, Grade.GOOD), (0o775, Grade.BAD), (0o757, Grade.BAD)):
        module.chmod(mode)
        assert grades(symptoms.token, at) == [expected]


def test_a_key_that_is_unbound(fresh: MemberPlace) -> None:
    assert grades(symptoms.keys, load_config(fresh.config)) == [Grade.BAD]


def test_keys_and_their_caps(member: MemberPlace, pegwarden: Desk) -> None:
    config = load_config(member.config)
    assert grades(symptoms.keys, config) == [Grade.WARNING], "no caps"
    caps = ("--per-spend", 1_000, "--per-day", 1_000)
    assert pegwarden("key", "caps", "set", member.vault_key, *caps, *member.opened).status == 0
    assert grades(symptoms.keys, config) == [Grade.GOOD]
    (ledger,) = config.keys.ledgers.iterdir()
    ledger.unlink()
    missing, _ = symptoms.keys(config)
    assert (missing.grade, "has caps and no ledger" in missing.text) == (Grade.BAD, True)


def test_a_ledger_beside_a_key_without_caps(member: MemberPlace) -> None:
    """As after an older file was put in the key's place: `cap-ledger-unused`."""
    config = load_config(member.config)
    binding = header_of(read_sealed(member.vault_key)).binding
    assert binding is not None
    config.keys.ledgers.mkdir()
    assert grades(symptoms.keys, config) == [Grade.WARNING]
    (config.keys.ledgers / binding.vault_fingerprint.hex()).touch()
    assert grades(symptoms.keys, config) == [Grade.BAD, Grade.WARNING]


@pytest.mark.parametrize(
    ("days", "expected"),
    [(30.0, Grade.GOOD), (29.9, Grade.WARNING), (7.0, Grade.WARNING), (6.9, Grade.BAD)],
)
def test_days_left(
    days: float, expected: Grade, config: KernelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(symptoms, "days_left", lambda *_: days)
    assert grades(symptoms.ends, config) == [expected, expected]


def test_certificates_of_peers_and_the_policys_end(member: MemberPlace, tmp_path: Path) -> None:
    text = (member.directory / "policy.toml").read_text()
    soon = 'network = "regtest"\nexpires = "2020-01-31T00:00:00Z"'
    (member.directory / "policy.toml").write_text(text.replace('network = "regtest"', soon, 1))
    paths = TlsPaths(tmp_path / "peer.pem", tmp_path / "peer.key", tmp_path / "ca.pem")
    paths.certificate.write_bytes(make_authority("peers").issued.certificate_pem)
    paths.client_ca.write_bytes(b"nothing")
    agreement = AgreementConfig(2, 120, 1, (), paths)
    config = replace(load_config(member.config), agreement=agreement)
    found = {finding.text.split(":")[0]: finding.grade for finding in symptoms.ends(config)}
    assert found == {
        "server": Grade.GOOD,
        "client authority": Grade.GOOD,
        "peer": Grade.GOOD,
        str(paths.client_ca): Grade.BAD,
        "policy file": Grade.BAD,
    }
    paths.client_ca.unlink()
    assert [f.grade for f in symptoms.ends(config) if str(paths.client_ca) in f.text] == [Grade.BAD]
