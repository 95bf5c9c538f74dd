"""`pegwarden policy report FILE`: everything that is known of a policy, for whoever is to approve it."""

from pathlib import Path

import click

from policies.analysis.report import html, report_json, report_lines, report_of
from policies.load import load_policy
from policies.loaded import LoadedPolicy
from signer.cli.options import FILE, Emit, json_option
from signer.clock import MAX_DIFFERENCE
from signer.member_files import read_policy_bytes


@click.command("report")
@click.argument("file", type=FILE)
@click.option("--against", type=FILE, help="The running policy: what would change.")
@click.option("--out", type=FILE, help="Write one self-contained HTML page there.")
@json_option
def report_command(file: Path, against: Path | None, out: Path | None, emit: Emit) -> int:
    """FILE as one page: vaults, rules, ways, worst cases, what changes, examples and their verdicts.

    Exit status: 0 done, 1 some example has another verdict than it says.
    """
    running = None if against is None else _policy(against)
    report = report_of(_policy(file), running, MAX_DIFFERENCE)
    as_said = report.failed == 0
    if out is None:
        emit({"ok": as_said} | report_json(report), report_lines(report))
    else:
        out.write_text(html(report), "utf-8")
        emit({"ok": as_said, "out": str(out)} | report_json(report), [f"Written: {out}"])
    return 0 if as_said else 1


def _policy(file: Path) -> LoadedPolicy:
    return load_policy(read_policy_bytes(file))
