"""A better chain that leaves ours too deep to be followed: on record until people decide.

1. Of several the one with the most work is kept; its headers are not.
2. The decision is a header of the one chain or the other that the operator names (`ChainBounds.follow`).
   When that is on the best chain, above where the two part, the dispute is over, and it opens no other.
"""

from signer.bitcoin.best_chain import Dispute
from signer.journal.database import Tables
from signer.journal.header_record import TableHeaders


def keep_dispute(tables: Tables, source: str, dispute: Dispute, now: int) -> None:
    """It is open from now on; rule 1."""
    known, last = TableHeaders(tables).dispute(), dispute.last
    if known is not None and known.last.work >= last.work:
        return
    tables.execute("DELETE FROM header_dispute")
    tables.execute(
        "INSERT INTO header_dispute VALUES (1,?,?,?,?,?,?)",
        (source, dispute.fork, last.height, now, last.work.to_bytes(32, "big"), last.raw),
    )


def is_decided(tables: Tables, dispute: Dispute, follow: bytes) -> bool:
    """Rule 2."""
    record = TableHeaders(tables)
    named = record.link(follow)
    return named is not None and dispute.fork < named.height and record.best(named.height) == named


def end_dispute(tables: Tables, follow: bytes) -> bool:
    """Whether one was open and is decided now."""
    dispute = TableHeaders(tables).dispute()
    if dispute is None or not is_decided(tables, dispute, follow):
        return False
    tables.execute("DELETE FROM header_dispute")
    return True
