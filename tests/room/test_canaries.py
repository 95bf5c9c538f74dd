"""Secrets of a member that signed, refused, met a fault and crashed. Invariant: they are nowhere but in the
files that hold them, and in the kernel's memory what it signs with; and the scanner finds what is there.

A member as `pegwarden serve` runs it: kernel in its room, edge, two keepers; its key is sealed by the token.
"""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from carrier.member import Refused, Unreachable
from keystore.arena import ArenaKind, process_arena
from keystore.sealed import KeyFile, open_sealed
from keystore.secret import UNSAFE_EXPOSE, Secret
from pegwarden.v1 import kernel_pb2 as pb
from tests import federation
from tests.core.spends import Coin
from tests.kernel import room
from tests.link.test_processes import SECONDS, until
from tests.room.children import linux_room
from tests.room.memory_scan import Found, in_files, in_memory, look, told_of
from tests.token.members import TokenHouse, sealed_house
from tests.token.softhsm import KEK, PIN, SoftToken, need

pytestmark = [
    linux_room,
    pytest.mark.skipif(os.getuid() != 0, reason="only root reads an undumpable process"),
]

PASSPHRASE = b"a passphrase that stands nowhere else: 52c0ffee"
IN_USE = {"log seed", "statement seed"}
"""What the kernel holds in memory that can be read, by root: OpenSSL's own."""
IN_ARENA = {"account key", "branch key 0"}
"""What it signs with for its vault, while it serves."""
PLANTED = b"planted by a test that looks for it: \x00\xff\x17"
_HOLDS = """
import sys
planted = bytearray(sys.stdin.buffer.read(%d))
print(flush=True)
sys.stdin.read()
"""


@dataclass
class Searched:
    """A serving member, what it must keep, and what it said."""

    house: TokenHouse
    canaries: Mapping[str, bytes]
    errors: list[str] = field(default_factory=list)

    def pids(self) -> dict[str, int]:
        assert self.house.process is not None
        names = ("kernel", "edge", "keeper-1", "keeper-2")
        return {"serve": self.house.process.pid} | {
            name: self.house.pids(name)[-1] for name in names
        }

    def ask(self, request: pb.ListCoinsRequest | pb.SignPsbtRequest) -> str:
        """What is said to it, if it fails."""
        answer = (
            pb.ListCoinsResponse
            if isinstance(request, pb.ListCoinsRequest)
            else pb.SignPsbtResponse
        )
        with self.house.connect() as member:
            try:
                member.ask(request, answer)
            except (Refused, Unreachable) as error:
                self.errors.append(repr(vars(error)) + str(error))
            return self.errors[-1]


@contextmanager
def cores_allowed() -> Iterator[None]:
    """To what this process starts."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    unlimited = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_CORE, (unlimited, unlimited))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    base = tmp_path_factory.mktemp("canaries")
    token = SoftToken(base / "token", need())
    token.make_keys()
    with pytest.MonkeyPatch.context() as patch, cores_allowed():
        patch.setattr(room, "PASSPHRASE", PASSPHRASE)
        patch.setattr(room, "_MADE", {})
        with sealed_house(base / "member", token, KEK) as house:
            until(lambda: len(house.events("keeper-serving")) == 2)
            yield Searched(house, canaries_of(house.folder))


def in_use() -> set[str]:
    """What is found in a kernel that has signed."""
    return IN_USE | (set() if process_arena().kind is ArenaKind.SECRET else IN_ARENA)


def canaries_of(folder: Path) -> dict[str, bytes]:
    member = federation.MEMBERS[0]
    identity = open_sealed(KeyFile(folder / "identity.key", Secret(PASSPHRASE)))
    seeds = bytes(identity.secret.expose(UNSAFE_EXPOSE))
    branches = {f"branch key {at}": member.account.derive([at]).key.serialize() for at in (0, 1)}
    children = {
        f"child key {branch}/{index}": member.secret(branch, index).secret
        for branch, index in ((0, 0), (0, 1), (0, Coin(salt=1).index), (1, 0))
    }
    return {
        "passphrase": PASSPHRASE,
        "pin": PIN.encode(),
        "vault seed": member.name.encode().ljust(32, b"\x07"),
        "master key": member.root.key.serialize(),
        "account key": member.account.key.serialize(),
        "log seed": seeds[:32],
        "statement seed": seeds[32:],
        "tls key": (folder / "server.key").read_bytes().splitlines()[1],
        **branches,
        **children,
    }


def test_a_planted_canary_is_found(tmp_path: Path) -> None:
    """In memory, in an argument, in the environment, in a file, in the name of one, as hex and as base64; and
    in its twin that holds none there is none."""
    canaries = {"planted": PLANTED, "told": b"a canary of letters"}
    script, told = _HOLDS % len(PLANTED), {"CANARY": canaries["told"].hex()}
    for held in (PLANTED, bytes(len(PLANTED))):
        shown = held == PLANTED
        environment = {**os.environ, **(told if shown else {})}
        with subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(held)
            process.stdin.flush()
            process.stdout.readline()
            memory, proc = in_memory(process.pid, canaries), told_of(process.pid, canaries)
            process.stdin.close()
        assert ("planted" in memory, "told" in proc) == (shown, shown)
    (tmp_path / "log").write_text(f"it is {PLANTED.hex()}")
    (tmp_path / canaries["told"].decode()).touch()
    assert in_files(tmp_path, canaries).keys() == {"planted", "told"}
    found: Found = {}
    look(b"quoted: cGxhbnRlZCBieSBhIHRlc3", "letter", {"planted": b"planted by A test"}, found)
    assert found == {}
    look(b"quoted: cGxhbnRlZCBieSBhIHRlc3Q", "letter", {"planted": b"planted by a test"}, found)
    assert found == {"planted": ["letter"]}


def test_after_signatures_and_refusals_no_secret_is_where_it_must_not_be(
    searched: Searched,
) -> None:
    assert searched.house.pay(inputs=3).signatures == 3
    assert searched.house.pay().signatures == 1
    noise = pb.SignPsbtRequest(vault_id="peg", psbt=b"psbt\xff" + bytes(40))
    assert "psbt" in searched.ask(noise)
    with searched.house.connect() as member:
        (key,) = member.ask(pb.GetInfoRequest(), pb.GetInfoResponse).custody.keys
    assert key.kind == "hsm-sealed"
    found = {name: in_memory(pid, searched.canaries) for name, pid in searched.pids().items()}
    told = {name: told_of(pid, searched.canaries) for name, pid in searched.pids().items()}
    assert set(found["kernel"]) == in_use(), found["kernel"]
    assert all(len(places) == 1 for places in found["kernel"].values()), found["kernel"]
    assert set(found["edge"]) == {"tls key"}
    assert (found["serve"], set(found["keeper-1"]) | set(found["keeper-2"])) == ({}, set())
    assert not any(told.values()), told


def test_a_fault_tells_no_secret(searched: Searched) -> None:
    """What the journal holds is changed under the kernel: it meets what cannot be."""
    assert searched.house.pay().signatures == 1
    with sqlite3.connect(searched.house.folder / "journal.sqlite") as journal:
        assert journal.execute("UPDATE coins SET amount = -1").rowcount > 0
    assert "incident" in searched.ask(pb.ListCoinsRequest(vault_id="peg"))
    assert "ValueError" in (searched.house.folder / "log.jsonl").read_text()
    for name, pid in searched.pids().items():
        found = in_memory(pid, searched.canaries)
        assert set(found) <= {"kernel": in_use(), "edge": {"tls key"}}.get(name, set())
    require_quiet(searched)


def require_quiet(searched: Searched) -> None:
    """Of everything that was written and said."""
    found = in_files(searched.house.folder.parent, searched.canaries)
    kept = {name: {Path(place).name for place in places} for name, places in found.items()}
    assert kept == {"passphrase": {"passphrase"}, "pin": {"pin"}, "tls key": {"server.key"}}
    said: Found = {}
    look("\n".join(searched.errors).encode(), "errors", searched.canaries, said)
    assert said == {}


def test_a_crash_leaves_no_core(searched: Searched) -> None:
    """Where cores are allowed, and a process that denies itself none leaves one, with its canary."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    if "/" in pattern or "|" in pattern:
        pytest.skip("cores of this system do not go to the process's folder")
    folder = searched.house.folder
    pids = searched.pids()
    for name in ("keeper-1", "edge", "kernel"):
        os.kill(pids[name], signal.SIGSEGV)
    assert searched.house.process is not None
    assert searched.house.process.wait(SECONDS) == 3
    ended = {(each["process"], each["status"]) for each in searched.house.events("process-ended")}
    assert {("edge", -signal.SIGSEGV), ("kernel", -signal.SIGSEGV)} <= ended
    require_quiet(searched)
    crash = f"import os; planted = {PLANTED!r}; os.abort()"
    subprocess.run([sys.executable, "-c", crash], cwd=folder, check=False)
    assert in_files(folder, {"planted": PLANTED})["planted"][0].startswith(str(folder / "core"))
