"""Copies of a journal: backup and restore in a store's own form, export and import in the exported one.

1. A copy is made in whole or not at all, and where something stands nothing is written.
2. It is verified before it takes its place: entries, tree, tables and head, read back from what was written
   (`signer.journal.audit`). So a copy of a journal that is not as it should be is refused.
3. A backup is a SQLite journal, whatever store it is taken from: one consistent look, also while a kernel
   writes. It holds all tables; an import rebuilds them from the entries, without what is no fold of these.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from signer.core.errors import Objection, Refusal
from signer.journal.audit import (
    AuditReport,
    StoredEntry,
    numbered,
    rebuild,
    snapshot,
    verify_tables,
)
from signer.journal.codec import encode_entry
from signer.journal.database import Row, Tables
from signer.journal.exported import read_exported, write_exported
from signer.journal.log import LogEnd, read_checkpoint, write_checkpoint
from signer.journal.offline import verify_exported
from signer.journal.place import Place
from signer.journal.schema import CLAIM_TABLES, KEPT_TABLES
from signer.journal.store import read_genesis, store_at

_AT_ONCE = 512
"""Rows that are written together."""


def copy_journal(source: Place, target: Place) -> AuditReport:
    """A verified copy with all tables: `backup`, and `restore`.

    Raises Refusal `journal-exists`, `journal-tampered` and what opening a journal raises.
    """
    reports: list[AuditReport] = []

    def fill(tables: Tables) -> None:
        for table in (*KEPT_TABLES, *CLAIM_TABLES):
            _copy(table, stored, tables)
        reports.append(verify_tables(tables))

    with snapshot(source) as stored:
        store_at(target).create(fill)
    return reports[-1]


def export_journal(source: Place, target: Path) -> AuditReport:
    """All entries and the head in one file. Raises Refusal as `copy_journal` does."""
    draft = target.with_name(target.name + ".new")
    with snapshot(source) as stored:
        note, genesis = read_checkpoint(stored).note, read_genesis(stored)
        records = stored.scan("SELECT record FROM entries ORDER BY number")
        try:
            with draft.open("wb") as stream:
                write_exported(stream, note, (record for (record,) in records))
                stream.flush()
                os.fsync(stream.fileno())
            report = verify_exported(draft, genesis.log_key, note)
            os.link(draft, target)  # unlike rename it fails where a file stands
        except FileExistsError:
            detail = f"{target} exists; a copy overwrites nothing"
            raise Refusal(Objection("journal-exists", detail)) from None
        except OSError as error:
            detail = f"{target} cannot be written: {error}"
            raise Refusal(Objection("journal-unavailable", detail)) from None
        finally:
            draft.unlink(missing_ok=True)
    return report


def import_journal(source: Path, target: Place, log_key: bytes) -> AuditReport:
    """A journal with the exported entries, its tables rebuilt.

    Raises Malformed `export-malformed` or `head-malformed`; Refusal `journal-exists`, `journal-foreign`,
    `journal-tampered`.
    """
    report = verify_exported(source, log_key)

    def fill(tables: Tables) -> None:
        with source.open("rb") as stream:
            exported = read_exported(stream)
            log = rebuild(_kept(numbered(exported.records), tables), tables, (report.head,))
        write_checkpoint(tables, LogEnd(log.frontier, log.clock, report.head))
        verify_tables(tables, report.head)

    store_at(target).create(fill)
    return report


def _kept(entries: Iterable[StoredEntry], tables: Tables) -> Iterator[StoredEntry]:
    """These entries, each stored on its way."""
    for each in entries:
        row = (each.number, each.leaf, encode_entry(each.entry))
        tables.execute("INSERT INTO entries VALUES (?,?,?)", row)
        yield each


def _copy(table: str, source: Tables, target: Tables) -> None:
    rows: Iterator[Row] = source.scan(f"SELECT * FROM {table}")  # noqa: S608 (of our schema)
    while some := list(islice(rows, _AT_ONCE)):
        marks = ",".join("?" * len(some[0]))
        target.executemany(f"INSERT INTO {table} VALUES ({marks})", some)  # noqa: S608
