"""`pegwarden vault export --core | assemble | sign`."""

import json
import re
import time
from pathlib import Path

import click

from policies.load import load_policy
from signer.bitcoin.descriptor import with_checksum
from signer.cli.options import FILE
from signer.cli.vault_assemble import assemble_command, sign_command
from signer.core.vault import Vault
from signer.member_files import read_policy_bytes

_BRANCHES = re.compile(r"<(\d+);(\d+)>")


@click.group("vault")
def command() -> None:
    """Assemble a vault from its members' records; export its descriptors."""


command.add_command(assemble_command)
command.add_command(sign_command)


@command.command("export")
@click.argument("policy", type=FILE)
@click.option("--core", is_flag=True, required=True, help="JSON for Core's importdescriptors.")
@click.option("--vault", "vault_id", help="One vault only.")
@click.option(
    "--since", type=click.IntRange(min=0), help="Unix time from which Core rescans; 0: all."
)
def export_command(policy: Path, vault_id: str | None, since: int | None, **_: bool) -> None:
    """Print the request of Core's `importdescriptors` for a watch-only wallet of POLICY's vaults.

    Without --since the wallet sees only what comes from now on.
    """
    vaults = load_policy(read_policy_bytes(policy)).vaults
    chosen = [vault for vault in vaults if vault_id in (None, vault.vault_id)]
    if not chosen:
        raise click.UsageError(f"no vault {vault_id!r} in {policy}")
    timestamp = int(time.time()) if since is None else since
    requests = [each for vault in chosen for each in core_requests(vault, timestamp)]
    click.echo(json.dumps(requests, indent=2))


def core_requests(vault: Vault, timestamp: int) -> list[dict[str, object]]:
    """One request for each branch, or for the one address of a vault of fixed keys."""
    if vault.is_fixed:
        desc = with_checksum(vault.text)
        return [{"desc": desc, "active": False, "internal": False, "timestamp": timestamp}]
    return [
        {
            "desc": with_checksum(_BRANCHES.sub(rf"\{branch + 1}", vault.text)),
            "active": False,
            "internal": bool(branch),
            "range": [0, vault.lookahead - 1],
            "timestamp": timestamp,
        }
        for branch in (0, 1)
    ]
