"""A member as two services of two users, and whoever runs code as the user of its edge.

1. Root starts the processes; each drops root before its first line runs (setpriv: user, groups, and with
   them every capability).
2. The users are ones that every system has. Nothing of the system is changed: an interpreter below a folder
   that is root's alone is bound to its own path in a mount namespace of the process.
3. Without root there is no second user: then these tests skip and say so. As root in CI they run or fail.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.house import ROOT, House, bench_policy
from keystore.caps import Caps
from signer.bitcoin.units import Sats
from signer.core.caller import Role
from tests.kernel import room
from tests.kernel.test_caps import cap

KERNEL_USER, EDGE_USER, STRANGER = "daemon", "nobody", "mail"
SECONDS = 60.0
LARGEST, DAY = Sats(60_020_000), Sats(125_000_000)
"""Satoshi that may leave by one transaction, and in a day: two withdrawals of 0.6 BTC and a small one."""
_BEGIN = """
umask 022
if [ -n "$HIDDEN" ]; then
    mount --bind "$PYTHON" "$PLACE"
    mount -t tmpfs -o mode=755,size=64k none "$HIDDEN"
    mkdir -p "$PYTHON"
    mount --bind "$PLACE" "$PYTHON"
fi
exec setpriv --reuid "$0" --regid "$1" --clear-groups --inh-caps=-all "$PROGRAM" -B "${@:2}"
"""
_PROCESSES = f"""
[processes]
sockets = "../sockets"
kernel_user = "{KERNEL_USER}"
edge_user = "{EDGE_USER}"
unsafe_unlocked_memory = true
"""


def need_root() -> None:
    """Skips the test, or fails it where a run must be complete (3)."""
    if os.getuid() != 0:
        pytest.skip("only root can start processes of two users")
    missing = [each for each in ("unshare", "setpriv", "bash") if shutil.which(each) is None]
    reason = f"not there: {', '.join(missing)}" if missing else _obstacle()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def _obstacle() -> str:
    """Why no process of another user starts here; empty where one does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        script = f"import os, signer; os.listdir({name!r})"
        with started(EDGE_USER, folder, "-c", script) as one:
            errors = one.communicate(timeout=SECONDS)[1]
    return "" if one.returncode == 0 else f"no process of {EDGE_USER} starts: {errors[-300:]!r}"


@contextmanager
def started(
    user: str, folder: Path, *arguments: str, log: Path | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Python with those arguments, as that user, in that folder; ended with the context."""
    known = pwd.getpwnam(user)
    place = folder / "interpreter"
    place.mkdir(exist_ok=True)
    names = (str(known.pw_uid), str(known.pw_gid), *arguments)
    python, hidden = Path(sys.base_prefix).resolve(), _hidden()
    told = {"PYTHON": str(python), "PLACE": str(place), "HIDDEN": hidden, "PROGRAM": sys.executable}
    namespace = ("unshare", "--mount") if hidden else ()
    with ExitStack() as undo:
        output = subprocess.PIPE if log is None else undo.enter_context(log.open("a"))
        process = subprocess.Popen(
            [*namespace, "bash", "-ec", _BEGIN, *names],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/", **told},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.PIPE if log is None else subprocess.STDOUT,
            text=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(SECONDS)


def _hidden() -> str:
    """The folder above the interpreter that only root enters; empty where there is none (2)."""
    for folder in reversed(Path(sys.base_prefix).resolve().parents):
        if not folder.stat().st_mode & 0o001:
            return str(folder)
    return ""


@dataclass
class TwoUsers(House):
    """Its `folder` is root's, with what clients have. Beside it: `kernel`, `edge` and `sockets`."""

    children: dict[str, "subprocess.Popen[str]"] = field(default_factory=dict)

    @property
    def base(self) -> Path:
        return self.folder.parent

    def _config(self) -> str:
        roles = ", ".join(f'"{role}"' for role in Role)
        everyone = f'[callers.everyone]\nspki = ["{"7" * 64}"]\nroles = [{roles}]\n'
        return f"{super()._config()}\n{everyone}{_PROCESSES}"

    def part(self) -> "TwoUsers":
        """To each service what it needs, in a folder that its user alone enters."""
        for name in ("server.pem", "server.key"):
            self._give("edge", name)
        for name in ("ca.pem", "member.toml"):
            shutil.copy(self.folder / name, self._folder("edge"))
        for name in ("identity.key", "vault.key", "journal.sqlite", "policy.toml", "passphrase"):
            self._give("kernel", name)
        self._give("kernel", "ledgers")
        shutil.copy(self.folder / "member.toml", self._folder("kernel"))
        self._folder("sockets").chmod(0o755)
        for name, user in (("kernel", KERNEL_USER), ("edge", EDGE_USER), ("sockets", KERNEL_USER)):
            for path in (self.base / name, *(self.base / name).rglob("*")):
                shutil.chown(path, user, pwd.getpwnam(user).pw_gid)
        return self

    def _folder(self, name: str) -> Path:
        folder = self.base / name
        folder.mkdir(0o700, exist_ok=True)
        return folder

    def _give(self, service: str, name: str) -> None:
        (self.folder / name).rename(self._folder(service) / name)

    def log(self, service: str) -> Path:
        return self.base / f"{service}.log"

    def events(self, service: str, name: str) -> list[dict[str, object]]:
        lines = self.log(service).read_text().splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in told if each["event"] == name]

    def pid(self, service: str) -> int:
        """What was started has become Python by exec: it is the process itself."""
        return self.children[service].pid

    @property
    def socket(self) -> Path:
        return self.base / "sockets" / "kernel.sock"


@contextmanager
def two_users() -> Iterator[TwoUsers]:
    """Serving: the kernel in its room, its key with caps; clients connect by the edge."""
    with tempfile.TemporaryDirectory(prefix="pegwarden-two-users-") as name:
        base = Path(name)
        base.chmod(0o755)
        house = _furnished(base)
        given = ("-m", "signer")
        kernel = (*given, "kernel", "--config", "member.toml", "--passphrase-file", "passphrase")
        edge = (*given, "edge", "--config", "member.toml")
        with (
            started(KERNEL_USER, base / "kernel", *kernel, log=house.log("kernel")) as first,
            started(EDGE_USER, base / "edge", *edge, log=house.log("edge")) as second,
        ):
            house.children = {"kernel": first, "edge": second}
            _await(house)
            yield house


def _furnished(base: Path) -> TwoUsers:
    folder = base / "member"
    policy = bench_policy()
    member = room.Member(folder, 0, policy, room.ManualClock(int(time.time()))).init()
    cap(member, Caps(LARGEST, DAY))
    house = TwoUsers("a", folder, folder / "journal.sqlite").furnish(policy)
    folder.chmod(0o700)
    assert isinstance(house, TwoUsers)
    return house.part()


def _await(house: TwoUsers) -> None:
    end = time.monotonic() + SECONDS
    while not (house.log("edge").exists() and house.events("edge", "serving")):
        for service, process in house.children.items():
            assert process.poll() is None, house.log(service).read_text()[-2_000:]
        assert time.monotonic() < end
        time.sleep(0.02)
