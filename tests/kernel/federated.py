"""Three kernels whose vault has witnesses, in one process: identities first, then the policy with them."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

from carrier.member import Refused
from carrier.round import Carrier, Report
from keystore.derive import derive_account
from keystore.header import LEAST_COST, Binding, Role
from keystore.identity import Identity, new_identity
from keystore.ledger import ledger_files
from keystore.sealed import KeyFile, Label, bind, create, open_sealed, seal
from keystore.secret import Secret
from pegwarden.v1 import audit_pb2 as au
from pegwarden.v1 import kernel_pb2 as pb
from pegwarden.v1 import types_pb2 as t
from policies.load import load_policy
from signer.bitcoin.network import REGTEST
from signer.charged import Counting
from signer.compose import due_steps, witness_role
from signer.consensus import CoreConsensusGate
from signer.core.caller import Caller
from signer.core.caller import Role as CallerRole
from signer.core.errors import Refusal
from signer.core.registry import VaultRegistry
from signer.handle import Handler
from signer.journal.codec import decode_entry
from signer.journal.entry import Entry, GenesisEntry
from signer.journal.journal import Journal, JournalSetting
from signer.journal.store import create_journal
from signer.kernel import Build, Kernel
from signer.member_files import shelf_of
from signer.vouching import Vouching
from signer.witness import WitnessRole
from tests import federation
from tests.core.spends import NOW, Coin
from tests.kernel.clocks import WallClock
from tests.kernel.governed import GOVERNANCE, OFFICERS
from tests.kernel.room import (
    PASSPHRASE,
    Running,
    attested,
    construct_request,
    policy_text,
    sign_request,
)
from tests.keystore.opening import open_files

CARRIER = Caller("carrier-1", frozenset({CallerRole.WITNESS}))
Answer = TypeVar("Answer", bound=Message)
_IDENTITIES: dict[int, tuple[bytes, bytes]] = {}
_KEYS: dict[int, bytes] = {}


def identity_of(number: int) -> tuple[bytes, bytes]:
    """The sealed file of that member's identity and its log key; made once per process."""
    if number not in _IDENTITIES:
        sealed, log_key, _ = new_identity(REGTEST, Secret(PASSPHRASE), LEAST_COST)
        _IDENTITIES[number] = (sealed, log_key)
    return _IDENTITIES[number]


def log_key_of(number: int) -> bytes:
    return identity_of(number)[1]


def witnessed_policy(members: int = 3, **changes: str) -> bytes:
    """The policy of `room`, with these changes, its vault witnessed by all members."""
    keys = ", ".join(f'"{log_key_of(number).hex()}"' for number in range(members))
    text = policy_text(**changes).decode()
    return text.replace("lookahead = 20\n", f"lookahead = 20\nwitnesses = [{keys}]\n").encode()


@dataclass
class Witnessed(Running):
    """A kernel that serves, and its name, as a carrier knows it."""

    name: str
    role: WitnessRole

    def ask(self, request: Message, answer: type[Answer]) -> Answer:
        method = request.DESCRIPTOR.name.removesuffix("Request")
        try:
            raw = self.handler.handle(method, CARRIER, request.SerializeToString())
        except Refusal as refusal:
            said = t.Refusal(code=refusal.code)
            said.objections.add(code=refusal.code, detail=refusal.objections[0].detail)
            raise Refused(self.name, "", said) from refusal
        return answer.FromString(raw)

    def ask_all(self, request: Message, answer: type[Answer]) -> Iterator[Answer]:
        """Pages until all that was asked for is there, as the edge streams them."""
        asked = au.ListEntriesRequest.FromString(request.SerializeToString())
        left = asked.max_entries or self.size - asked.start
        while left > 0:
            asked.max_entries = left
            page = self.ask(asked, au.ListEntriesResponse)
            yield answer.FromString(page.SerializeToString())
            asked.start += len(page.records)
            left -= len(page.records)

    def entries(self) -> list[Entry]:
        """Its log."""
        request = au.ListEntriesRequest()
        pages = self.ask_all(request, au.ListEntriesResponse)
        return [decode_entry(record) for page in pages for record in page.records]

    def head(self) -> au.GetHeadResponse:
        return self.ask(au.GetHeadRequest(), au.GetHeadResponse)

    @property
    def log_key(self) -> bytes:
        return self.keystore.log_key

    @property
    def size(self) -> int:
        return int(self.head().head.split("\n")[1])


@dataclass
class Member:
    """A member's directory and, while it runs, its kernel."""

    folder: Path
    number: int
    policy: bytes
    clock: WallClock = field(default_factory=WallClock)
    head_name: str = ""
    """Of its head file; empty for none."""

    @property
    def name(self) -> str:
        return "abcdefgh"[self.number]

    def init(self) -> "Member":
        """What `pegwarden init` and `key bind` do."""
        self.folder.mkdir()
        create(self.folder / "identity.key", self.sealed_identity())
        create(self.folder / "vault.key", self._sealed_seed())
        signer = Identity(open_sealed(self._file("identity")))
        policy = load_policy(self.policy)
        genesis = GenesisEntry(
            clock=self.clock.now(),
            network=REGTEST.name,
            genesis_hash=REGTEST.genesis_hash,
            policy_id=policy.policy_id,
            vaults=tuple(vault.fingerprint for vault in policy.vaults),
            log_key=signer.log_key,
            statement_key=signer.statement_key,
            salt=bytes([self.number]) * 16,
        )
        leaf = create_journal(self.folder / "journal.sqlite", genesis, signer)
        bind(self._file("vault"), Binding(policy.vaults[0].fingerprint, policy.policy_id, leaf))
        return self

    def sealed_identity(self) -> bytes:
        """Made once per process."""
        return identity_of(self.number)[0]

    def _sealed_seed(self) -> bytes:
        if self.number not in _KEYS:
            seed = federation.MEMBERS[self.number].name.encode().ljust(32, b"\x07")
            with Secret(seed) as secret:
                origin, account = derive_account(secret, REGTEST)
                text = f"{origin}{account.public.text(REGTEST)}"
                label = Label(Role.VAULT, REGTEST, text, None, LEAST_COST)
                _KEYS[self.number] = seal(secret, label, Secret(PASSPHRASE))
        return _KEYS[self.number]

    def _file(self, name: str) -> KeyFile:
        return KeyFile(self.folder / f"{name}.key", Secret(PASSPHRASE))

    def start(self) -> Witnessed:
        """What `pegwarden serve` puts together."""
        policy = load_policy(self.policy)
        registry = VaultRegistry(policy.vaults)
        keystore = open_files(self._file("identity"), (self._file("vault"),))
        keystore.open_ledgers(ledger_files(self.folder / "ledgers"))
        setting = JournalSetting(
            signer=keystore,
            clock=self.clock,
            expected_first_leaf=keystore.first_leaf,
            due=due_steps,
            head_file=self.folder / self.head_name if self.head_name else None,
        )
        journal = Journal(self.folder / "journal.sqlite", setting)
        with journal.reading() as view:
            for vault in registry.all():
                for branch in (0, 1):
                    registry.cover(vault, branch, view.next_index(vault.fingerprint, branch))
        shelf = shelf_of(policy)
        role = witness_role(journal, keystore, Vouching(shelf, registry), self.clock)
        counting = Counting(keystore, journal, role.start.unfinished)
        role.start.when_complete = counting.if_possible
        kernel = Kernel(
            build=Build("test", bytes(32), bytes(32)),
            network=REGTEST,
            shelf=shelf,
            registry=registry,
            keystore=keystore,
            journal=journal,
            agreement=role,
            clock=self.clock,
            count=counting,
        )
        handler = Handler(kernel, CoreConsensusGate())
        return Witnessed(handler, journal, keystore, self.name, role)

    def copy(self, folder: Path) -> "Member":
        """The directory as it is now, elsewhere; the kernel must not run."""
        shutil.copytree(self.folder, folder)
        return Member(folder, self.number, self.policy, self.clock, self.head_name)


@dataclass
class Team:
    """Members of one federation, those that run by name."""

    folder: Path
    members: tuple[Member, ...]
    running: dict[str, Witnessed] = field(default_factory=dict)
    _undo: ExitStack = field(default_factory=ExitStack)

    def start(self, *names: str) -> None:
        for member in self.members:
            if member.name in names or not names:
                self.running[member.name] = member.start()

    def stop(self, *names: str) -> None:
        for name in names or tuple(self.running):
            self.running.pop(name).stop()

    def __getitem__(self, name: str) -> Witnessed:
        return self.running[name]

    def carry(self, *names: str, rounds: int = 3) -> Report:
        """Rounds between these, or all who run; the last one's report."""
        among: Sequence[Witnessed] = [
            each for each in self.running.values() if each.name in names or not names
        ]
        carrier = Carrier(among)
        for _ in range(rounds - 1):
            carrier.carry()
        return carrier.carry()

    def save(self, name: str) -> Path:
        """A copy of a stopped member's directory, as a backup keeps it."""
        (member,) = (each for each in self.members if each.name == name)
        kept = self.folder / f"backup-{name}-{len(list(self.folder.iterdir()))}"
        shutil.copytree(member.folder, kept)
        return kept

    def restore(self, name: str, kept: Path) -> None:
        """The directory is that backup again."""
        (member,) = (each for each in self.members if each.name == name)
        shutil.rmtree(member.folder)
        shutil.copytree(kept, member.folder)


def team(folder: Path, members: int = 3, now: int = NOW, **changes: str) -> Team:
    """Members with journals of one entry, of that time, by the policy with these changes; none runs."""
    policy = witnessed_policy(members, **changes)
    made = (
        Member(folder / "abcdefgh"[number], number, policy, WallClock(now))
        for number in range(members)
    )
    return Team(folder, tuple(each.init() for each in made))


def governed(folder: Path, more: str = "") -> Team:
    """Such members by a policy of three officers, two of whom are the quorum; none runs."""
    keys = ", ".join(f'"{officer.key.hex()}"' for officer in OFFICERS)
    return team(folder, groups=f"officers = [{keys}]", more=GOVERNANCE + more)


def started(folder: Path) -> Team:
    """All run, and have imported each other's claims."""
    made = team(folder)
    made.start()
    made.carry(rounds=4)
    return made


def draft(
    kernel: Witnessed,
    coins: tuple[Coin, ...],
    payments: tuple[tuple[int, int], ...],
    **more: object,
) -> pb.SignPsbtRequest:
    """A transaction of these coins with all the evidence for it."""
    built = kernel.construct(construct_request(coins, payments, **more))
    return sign_request(built, attested(coins, payments, now=NOW))
