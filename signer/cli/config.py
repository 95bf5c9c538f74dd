"""`pegwarden config check`."""

from pathlib import Path

import click

from keystore.header import Binding, read_file
from keystore.sealed import read_sealed
from policies.loaded import LoadedPolicy
from signer.cli.options import Emit, columns, config_option, json_option
from signer.config import KernelConfig, load_config
from signer.core.errors import Refusal
from signer.edge.roles import ROLES
from signer.journal.store import store_at
from signer.member_files import key_of, read_policy


@click.group("config")
def command() -> None:
    """Look at a member's configuration."""


@command.command("check")
@config_option
@json_option
def check_command(config_path: Path, emit: Emit) -> int:
    """Load configuration, certificates, policy and key headers; say what `serve` would miss.

    No passphrase is needed, so the seals themselves are not verified.
    """
    config = load_config(config_path)
    missing = [*_missing_tls(config), *_missing_keys(config), *_missing_journal(config)]
    members = {
        "ok": not missing,
        "name": config.name,
        "network": config.network.name,
        "listen": str(config.listen),
        "metrics": None if config.metrics is None else str(config.metrics),
        "config_digest": config.digest.hex(),
        "callers": {entry.name: sorted(entry.roles) for entry in config.callers},
        "missing": missing,
    }
    emit(members, [*_lines(config), *(f"missing: {each}" for each in missing)])
    return 1 if missing else 0


def _lines(config: KernelConfig) -> list[str]:
    rows = [
        (entry.name, ", ".join(sorted(entry.roles)), str(_methods(entry.roles)))
        for entry in config.callers
    ]
    return [
        f"{config.name} on {config.network}, listening on {config.listen}",
        f"configuration {config.digest.hex()}",
        *columns(("caller", "roles", "RPCs"), rows),
    ]


def _methods(roles: frozenset[str]) -> int:
    return sum(not roles.isdisjoint(allowed) for allowed in ROLES.values())


def _missing_tls(config: KernelConfig) -> list[str]:
    from signer.compose import edge_setting  # noqa: PLC0415 (gRPC)

    try:
        edge_setting(config)
    except Refusal as refusal:
        return [str(refusal)]
    return [] if config.callers else ["callers: nobody may call this kernel"]


def _missing_keys(config: KernelConfig) -> list[str]:
    try:
        policy = read_policy(config)
        headers = {path: read_file(read_sealed(path))[0] for path in config.keys.vaults}
        read_file(read_sealed(config.keys.identity))
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


def _serves(binding: Binding | None, fingerprint: bytes, policy: LoadedPolicy) -> bool:
    """A policy with [governance] may have changed since; `serve` looks at the journal."""
    if binding is None or binding.vault_fingerprint != fingerprint:
        return False
    return policy.governance is not None or binding.policy_id == policy.policy_id


def _missing_journal(config: KernelConfig) -> list[str]:
    return (
        []
        if store_at(config.journal).exists()
        else [f"{config.journal}: no journal; run `pegwarden key bind`"]
    )
