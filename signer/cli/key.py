"""`pegwarden key`: all that is done to sealed keys, and to a token."""

from pathlib import Path

import click

from keystore.header import Header, Role, kind_of
from keystore.hsm_sealed import header_of
from keystore.sealed import KeyFile, backup, read_sealed, restore
from signer.cli.act_file import read_act_file
from signer.cli.binding import GenesisFiles, bind_member
from signer.cli.key_attestation import attestation_command
from signer.cli.key_caps import command as caps_command
from signer.cli.key_ceremony import command as ceremony_command
from signer.cli.key_doctor import command as doctor_command
from signer.cli.key_record import command as record_command
from signer.cli.key_rotate import command as rotate_command
from signer.cli.key_token import generate_command, pin_command, unwrap_command, wrap_command
from signer.cli.key_verify_backup import verify_backup_command
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options
from signer.cli.token_process import answer_command
from signer.config import load_config


@click.group("key")
def command() -> None:
    """Bind, back up, restore and show sealed keys; look at a token."""


command.add_command(doctor_command)
command.add_command(caps_command)
command.add_command(ceremony_command)
command.add_command(record_command)
command.add_command(generate_command)
command.add_command(pin_command)
command.add_command(wrap_command)
command.add_command(unwrap_command)
command.add_command(verify_backup_command)
command.add_command(answer_command)
command.add_command(rotate_command)
command.add_command(attestation_command)


@command.command("bind")
@click.argument("policy", type=FILE)
@config_option
@click.option(
    "--approval",
    "approvals",
    type=FILE,
    multiple=True,
    metavar="ACT",
    help="An officer's approval of POLICY as the first one (`officer sign`). Repeatable: a policy with "
    "[governance] needs one of each of its officers.",
)
@passphrase_options()
@json_option
def bind_command(
    policy: Path,
    config_path: Path,
    approvals: tuple[Path, ...],
    passphrase_source: PassphraseSource,
    emit: Emit,
) -> None:
    """Bind the sealed keys to POLICY, once and for ever, and begin the journal."""
    config = load_config(config_path)
    files = GenesisFiles(policy, tuple(map(read_act_file, approvals)))
    with passphrase_source.read("Passphrase") as passphrase:
        bound = bind_member(config, files, passphrase)
    members = {
        "ok": True,
        "policy_id": bound.policy_id.hex(),
        "first_leaf": bound.first_leaf.hex(),
        "vaults": list(bound.vaults),
    }
    lines = [
        f"Bound to policy {bound.policy_id.hex()}, vaults {', '.join(bound.vaults)}.",
        f"The journal {config.journal} begins with {bound.first_leaf.hex()}.",
        "Next: `pegwarden key backup` each key file, then `pegwarden serve`.",
    ]
    emit(members, lines)


@command.command("backup")
@click.argument("key", type=FILE)
@click.argument("target", type=FILE)
@passphrase_options()
@passphrase_options("new-")
@json_option
def backup_command(key: Path, target: Path, emit: Emit, **sources: PassphraseSource) -> None:
    """Seal the secret of KEY in the new file TARGET under another passphrase, and read it back."""
    with (
        sources["passphrase_source"].read("Passphrase") as old,
        sources["new_passphrase_source"].read_new("Passphrase of the backup") as new,
    ):
        backup(KeyFile(key, old), KeyFile(target, new))
    _emit_file(target, emit)


@command.command("restore")
@click.argument("source", type=FILE)
@click.argument("key", type=FILE)
@passphrase_options()
@passphrase_options("new-")
@json_option
def restore_command(source: Path, key: Path, emit: Emit, **sources: PassphraseSource) -> None:
    """Seal the secret of the backup SOURCE in the new file KEY; nothing is overwritten."""
    with (
        sources["passphrase_source"].read("Passphrase of the backup") as old,
        sources["new_passphrase_source"].read_new("Passphrase") as new,
    ):
        restore(KeyFile(source, old), KeyFile(key, new))
    _emit_file(key, emit)


def _limit_lines(header: Header) -> list[str]:
    if header.role is not Role.VAULT:
        return []
    if header.limits is None:
        return ["caps     none"]
    caps = header.limits.caps
    return [f"caps     {caps.per_spend} sat in a transaction, {caps.per_day} sat in 24 hours"]


@command.command("show")
@click.argument("key", type=FILE)
@json_option
def show_command(key: Path, emit: Emit) -> None:
    """What a sealed file says in the open. Its seal is not verified without the passphrase."""
    _emit_file(key, emit)


def _emit_file(path: Path, emit: Emit) -> None:
    content = read_sealed(path)
    header, kind = header_of(content), kind_of(content)
    members = {"ok": True, "file": str(path)} | header.members() | {"kind": kind}
    binding = header.binding
    lines = [
        f"{path}: {header.role} key, {header.network}",
        f"public   {header.public}",
        f"kind     {kind}",
        *_limit_lines(header),
    ]
    if binding is None:
        lines.append("binding  none")
    else:
        lines += [
            f"vault    {binding.vault_fingerprint.hex()}",
            f"policy   {binding.policy_id.hex()}",
            f"journal  {binding.first_leaf.hex()}",
        ]
    emit(members, lines)
