"""`pegwarden doctor`: what on this machine would keep a member from serving, or a promise from holding.

It opens no key and asks no kernel; `pegwarden config check` and `pegwarden status` do the one and the other.
"""

from pathlib import Path

import click

from signer.cli.options import Emit, columns, config_option, json_option
from signer.cli.symptoms import LOOKS, Finding, Grade, bad, good
from signer.config import KernelConfig, load_config
from signer.core.errors import Refusal
from signer.room.proof import prove


@click.command("doctor")
@config_option
@click.option(
    "--prove-room", is_flag=True, help="Try what the kernel's room denies, each in a process."
)
@json_option
def command(config_path: Path, emit: Emit, *, prove_room: object) -> int:
    """Look at room, memory, clock, disk, token, keys, certificates, policy and owners. Run it as root first.

    Exit status 1 if something is bad.
    """
    config = load_config(config_path)
    findings = [finding for look in LOOKS for finding in look(config)]
    if prove_room:
        findings.append(_proved(config))
    is_well = all(finding.grade is not Grade.BAD for finding in findings)
    members = {"ok": is_well, "findings": [finding._asdict() for finding in findings]}
    rows = [(finding.grade, finding.what, finding.text) for finding in findings]
    emit(members, columns(("grade", "what", "seen"), rows))
    return 0 if is_well else 1


def _proved(config: KernelConfig) -> Finding:
    journal = config.journal
    try:
        prove(journal.absolute().parent if isinstance(journal, Path) else None)
    except Refusal as refusal:
        return bad("room", str(refusal))
    return good("room", "what it denies was tried, and denied")
