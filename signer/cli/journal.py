"""`pegwarden journal show | verify`. Both work beside a running kernel."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from keystore.header import read_file
from keystore.sealed import read_sealed
from signer.bitcoin.transaction import display
from signer.cli.journal_notices import described_notice
from signer.cli.options import FILE, Emit, columns, config_option, json_option
from signer.config import KernelConfig, load_config
from signer.core.errors import Objection, Refusal
from signer.core.notices import PolicyStepNotice
from signer.journal.audit import AuditReport, StoredEntry, read_entries, read_head, verify_journal
from signer.journal.entry import GenesisEntry, RefusedEntry, SignedEntry


@click.group("journal")
def command() -> None:
    """Show and verify the record of decisions."""


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
    entries = [_described(stored) for _, stored in zip(range(span["count"]), found, strict=False)]
    head = read_head(journal)
    rows = [
        [str(each[name]) for name in ("number", "time", "kind", "caller", "about")]
        for each in entries
    ]
    lines = [*columns(("entry", "time", "kind", "caller", "about"), rows), "", head]
    emit({"ok": True, "entries": entries, "head": head}, lines)


def _described(stored: StoredEntry) -> dict[str, object]:
    entry = stored.entry
    described: dict[str, object] = {
        "number": stored.number,
        "decision_id": stored.leaf.hex(),
        "time": datetime.fromtimestamp(entry.clock, UTC).isoformat(),
        "caller": "" if isinstance(entry, (GenesisEntry, PolicyStepNotice)) else entry.caller,
    }
    if isinstance(entry, GenesisEntry):
        about = f"{entry.network}, policy {entry.policy_id.hex()}"
        return described | {"kind": "genesis", "about": about}
    if isinstance(entry, RefusedEntry):
        about = f"{entry.code}: {entry.objections[0].detail}"
        return described | {"kind": "refused", "code": entry.code, "about": about}
    if not isinstance(entry, SignedEntry):
        return described | described_notice(entry)
    claims = entry.claims
    paid = [
        {"withdrawal_id": each.withdrawal_id.hex(), "amount_sat": each.amount, "vout": each.vout}
        for each in claims.payments
    ]
    txid = display(claims.txid)
    about = f"{txid}, {len(paid)} payments, fee {claims.fee} sat"
    signed = {"kind": "signed", "txid": txid, "payments": paid, "fee_sat": claims.fee}
    return described | signed | {"charge_sat": claims.charge, "about": about}


@command.command("verify")
@click.argument("path", type=FILE, required=False)
@config_option
@json_option
def verify_command(path: Path | None, config_path: Path, emit: Emit) -> None:
    """Recompute hashes, tables and head of the journal at PATH, or of the configuration's, which then must
    also be the one that the configuration's keys are bound to."""
    config = None if path is not None else load_config(config_path)
    report = verify_journal(
        config.journal if path is None and config is not None else path or Path()
    )
    if config is not None:
        _require_bound(config, report)
    members = {
        "ok": True,
        "entries": report.entries,
        "rows": report.rows,
        "first_leaf": report.first_leaf.hex(),
        "policy_id": report.genesis.policy_id.hex(),
        "log_key": report.genesis.log_key.hex(),
        "head": report.head,
    }
    emit(members, _report_lines(report))


def _require_bound(config: KernelConfig, report: AuditReport) -> None:
    for path in config.keys.vaults:
        binding = read_file(read_sealed(path))[0].binding
        if binding is None or binding.first_leaf != report.first_leaf:
            detail = f"{config.journal} is not the journal that {path} is bound to"
            raise Refusal(Objection("journal-foreign", detail))


def _report_lines(report: AuditReport) -> Iterator[str]:
    yield f"{report.entries} entries hash to the signed head; {report.rows} table rows are what they say."
    yield f"first entry {report.first_leaf.hex()}"
    yield ""
    yield report.head
