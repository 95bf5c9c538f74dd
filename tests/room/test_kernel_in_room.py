"""A member's kernel in its room: whatever it is asked, it answers; what its room denies ends it."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from bench.house import ROOT, House, bench_policy, one_house, server, three_houses
from bench.orders import Orders, signed
from carrier.round import Carrier
from pegwarden.v1 import kernel_pb2 as pb
from signer.core.caller import Role
from signer.core.errors import Fault, Refusal
from signer.edge.roles import ROLES
from signer.journal.place import PostgresPlace
from signer.link.client import KernelLink
from tests.kernel import room
from tests.link.test_processes import TwoProcesses, is_running, until
from tests.room.children import linux_room

BODY = 4 << 20
NOISE = b"\xff" * 40
HALF = b"\x0a\x20" + b"\x11" * 32
"""A field of 32 bytes, as many requests begin."""


class Open(TwoProcesses):
    """Its configuration names somebody with every role, and asks Core's consensus code."""

    def _config(self) -> str:
        roles = ", ".join(f'"{role}"' for role in Role)
        everyone = f'[callers.everyone]\nspki = ["{"7" * 64}"]\nroles = [{roles}]\n'
        text = super()._config().replace("unsafe_without_consensus_gate = true\n", "")
        return text.replace("[callers.relayer]", f"{everyone}[callers.relayer]")

    def kernel(self) -> int:
        return self.pids("kernel")[-1]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    monkeypatch.setattr("bench.house.House", Open)
    with one_house(tmp_path / "member", None) as made:
        assert isinstance(made, Open)
        yield made


def ask_all(house: House, bodies: tuple[bytes, ...]) -> dict[str, list[str]]:
    """What the kernel itself answers to every RPC, by its socket: a code, or `ok`."""

    async def run() -> dict[str, list[str]]:
        link = KernelLink(house.folder / "kernel.sock", BODY, os.getuid())
        try:
            return {method: [await said(link, method, body) for body in bodies] for method in ROLES}
        finally:
            link.close()

    return asyncio.run(run())


async def said(link: KernelLink, method: str, body: bytes) -> str:
    try:
        await link.call(method, "everyone", body, 60)
    except Refusal as refusal:
        return refusal.code
    except Fault as fault:
        return f"fault: {fault}"
    return "ok"


@linux_room
def test_every_rpc_is_answered_in_the_room(house: Open) -> None:
    with house.connect() as member:
        orders = Orders(member)
        signed(member, orders.new())
        found = ask_all(house, (b"", NOISE, HALF))
        signed(member, orders.new())
    codes = [code for answers in found.values() for code in answers]
    assert [code for code in codes if code.startswith(("fault", "kernel-"))] == []
    assert codes.count("ok") >= 8
    assert house.events("opened")[0]["room"] == "closed"
    assert house.events("process-ended") == []
    until(lambda: [each["kind"] for each in house.events("entry")].count("signed") == 2)


@linux_room
def test_core_s_consensus_code_is_asked_in_the_room(house: Open, tmp_path: Path) -> None:
    """A second member signs the same withdrawal, and this one completes it."""
    clock = room.ManualClock(int(time.time()))
    other = room.Member(tmp_path / "b", 1, bench_policy(), clock).init().start()
    with house.connect() as member:
        request = Orders(member).new()
        psbts = [member.ask(request, pb.SignPsbtResponse).psbt, other.sign(request).psbt]
        asked = pb.ExtractTxRequest(vault_id="peg", psbts=psbts)
        assert member.ask(asked, pb.ExtractTxResponse).complete
    other.stop()


@linux_room
def test_the_filter_is_on_every_thread_of_a_kernel_that_serves(house: Open) -> None:
    with house.connect() as member:
        signed(member, Orders(member).new())
    tasks = list(Path(f"/proc/{house.kernel()}/task").iterdir())
    assert len(tasks) > 4
    for task in tasks:
        assert "\nSeccomp:\t2\n" in (task / "status").read_text()


@linux_room
def test_a_journal_that_is_behind_its_head_is_kept_before_the_room_closes(house: Open) -> None:
    """An old copy in its place: the kernel keeps what it finds in a folder beside it, and serves."""
    place = house.folder / "journal.sqlite"
    house.stop()
    old = place.read_bytes()
    house.start()
    with house.connect() as member:
        orders = Orders(member)
        signed(member, orders.new())
    house.stop()
    place.write_bytes(old)
    for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
        (house.folder / name).unlink(missing_ok=True)
    house.start()
    assert [each for each in house.folder.iterdir() if ".behind-" in each.name]
    assert set(ask_all(house, (b"",))["GetStatus"]) == {"ok"}


def test_a_kernel_whose_room_would_open_files_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "signer", "kernel", "--config", "nothing.toml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PEGWARDEN_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "room-incomplete" in done.stderr


@linux_room
def test_beside_a_database_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connections are all ended: the kernel makes new ones in its room."""
    monkeypatch.setattr("bench.house.House", Open)
    with server() as cluster:
        if cluster is None:
            pytest.skip("PostgreSQL is not installed")
        with one_house(tmp_path / "member", cluster) as house:
            assert isinstance(house, Open)
            with house.connect() as member:
                orders = Orders(member)
                signed(member, orders.new())
                assert end_sessions(house) > 2
                order = orders.new()
                signed(member, order)
            found = ask_all(house, (b"", NOISE))
            assert not any(code.startswith("fault") for each in found.values() for code in each)
            kernel = house.kernel()
            assert is_running(kernel)
            assert house.events("process-ended") == []
            os.kill(kernel, signal.SIGTERM)


def end_sessions(house: House) -> int:
    assert isinstance(house.place, PostgresPlace)
    parts = urllib.parse.urlsplit(house.place.url)
    with psycopg.connect(house.place.url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> pg_backend_pid()",
            (parts.path.strip("/"),),
        ).fetchall()
    return len(ended)


@linux_room
@pytest.mark.parametrize(
    ("ending", "code"), [("killed", "key-file-missing"), ("done", "room-incomplete")]
)
def test_a_kernel_proves_its_room_before_it_opens_anything(
    ending: str, code: str, tmp_path: Path
) -> None:
    """Its files are not there: what follows a proof that holds is refused. Nothing follows one that fails,
    as where a fork that is killed should be done."""
    house = Open("a", tmp_path, tmp_path / "journal.sqlite").furnish(b"no policy")
    given = ["--config", "member.toml", "--prove-room", "--passphrase-file", "passphrase"]
    script = (
        "import sys; from signer.room import proof; from signer.cli.main import main\n"
        f"proof.ATTEMPTS, proof.expected = {{'fork': None}}, lambda *_: {ending!r}\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "kernel", *given],
        cwd=house.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert code in done.stderr


@linux_room
def test_a_kernel_whose_edge_is_another_user_serves(tmp_path: Path) -> None:
    """The list of users is a file, which a closed room does not open; and we are not that user."""
    other = next(user.pw_name for user in pwd.getpwall() if user.pw_uid != os.getuid())
    clock = room.ManualClock(int(time.time()))
    folder = room.Member(tmp_path / "a", 0, bench_policy(), clock).init().folder
    house = Open("a", folder, folder / "journal.sqlite").furnish(bench_policy())
    with (folder / "member.toml").open("a") as config:
        ours = pwd.getpwuid(os.getuid()).pw_name
        config.write(f'edge_user = "{other}"\nkernel_user = "{ours}"\n')
    given = ["--config", "member.toml", "--passphrase-file", "passphrase"]
    with (folder / "log.jsonl").open("w") as log:
        kernel = subprocess.Popen(
            [sys.executable, "-m", "signer", "kernel", *given],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: kernel.poll() is not None or house.events("opened"))
        assert set(ask_all(house, (b"",))["GetStatus"]) == {"kernel-restarting"}
        assert house.events("edge-turned-away")
    finally:
        kernel.terminate()
        assert kernel.wait(60) == 0


@contextmanager
def carried(houses: Sequence[House]) -> Iterator[None]:
    """Once no start waits any more; by connections of its own, since older ones wait long before
    they connect again."""
    with ExitStack() as undo:
        carrier = Carrier([undo.enter_context(house.connect()) for house in houses])
        until(lambda: is_settled(carrier))
        done = threading.Event()
        carrying = threading.Thread(target=carry, args=(carrier, done))
        carrying.start()
        undo.callback(carrying.join)
        undo.callback(done.set)
        yield


def is_settled(carrier: Carrier) -> bool:
    report = carrier.carry()
    return not report.waiting and not report.failures


def carry(carrier: Carrier, done: threading.Event) -> None:
    while not done.is_set():
        carrier.carry()


@linux_room
def test_members_who_witness_each_other_agree_in_their_rooms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host of one is put back to an old copy, which takes in what it lost."""
    monkeypatch.setattr("bench.house.House", TwoProcesses)
    with three_houses(tmp_path / "f", None) as houses:
        first, old = houses[0], tmp_path / "old"
        first.stop()
        shutil.copytree(first.folder, old, ignore=shutil.ignore_patterns("*.sock"))
        first.start()
        with first.connect() as member, carried(houses):
            order = Orders(member).new()
            signed(member, order)
        first.stop()
        for each in first.folder.glob("journal.sqlite*"):
            each.unlink()
        for each in old.glob("journal.sqlite*"):
            shutil.copyfile(each, first.folder / each.name)
        first.start()
        with first.connect() as member, carried(houses):
            signed(member, order)
        for house in houses:
            assert isinstance(house, TwoProcesses)
            assert {each["room"] for each in house.events("opened")} == {"closed"}
            ended = [each["status"] for each in house.events("process-ended")]
            assert set(ended) <= {0}
