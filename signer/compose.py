"""The one place where everything is wired: config -> policy -> vaults -> keystore -> journal -> kernel.

A member serves only if
1. the policy loads, and is of the config's network;
2. the self-test passes and the sealed keys open;
3. exactly one xpub of each vault is ours, and each of our keys is bound to its vault and the genesis policy;
4. the journal begins with the entry that our keys are bound to, and nobody else has it open;
5. the policy file, and the policy in force, descend from the genesis policy by recorded approvals.
Whatever is missing is a sentence, before a port is opened.
"""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import carrier
import keystore
import pegwarden
import policies
import signer
from carrier.member import Credentials
from keystore.file_keystore import FileKeystore, open_keystore
from keystore.sealed import KeyFile
from keystore.secret import Secret
from signer.clock import EffectiveClock
from signer.config import KernelConfig
from signer.consensus import ConsensusGate, CoreConsensusGate, UnsafeWithoutConsensusGate
from signer.core.errors import Objection, Refusal
from signer.core.notices import Notice
from signer.core.policy_steps import due
from signer.core.registry import VaultRegistry
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.edge.peers import PeerSetting
from signer.edge.server import EdgeSetting, TlsFiles
from signer.handle import Handler
from signer.journal.gate import Gate
from signer.journal.journal import Journal, JournalSetting
from signer.journal.room import RESERVED
from signer.kernel import Build, Kernel
from signer.member_files import read_policy, require_bindings, shelf_by_record
from signer.ports.reading import Reading
from signer.readiness import readiness_of
from signer.start import Start, StartSetting, WitnessedClock
from signer.ticker import Ticker
from signer.vouching import Vouching
from signer.witness import WitnessRole

VERSION = "0.1.0"
"""Of pyproject.toml; a test compares them."""
_PACKAGES = (signer, policies, keystore, carrier, pegwarden)


@dataclass(frozen=True, slots=True)
class Member:
    """A member's kernel with what must be closed after it."""

    handler: Handler
    keystore: FileKeystore
    journal: Journal
    ticker: Ticker
    carrying_wanted: threading.Event
    """Set when an entry of ours begins to wait for other members' grants."""

    def close(self) -> None:
        """Answer all who wait, release the journal, zero the keys."""
        self.ticker.close()
        self.journal.close()
        self.keystore.close()


def compose(config: KernelConfig, passphrase: Secret) -> Member:
    """The kernel of that configuration. Raises Refusal, or Fault `self-test-failed`."""
    policy = read_policy(config)  # 1
    registry = VaultRegistry(policy.vaults)
    with ThreadPoolExecutor(1) as beside:  # scrypt takes as long as the first addresses
        opening = beside.submit(_open_keys, config, passphrase)  # 2
        for vault in registry.all():
            registry.cover(vault, RECEIVE, 0)
            registry.cover(vault, CHANGE, 0)
        keys = opening.result()
    genesis = require_bindings(config, policy, keys)  # 3
    gate = Gate()
    clock = EffectiveClock(gate, config.max_downtime)
    setting = JournalSetting(
        signer=keys,
        clock=clock,
        expected_first_leaf=keys.first_leaf,
        due=due_steps,
        head_file=config.journal_head,
        gate=gate,
        grant_timeout=config.agreement.timeout_seconds,
        space=RESERVED,
    )
    journal = Journal(config.journal, setting)  # 4
    try:
        with journal.reading() as reading:
            shelf = shelf_by_record(policy, genesis, reading)  # 5
            clock.begin(max(reading.last_entry(), reading.control().stated_time))
    except BaseException:
        journal.close()
        raise
    agreement = witness_role(journal, keys, Vouching(shelf, registry), clock)
    if agreement.start.is_open:
        clock.judge_alone(journal.heads.seen)
    _cover(registry, journal)
    wanted = threading.Event()
    kernel = Kernel(
        build=Build(VERSION, build_digest(), config.digest),
        network=config.network,
        shelf=shelf,
        registry=registry,
        keystore=keys,
        journal=journal,
        readiness=readiness_of(journal, clock),
        clock=clock,
        agreement=agreement,
        patience=config.agreement.wait_seconds,
        call_carrier=wanted.set,
    )
    return Member(Handler(kernel, _gate(config)), keys, journal, Ticker(journal.tick), wanted)


def witness_role(
    journal: Journal, keys: FileKeystore, vouching: Vouching, clock: WitnessedClock
) -> WitnessRole:
    """This member among the others. With witnesses the gate is shut until they have answered."""

    def vaults() -> tuple[Vault, ...]:
        with journal.reading() as reading:
            return vouching.shelf.in_force(reading).vaults

    return WitnessRole(Start(StartSetting(journal, keys, vaults, clock, vouching)), keys)


def due_steps(reading: Reading, now: int) -> tuple[Notice, ...]:
    """What the writer records first in each of its turns: policy steps whose time has come."""
    return due(reading.governance(), now)


def _open_keys(config: KernelConfig, passphrase: Secret) -> FileKeystore:
    vaults = [KeyFile(path, passphrase) for path in config.keys.vaults]
    return open_keystore(KeyFile(config.keys.identity, passphrase), vaults)


def _cover(registry: VaultRegistry, journal: Journal) -> None:
    """Derive the lookahead windows, so that the first request is no slower than the hundredth."""
    with journal.reading() as view:
        for vault in registry.all():
            for branch in (RECEIVE, CHANGE):
                registry.cover(vault, branch, view.next_index(vault.fingerprint, branch))


def _gate(config: KernelConfig) -> ConsensusGate:
    return UnsafeWithoutConsensusGate() if config.without_consensus_gate else CoreConsensusGate()


def build_digest() -> bytes:
    """SHA-256 over the kernel's source files: for each, in path order, its path, a zero byte and the
    SHA-256 of its content."""
    root = Path(signer.__file__).parent.parent
    digest = hashlib.sha256()
    files = [file for package in _PACKAGES for file in _sources(Path(str(package.__file__)).parent)]
    for file in sorted(files):
        name = file.relative_to(root).as_posix().encode()
        digest.update(name + b"\x00" + hashlib.sha256(file.read_bytes()).digest())
    return digest.digest()


def _sources(package: Path) -> list[Path]:
    return list(package.rglob("*.py"))


def edge_setting(config: KernelConfig) -> EdgeSetting:
    """What the edge serves with. Raises Refusal `tls-file-unreadable`."""
    tls = config.tls
    contents = [_read_tls(path) for path in (tls.certificate, tls.key, tls.client_ca)]
    return EdgeSetting(
        listen=config.listen,
        metrics=config.metrics,
        tls=TlsFiles(*contents),
        callers=config.callers,
        limits=config.limits,
        reflection=config.development,
    )


def peer_setting(config: KernelConfig, wanted: threading.Event) -> PeerSetting | None:
    """Whom this member carries to and from, at the latest when that is set; None where its configuration
    names nobody."""
    agreement, identity = config.agreement, config.agreement.identity
    if identity is None:
        return None
    return PeerSetting(
        ours=config.listen,
        peers=tuple((peer.name, peer.address) for peer in agreement.peers),
        identity=Credentials(identity.client_ca, identity.certificate, identity.key),
        every_seconds=agreement.every_seconds,
        wanted=wanted,
    )


def _read_tls(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(1 << 20)
    except OSError as error:
        raise Refusal(Objection("tls-file-unreadable", f"{path}: {error.strerror}")) from None
    if b"-----BEGIN " not in content:
        raise Refusal(Objection("tls-file-unreadable", f"{path} is not PEM"))
    return content
