"""`pegwarden serve` as a parent: kernel and edge in processes of their own."""

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.house import ROOT, House, one_house
from bench.orders import Orders, signed
from tests.cli.test_config import GOOD

PROCESSES = '[processes]\nsockets = "."\nunsafe_unlocked_memory = true\n'
SECONDS = 60.0


class TwoProcesses(House):
    """A member whose configuration has [processes]."""

    def _config(self) -> str:
        return f"{super()._config()}\n{PROCESSES}"

    def events(self, name: str) -> list[dict[str, object]]:
        lines = (self.folder / "log.jsonl").read_text().splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in told if each["event"] == name]

    def pids(self, process: str) -> list[int]:
        started = self.events("process-started")
        return [int(str(each["pid"])) for each in started if each["process"] == process]


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoProcesses]:
    monkeypatch.setattr("bench.house.House", TwoProcesses)
    with one_house(tmp_path / "member", None) as made:
        assert isinstance(made, TwoProcesses)
        yield made


def is_running(pid: int) -> bool:
    """Whether the process is there, a zombie included; a process may end while it is looked at."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_edge_dies_and_the_kernel_is_the_same(house: TwoProcesses) -> None:
    with house.connect() as member:
        orders = Orders(member)
        signed(member, orders.new())
        again = orders.new()
        signed(member, again)
    (kernel,), (edge,) = house.pids("kernel"), house.pids("edge")
    os.kill(edge, signal.SIGKILL)
    until(lambda: len(house.pids("edge")) == 2 and len(house.events("serving")) == 2)
    with house.connect() as member:
        signed(member, again)
    assert house.pids("kernel") == [kernel]
    modules = Path(f"/proc/{kernel}/maps").read_text()
    assert "_sqlite3" in modules
    assert "cygrpc" not in modules
    process = house.process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    assert process.wait(SECONDS) == 0
    assert not any(map(is_running, [kernel, *house.pids("edge")]))
    assert [each["process"] for each in house.events("process-ended")][-2:] == ["edge", "kernel"]
    entries, calls = house.events("entry"), house.events("call")
    assert [each["kind"] for each in entries if each["kind"] != "attested"] == ["signed"] * 2
    assert {each["SYSLOG_IDENTIFIER"] for each in entries} == {"pegwarden-kernel"}
    assert {each["SYSLOG_IDENTIFIER"] for each in calls} == {"pegwarden-edge"}


def test_the_kernel_dies_and_all_ends(house: TwoProcesses) -> None:
    (kernel,) = house.pids("kernel")
    os.kill(kernel, signal.SIGKILL)
    process = house.process
    assert process is not None
    assert process.wait(SECONDS) == 3
    assert not any(map(is_running, house.pids("edge")))


def test_the_parent_is_killed_and_all_end(house: TwoProcesses) -> None:
    (kernel,), (edge,) = house.pids("kernel"), house.pids("edge")
    process = house.process
    assert process is not None
    process.kill()
    process.wait(SECONDS)
    until(lambda: not is_running(kernel) and not is_running(edge))
    assert house.events("stopped")


def test_a_process_whose_parent_has_ended_does_not_begin(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "signer", "edge", "--parent", "1"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "the process that started this one has ended" in done.stderr


def test_serve_is_one_user(tmp_path: Path) -> None:
    other = next(user for user in pwd.getpwall() if user.pw_uid != os.getuid())
    ours = pwd.getpwuid(os.getuid()).pw_name
    told = f'{PROCESSES}edge_user = "{other.pw_name}"\nkernel_user = "{ours}"\n'
    (tmp_path / "member.toml").write_text(GOOD + told)
    done = subprocess.run(
        [sys.executable, "-m", "signer", "serve", "--config", "member.toml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "config-value: `processes.edge_user`" in done.stderr


@pytest.mark.parametrize("command", ["kernel", "edge"])
def test_without_processes_there_is_no_socket_to_meet_at(tmp_path: Path, command: str) -> None:
    with one_house(tmp_path / "member", None) as house:
        given = [sys.executable, "-m", "signer", command, "--config", "member.toml"]
        done = subprocess.run(
            given,
            cwd=house.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "config-key-missing" in done.stderr
