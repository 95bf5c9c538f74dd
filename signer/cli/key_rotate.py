"""`pegwarden key rotate plan | status` (docs/rotation.md)."""

from contextlib import suppress
from pathlib import Path

import click

from keystore.hsm_sealed import header_of
from keystore.sealed import read_sealed
from policies.loaded import LoadedPolicy
from signer.bitcoin.transaction import display
from signer.cli.key_caps import other_vault
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.rehearsals import read_rehearsal
from signer.cli.rotations import Rotation, RotationRecord, State, record_of, step_lines, task_lines
from signer.config import KernelConfig, load_config
from signer.core.errors import Objection, Refusal
from signer.core.vault import Vault
from signer.journal.audit import read_entries
from signer.journal.store import store_at
from signer.member_files import read_policy


@click.group("rotate")
def command() -> None:
    """Move a vault's coins to the next vault."""


@command.command("plan")
@click.argument("old")
@click.argument("new")
@config_option
@json_option
def plan_command(old: str, new: str, config_path: Path, emit: Emit) -> None:
    """The steps from vault OLD to vault NEW, by their names in the member's policy."""
    rotation = _rotation(load_config(config_path), (old, new), None)
    steps = list(rotation.steps())
    told = [{"step": each.name, "do": each.task, "state": each.state.value} for each in steps]
    emit({"ok": True, "steps": told}, list(task_lines(steps)))


@command.command("status")
@click.argument("old")
@click.argument("new")
@click.option("--rehearsal", type=FILE, help="NEW's rehearsal: a raw transaction in hex a line.")
@config_option
@json_option
def status_command(
    old: str, new: str, rehearsal: Path | None, config_path: Path, emit: Emit
) -> None:
    """How far the rotation from vault OLD to vault NEW has come, by this member's files.

    Exit status 0, however far it is.
    """
    rotation = _rotation(load_config(config_path), (old, new), rehearsal)
    steps = list(rotation.steps())
    alien = [display(txid) for txid in rotation.not_on_record()]
    found = rotation.shown.rehearsal
    members = {
        "ok": True,
        "may_move": all(each.state is not State.OPEN for each in steps),
        "steps": [{"step": x.name, "state": x.state.value, "detail": x.detail} for x in steps],
        "missing_quorums": [sorted(each) for each in found.missing],
        "missing_paths": list(found.missing_paths),
        "not_on_record": alien,
    }
    warnings = [f"WARNING: our key signed {txid}, which is not on our record" for txid in alien]
    emit(members, [*step_lines(steps), *warnings])


def _rotation(config: KernelConfig, names: tuple[str, str], shown: Path | None) -> Rotation:
    policy = read_policy(config)
    old = _vault(policy, names[0])
    new = other_vault(policy.vaults, names[1], old.fingerprint)
    headers = {}
    for path in config.keys.vaults:
        with suppress(Refusal):
            headers[path] = header_of(read_sealed(path))
    return Rotation(
        policy, old, new, headers, read_rehearsal(new, shown), _record(config, (old, new))
    )


def _vault(policy: LoadedPolicy, name: str) -> Vault:
    for vault in policy.vaults:
        if vault.vault_id == name:
            return vault
    known = ", ".join(vault.vault_id for vault in policy.vaults)
    raise Refusal(Objection("vault-unknown", "the policy has no vault of that name", name, known))


def _record(config: KernelConfig, vaults: tuple[Vault, Vault]) -> RotationRecord:
    if not store_at(config.journal).exists():
        return RotationRecord()
    return record_of((each.entry for each in read_entries(config.journal, 0)), *vaults)
