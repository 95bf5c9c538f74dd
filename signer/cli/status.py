"""`pegwarden status`: one kernel's as `pegwarden control status` tells it, or those of a federation."""

from pathlib import Path

import click

from signer.cli.control_service import tell_status
from signer.cli.federation import ask_all, disagreements, member_json, read_federation, table
from signer.cli.kernel_client import KernelClient
from signer.cli.options import FILE, Emit, json_option


@click.command("status")
@click.option("--connect", help="The kernel, such as 127.0.0.1:50551.")
@click.option("--ca", type=FILE, help="The member's authority (PEM).")
@click.option("--cert", type=FILE, help="Our certificate (PEM).")
@click.option("--cert-key", type=FILE, help="Our private key (PEM).")
@click.option(
    "--federation", type=FILE, help="Ask each member that this file names (docs/runbook.md)."
)
@json_option
def command(connect: str | None, federation: Path | None, emit: Emit, **files: Path | None) -> int:
    """Say where a kernel stands; or each of a federation, and on what they differ.

    Exit status 1 where a member of a federation is not ready or they differ.
    """
    given = [files[name] for name in ("ca", "cert", "cert_key")]
    paths = [path for path in given if path is not None]
    if federation is not None and connect is None and not paths:
        return _federation(federation, emit)
    if federation is not None or connect is None or len(paths) != len(given):
        raise click.UsageError("either --federation, or --connect, --ca, --cert and --cert-key")
    tell_status(KernelClient(connect, *paths), emit)
    return 0


def _federation(file: Path, emit: Emit) -> int:
    standings = ask_all(read_federation(file))
    differences = disagreements(standings)
    is_well = not differences and all(standing.is_ready for standing in standings)
    told = [member_json(standing) for standing in standings]
    members = {"ok": is_well, "members": told, "differences": differences}
    emit(members, [*table(standings), *(f"differs: {each}" for each in differences)])
    return 0 if is_well else 1
