"""Real members' processes on loopback, in either store, alone or as each other's witnesses.

1. Nothing is simulated but the chain: coins and withdrawals are what attestors of the tests say.
2. PostgreSQL keeps its data on the same disk as the files, with the settings of a careful operator.
3. Keys are opened at the least cost of scrypt, so that a start is the kernel's.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from carrier.member import Credentials, Member
from carrier.round import Carrier, Report
from clients.bitcoind import free_port
from signer.cli.certificates import make_authority
from signer.journal.copies import copy_journal
from signer.journal.place import Place
from tests import postgres
from tests.kernel import federated, room
from tests.kernel.clocks import WallClock

ROOT = Path(__file__).resolve().parent.parent
SQLITE, POSTGRES = "SQLite", "PostgreSQL"
START_SECONDS = 120.0
ROUNDS = 200
LOOK = 0.005
PAIRS = 6
"""Of three members: carried between at the same time."""
HEALTH = "/grpc.health.v1.Health/Check"
WHEN = (
    "and(attested(2, watchers), fee_rate_between(1 sat/vB, 500 sat/vB), fee_at_most(0.02 BTC), "
    "outflow_at_most(24h, 20000000 BTC))"
)
_AUTHORITY = make_authority("bench")
_CLIENT = _AUTHORITY.issue_client("relayer")
_CONFIG = """format = "pegwarden-config/1"
name = "{name}"
network = "regtest"
listen = "127.0.0.1:{port}"
policy = "policy.toml"
{journal}
unsafe_without_consensus_gate = true
[keys]
identity = "identity.key"
vaults = ["vault.key"]
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"
[callers.relayer]
spki = ["{spki}"]
roles = ["relayer", "witness"]
[clock]
max_downtime_seconds = 1000000000
[agreement]
wait_seconds = 10
{store}"""


@dataclass
class House:
    """A member's directory and its process."""

    name: str
    folder: Path
    place: Place
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def furnish(self, policy: bytes) -> "House":
        """What `pegwarden serve` reads."""
        server = _AUTHORITY.issue_server(self.name, ("127.0.0.1",))
        files = {
            "policy.toml": policy,
            "passphrase": room.PASSPHRASE,
            "ca.pem": _AUTHORITY.issued.certificate_pem,
            "server.pem": server.certificate_pem,
            "server.key": server.key_pem,
            "relayer.pem": _CLIENT.certificate_pem,
            "relayer.key": _CLIENT.key_pem,
            "member.toml": self._config().encode(),
        }
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(0o600)
        return self

    def _config(self) -> str:
        file, store = 'journal = "journal.sqlite"', ""
        if not isinstance(self.place, Path):
            file, store = "", f'[journal]\npostgres = "{self.place.url}"\nhead = "head"\n'
        return _CONFIG.format(
            name=self.name, port=self.port, journal=file, store=store, spki=_CLIENT.spki.hex()
        )

    def serve(self) -> None:
        """Start its process."""
        given = ("--config", "member.toml", "--passphrase-file", "passphrase")
        with (self.folder / "log.jsonl").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "signer", "serve", *given],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def start(self) -> float:
        """Seconds from nothing to an answer that it serves."""
        begun = time.perf_counter()
        self.serve()
        self._await_port(begun + START_SECONDS)
        with self.connect() as member:
            member.ask_at(HEALTH, HealthCheckRequest(), HealthCheckResponse)
        return time.perf_counter() - begun

    def _await_port(self, end: float) -> None:
        """A channel that was refused once would wait a second or more before it tries again."""
        while (
            self.process is not None and self.process.poll() is None and time.perf_counter() < end
        ):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(LOOK)
        raise LookupError(f"it does not serve: {(self.folder / 'log.jsonl').read_text()[-2_000:]}")

    def stop(self) -> None:
        """As an operator would."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def resident_mb(self) -> float:
        """Of its process, where the system tells."""
        status = Path(f"/proc/{self.process.pid if self.process else 0}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        (found,) = [line for line in lines if line.startswith("VmRSS")] or ["VmRSS: 0 kB"]
        return int(found.split()[1]) / 1_000

    def processor_seconds(self) -> float:
        """That its process has used, where the system tells; in hundredths."""
        return _processor_seconds(self.process.pid if self.process else 0)

    def family_processor_seconds(self) -> float:
        """The same of its process and those that it started: kernel, edge, keepers."""
        parent = self.process.pid if self.process else 0
        children = Path(f"/proc/{parent}/task/{parent}/children")
        pids = children.read_text().split() if children.exists() else []
        return _processor_seconds(parent) + sum(_processor_seconds(int(pid)) for pid in pids)

    def connect(self) -> Member:
        """A channel to it."""
        files = (self.folder / name for name in ("ca.pem", "relayer.pem", "relayer.key"))
        return Member(self.name, f"127.0.0.1:{self.port}", Credentials(*files))


def _processor_seconds(pid: int) -> float:
    status = Path(f"/proc/{pid}/stat")
    fields = status.read_text().rpartition(")")[2].split() if status.exists() else ["0"] * 13
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bench_policy() -> bytes:
    """The tests' policy with limits that a benchmark does not reach."""
    return room.policy_text(when=WHEN)


@contextmanager
def server() -> Iterator[postgres.Cluster | None]:
    """A PostgreSQL server (rule 2); None where none is installed."""
    binaries = postgres.programs()
    if binaries is None:
        yield None
        return
    cluster = postgres.Cluster(binaries, parent=Path(tempfile.gettempdir()))
    try:
        yield cluster
    finally:
        cluster.remove()


@contextmanager
def one_house(folder: Path, cluster: postgres.Cluster | None) -> Iterator[House]:
    """A member alone; its journal in that server, or in its folder."""
    policy, clock = bench_policy(), room.ManualClock(int(time.time()))
    member = room.Member(folder, 0, policy, clock).init()
    house = House("a", folder, _placed(member.folder, cluster)).furnish(policy)
    try:
        house.start()
        yield house
    finally:
        house.stop()


@contextmanager
def three_houses(folder: Path, cluster: postgres.Cluster | None) -> Iterator[tuple[House, ...]]:
    """Three members who are each other's witnesses, with a carrier that never rests."""
    policy, now = witnessed_policy(), int(time.time())
    folder.mkdir()
    with ExitStack() as undo:
        houses = []
        for number, name in enumerate("abc"):
            clock = WallClock(now)
            federated.Member(folder / name, number, policy, clock).init()
            house = House(name, folder / name, _placed(folder / name, cluster)).furnish(policy)
            undo.callback(house.stop)
            house.serve()
            houses.append(house)
        members = [undo.enter_context(house.connect()) for house in houses]
        done = threading.Event()
        carrying = threading.Thread(target=_carry, args=(members, done))
        for member in members:
            member.wait_ready(START_SECONDS)
        _settle(members)
        carrying.start()
        undo.callback(carrying.join)
        undo.callback(done.set)
        yield tuple(houses)


def witnessed_policy() -> bytes:
    """`bench_policy` whose vault is witnessed by three members."""
    keys = ", ".join(f'"{federated.log_key_of(number).hex()}"' for number in range(3))
    line = "lookahead = 20\n"
    return bench_policy().replace(line.encode(), f"{line}witnesses = [{keys}]\n".encode())


def _settle(members: list[Member]) -> None:
    """Carry until each has heard from the others. Raises LookupError when that never ends."""
    carrier, report = Carrier(members), Report()
    for _ in range(ROUNDS):
        report = carrier.carry()
        if not report.waiting and not report.failures:
            return
    raise LookupError(f"the members do not start: {report}")


def _carry(members: list[Member], done: threading.Event) -> None:
    with ThreadPoolExecutor(PAIRS) as pool:
        carrier = Carrier(members, each_of=pool.map)
        while not done.is_set():
            carrier.carry()


def _placed(folder: Path, cluster: postgres.Cluster | None) -> Place:
    """The member's journal, moved where it is to be."""
    file = folder / "journal.sqlite"
    if cluster is None:
        return file
    place = cluster.new_place()
    copy_journal(file, place)
    return place
