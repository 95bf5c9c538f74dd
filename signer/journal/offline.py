"""A log in hand, a journal or an exported one: verified and proved from, without a kernel or a secret.

1. Of an exported journal nothing is believed but what the log key signed: the genesis entry must name that
   key, and the head must be its, of exactly these entries.
2. A proof is verified before it leaves: a changed journal yields a refusal, never a wrong proof.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Refusal, unverified
from signer.journal.audit import (
    AuditReport,
    decoded,
    head_of,
    numbered,
    rebuild,
    require_reached,
    require_same,
    snapshot,
    tampered,
)
from signer.journal.database import Tables
from signer.journal.entry import GenesisEntry
from signer.journal.exported import is_exported, read_exported
from signer.journal.log import number_of, read_checkpoint, record_of
from signer.journal.merkle import Frontier, leaf_hash
from signer.journal.note import Head, verify_head
from signer.journal.place import Place
from signer.journal.proof_file import ConsistencyFile, InclusionFile
from signer.journal.proofs import (
    TILE_HEIGHT,
    Tree,
    prove_consistency,
    prove_inclusion,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from signer.journal.schema import CLAIM_TABLES
from signer.journal.sqlite_tables import scratch_tables
from signer.journal.tiles import StoredTree


class Records(Protocol):
    """Entries by their number."""

    def record(self, number: int) -> bytes:
        """The canonical bytes of an entry of the head."""

    def number_of(self, decision_id: bytes) -> int | None:
        """The number of the entry with that leaf hash."""


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """A log with its newest head, verified under the key that its genesis entry names."""

    log_key: bytes
    head: Head
    note: str
    tree: Tree
    records: Records


def verify_exported(path: Path, log_key: bytes, *heads: str) -> AuditReport:
    """Recompute the exported journal from its records, and compare with these heads of the log (notes).

    Raises Malformed `export-malformed` or `head-malformed`; Refusal `journal-foreign`, `journal-tampered`,
    `log-forked` or `journal-behind-head`.
    """
    with path.open("rb") as stream, scratch_tables() as tables:
        exported = read_exported(stream)
        head = verify_head(exported.head, log_key)
        log = rebuild(numbered(exported.records), tables, heads)
        if log.genesis.log_key != log_key or head_of(exported.head, log.genesis) != head:
            raise Refusal(Objection("journal-foreign", "the genesis entry names another log"))
        if head.root != log.frontier.root():
            tampered("the signed head does not fit the entries")
        rows = sum(_count(table, tables) for table in CLAIM_TABLES)
        return AuditReport(head.size, log.first_leaf, log.genesis, exported.head, rows)


@contextmanager
def opened_log(place: Place) -> Iterator[OpenedLog]:
    """The log of that journal or exported journal. Raises Refusal or Malformed."""
    if is_exported(place):
        yield _opened_export(place)
        return
    with snapshot(place) as tables:
        checkpoint = read_checkpoint(tables)
        tree = StoredTree(tables, checkpoint.frontier)
        yield _opened(checkpoint.note, tree, _StoredRecords(tables))


def inclusion_of(log: OpenedLog, number: int) -> InclusionFile:
    """That the entry is in the log's newest head. Raises Refusal `entry-unknown`, `journal-tampered`."""
    if number >= log.head.size:
        raise unverified("entry-unknown", f"the log has {log.head.size} entries", f"{number}")
    record = log.records.record(number)
    proof = prove_inclusion(number, log.head.size, log.tree)
    try:
        verify_inclusion(proof, leaf_hash(record), log.head.root)
    except Malformed:
        tampered(f"entry {number} does not lead to the signed head")
    return InclusionFile(number, record, proof.path, log.note)


def consistency_of(log: OpenedLog, old_note: str, new_note: str) -> ConsistencyFile:
    """That the log goes on from one of its heads to the other.

    Raises Malformed `head-malformed`; Refusal `proof-span-invalid`, `journal-behind-head`, `log-forked` or
    `journal-tampered`.
    """
    old, new = (verify_head(note, log.log_key) for note in (old_note, new_note))
    if old.size > new.size:
        raise unverified("proof-span-invalid", "the old head has more entries than the new one")
    for head in (old, new):
        if head.origin != log.head.origin:
            raise Malformed("head-malformed", "the head of another log")
        require_reached(head, log.head.size)
        require_same(head, _root_in(log, head.size))
    proof = prove_consistency(old.size, new.size, log.tree)
    verify_consistency(proof, old.root, new.root)
    return ConsistencyFile(proof.path, old_note, new_note)


class LeafTree:
    """The tree of leaves that came in order, held in memory (`signer.journal.proofs.Tree`)."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._rows: dict[int, list[bytes]] = {0: []}
        frontier = Frontier()
        for leaf in leaves:
            subtrees = frontier.completed(leaf)
            for height in range(0, len(subtrees), TILE_HEIGHT):
                self._rows.setdefault(height, []).append(subtrees[height])
            frontier = frontier.append(leaf)

    def hashes(self, height: int, place: int, count: int) -> Sequence[bytes]:
        """See Tree."""
        return self._rows[height][place : place + count]


class _StoredRecords:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def record(self, number: int) -> bytes:
        return record_of(number, self._tables)

    def number_of(self, decision_id: bytes) -> int | None:
        return number_of(decision_id, self._tables)


class _ExportedRecords:
    def __init__(self, path: Path, leaves: Sequence[bytes]) -> None:
        self._path = path
        self._leaves = leaves

    def record(self, number: int) -> bytes:
        with self._path.open("rb") as stream:
            return next(islice(read_exported(stream).records, number, None))

    def number_of(self, decision_id: bytes) -> int | None:
        return self._leaves.index(decision_id) if decision_id in self._leaves else None


def _opened_export(path: Path) -> OpenedLog:
    with path.open("rb") as stream:
        exported = read_exported(stream)
        leaves = list(map(leaf_hash, exported.records))
    return _opened(exported.head, LeafTree(leaves), _ExportedRecords(path, leaves))


def _opened(note: str, tree: Tree, records: Records) -> OpenedLog:
    genesis = decoded(0, records.record(0))
    if not isinstance(genesis, GenesisEntry):
        tampered("the log does not begin with a genesis entry")
    return OpenedLog(genesis.log_key, head_of(note, genesis), note, tree, records)


def _root_in(log: OpenedLog, size: int) -> bytes:
    """The root that the log had with that many entries, if that leads to the newest head."""
    root = root_at(size, log.tree)
    try:
        verify_consistency(prove_consistency(size, log.head.size, log.tree), root, log.head.root)
    except Malformed:
        tampered(f"the first {size} entries do not lead to the signed head")
    return root


def _count(table: str, tables: Tables) -> int:
    (rows,) = tables.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)  # noqa: S608
    return int(rows)
