"""Three `pegwarden serve` that agree over mutual TLS: by their own carrying, by a program, by the relayer."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from carrier.member import Credentials, Member
from carrier.round import Carrier, Report
from clients.bitcoind import free_port
from clients.relayer.draft import Draft
from clients.relayer.federation import Federation
from pegwarden.v1 import kernel_pb2 as pb
from scripts.code_scan import ROOT
from tests.core.spends import Coin
from tests.edge.lobby import AUTHORITY
from tests.kernel import federated
from tests.kernel.room import PASSPHRASE, attested, construct_request

NAMES = ("a", "b", "c")
ROUNDS = 200
PEER, RELAYER = AUTHORITY.issue_client("peer"), AUTHORITY.issue_client("relayer")


@dataclass
class House:
    """A member's directory and its process."""

    member: federated.Member
    port: int
    process: subprocess.Popen[bytes] | None = None

    def furnish(self, ports: dict[str, int]) -> None:
        """What `pegwarden serve` reads."""
        folder, server = self.member.folder, AUTHORITY.issue_server("kernel", ("127.0.0.1",))
        files = {
            "policy.toml": self.member.policy,
            "passphrase": PASSPHRASE,
            "ca.pem": AUTHORITY.issued.certificate_pem,
            "server.pem": server.certificate_pem,
            "server.key": server.key_pem,
            "peer.pem": PEER.certificate_pem,
            "peer.key": PEER.key_pem,
            "relayer.pem": RELAYER.certificate_pem,
            "relayer.key": RELAYER.key_pem,
            "member.toml": self._config(ports).encode(),
        }
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o600)

    def _config(self, ports: dict[str, int]) -> str:
        peers = "".join(
            f'[agreement.peers.{name}]\naddress = "127.0.0.1:{port}"\n'
            for name, port in ports.items()
            if name != self.member.name
        )
        return f"""format = "pegwarden-config/1"
name = "{self.member.name}"
network = "regtest"
listen = "127.0.0.1:{self.port}"
policy = "policy.toml"
journal = "journal.sqlite"
unsafe_without_consensus_gate = true
[keys]
identity = "identity.key"
vaults = ["vault.key"]
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"
[callers.peer]
spki = ["{PEER.spki.hex()}"]
roles = ["witness"]
[callers.relayer]
spki = ["{RELAYER.spki.hex()}"]
roles = ["relayer", "witness"]
[agreement]
wait_seconds = 1
[agreement.identity]
certificate = "peer.pem"
key = "peer.key"
ca = "ca.pem"
{peers}"""

    def serve(self) -> None:
        folder = self.member.folder
        arguments = ("--config", folder / "member.toml", "--passphrase-file", folder / "passphrase")
        with (folder / "log.jsonl").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "signer", "serve", *map(str, arguments)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def connect(self) -> Member:
        folder = self.member.folder
        files = Credentials(folder / "ca.pem", folder / "relayer.pem", folder / "relayer.key")
        return Member(self.member.name, f"127.0.0.1:{self.port}", files)


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[dict[str, House]]:
    """Three members that serve."""
    team = federated.team(tmp_path, now=int(time.time()))
    ports = {name: free_port() for name in NAMES}
    found = {each.name: House(each, ports[each.name]) for each in team.members}
    with ExitStack() as undo:
        for house in found.values():
            house.furnish(ports)
            house.serve()
            undo.callback(house.kill)
        yield found


def agreed(members: list[Member]) -> None:
    """Carry until nobody waits; the processes carry, too."""
    carrier, report = Carrier(members), Report()
    for _ in range(ROUNDS):
        report = carrier.carry()
        if not report.waiting and not report.failures:
            return
    raise AssertionError(report)


def signed(members: list[Member], number: int) -> bytes:
    """A withdrawal, through the relayer's own code; the raw transaction."""
    federation, coin = Federation(tuple(members), "peg"), Coin(salt=number, index=number)
    amount = 50_000_000 + number
    built = federation.construct(construct_request((coin,), ((number, amount),)))
    evidence = attested((coin,), ((number, amount),), now=int(time.time()))
    draft = Draft(built.psbt, tuple(built.payments), tuple(evidence), built.fee_sat, built.vsize)
    return federation.extract(federation.collect(draft))


def test_three_processes_start_together_sign_and_come_back(
    houses: dict[str, House], tmp_path: Path
) -> None:
    with ExitStack() as undo:
        members = [undo.enter_context(house.connect()) for house in houses.values()]
        for member in members:
            member.wait_ready(30)
        agreed(members)
        assert signed(members, 1)
        houses["a"].kill()
        houses["a"].serve()
        members[0].wait_ready(60)
        agreed(members)
        assert signed(members, 2)
        job = {
            "members": [
                {
                    "name": name,
                    "address": f"127.0.0.1:{house.port}",
                    "ca": str(house.member.folder / "ca.pem"),
                    "certificate": str(house.member.folder / "relayer.pem"),
                    "key": str(house.member.folder / "relayer.key"),
                }
                for name, house in houses.items()
            ]
        }
        (tmp_path / "job.json").write_text(json.dumps(job))
        carried = subprocess.run(
            [sys.executable, "-m", "clients.carrier", str(tmp_path / "job.json"), "--once"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        assert json.loads(carried.stdout)["waiting"] == {}
        versions = [
            member.ask(pb.ListWithdrawalsRequest(vault_id="peg"), pb.ListWithdrawalsResponse)
            for member in members[:2]
        ]
        assert [len(each.withdrawals) for each in versions] == [2, 2]
