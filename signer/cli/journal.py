"""`pegwarden journal`: `show` and `verify`, here, work beside a running kernel and on an exported journal."""

from collections.abc import Iterator
from pathlib import Path

import click

from keystore.hsm_sealed import header_of
from keystore.sealed import read_sealed
from signer.cli.journal_copies import COPIES
from signer.cli.journal_entry import described
from signer.cli.journal_follow import follow_command
from signer.cli.journal_heads import Cosigned, Trusted, read_text_file, trust_options
from signer.cli.journal_prove import prove_command, receipt_command
from signer.cli.journal_replay import replay_command
from signer.cli.options import FILE, Emit, columns, config_option, json_option
from signer.config import KernelConfig, load_config
from signer.core.errors import Objection, Refusal
from signer.journal.audit import AuditReport, read_entries, read_head, verify_journal
from signer.journal.exported import is_exported
from signer.journal.offline import verify_exported
from signer.journal.place import Place


@click.group("journal")
def command() -> None:
    """Show, verify, prove, replay and copy the record of decisions."""


@command.command("show")
@click.argument("path", type=FILE, required=False)
@config_option
@click.option("--start", type=click.IntRange(min=0), default=0, help="Number of the first entry.")
@click.option("--count", type=click.IntRange(min=1), default=100, show_default=True)
@json_option
def show_command(path: Path | None, config_path: Path, emit: Emit, **span: int) -> None:
    """Entries of the journal at PATH (else the configuration's), and its signed head."""
    journal = path if path is not None else load_config(config_path).journal
    found = read_entries(journal, span["start"])
    entries = [described(stored) for _, stored in zip(range(span["count"]), found, strict=False)]
    head = read_head(journal)
    rows = [
        [str(each[name]) for name in ("number", "time", "kind", "caller", "about")]
        for each in entries
    ]
    lines = [*columns(("entry", "time", "kind", "caller", "about"), rows), "", head]
    emit({"ok": True, "entries": entries, "head": head}, lines)


@command.command("verify")
@click.argument("path", type=FILE, required=False)
@config_option
@trust_options
@click.option("--head", "heads", type=FILE, multiple=True, help="A head that it must agree with.")
@json_option
def verify_command(
    path: Path | None, config_path: Path, trusted: Trusted, heads: tuple[Path, ...], emit: Emit
) -> None:
    """Recompute hashes, tables and head of the journal at PATH, or of the configuration's, which then must
    also be the one that the configuration's keys are bound to. An exported journal needs --log-key and
    nothing else. Every --head must be of the same history, and every --witness must have cosigned one of the
    heads."""
    config = None if path is not None else load_config(config_path)
    journal = config.journal if path is None and config is not None else path or Path()
    notes = tuple(map(read_text_file, heads))
    report = _verified(journal, trusted, notes)
    if config is not None:
        _require_bound(config, report)
    seen = trusted.cosigned(report.genesis.genesis_hash, (report.head, *notes))
    members = {
        "ok": True,
        "entries": report.entries,
        "rows": report.rows,
        "headers": report.headers,
        "first_leaf": report.first_leaf.hex(),
        "policy_id": report.genesis.policy_id.hex(),
        "log_key": report.genesis.log_key.hex(),
        "cosigned": [each.members for each in seen],
        "head": report.head,
    }
    emit(members, _report_lines(report, seen))


def _verified(journal: Place, trusted: Trusted, heads: tuple[str, ...]) -> AuditReport:
    if is_exported(journal):
        return verify_exported(journal, trusted.required_log_key, *heads)
    report = verify_journal(journal, *heads)
    if trusted.log_key not in (None, report.genesis.log_key):
        raise Refusal(Objection("journal-foreign", "the genesis entry names another log key"))
    return report


def _require_bound(config: KernelConfig, report: AuditReport) -> None:
    for path in config.keys.vaults:
        binding = header_of(read_sealed(path)).binding
        if binding is None or binding.first_leaf != report.first_leaf:
            detail = f"{config.journal} is not the journal that {path} is bound to"
            raise Refusal(Objection("journal-foreign", detail))


def _report_lines(report: AuditReport, seen: tuple[Cosigned, ...]) -> Iterator[str]:
    yield f"{report.entries} entries hash to the signed head; {report.rows} table rows are what they say."
    if report.headers:
        yield f"{report.headers} headers of Bitcoin follow one another by their network's rules."
    yield f"first entry {report.first_leaf.hex()}"
    yield from (each.line for each in seen)
    yield ""
    yield report.head


for each in (*COPIES, prove_command, receipt_command, follow_command, replay_command):
    command.add_command(each)
