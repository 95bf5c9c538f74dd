"""`pegwarden journal backup | restore | export | import | migrate`.

1. What is written is verified before it stands at its place, and where something stands nothing is written.
2. The kernel of the configuration may run meanwhile, but for `migrate`.
"""

from datetime import UTC, datetime
from pathlib import Path

import click

from keystore.hsm_sealed import header_of
from keystore.sealed import read_sealed
from signer.cli.options import FILE, Emit, config_option, json_option
from signer.config import KernelConfig, load_config
from signer.core.errors import Objection, Refusal
from signer.journal.audit import AuditReport, read_entries
from signer.journal.copies import copy_journal, export_journal, import_journal
from signer.journal.migrations import migrate_journal
from signer.journal.offline import opened_log

_OLD = (
    "A journal that was put back knows nothing of what was signed since. Before this member serves:",
    "- no other copy of it may run, now or later;",
    "- with witnesses, the kernel asks the others for what it forgot, and waits until enough answer;",
    "- without witnesses nobody else knows: if anything was signed later than the time above, it could be",
    "  paid twice. A newer head in the head file, or one that a caller shows, locks the kernel",
    "  (state-rolled-back). If anything may be missing, rotate the key out.",
)


@click.command("backup")
@click.argument("target", type=FILE)
@config_option
@json_option
def backup_command(target: Path, config_path: Path, emit: Emit) -> None:
    """Copy the configuration's journal to the file TARGET, whatever store it is in, and verify the copy."""
    config = load_config(config_path)
    _emit_report(emit, copy_journal(config.journal, target), target)


@click.command("restore")
@click.argument("source", type=FILE)
@config_option
@json_option
def restore_command(source: Path, config_path: Path, emit: Emit) -> None:
    """Make the configuration's journal from the backup SOURCE. Nothing is overwritten."""
    config = load_config(config_path)
    _require_bound(config, next(iter(read_entries(source, 0))).leaf)
    _emit_restored(emit, copy_journal(source, config.journal), config)


@click.command("export")
@click.argument("target", type=FILE)
@config_option
@json_option
def export_command(target: Path, config_path: Path, emit: Emit) -> None:
    """Write all entries and the signed head to the file TARGET, for auditors, and verify it."""
    config = load_config(config_path)
    _emit_report(emit, export_journal(config.journal, target), target)


@click.command("import")
@click.argument("source", type=FILE)
@config_option
@json_option
def import_command(source: Path, config_path: Path, emit: Emit) -> None:
    """Make the configuration's journal from the exported SOURCE. Nothing is overwritten."""
    config = load_config(config_path)
    with opened_log(source) as log:
        _require_bound(config, next(iter(read_entries(source, 0))).leaf)
        report = import_journal(source, config.journal, log.log_key)
    _emit_restored(emit, report, config)


@click.command("migrate")
@config_option
@json_option
def migrate_command(config_path: Path, emit: Emit) -> None:
    """Bring the configuration's journal to the schema of this version. Stop its kernels, and take a backup
    with the version that wrote it, before."""
    config = load_config(config_path)
    done = migrate_journal(config.journal)
    lines = [f"migration {number} done" for number in done] or ["nothing to do"]
    emit({"ok": True, "migrations": list(done)}, lines)


def _require_bound(config: KernelConfig, first_leaf: bytes) -> None:
    for path in config.keys.vaults:
        binding = header_of(read_sealed(path)).binding
        if binding is None or binding.first_leaf != first_leaf:
            detail = f"the copy is not of the journal that {path} is bound to"
            raise Refusal(Objection("journal-foreign", detail))


def _emit_report(emit: Emit, report: AuditReport, target: Path) -> None:
    emit(_members(report), [f"{report.entries} entries in {target}, verified.", "", report.head])


def _emit_restored(emit: Emit, report: AuditReport, config: KernelConfig) -> None:
    *_, last = read_entries(config.journal, report.entries - 1)
    moment = datetime.fromtimestamp(last.entry.clock, UTC).isoformat()
    newest = f"{report.entries} entries in {config.journal}, verified; the last is of {moment}."
    emit(_members(report) | {"last": moment}, [newest, "", *_OLD, "", report.head])


def _members(report: AuditReport) -> dict[str, object]:
    return {"ok": True, "entries": report.entries, "rows": report.rows, "head": report.head}


COPIES = (backup_command, restore_command, export_command, import_command, migrate_command)
