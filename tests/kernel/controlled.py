"""A governed kernel whose officers pause, lock and open epochs, on a machine whose clocks tests set."""

from dataclasses import dataclass, field
from pathlib import Path

from keystore.ledger import ledger_files
from pegwarden.v1 import approval_pb2 as ap
from pegwarden.v1 import control_pb2 as pb
from pegwarden.v1 import kernel_pb2 as kb
from policies.load import load_policy
from signer.bitcoin.network import REGTEST
from signer.charged import Counting
from signer.clock import EffectiveClock, Machine
from signer.compose import due_steps
from signer.consensus import CoreConsensusGate
from signer.core.acts import ControlAct, Scope, SignedAct
from signer.core.registry import VaultRegistry
from signer.handle import Handler
from signer.journal.gate import Gate
from signer.journal.journal import Journal, JournalSetting
from signer.kernel import Build, Kernel
from signer.member_files import shelf_of
from signer.readiness import readiness_of
from tests.core.spends import NOW, Coin
from tests.kernel.governed import ADA, BOB, GENESIS, HOUR, OFFICERS, SECRETARY, begin
from tests.kernel.room import Member, Running, attested, construct_request, sign_request
from tests.keystore.opening import open_files
from tests.officers import Officer

PATHS = {
    "Pause": (pb.PauseRequest, pb.PauseResponse),
    "Resume": (pb.ResumeRequest, pb.ResumeResponse),
    "Lock": (pb.LockRequest, pb.LockResponse),
    "Unlock": (pb.UnlockRequest, pb.UnlockResponse),
    "NewEpoch": (pb.NewEpochRequest, pb.NewEpochResponse),
}


@dataclass
class Host:
    """A machine."""

    time: float = NOW
    uptime: float = 5_000.0

    def pass_by(self, seconds: int) -> None:
        self.time += seconds
        self.uptime += seconds


@dataclass
class Controlled:
    """A member that is started and stopped, on a host."""

    folder: Path
    policy: bytes = GENESIS
    officers: tuple[Officer, ...] = OFFICERS
    host: Host = field(default_factory=Host)

    def __post_init__(self) -> None:
        self.member = Member(self.folder, 0, self.policy)
        self.member.clock.moment = int(self.host.time)
        self.member.init()
        if self.officers:
            begin(self.member, *self.officers)
        self.running = self.start()

    @property
    def journal(self) -> Path:
        return self.folder / "journal.sqlite"

    def start(self) -> Running:
        """What `compose` puts together."""
        policy = load_policy(self.policy)
        registry = VaultRegistry(policy.vaults)
        keys = open_files(self.member._file("identity"), (self.member._file("vault"),))
        gate, host = Gate(), self.host
        keys.open_ledgers(ledger_files(self.folder / "ledgers"), lambda: host.uptime)
        clock = EffectiveClock(gate, machine=Machine(lambda: host.time, lambda: host.uptime))
        head_file = self.folder / "journal.sqlite.head"
        setting = JournalSetting(
            keys, clock, keys.first_leaf, due=due_steps, head_file=head_file, gate=gate
        )
        journal = Journal(self.journal, setting)
        with journal.reading() as reading:
            clock.begin(max(reading.last_entry(), reading.control().stated_time))
        clock.judge_alone(journal.heads.seen)
        build = Build("test", bytes(32), bytes(32))
        ready = readiness_of(journal, clock)
        counting = Counting(keys, journal)
        counting.if_possible()
        shelf = shelf_of(policy)
        kernel = Kernel(
            build, REGTEST, shelf, registry, keys, journal, ready, clock, count=counting
        )
        self.kernel = kernel
        return Running(Handler(kernel, CoreConsensusGate()), journal, keys)

    def restart(self, down: int = 0) -> None:
        self.running.stop()
        self.host.pass_by(down)
        self.running = self.start()

    def status(self) -> pb.GetStatusResponse:
        answer = self.running.call("GetStatus", pb.GetStatusRequest())
        return pb.GetStatusResponse.FromString(answer)

    def scope(self, **other: object) -> Scope:
        """What a text names now; `log_key`, `epoch`, `size` may be others."""
        status = self.status()
        said = {"log_key": status.log_key, "epoch": status.epoch, "size": status.entries}
        return Scope(**(said | other))  # type: ignore[arg-type]

    def says(self, act: ControlAct, *officers: Officer, seconds: int = HOUR) -> list[SignedAct]:
        expires = int(self.host.time) + seconds
        text = (officers or (ADA, BOB))[0].says(act, expires).text
        return [officer.sign(text) for officer in officers or (ADA, BOB)]

    def bring(self, method: str, acts: list[SignedAct]) -> list[bytes]:
        """The entries that record them."""
        asked, answered = PATHS[method]
        request = asked(
            acts=[
                ap.OfficerAct(text=each.text, officer_key=each.officer, signature=each.signature)
                for each in acts
            ]
        )
        answer = self.running.call(method, request, SECRETARY)
        return list(answered.FromString(answer).decision_ids)

    def do(self, method: str, act: ControlAct, *officers: Officer) -> list[bytes]:
        return self.bring(method, self.says(act, *officers))

    def payment(self, number: int) -> kb.SignPsbtRequest:
        """A withdrawal of its own coin; each number another one."""
        coin, paid = Coin(salt=number, index=number % 20), ((number, 50_000_000 + number),)
        built = self.running.construct(construct_request((coin,), paid))
        return sign_request(built, attested((coin,), paid, now=int(self.host.time)))

    def pay(self, number: int) -> kb.SignPsbtResponse:
        return self.running.sign(self.payment(number))
