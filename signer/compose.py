"""The one place where a kernel is wired: config -> policy -> vaults -> keystore -> journal -> kernel. What
stands in front of it, and speaks gRPC, is `signer.front`'s.

A member serves only if
1. the policy loads, and is of the config's network;
2. the self-test passes and the sealed keys open;
3. exactly one xpub of each vault is ours, each of our keys is bound to its vault and the genesis policy, and
   each with caps has its ledger;
4. the journal begins with the entry that our keys are bound to, and nobody else has it open;
5. the policy file, and the policy in force, descend from the genesis policy by recorded approvals.
Whatever is missing is a sentence, before a port is opened.
"""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from keystore.file_keystore import FileKeystore
from keystore.secret import Secret
from keystore.token.links import Links
from signer.bitcoin.best_chain import ChainBounds
from signer.bitcoin.chain_rules import SPACING
from signer.bitcoin.network import REGTEST
from signer.bitcoin.network_rules import rules_of
from signer.charged import Counting
from signer.clock import EffectiveClock
from signer.config import KernelConfig
from signer.consensus import ConsensusGate, CoreConsensusGate, UnsafeWithoutConsensusGate
from signer.core.freshness import FreshnessBounds
from signer.core.notices import Notice
from signer.core.policy_steps import due
from signer.core.registry import VaultRegistry
from signer.core.vault import CHANGE, RECEIVE, Vault
from signer.custody import Custody, KeyCustody
from signer.edge.roles import UNBLOCKED
from signer.handle import Handler
from signer.journal.gate import Gate
from signer.journal.header_chain import ChainSetting
from signer.journal.journal import Journal, JournalSetting
from signer.journal.room import RESERVED
from signer.journal.undone import record_undone
from signer.kernel import Build, Kernel
from signer.link.door import DoorSetting
from signer.member_files import policy_of, require_bindings, shelf_by_record
from signer.opening import OpenedKeys, open_keys
from signer.ports.reading import Reading
from signer.read_member import MemberFiles
from signer.readiness import readiness_of
from signer.start import Start, StartSetting, WitnessedClock
from signer.ticker import Ticker
from signer.vouching import Vouching
from signer.witness import WitnessRole

VERSION = "0.1.0"
"""Of pyproject.toml; a test compares them."""
SPARE_CALLS = 8
"""Of an edge: what it asks for itself, and what callers of it left behind."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member's kernel with what must be closed after it."""

    handler: Handler
    keystore: FileKeystore
    kinds: Mapping[bytes, str]
    """Vault -> what signs for it: `file`, `hsm-sealed` or `token`."""
    journal: Journal
    ticker: Ticker
    carrying_wanted: threading.Event
    """Set when an entry of ours begins to wait for other members' grants."""

    def close(self) -> None:
        """Answer all who wait, release the journal, zero the keys."""
        self.ticker.close()
        self.journal.close()
        self.keystore.close()


def compose(files: MemberFiles, passphrase: Secret, links: Links | None = None) -> Member:
    """The kernel of that member; `links` to the keepers of its token, if it has one. Raises Refusal, or
    Fault `self-test-failed`."""
    config = files.config
    policy = policy_of(config, files.policy)  # 1
    registry = VaultRegistry(policy.vaults)
    with ThreadPoolExecutor(1) as beside:  # scrypt takes as long as the first addresses
        opening = beside.submit(open_keys, files, passphrase, links)  # 2
        for vault in registry.all():
            registry.cover(vault, RECEIVE, 0)
            registry.cover(vault, CHANGE, 0)
        opened = opening.result()
    keys = opened.keystore
    genesis = require_bindings(policy, opened.headers, keys.first_leaf)  # 3
    keys.open_ledgers(files.ledgers)
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
        chain=chain_setting(config),
        on_changed=record_undone,
    )
    journal = Journal(files.journal, setting)  # 4
    try:
        with journal.reading() as reading:
            shelf = shelf_by_record(policy, genesis, reading)  # 5
            clock.begin(max(reading.last_entry(), reading.control().stated_time))
    except BaseException:
        journal.close()
        raise
    agreement = witness_role(journal, keys, Vouching(shelf, registry), clock)
    counting = Counting(keys, journal, agreement.start.unfinished)
    if agreement.start.is_open:
        clock.judge_alone(journal.heads.seen)
    _cover(registry, journal)
    wanted = threading.Event()
    kernel = Kernel(
        build=Build(VERSION, files.build_digest, config.digest),
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
        count=counting,
        custody=_custody(config, opened),
    )

    def tick() -> None:
        journal.tick()
        counting.if_possible()

    counting.if_possible()
    agreement.start.when_complete = counting.if_possible
    handler = Handler(kernel, _gate(config), journal.headers)
    return Member(handler, keys, opened.kinds, journal, Ticker(tick), wanted)


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


def chain_setting(config: KernelConfig) -> ChainSetting | None:
    """Whose headers the record takes, by the rules of the config's network; None where it names no chain."""
    chain = config.chain
    if chain is None:
        return None
    return ChainSetting(
        rules=rules_of(config.network),
        bounds=ChainBounds(
            chain.depth,
            chain.least_work,
            spacing=0 if config.network is REGTEST else SPACING,
            follow=chain.follow,
        ),
        fresh=FreshnessBounds(
            chain.least_work, chain.max_tip_age, chain.max_silence, chain.max_pace
        ),
        sources=chain.sources,
        sources_needed=chain.sources_needed,
        checkpoint=chain.checkpoint,
    )


def door_setting(config: KernelConfig, edge_uid: int) -> DoorSetting:
    """What the kernel answers an edge of that user with."""
    limits = config.limits
    return DoorSetting(
        edge_uid=edge_uid,
        callers={caller.name: caller.roles for caller in config.callers},
        unblocked=UNBLOCKED,
        threads=limits.threads,
        most=limits.calls + limits.watches + SPARE_CALLS,
        request_bytes=limits.request_bytes,
        body_bytes=limits.link_bytes,
    )


def _cover(registry: VaultRegistry, journal: Journal) -> None:
    """Derive the lookahead windows, so that the first request is no slower than the hundredth."""
    with journal.reading() as view:
        for vault in registry.all():
            for branch in (RECEIVE, CHANGE):
                registry.cover(vault, branch, view.next_index(vault.fingerprint, branch))


def _custody(config: KernelConfig, opened: OpenedKeys) -> Custody:
    """A process that has a room to close serves only when it has closed it (`signer.cli.kernel`)."""
    processes, caps = config.processes, opened.keystore.caps()
    keys = {
        vault: KeyCustody(kind, caps[vault] is not None) for vault, kind in opened.kinds.items()
    }
    if processes is None:
        return Custody(keys=keys)
    return Custody(2, not processes.open_room, keys)


def _gate(config: KernelConfig) -> ConsensusGate:
    return UnsafeWithoutConsensusGate() if config.without_consensus_gate else CoreConsensusGate()
