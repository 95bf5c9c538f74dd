"""A member's life: init, key bind, config check, serve. And what goes wrong on the way."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keystore.header import read_file
from keystore.secret import Secret
from pegwarden.v1 import kernel_pb2 as pb
from signer import compose as composition
from signer.cli import binding
from signer.cli.certificates import make_authority
from signer.clock import EffectiveClock
from signer.compose import VERSION
from signer.config import load_config
from signer.core.caller import Caller
from signer.core.errors import Refusal
from signer.edge.server import SERVICE
from signer.front import edge_setting
from signer.journal.gate import Gate
from signer.journal.room import RESERVED
from signer.member_files import read_policy, require_bindings
from signer.read_member import build_digest, read_member
from tests import federation
from tests.cli.desk import PASSPHRASE, ROOT, Desk, MemberPlace


def files_of(place: MemberPlace) -> list[Path]:
    return [path for path in place.directory.rglob("*") if path.is_file()]


def test_init_makes_all_that_a_member_needs_and_keeps_it_to_itself(made: MemberPlace) -> None:
    names = {str(path.relative_to(made.directory)) for path in files_of(made)}
    assert names == {
        "pegwarden.toml",
        "policy.template.toml",
        "keys/identity.json",
        "keys/vault.json",
        *(f"tls/{name}.{end}" for name in ("ca", "server", "operator") for end in ("pem", "key")),
        "tls/client-ca.pem",
    }
    assert {path.stat().st_mode & 0o777 for path in files_of(made)} == {0o600}
    config = load_config(made.config)
    certificate = x509.load_pem_x509_certificate((made.directory / "tls/operator.pem").read_bytes())
    assert [entry.name for entry in config.callers] == ["operator"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_init_says_what_to_do_next(made: MemberPlace, pegwarden: Desk, tmp_path: Path) -> None:
    said = pegwarden(
        *("init", tmp_path / "bob", "--network", "regtest", "--name", "bob"),
        *("--passphrase-file", made.passphrase, "--issue", "reader:auditor,officer"),
    )
    assert said.status == 0
    xpub = json.loads((tmp_path / "bob/keys/vault.json").read_text())["public"]
    assert xpub in said.out
    assert "pegwarden key bind" in said.out
    roles = load_config(tmp_path / "bob/pegwarden.toml").callers[0].roles
    assert roles == {"auditor", "officer"}


def test_init_overwrites_nothing(made: MemberPlace, pegwarden: Desk, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a.txt").write_text("mine")
    options = ("--network", "regtest", "--name", "x", "--passphrase-file", made.passphrase)
    said = pegwarden("init", tmp_path / "kept", *options, "--json")
    assert (said.status, said.json["code"]) == (1, "directory-not-empty")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "a.txt"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--network", "mainnet"], "mainnet-not-confirmed"),
        (["--network", "simnet"], "config-value"),
        (["--network", "regtest", "--listen", "localhost:1"], "config-value"),
        (["--network", "regtest", "--issue", "bob:king"], "config-value"),
        (["--network", "regtest", "--issue", "server:auditor"], "config-value"),
        (
            ["--network", "regtest", "--caller", "bob:auditor:/etc/hostname"],
            "certificate-unreadable",
        ),
    ],
)
def test_init_that_is_refused_leaves_nothing(
    made: MemberPlace, pegwarden: Desk, tmp_path: Path, options: list[str], code: str
) -> None:
    common = ("--name", "x", "--passphrase-file", made.passphrase, "--json")
    said = pegwarden("init", tmp_path / "new", *options, *common)
    assert (said.status, said.json["code"]) == (1, code)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ["--issue", "bob"],
        ["--issue", ":auditor"],
        ["--caller", "a:b"],
        ["--host", "a b"],
        ["--issue", "Bob:auditor"],
    ],
)
def test_init_with_half_an_option_is_usage(
    made: MemberPlace, pegwarden: Desk, tmp_path: Path, options: list[str]
) -> None:
    common = ("--network", "regtest", "--name", "x", "--passphrase-file", made.passphrase)
    assert pegwarden("init", tmp_path / "new", *common, *options).status == 2
    assert list(tmp_path.iterdir()) == []


def test_mainnet_is_made_for_who_says_so(
    made: MemberPlace, pegwarden: Desk, tmp_path: Path
) -> None:
    common = ("--name", "x", "--passphrase-file", made.passphrase, "--network", "mainnet")
    said = pegwarden(
        "init", tmp_path / "x", *common, "--i-understand-mainnet-is-real-money", "--json"
    )
    assert said.status == 0
    assert said.json["xpub"].split("]")[1].startswith("xpub")


def test_a_caller_of_another_authority_is_admitted_by_certificate(
    made: MemberPlace, pegwarden: Desk, tmp_path: Path
) -> None:
    authority = make_authority("relayer's own")
    issued = authority.issue_client("relayer")
    (tmp_path / "ca.pem").write_bytes(authority.issued.certificate_pem)
    (tmp_path / "relayer.pem").write_bytes(issued.certificate_pem)
    said = pegwarden(
        *("init", tmp_path / "bob", "--network", "regtest", "--name", "bob", "--json"),
        *("--passphrase-file", made.passphrase, "--client-ca", tmp_path / "ca.pem"),
        *("--caller", f"relayer:relayer:{tmp_path / 'relayer.pem'}"),
    )
    assert said.json["callers"] == {"relayer": [issued.spki.hex()]}
    trusted = (tmp_path / "bob/tls/client-ca.pem").read_bytes()
    assert len(x509.load_pem_x509_certificates(trusted)) == 2


def test_a_new_passphrase_is_typed_twice(
    pegwarden: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["one", "two"])
    monkeypatch.setattr("keystore.passphrase.getpass", lambda _: next(answers))
    said = pegwarden("init", tmp_path / "x", "--network", "regtest", "--name", "x", "--json")
    assert (said.status, said.json["code"]) == (1, "passphrase-mismatch")
    answers = iter(["one", "one"])
    said = pegwarden("init", tmp_path / "x", "--network", "regtest", "--name", "x", "--json")
    assert said.status == 0


def test_a_passphrase_comes_from_one_place(made: MemberPlace, pegwarden: Desk) -> None:
    common = ("--config", made.config, "--passphrase-file", made.passphrase)
    assert pegwarden("serve", *common, "--passphrase-fd", "0").status == 2


def test_bind_installs_the_policy_and_begins_the_journal(bound: MemberPlace) -> None:
    assert (bound.directory / "policy.toml").read_bytes() == bound.policy.read_bytes()
    assert (bound.directory / "journal.sqlite").is_file()
    binding_members = json.loads(bound.vault_key.read_text())["binding"]
    assert binding_members["policy_id"] == read_policy(load_config(bound.config)).policy_id.hex()


def bind(place: MemberPlace, pegwarden: Desk) -> str:
    said = pegwarden("key", "bind", place.policy, *place.opened, "--json")
    return "ok" if said.status == 0 else said.json["code"]


def test_keys_are_bound_once(member: MemberPlace, pegwarden: Desk) -> None:
    assert bind(member, pegwarden) == "key-already-bound"


def test_a_policy_without_our_key_is_not_bound(fresh: MemberPlace, pegwarden: Desk) -> None:
    ours = json.loads(fresh.vault_key.read_text())["public"]
    text = fresh.policy.read_text()
    fresh.policy.write_text(text.replace(ours, federation.MEMBERS[2].key_text))
    assert bind(fresh, pegwarden) == "vault-key-not-ours"
    assert not (fresh.directory / "policy.toml").exists()
    fresh.policy.write_text(text)
    assert bind(fresh, pegwarden) == "ok"


def test_another_policy_is_not_overwritten(fresh: MemberPlace, pegwarden: Desk) -> None:
    (fresh.directory / "policy.toml").write_text("another")
    assert bind(fresh, pegwarden) == "policy-exists"
    assert (fresh.directory / "policy.toml").read_text() == "another"


def test_a_policy_of_another_network_is_not_bound(fresh: MemberPlace, pegwarden: Desk) -> None:
    text = fresh.policy.read_text()
    fresh.policy.write_text(text.replace('"regtest"', '"signet"'))
    assert bind(fresh, pegwarden) == "policy-wrong-network"


def test_an_unreadable_policy_is_a_sentence(fresh: MemberPlace, pegwarden: Desk) -> None:
    fresh.policy.unlink()
    assert bind(fresh, pegwarden) == "policy-unreadable"


def test_a_key_without_a_vault_is_not_bound(fresh: MemberPlace, pegwarden: Desk) -> None:
    fresh.edit('vaults = ["keys/vault.json"]', 'vaults = ["keys/vault.json", "keys/more.json"]')
    other = fresh.directory / "keys" / "more.json"
    sealed = fresh.directory.parent / "other"
    said = pegwarden(
        *("init", sealed, "--network", "regtest", "--name", "x"),
        *("--passphrase-file", fresh.passphrase),
    )
    assert said.status == 0
    (sealed / "keys/vault.json").rename(other)
    assert bind(fresh, pegwarden) == "key-wrong-vault"


def test_a_binding_that_was_cut_short_is_taken_up(
    fresh: MemberPlace, pegwarden: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power fails after the journal was made and before the key was bound."""
    with monkeypatch.context() as patched:
        patched.setattr(binding, "bind", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert pegwarden("key", "bind", fresh.policy, *fresh.opened).status == 1
    assert (fresh.directory / "journal.sqlite").exists()
    assert json.loads(fresh.vault_key.read_text())["binding"] is None
    assert bind(fresh, pegwarden) == "ok"
    assert pegwarden("journal", "verify", "--config", fresh.config).status == 0


def test_a_journal_of_another_beginning_is_not_taken_up(
    fresh: MemberPlace, bound: MemberPlace, pegwarden: Desk
) -> None:
    journal = fresh.directory / "journal.sqlite"
    journal.write_bytes((bound.directory / "journal.sqlite").read_bytes())
    fresh.policy.write_text(fresh.policy.read_text() + "\n")  # another policy id
    assert bind(fresh, pegwarden) == "journal-exists"


def test_config_check_says_what_is_missing(
    fresh: MemberPlace, bound: MemberPlace, pegwarden: Desk
) -> None:
    said = pegwarden("config", "check", "--config", fresh.config, "--json")
    assert said.status == 1
    assert any("policy-unreadable" in each for each in said.json["missing"])
    assert any("key bind" in each for each in said.json["missing"])
    said = pegwarden("config", "check", "--config", bound.config, "--json")
    assert (said.status, said.json["missing"]) == (0, [])
    assert "operator" in pegwarden("config", "check", "--config", bound.config).out


def test_config_check_sees_a_policy_that_the_key_is_not_bound_to(
    member: MemberPlace, pegwarden: Desk
) -> None:
    with (member.directory / "policy.toml").open("a") as policy:
        policy.write("\n")
    said = pegwarden("config", "check", "--config", member.config, "--json")
    assert "bound to another policy" in said.json["missing"][0]


def test_config_check_sees_missing_certificates(member: MemberPlace, pegwarden: Desk) -> None:
    (member.directory / "tls" / "server.pem").unlink()
    said = pegwarden("config", "check", "--config", member.config, "--json")
    assert (said.status, "tls-file-unreadable" in said.json["missing"][0]) == (1, True)


def compose(place: MemberPlace, passphrase: bytes = PASSPHRASE.strip().encode()) -> None:
    composition.compose(read_member(load_config(place.config)), Secret(passphrase)).close()


def refused(place: MemberPlace, passphrase: bytes = PASSPHRASE.strip().encode()) -> str:
    with pytest.raises(Refusal) as caught:
        compose(place, passphrase)
    return caught.value.code


def test_a_member_is_composed(member: MemberPlace) -> None:
    compose(member)
    reserve = member.directory / "journal.sqlite.reserve"
    assert reserve.stat().st_size == RESERVED.reserve


def test_a_wrong_passphrase(member: MemberPlace) -> None:
    assert refused(member, b"wrong") == "key-passphrase-wrong"


def test_a_truncated_key_file(member: MemberPlace) -> None:
    member.vault_key.write_bytes(member.vault_key.read_bytes()[:-20])
    assert refused(member) == "key-file-malformed"


def test_an_unbound_key(fresh: MemberPlace) -> None:
    (fresh.directory / "policy.toml").write_bytes(fresh.policy.read_bytes())
    assert refused(fresh) == "key-unbound"


def test_another_policy_than_the_bound_one(member: MemberPlace) -> None:
    with (member.directory / "policy.toml").open("a") as policy:
        policy.write("# one more line\n")
    assert refused(member) == "key-wrong-policy"


def test_another_vault_than_the_bound_one(member: MemberPlace) -> None:
    header, _ = read_file(member.vault_key.read_bytes())
    assert header.binding is not None
    other = replace(header.binding, vault_fingerprint=b"\x00" * 32)
    policy, path = read_policy(load_config(member.config)), member.vault_key
    leaf = other.first_leaf
    require_bindings(policy, {path: header}, leaf)
    with pytest.raises(Refusal) as caught:
        require_bindings(policy, {path: replace(header, binding=other)}, leaf)
    assert caught.value.code == "key-wrong-vault"


def test_a_policy_that_no_longer_has_our_key(member: MemberPlace) -> None:
    ours = json.loads(member.vault_key.read_text())["public"]
    policy = member.directory / "policy.toml"
    policy.write_text(policy.read_text().replace(ours, federation.MEMBERS[2].key_text))
    assert refused(member) == "vault-key-not-ours"


def test_a_policy_of_another_network(member: MemberPlace) -> None:
    text = member.config.read_text()
    member.config.write_text(text.partition("[chain]")[0])  # elsewhere it needs a checkpoint
    member.edit('network = "regtest"', 'network = "signet"')
    assert refused(member) == "policy-wrong-network"


def test_a_missing_journal(member: MemberPlace) -> None:
    (member.directory / "journal.sqlite").unlink()
    assert refused(member) == "journal-missing"


def test_a_journal_that_another_process_has_open(member: MemberPlace) -> None:
    with serving(member):
        assert refused(member) == "journal-locked"
    compose(member)


@pytest.mark.parametrize("name", ["server.pem", "server.key", "client-ca.pem"])
def test_missing_or_empty_tls_files(member: MemberPlace, name: str) -> None:
    edge_setting(load_config(member.config))
    path = member.directory / "tls" / name
    path.write_bytes(b"")
    with pytest.raises(Refusal) as caught:
        edge_setting(load_config(member.config))
    assert caught.value.code == "tls-file-unreadable"
    path.unlink()
    with pytest.raises(Refusal) as caught:
        edge_setting(load_config(member.config))
    assert caught.value.code == "tls-file-unreadable"


def test_the_version_is_the_packages() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_the_build_digest_is_the_sources() -> None:
    assert build_digest() == build_digest()
    assert len(build_digest()) == 32


def test_a_suspended_machine_does_not_stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = EffectiveClock(Gate())
    clock.begin(clock.wall())
    before, elapsed = clock.now(), time.clock_gettime(time.CLOCK_BOOTTIME)
    monkeypatch.setattr("time.time", lambda: 0.0)
    monkeypatch.setattr("time.clock_gettime", lambda _: elapsed + 3_600)
    assert before + 3_599 <= clock.now() <= before + 3_660


def test_a_member_keeps_its_newest_head_and_when_it_ran(member: MemberPlace) -> None:
    secret = Secret(PASSPHRASE.strip().encode())
    composition.compose(read_member(load_config(member.config)), secret).close()
    (head,) = member.directory.glob("*.head")
    kept = head.read_bytes()
    assert kept.startswith(b"seen 1")
    assert len(kept) == 512


def test_a_member_that_was_down_for_long_waits_for_its_officers(
    member: MemberPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`[clock] max_downtime_seconds` says how long it may be down."""
    secret, later = Secret(PASSPHRASE.strip().encode()), time.time() + 1_800
    monkeypatch.setattr("time.time", lambda: later)
    for seconds, ready in ((60, False), (3_600, True)):
        member.edit("[keys]", f"[clock]\nmax_downtime_seconds = {seconds}\n\n[keys]")
        served = composition.compose(read_member(load_config(member.config)), secret)
        raw = served.handler.handle("GetInfo", Caller("me", frozenset()), b"")
        served.close()
        info = pb.GetInfoResponse.FromString(raw)
        assert info.ready is ready, info.not_ready_reasons
        assert any("clock-stepped" in each for each in info.not_ready_reasons) is not ready
        member.edit(f"[clock]\nmax_downtime_seconds = {seconds}\n\n", "")


@pytest.mark.parametrize(
    ("step", "said"), [(-110, ""), (110, ""), (-130, "ahead of"), (130, "behind")]
)
def test_a_stepped_wall_clock_is_reported(
    member: MemberPlace, monkeypatch: pytest.MonkeyPatch, step: int, said: str
) -> None:
    secret = Secret(PASSPHRASE.strip().encode())
    served = composition.compose(read_member(load_config(member.config)), secret)
    stepped = time.time() + step
    monkeypatch.setattr("time.time", lambda: stepped)
    try:
        raw = served.handler.handle("GetInfo", Caller("me", frozenset()), b"")
    finally:
        served.close()
    info = pb.GetInfoResponse.FromString(raw)
    assert info.ready is (said == "")
    assert [said in reason for reason in info.not_ready_reasons] == ([True] if said else [])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def serving(place: MemberPlace) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`pegwarden serve` until the block ends; its process and port."""
    port = free_port()
    text = place.config.read_text().replace("127.0.0.1:50551", f"127.0.0.1:{port}")
    place.config.write_text(text.replace('listen = "127.0.0.1:1"', 'listen = "127.0.0.1:0"'))
    process = subprocess.Popen(
        [sys.executable, "-m", "signer", "serve", *map(str, place.opened)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if json.loads(line)["event"] == "serving":
                break
        else:
            raise AssertionError("it did not serve")
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def ask(place: MemberPlace, port: int) -> pb.GetInfoResponse:
    tls = place.directory / "tls"
    credentials = grpc.ssl_channel_credentials(
        (tls / "ca.pem").read_bytes(),
        (tls / "operator.key").read_bytes(),
        (tls / "operator.pem").read_bytes(),
    )
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        rpc: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/GetInfo")
        return pb.GetInfoResponse.FromString(rpc(b"", timeout=20))


def test_a_served_member_answers_and_stops_when_asked(member: MemberPlace) -> None:
    with serving(member) as (process, port):
        info = ask(member, port)
        assert (info.network, info.ready) == ("regtest", True)
        assert info.config_digest == load_config(member.config).digest
        assert info.vaults[0].may_be_silent == 1
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core"))
        assert core.split()[4:6] == ["0", "0"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    connection = sqlite3.connect(member.directory / "journal.sqlite")
    assert connection.execute("SELECT count(*) FROM entries").fetchone() == (1,)
    connection.close()


def test_a_busy_port_is_a_sentence_and_3(member: MemberPlace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        member.edit("127.0.0.1:50551", f"127.0.0.1:{port}")
        member.edit('listen = "127.0.0.1:1"', 'listen = "127.0.0.1:0"')
        from tests.cli.desk import run

        said = run("serve", *member.opened)
    assert said.status == 3
    assert f"cannot listen on 127.0.0.1:{port}: another process" in said.err
    assert "Traceback" not in said.err
