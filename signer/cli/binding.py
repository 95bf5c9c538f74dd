"""`key bind`: the journal's first entry, and the keys that serve this journal alone.

1. The policy becomes the member's own: its bytes are installed where the configuration names it. A file
   that stands there with other bytes is not overwritten.
2. The journal is created with its genesis entry, then each vault key is bound to it. A run that was cut
   short is taken up: a journal of the same beginning with no further entry is used, and keys that are
   bound to it stay so.
3. A policy with [governance] is bound only with the approvals of all its officers; they are the journal's
   next entries (`signer.genesis`).
"""

import os
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from keystore.header import Binding
from keystore.hsm_sealed import header_of
from keystore.identity import Identity
from keystore.sealed import KeyFile, bind, open_sealed, read_sealed
from keystore.secret import Secret
from policies.loaded import LoadedPolicy
from signer.config import KernelConfig
from signer.core.acts import SignedAct
from signer.core.errors import Objection, Refusal
from signer.core.notices import Notice
from signer.genesis import genesis_notices, require_signed
from signer.journal.audit import verify_journal
from signer.journal.entry import GenesisEntry
from signer.journal.journal import open_journal
from signer.journal.store import create_journal, store_at
from signer.member_files import key_of, policy_of, read_policy_bytes
from signer.ports.reading import Reading


@dataclass(frozen=True, slots=True)
class Bound:
    """What the keys are bound to."""

    policy_id: bytes
    first_leaf: bytes
    vaults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GenesisFiles:
    """What a member is bound to."""

    policy: Path
    acts: tuple[SignedAct, ...] = ()
    """The officers' approvals of it."""


@dataclass(frozen=True, slots=True)
class _Now:
    """The time of the first entries."""

    moment: int

    def now(self) -> int:
        """Unix seconds."""
        return self.moment


def bind_member(config: KernelConfig, files: GenesisFiles, passphrase: Secret) -> Bound:
    """Raises Refusal (`policy-wrong-network`, `policy-genesis-unsigned`, `policy-exists`,
    `vault-key-not-ours`, `journal-exists`, `key-already-bound`, ...) and PolicyError."""
    content = read_policy_bytes(files.policy)
    policy = policy_of(config, content)
    clock = _Now(int(time.time()))
    require_signed(policy, files.acts, clock.now())
    owners = _owners(config, policy)
    bound = _bound(owners, policy)
    if bound and not store_at(config.journal).exists():
        raise _bound_already(*bound)
    identity = Identity(open_sealed(KeyFile(config.keys.identity, passphrase)))
    _install_policy(config.policy, content)
    first_leaf = _begin_journal(config, policy, identity)
    if policy.governance is not None:
        with closing(
            open_journal(
                config.journal, signer=identity, clock=clock, expected_first_leaf=first_leaf
            )
        ) as journal:
            journal.note(partial(_first_notices, policy, content, files.acts))
    for vault in policy.vaults:
        path, binding = owners[vault.vault_id], bound.get(owners[vault.vault_id])
        wanted = Binding(vault.fingerprint, policy.policy_id, first_leaf)
        if binding not in (None, wanted):
            raise _bound_already(path)
        if binding is None:
            bind(KeyFile(path, passphrase), wanted)
    return Bound(policy.policy_id, first_leaf, tuple(vault.vault_id for vault in policy.vaults))


def _owners(config: KernelConfig, policy: LoadedPolicy) -> dict[str, Path]:
    """Vault -> the key file that is ours in it; every key file has its vault, and one is unbound."""
    headers = {path: header_of(read_sealed(path)) for path in config.keys.vaults}
    if all(header.binding is not None for header in headers.values()):
        raise _bound_already(*headers)
    by_text = {header.public: path for path, header in headers.items()}
    owners = {vault.vault_id: key_of(vault, by_text) for vault in policy.vaults}
    idle = [str(path) for path in headers if path not in owners.values()]
    if idle:
        detail = f"the xpub of {', '.join(idle)} is in no vault of the policy"
        raise Refusal(Objection("key-wrong-vault", detail))
    return owners


def _bound(owners: dict[str, Path], policy: LoadedPolicy) -> dict[Path, Binding]:
    """The keys that an earlier run of this binding has bound. Raises Refusal `key-already-bound`."""
    found: dict[Path, Binding] = {}
    for vault in policy.vaults:
        path = owners[vault.vault_id]
        binding = header_of(read_sealed(path)).binding
        if binding is None:
            continue
        if (binding.vault_fingerprint, binding.policy_id) != (vault.fingerprint, policy.policy_id):
            raise _bound_already(path)
        found[path] = binding
    return found


def _bound_already(*paths: Path) -> Refusal:
    detail = f"{', '.join(str(path) for path in paths)}: bound already"
    return Refusal(Objection("key-already-bound", detail))


def _install_policy(target: Path, content: bytes) -> None:
    if target.exists():
        if read_policy_bytes(target) == content:
            return
        detail = f"{target} stands there with other bytes; move it away"
        raise Refusal(Objection("policy-exists", detail))
    draft = target.with_name(target.name + ".new")
    draft.write_bytes(content)
    draft.replace(target)


def _begin_journal(config: KernelConfig, policy: LoadedPolicy, identity: Identity) -> bytes:
    genesis = GenesisEntry(
        clock=int(time.time()),
        network=config.network.name,
        genesis_hash=config.network.genesis_hash,
        policy_id=policy.policy_id,
        vaults=tuple(vault.fingerprint for vault in policy.vaults),
        log_key=identity.log_key,
        statement_key=identity.statement_key,
        salt=os.urandom(16),
    )
    if not store_at(config.journal).exists():
        return create_journal(config.journal, genesis, identity)
    report = verify_journal(config.journal)
    found = report.genesis
    if report.entries not in _lengths(policy) or _beginning(found) != _beginning(genesis):
        detail = f"{config.journal} is another journal, or has entries already"
        raise Refusal(Objection("journal-exists", detail))
    return report.first_leaf


def _lengths(policy: LoadedPolicy) -> tuple[int, ...]:
    """How many entries a journal may have that an earlier run has begun."""
    if policy.governance is None:
        return (1,)
    return (1, 1 + len(policy.governance.officers) + 2)


def _first_notices(
    policy: LoadedPolicy, content: bytes, acts: tuple[SignedAct, ...], reading: Reading, now: int
) -> tuple[Notice, ...]:
    """Nothing where an earlier run has recorded them."""
    if reading.governance().in_force:
        return ()
    require_signed(policy, acts, now)  # at the time that goes on record
    return genesis_notices(policy, content, acts, now)


def _beginning(genesis: GenesisEntry) -> tuple[object, ...]:
    """All of a genesis entry but its time and salt."""
    return (
        genesis.genesis_hash,
        genesis.policy_id,
        genesis.vaults,
        genesis.log_key,
        genesis.statement_key,
    )
