"""`pegwarden key bind | backup | restore | show`."""

from pathlib import Path

import click

from keystore.header import Header, read_file
from keystore.sealed import KeyFile, backup, read_sealed, restore
from signer.cli.act_file import read_act_file
from signer.cli.binding import GenesisFiles, bind_member
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.passphrases import PassphraseSource, passphrase_options
from signer.config import load_config


@click.group("key")
def command() -> None:
    """Bind, back up, restore and show sealed keys."""


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
        header = backup(KeyFile(key, old), KeyFile(target, new))
    _emit_header(target, header, emit)


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
        header = restore(KeyFile(source, old), KeyFile(key, new))
    _emit_header(key, header, emit)


@command.command("show")
@click.argument("key", type=FILE)
@json_option
def show_command(key: Path, emit: Emit) -> None:
    """What a sealed file says in the open. Its seal is not verified without the passphrase."""
    _emit_header(key, read_file(read_sealed(key))[0], emit)


def _emit_header(path: Path, header: Header, emit: Emit) -> None:
    members = {"ok": True, "file": str(path)} | header.members()
    binding = header.binding
    lines = [f"{path}: {header.role} key, {header.network}", f"public   {header.public}"]
    if binding is None:
        lines.append("binding  none")
    else:
        lines += [
            f"vault    {binding.vault_fingerprint.hex()}",
            f"policy   {binding.policy_id.hex()}",
            f"journal  {binding.first_leaf.hex()}",
        ]
    emit(members, lines)
