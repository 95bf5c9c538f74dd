"""What a reorganisation undoes goes on record in the turn that takes its headers, and locks (docs/spv.md).

1. Headers are no entries, but this is: from it on nothing is signed until the officers' quorum, who know of
   it, unlocks (`signer.core.control`). It is the only thing that the chain writes into the log.
2. A block on which nothing relied leaves without a word: what was only read is read again.
3. Judged is what relied on the heights that changed, not what this record saw leaving: after an import, or
   beside an older copy of the headers, another block may be there from the first.
"""

from signer.core.deposits import MOST_NAMED, ReorganisedNotice, Undone
from signer.journal.decide import Session
from signer.journal.header_record import TableHeaders


def record_undone(session: Session, lowest: int, highest: int) -> bytes | None:
    """The leaf hash of the entry that says what relied on blocks of these heights that are not on the best
    chain; None where nothing did."""
    record = TableHeaders(session.tables)
    relied = session.tables.execute(
        "SELECT entry, block, height FROM relied_blocks WHERE height >= ? AND height <= ?",
        (lowest, highest),
    ).fetchall()
    undone = sorted(
        (entry, block, height) for entry, block, height in relied if _is_gone(record, height, block)
    )
    if not undone:
        return None
    named = tuple(Undone(*each) for each in undone[:MOST_NAMED])
    return session.write(ReorganisedNotice(session.now, len(undone), named))


def _is_gone(record: TableHeaders, height: int, block: bytes) -> bool:
    link = record.best(height)
    return link is None or link.hash != block
