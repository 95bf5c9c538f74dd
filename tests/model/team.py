"""The federations of the model: real kernels on disk, started, stopped, put back to a copy, cloned.

1. Nothing of the product is replaced: policy, journal, keystore, consensus gate and carrier are real.
2. What a start draws at random comes from the seed, so that a run can be repeated.
"""

import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keystore.file_keystore import FileKeystore, open_keystore
from keystore.header import LEAST_COST, Role
from keystore.identity import public_text
from keystore.sealed import Label, seal
from keystore.secret import Secret
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.bitcoin.network import REGTEST
from signer.compose import due_steps, witness_role
from signer.consensus import CoreConsensusGate
from signer.core.vault import VaultRegistry
from signer.handle import Handler
from signer.journal.copies import copy_journal
from signer.journal.journal import Journal, JournalSetting
from signer.journal.place import Place, PostgresPlace
from signer.journal.store import store_at
from signer.kernel import Build, Kernel
from signer.member_files import shelf_of
from signer.vouching import Vouching
from tests import federation
from tests.core.spends import NOW
from tests.kernel import federated
from tests.kernel.federated import WallClock, Witnessed
from tests.kernel.room import PASSPHRASE

if TYPE_CHECKING:
    from tests.postgres import Cluster

DEPTH = 4
"""`release_depth`."""


@dataclass(frozen=True)
class Shape:
    """k of n members sign; q witnesses, 0 for none."""

    threshold: int
    members: int
    witnesses: int

    @property
    def name(self) -> str:
        return f"{self.threshold}-of-{self.members} q={self.witnesses}"

    @property
    def policy(self) -> bytes:
        return _policy(self)


SHAPES = (Shape(2, 3, 2), Shape(2, 3, 0), Shape(3, 4, 3))


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
def _loaded(policy: bytes) -> LoadedPolicy:
    return load_policy(policy)


_MADE: dict[tuple[bytes, int], dict[str, bytes]] = {}
"""The files of a member that never ran; the costly ones are made once per process."""


@dataclass
class Member(federated.Member):
    """A member whose start draws from the seed. Its keys are opened once."""

    random: Random = field(default_factory=Random)
    place: Place | None = None
    """Where its journal is, if not in its folder."""

    opened: FileKeystore | None = None

    @property
    def journal(self) -> Place:
        return self.place or self.folder / "journal.sqlite"

    @property
    def keystore(self) -> FileKeystore:
        if self.opened is None:
            self.opened = open_keystore(self._file("identity"), (self._file("vault"),))
        return self.opened

    def init(self) -> "Member":
        made = _MADE.get((self.policy, self.number))
        if made is None:
            super().init()
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

    def start(self) -> Witnessed:
        """What `pegwarden serve` puts together."""
        policy = _loaded(self.policy)
        registry = VaultRegistry(policy.vaults)
        keystore = self.keystore
        if not store_at(self.journal).exists():
            copy_journal(self.folder / "journal.sqlite", self.journal)
        setting = JournalSetting(
            signer=keystore,
            clock=self.clock,
            expected_first_leaf=keystore.first_leaf,
            due=due_steps,
            incarnation=self.random.randbytes(16),
        )
        journal = Journal(self.journal, setting)
        with journal.reading() as view:
            for vault in registry.all():
                for branch in (0, 1):
                    registry.cover(vault, branch, view.next_index(vault.fingerprint, branch))
        shelf = shelf_of(policy)
        role = witness_role(journal, keystore, Vouching(shelf, registry), self.clock)
        build = Build("model", bytes(32), bytes(32))
        kernel = Kernel(
            build, REGTEST, shelf, registry, keystore, journal, clock=self.clock, agreement=role
        )
        return Witnessed(Handler(kernel, CoreConsensusGate()), journal, keystore, self.name, role)


class Team:
    """A federation's members; those that run by name. All of them share one clock."""

    def __init__(
        self, folder: Path, shape: Shape, random: Random, cluster: "Cluster | None" = None
    ) -> None:
        self.folder, self.shape, self.cluster = folder, shape, cluster
        self.clock = WallClock(NOW)
        self.members = {
            each.name: each
            for each in (
                Member(
                    folder / "abcdefgh"[number],
                    number,
                    shape.policy,
                    clock=self.clock,
                    random=random,
                    place=None if cluster is None else cluster.new_place(),
                )
                for number in range(shape.members)
            )
        }
        self.running: dict[str, Witnessed] = {}
        self.replicas: dict[str, Witnessed] = {}
        """Second kernels on the same database, where there is one and no witnesses."""
        self.copies: dict[str, list[Place]] = {name: [] for name in self.members}
        for each in self.members.values():
            each.init()

    def start(self, name: str) -> None:
        if name not in self.running:
            self.running[name] = self.members[name].start()
            if self.cluster is not None and not self.shape.witnesses:
                self.replicas[name] = self.members[name].start()

    def stop(self, name: str) -> None:
        if name in self.running:
            self.running.pop(name).journal.close()
        if name in self.replicas:
            self.replicas.pop(name).journal.close()

    def close(self) -> None:
        """The end."""
        for name in tuple(self.running):
            self.stop(name)
        for each in self.members.values():
            if each.opened is not None:
                each.opened.close()

    def save(self, name: str) -> None:
        """A backup of a stopped member."""
        place = self.members[name].place
        if self.cluster is not None and isinstance(place, PostgresPlace):
            self.copies[name].append(self.cluster.new_place(self.cluster.name_of(place)))
            return
        kept = self.folder / f"backup-{name}-{len(self.copies[name])}"
        shutil.copytree(self.members[name].folder, kept)
        self.copies[name].append(kept)

    def restore(self, name: str, kept: Place) -> None:
        """A stopped member's directory, or database, is that backup again."""
        if self.cluster is not None and isinstance(kept, PostgresPlace):
            self.members[name].place = self.cluster.new_place(self.cluster.name_of(kept))
            return
        assert isinstance(kept, Path)
        shutil.rmtree(self.members[name].folder)
        shutil.copytree(kept, self.members[name].folder)
