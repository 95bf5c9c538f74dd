"""The units of `deploy/systemd`: systemd's own judgement, offline, and that they start what is there.

Invariant: a unit denies nothing that its process needs to start, and its exposure stays below LIMIT.
"""

import json
import logging
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import click
import pytest

from scripts.code_scan import ROOT
from signer.cli.main import pegwarden
from signer.compose import door_setting
from signer.config import load_config
from signer.config_processes import required
from signer.edge.logs import JsonFormatter
from signer.link.door import AUDIT_THREADS
from signer.process.launch import NOT_AGAIN_STATUS
from signer.room.calls import SERVER_JOURNAL

UNITS = tuple(sorted((ROOT / "deploy" / "systemd").glob("*.service")))
KERNEL = ROOT / "deploy" / "systemd" / "pegwarden-kernel.service"
SOURCE = ROOT / "deploy" / "systemd" / "pegwarden-spv@.service"
OF_MEMBER = tuple(path for path in UNITS if path != SOURCE)
"""Processes of a member; a source of headers is a client, perhaps elsewhere."""
DEPLOYMENT = ROOT / "docs" / "deploy.md"
MEMBER = ROOT / "deploy" / "member" / "member.toml"
USERS = ROOT / "deploy" / "sysusers.d" / "pegwarden.conf"
PYTHON = "/opt/pegwarden/bin/python"
LIMIT = 1.5
PULLING = "Wants|Requires|Requisite|BindsTo|Upholds|PartOf|OnSuccess|OnFailure"
_SEEN = """access arch_prctl bind brk chmod clone clone3 close connect epoll_create1 execve fcntl flock fstat
    futex getcwd getdents64 getegid geteuid getgid getpid getppid getrandom getuid ioctl listen lseek
    madvise mmap mprotect munmap newfstatat openat prctl pread64 prlimit64 read readlink rseq
    rt_sigaction rt_sigprocmask sched_getaffinity set_robust_list set_tid_address socket stat statx
    sysinfo umask uname write"""
STARTING = frozenset(_SEEN.split())
"""What strace saw of a kernel and an edge until they served; of a keeper over SoftHSM it saw less."""
CALLING = frozenset(
    {"epoll_ctl", "epoll_wait", "eventfd2", "getpeername", "getsockname", "getsockopt", "poll"}
    | {"recvfrom", "recvmsg", "sendmsg", "sendto", "setsockopt", "shutdown"}
)
"""And of who speaks gRPC."""
NEEDS = {
    "pegwarden-kernel.service": STARTING
    | SERVER_JOURNAL
    | {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
    | {"mlockall", "memfd_secret"},
    "pegwarden-edge.service": STARTING | CALLING | {"accept4", "socketpair"},
    "pegwarden-keeper@.service": STARTING | {"recvfrom", "sendto", "setsockopt", "getsockopt"},
    SOURCE.name: STARTING | CALLING | {"clock_nanosleep", "gettid"},
}
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not here (Debian package systemd): the units are not verified",
)


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def settings(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.M)


@pytest.fixture(params=UNITS, ids=lambda path: path.name)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """With a Python that is here, for what verifies that commands exist."""
    text = request.param.read_text()
    assert text.count(PYTHON) == 1
    copy = tmp_path / request.param.name
    copy.write_text(text.replace(PYTHON, str(Path(sys.executable).resolve())))
    return copy


@needs_systemd
def test_a_unit_has_no_fault_that_systemd_finds(unit: Path) -> None:
    done = analyze("verify", unit)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert unit.name not in done.stderr, done.stderr


@needs_systemd
def test_a_misspelt_setting_would_be_found(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("LockPersonality=yes", "LockPersonality=perhaps"))
    assert unit.name in analyze("verify", unit).stderr


@needs_systemd
def test_a_units_exposure_is_low(unit: Path) -> None:
    done = analyze("security", "--offline=true", unit)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+) ", done.stdout)
    assert found is not None, done
    assert float(found[1]) < LIMIT


@cache
def calls_of(group: str) -> frozenset[str]:
    """The system calls of `@group`."""
    lines = analyze("syscall-filter", group).stdout.splitlines()[1:]
    names = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    nested = [calls_of(name) for name in names if name.startswith("@")]
    return frozenset(name for name in names if not name.startswith("@")).union(*nested)


def let_through(unit: Path) -> frozenset[str]:
    """What SystemCallFilter leaves, line by line as systemd reads it."""
    allowed: frozenset[str] = frozenset()
    for line in settings(unit, "SystemCallFilter"):
        named = [calls_of(n) if n[0] == "@" else {n} for n in line.removeprefix("~").split()]
        words = frozenset[str]().union(*named)
        allowed = allowed - words if line.startswith("~") else allowed | words
    return allowed


@needs_systemd
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_denies_no_call_that_its_process_makes(path: Path) -> None:
    allowed = let_through(path)
    assert NEEDS[path.name] - allowed == set()
    assert {"mount", "ptrace", "setuid", "bpf", "init_module", "setpriority"} & allowed == set()


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_of_ours_isolated(path: Path) -> None:
    (line,) = settings(path, "ExecStart")
    python, isolated, module, name, command, *options = shlex.split(line)
    assert (python, isolated, module, name) == (PYTHON, "-I", "-m", "signer")
    found = pegwarden.get_command(None, command)
    if isinstance(found, click.Group):
        found = found.get_command(None, options[0])
    known = {each for parameter in found.params for each in parameter.opts}
    assert {each for each in options if each.startswith("--")} <= known


def test_who_starts_again_by_itself_does_so_without_a_limit_and_the_kernel_does_not() -> None:
    """A keeper that finds no kernel, or no token, may end often before they are there."""
    for path in UNITS:
        is_kernel = path.name == "pegwarden-kernel.service"
        assert settings(path, "Restart") == ["no" if is_kernel else "always"]
        if not is_kernel:
            assert settings(path, "StartLimitIntervalSec") == ["0"]
            assert int(settings(path, "RestartSec")[0]) >= 1
    keeper = next(path for path in UNITS if "keeper" in path.name)
    assert settings(keeper, "RestartPreventExitStatus") == [str(NOT_AGAIN_STATUS)]


def test_the_journal_names_a_process_as_its_lines_do() -> None:
    for path in UNITS:
        process = shlex.split(settings(path, "ExecStart")[0])[4]
        record = logging.makeLogRecord({"msg": "serving", "levelno": logging.INFO})
        line = json.loads(JsonFormatter(process).format(record))
        assert settings(path, "SyslogIdentifier") == [line["SYSLOG_IDENTIFIER"]]
        assert settings(path, "StandardOutput") + settings(path, "StandardError") == [
            *("journal", "inherit")
        ]


def test_each_process_has_a_user_of_its_own_and_the_example_names_them() -> None:
    users = {path.name: settings(path, "User")[0] for path in UNITS}
    assert len(set(users.values())) == len(UNITS) == 4
    made = re.findall(r"^u (\S+) ", USERS.read_text(), re.M)
    assert set(made) == set(users.values())
    processes = required(load_config(MEMBER).processes, MEMBER)
    assert processes.edge_user == users["pegwarden-edge.service"]
    assert processes.keeper_user == users["pegwarden-keeper@.service"]
    assert processes.kernel_user == users[KERNEL.name]
    assert f"/run/{settings(KERNEL, 'RuntimeDirectory')[0]}" == str(processes.sockets)


def test_only_an_operator_starts_a_kernel() -> None:
    """An edge or a keeper that is started again pulls none in: neither one that its room killed, nor one that
    was stopped."""
    assert settings(KERNEL, "Restart") == ["no"]
    for path in UNITS:
        pulled = re.findall(rf"^(?:{PULLING})=.*$", path.read_text(), re.M)
        assert [line for line in pulled if "pegwarden" in line] == [], path.name
        if path != KERNEL:
            assert KERNEL.name in settings(path, "After")[0].split()


def test_the_way_to_the_sockets_is_the_groups_alone() -> None:
    """Another local user must not even knock: each knock costs the kernel a turn."""
    (group,) = settings(KERNEL, "Group")
    assert settings(KERNEL, "RuntimeDirectoryMode") == ["0710"]
    assert f"| pegwarden-kernel:{group}, 710 |" in DEPLOYMENT.read_text()
    members = re.findall(r"^m (\S+) +(\S+)$", USERS.read_text(), re.M)
    for path in OF_MEMBER:
        (user,) = settings(path, "User")
        assert (user, group) in members
        assert path == KERNEL or group in settings(path, "SupplementaryGroups")[0].split()
    assert settings(SOURCE, "User") not in [[user] for user, _ in members]
    assert settings(SOURCE, "SupplementaryGroups") == []


def test_the_folder_that_the_room_leaves_writable_holds_no_key() -> None:
    config = load_config(MEMBER)
    assert isinstance(config.journal, Path)
    folder = config.journal.parent
    held = (config.policy, config.keys.identity, *config.keys.vaults, config.keys.ledgers)
    assert not any(path.is_relative_to(folder) for path in held)
    states = settings(KERNEL, "StateDirectory")[0].split()
    assert f"/var/lib/{states[-1]}" == str(folder)
    assert f"`{folder}/`" in DEPLOYMENT.read_text()


def test_a_kernel_may_have_the_memory_that_its_edge_can_fill() -> None:
    config = load_config(MEMBER)
    door = door_setting(config, 0)
    held = door.most * door.request_bytes
    at_work = (door.threads + AUDIT_THREADS) * (door.request_bytes + 2 * door.body_bytes)
    (most,) = settings(KERNEL, "MemoryMax")
    assert most == "2G"
    assert held + at_work + (512 << 20) < 2 << 30
    assert held >> 20 == 720, "docs/configuration.md says it"


def test_of_a_member_only_the_edge_has_the_network_and_only_it_reads_its_tls_keys() -> None:
    assert settings(SOURCE, "PrivateNetwork") == []
    for path in UNITS:
        is_edge = path.name == "pegwarden-edge.service"
        assert path == SOURCE or (settings(path, "PrivateNetwork") == []) is is_edge
        hidden = settings(path, "InaccessiblePaths")[0]
        assert ("-/etc/pegwarden/tls" in hidden) is not is_edge
        assert ("-/var/lib/pegwarden" in hidden) is (path.name != "pegwarden-kernel.service")
