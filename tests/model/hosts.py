"""Machines and members of the model: what a start puts together, with the machine's clocks set by the model.

1. Nothing of the product is replaced: policy, journal, keystore, clock, consensus gate and carrier are real.
2. What a start draws at random comes from the seed, so that a run can be repeated.
3. A member's files before its first start, and its opened keys, are made once per process.
"""

from dataclasses import dataclass, field
from functools import cache
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keystore.file_keystore import FileKeystore
from keystore.header import LEAST_COST, Role
from keystore.identity import public_text
from keystore.sealed import Label, seal
from keystore.secret import Secret
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.bitcoin.network import REGTEST
from signer.clock import EffectiveClock, Machine
from signer.compose import due_steps, witness_role
from signer.consensus import CoreConsensusGate
from signer.core.registry import VaultRegistry
from signer.handle import Handler
from signer.journal.copies import copy_journal
from signer.journal.gate import Gate
from signer.journal.journal import Journal, JournalSetting
from signer.journal.place import Place
from signer.journal.store import store_at
from signer.kernel import Build, Kernel
from signer.member_files import shelf_by_record
from signer.readiness import readiness_of
from signer.vouching import Vouching
from tests import federation
from tests.core.spends import NOW
from tests.kernel import federated
from tests.kernel.federated import Witnessed
from tests.kernel.governed import GOVERNANCE, OFFICERS, begin
from tests.kernel.room import PASSPHRASE
from tests.keystore.opening import open_files

DEPTH = 4
"""`release_depth`."""


@dataclass(frozen=True)
class Shape:
    """k of n members sign; q witnesses, 0 for none; f may be dishonest."""

    threshold: int
    members: int
    witnesses: int
    dishonest: int = 0

    @property
    def name(self) -> str:
        return f"{self.threshold}-of-{self.members} q={self.witnesses}"

    @property
    def policy(self) -> bytes:
        return _policy(self)


SHAPES = (Shape(2, 3, 2), Shape(2, 3, 0), Shape(3, 4, 3, 1), Shape(2, 4, 3, 1))


@cache
def identity_of(number: int) -> tuple[bytes, bytes]:
    """The sealed file of that member's identity and its log key; the same in each process (2)."""
    seed = bytes([number + 1]) * 32
    log, statement = (
        Ed25519PrivateKey.from_private_bytes(each).public_key().public_bytes_raw()
        for each in (seed, seed[::-1])
    )
    label = Label(Role.IDENTITY, REGTEST, public_text(log, statement), None, LEAST_COST)
    with Secret(seed + seed[::-1]) as secret:
        return seal(secret, label, Secret(PASSPHRASE)), log


@cache
def _policy(shape: Shape) -> bytes:
    definition = federation.definition(shape.threshold, shape.members)
    keys = ", ".join(f'"{key}"' for key in definition.keys)
    witnesses = ""
    if shape.witnesses:
        names = ", ".join(f'"{identity_of(number)[1].hex()}"' for number in range(shape.members))
        witnesses = f"witnesses = [{names}]\nwitness_quorum = {shape.witnesses}"
    return f"""format  = "pegwarden-policy/1"
name    = "model-federation"
version = 1
network = "regtest"

[vaults.peg]
template = "{definition.template}"
keys     = [{keys}]
lookahead = 20
release_depth = {DEPTH}
coins    = "attested(2, watchers)"
{witnesses}

[rollups.main]
magic = "50475744"
first_batch = 1
sequence = "contiguous"

[groups]
watchers = [{", ".join(f'"{each.key.hex()}"' for each in federation.WATCHERS)}]
officers = [{", ".join(f'"{each.key.hex()}"' for each in OFFICERS)}]
{GOVERNANCE}
[[allow]]
spend = "withdrawal"
from  = "peg"
when  = "and(attested(2, watchers), fee_at_most(0.05 BTC), outflow_at_most(24h, 1000 BTC))"

[[allow]]
spend = "anchor"
from  = "peg"
when  = "and(attested(2, watchers), anchor_extends())"
""".encode()


@cache
def loaded(policy: bytes) -> LoadedPolicy:
    return load_policy(policy)


@cache
def _windows(policy: bytes) -> VaultRegistry:
    """The scripts of the first addresses; scripts are found by it, no index is refused by it."""
    registry = VaultRegistry(loaded(policy).vaults)
    for vault in registry.all():
        for branch in (0, 1):
            registry.cover(vault, branch, 0)
    return registry


_MADE: dict[tuple[bytes, int], dict[str, bytes]] = {}
_OPENED: dict[tuple[bytes, int], FileKeystore] = {}
"""Rule 3; by policy and the member's number."""


@dataclass
class Host:
    """A machine, whose wall clock may be wrong."""

    world: "Time"
    offset: int = 0
    """Seconds by which its wall clock is ahead."""

    @property
    def machine(self) -> Machine:
        return Machine(lambda: self.world.moment + self.offset, lambda: self.world.moment)


@dataclass
class Time:
    """What time it is."""

    moment: int = NOW


@dataclass
class Member(federated.Member):
    """A member's directory on a machine of its own."""

    random: Random = field(default_factory=Random)
    host: Host = field(default_factory=lambda: Host(Time()))
    place: Place | None = None
    """Where its journal is, if not in its folder."""

    @property
    def journal(self) -> Place:
        return self.place or self.folder / "journal.sqlite"

    @property
    def keystore(self) -> FileKeystore:
        known = _OPENED.get((self.policy, self.number))
        if known is None:
            known = open_files(self._file("identity"), (self._file("vault"),))
            _OPENED[self.policy, self.number] = known
        return known

    def init(self) -> "Member":
        made = _MADE.get((self.policy, self.number))
        if made is None:
            super().init()
            begin(self, *OFFICERS)  # type: ignore[arg-type]
            made = {each.name: each.read_bytes() for each in self.folder.iterdir()}
            _MADE[self.policy, self.number] = made
            return self
        self.folder.mkdir()
        for name, content in made.items():
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(0o600)
        return self

    def sealed_identity(self) -> bytes:
        return identity_of(self.number)[0]

    def start(self) -> "Process":
        """What `pegwarden serve` puts together."""
        policy, keystore, gate = loaded(self.policy), self.keystore, Gate()
        clock = EffectiveClock(gate, machine=self.host.machine)
        if not store_at(self.journal).exists():
            copy_journal(self.folder / "journal.sqlite", self.journal)
        setting = JournalSetting(
            signer=keystore,
            clock=clock,
            expected_first_leaf=keystore.first_leaf,
            due=due_steps,
            gate=gate,
            incarnation=self.random.randbytes(16),
        )
        journal = Journal(self.journal, setting)
        with journal.reading() as reading:
            shelf = shelf_by_record(policy, policy.policy_id, reading)
            clock.begin(max(reading.last_entry(), reading.control().stated_time))
        registry = _windows(self.policy)
        role = witness_role(journal, keystore, Vouching(shelf, registry), clock)
        if role.start.is_open:
            clock.judge_alone(journal.heads.seen)
        kernel = Kernel(
            build=Build("model", bytes(32), bytes(32)),
            network=REGTEST,
            shelf=shelf,
            registry=registry,
            keystore=keystore,
            journal=journal,
            readiness=readiness_of(journal, clock),
            clock=clock,
            agreement=role,
        )
        handler = Handler(kernel, CoreConsensusGate())
        return Process(handler, journal, keystore, self.name, role, clock)


@dataclass
class Process(Witnessed):
    """A kernel that serves, with its clock."""

    clock: EffectiveClock
