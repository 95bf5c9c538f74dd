"""The record rebuilt: the tables as they were before an entry.

1. They are the fold that serves, over the entries before: what was seen then is seen again.
2. They live in a database without a name, in memory while it is small; the journal is only read.
3. What is tried behind an attempt leaves nothing behind unless it is kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from signer.bitcoin.errors import Malformed
from signer.core.errors import Objection, Refusal
from signer.journal.audit import StoredEntry
from signer.journal.budget import DEFAULT_BUDGET
from signer.journal.codec import decode_entry
from signer.journal.database import StoreError, Tables
from signer.journal.decide import NOBODY, Self
from signer.journal.entry import Entry
from signer.journal.log import LogEnd, write_checkpoint
from signer.journal.merkle import Frontier
from signer.journal.reading import TableReading
from signer.journal.sqlite_tables import scratch_tables
from signer.replay.chain import ReplaySession


@dataclass(slots=True)
class RebuiltRecord:
    """The record up to an entry."""

    tables: Tables
    frontier: Frontier
    """Of the entries folded so far."""

    def reading(self, now: int) -> TableReading:
        """What the record says at that time."""
        return TableReading(self.tables, now)

    def session(self, now: int, myself: Self = NOBODY) -> ReplaySession:
        """To decide in, as the writer does in its turn."""
        return ReplaySession(self.tables, self.frontier, now, DEFAULT_BUDGET, myself=myself)

    def fold(self, stored: StoredEntry) -> None:
        """The entry as it is on record. Raises Refusal `journal-tampered`."""
        session = self.session(stored.entry.clock)
        try:
            session.write(stored.entry)
        except (StoreError, KeyError, OverflowError, Malformed) as error:
            detail = f"entry {stored.number} contradicts those before it: {error}"
            raise Refusal(Objection("journal-tampered", detail)) from None
        self.frontier = session.frontier

    def written_since(self, number: int) -> tuple[Entry, ...]:
        """The entries from that number on."""
        query = "SELECT record FROM entries WHERE number >= ? ORDER BY number"
        return tuple(decode_entry(record) for (record,) in self.tables.execute(query, (number,)))

    def leaves_since(self, number: int) -> list[bytes]:
        """The leaf hashes of the entries from that number on."""
        query = "SELECT leaf FROM entries WHERE number >= ? ORDER BY number"
        return [leaf for (leaf,) in self.tables.execute(query, (number,))]

    @contextmanager
    def attempt(self, now: int) -> Iterator["Attempt"]:
        """A turn of the writer at that time: whatever is written meanwhile goes again, unless it is kept."""
        attempt = Attempt()
        self.tables.execute("SAVEPOINT attempt")
        write_checkpoint(self.tables, LogEnd(self.frontier, now, ""))  # no head is signed
        try:
            yield attempt
        finally:
            if not attempt.kept:
                self.tables.execute("ROLLBACK TO attempt")
            self.tables.execute("RELEASE attempt")


@dataclass(slots=True)
class Attempt:
    """A try."""

    kept: bool = False


@contextmanager
def rebuilding() -> Iterator[RebuiltRecord]:
    """A record without an entry."""
    with scratch_tables() as tables:
        yield RebuiltRecord(tables, Frontier())
