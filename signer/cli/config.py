"""`pegwarden config check`."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click

from keystore.header import FILE_KIND, Binding, WrapKind, kind_of, read_file
from keystore.hsm_sealed import header_of
from keystore.sealed import read_sealed
from policies.loaded import LoadedPolicy
from signer.cli.config_caps import caps_json, caps_lines, compared_caps, missing_ledgers
from signer.cli.eyes import exposed, eyes_of, unreachable
from signer.cli.options import Emit, columns, config_option, json_option
from signer.cli.status_chain import configured
from signer.config import KernelConfig, load_config
from signer.config_processes import ProcessesConfig
from signer.core.errors import Refusal
from signer.edge.roles import ROLES
from signer.journal.store import store_at
from signer.member_files import key_of, read_policy
from signer.process.users import users_of


@click.group("config")
def command() -> None:
    """Look at a member's configuration."""


@command.command("check")
@config_option
@json_option
def check_command(config_path: Path, emit: Emit) -> int:
    """Load configuration, certificates, policy and key headers; say what `serve` would miss.

    Of a member of two users each looks at what it has, and root at all, and at who may read it. No passphrase
    is needed, so the seals themselves are not verified.
    """
    config = load_config(config_path)
    missing = _missing(config)
    eyes = eyes_of(config)
    caps = compared_caps(config) if eyes.keys else ()
    members = {
        "ok": not missing,
        "name": config.name,
        "network": config.network.name,
        "listen": str(config.listen),
        "metrics": None if config.metrics is None else str(config.metrics),
        "config_digest": config.digest.hex(),
        "chain": None if config.chain is None else list(config.chain.sources),
        "callers": {entry.name: sorted(entry.roles) for entry in config.callers},
        "looked_at": {"tls": eyes.tls, "keys": eyes.keys, "owners": eyes.owners},
        "caps": {str(each.path): None if each.caps is None else asdict(each.caps) for each in caps},
        "caps_and_policy": {str(each.path): caps_json(each) for each in caps},
        "missing": missing,
    }
    spoken = [line for each in caps for line in caps_lines(each)]
    told = (*spoken, *(f"missing: {each}" for each in missing), *eyes.unseen())
    emit(members, [*_lines(config), *told])
    return 1 if missing else 0


def _missing(config: KernelConfig) -> list[str]:
    """What its services would miss, as far as we look at it."""
    missing, eyes = _missing_processes(config.processes), eyes_of(config)
    if eyes.tls:
        missing += _missing_tls(config)
    if eyes.keys:
        missing += [*_missing_keys(config), *missing_tokens(config), *missing_ledgers(config)]
        missing += [*_missing_chain(config), *_missing_journal(config)]
    if eyes.owners and config.processes is not None:
        missing += [*unreachable(config, config.processes), *exposed(config, config.processes)]
    return missing


def _lines(config: KernelConfig) -> list[str]:
    rows = [
        (entry.name, ", ".join(sorted(entry.roles)), str(_methods(entry.roles)))
        for entry in config.callers
    ]
    return [
        f"{config.name} on {config.network}, listening on {config.listen}",
        f"configuration {config.digest.hex()}",
        configured(config.chain),
        *columns(("caller", "roles", "RPCs"), rows),
    ]


def _methods(roles: frozenset[str]) -> int:
    return sum(not roles.isdisjoint(allowed) for allowed in ROLES.values())


def _missing_tls(config: KernelConfig) -> list[str]:
    from signer.front import edge_setting  # noqa: PLC0415 (gRPC)

    try:
        edge_setting(config)
    except Refusal as refusal:
        return [str(refusal)]
    return [] if config.callers else ["callers: nobody may call this kernel"]


def _missing_keys(config: KernelConfig) -> list[str]:
    try:
        policy = read_policy(config)
        headers = {path: header_of(read_sealed(path)) for path in config.keys.vaults}
        for each in (config.keys.identity, config.keys.attestation):
            if each is not None:
                read_file(read_sealed(each))
        by_text = {header.public: path for path, header in headers.items()}
        owners = {vault: key_of(vault, by_text) for vault in policy.vaults}
    except Refusal as refusal:
        return [str(refusal)]
    unbound = [path for path, header in headers.items() if header.binding is None]
    if unbound:
        return [f"{path}: unbound; run `pegwarden key bind`" for path in unbound]
    return [
        f"{path}: bound to another policy or vault"
        for vault, path in owners.items()
        if not _serves(headers[path].binding, vault.fingerprint, policy)
    ]


def missing_tokens(config: KernelConfig) -> Iterator[str]:
    """Of files that no kernel with this configuration opens, whatever its passphrase."""
    for path in config.keys.vaults:
        with suppress(Refusal):
            kind = kind_of(read_sealed(path))
            if kind == WrapKind.BACKUP:
                yield f"{path}: of kind {kind}, put away; `pegwarden key unwrap` makes a key file of it"
            elif kind != FILE_KIND and config.token is None:
                yield f"{path}: of kind {kind}, and there is no [token]"


def _missing_chain(config: KernelConfig) -> Iterator[str]:
    """What the policy asks of headers, where none are taken."""
    if config.chain is None:
        with suppress(Refusal):  # why it does not load is said already
            policy = read_policy(config)
            for vault in policy.vaults:
                if policy.asks_chain(vault.fingerprint):
                    yield f"[chain]: the policy's rules of vault {vault.vault_id} ask for headers"


def _serves(binding: Binding | None, fingerprint: bytes, policy: LoadedPolicy) -> bool:
    """A policy with [governance] may have changed since; `serve` looks at the journal."""
    if binding is None or binding.vault_fingerprint != fingerprint:
        return False
    return policy.governance is not None or binding.policy_id == policy.policy_id


def _missing_processes(processes: ProcessesConfig | None) -> list[str]:
    if processes is None:
        return []
    folder = processes.sockets
    missing = [] if folder.is_dir() else [f"{folder}: no such folder, for the kernel's socket"]
    try:
        users_of(processes)
    except Refusal as refusal:
        missing.append(str(refusal))
    return missing


def _missing_journal(config: KernelConfig) -> list[str]:
    return (
        []
        if store_at(config.journal).exists()
        else [f"{config.journal}: no journal; run `pegwarden key bind`"]
    )
