"""The record as audit lines: one for each entry, once it is durable (docs/deploy.md, "Logs").

1. Lines follow the record and never stand in its way: it is read again, from the entry after the last line.
   A crash may cut off lines of its last second, never entries: the journal is the record.
2. A line names who, what and with which outcome: no PSBT, no evidence, no text of an objection or of an act.
3. What stood on record at the start was told by the process that recorded it.
"""

from contextlib import suppress

from signer.cli.journal_entry import described
from signer.core.errors import Refusal
from signer.edge.logs import log_event
from signer.journal.audit import StoredEntry
from signer.journal.codec import decode_entry
from signer.journal.entry import RefusedEntry, SignedEntry
from signer.journal.journal import Journal
from signer.journal.merkle import leaf_hash

PACE = 1.0
"""Seconds between two looks."""
_MOST, _BYTES = 64, 1 << 20
"""Entries, and bytes after which no other is read, of one look."""
_TOLD = frozenset({"number", "decision_id", "caller", "kind", "code", "txid"})


class EntryTeller:
    """Tells what was recorded since it was asked last. For one thread at a time."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        with journal.reading() as reading:
            self._next = reading.size()

    def tick(self) -> None:
        """Tell it. What cannot be read now is told later."""
        with suppress(Refusal):
            while self._told():
                pass

    def _told(self) -> bool:
        """Whether there may be more."""
        with self._journal.reading() as reading:
            records = reading.records(self._next, _MOST, _BYTES)
        for record in records:
            log_event("entry", **fields_of(self._next, record))
            self._next += 1
        return bool(records)


def fields_of(number: int, record: bytes) -> dict[str, object]:
    """Of its line (2)."""
    entry = decode_entry(record)
    told = described(StoredEntry(number, leaf_hash(record), entry, len(record)))
    fields = {name: told[name] for name in told if name in _TOLD}
    if isinstance(entry, RefusedEntry):
        return fields
    if isinstance(entry, SignedEntry):
        waits_for = max(0, entry.quorum - 1)
        vault = entry.vault_fingerprint.hex()
        fields |= {"vault": vault, "spend": entry.kind, "waits_for_grants": waits_for}
    return fields | {"about": told["about"]}
