"""What a reorganisation undoes goes on record in the turn that takes its headers, and locks (docs/spv.md).

1. Headers are no entries, but this is: from it on nothing is signed until the officers' quorum, who know of
   it, unlocks (`signer.core.control`). It is the only thing that the chain writes into the log.
2. A block on which nothing relied leaves without a word: what was only read is read again.
3. Judged is what relied on certain heights, not what this record saw leaving: after an import, or beside an
   older copy of the headers, another block may be there from the first.
4. What is said already is not said again unless its block, which had come back, has just left: officers have
   settled it, and an import knows it from the log.
"""

from collections.abc import Iterator

from signer.core.deposits import MOST_NAMED, ReorganisedNotice, Undone
from signer.journal.database import Tables
from signer.journal.decide import Session
from signer.journal.header_record import TableHeaders


def record_undone(session: Session, lowest: int, highest: int, left: frozenset[bytes]) -> None:
    """Say on record what relied on blocks of these heights that are not on the best chain; `left`: those that
    were on it until now."""
    undone = sorted(
        _undone(session.tables, lowest, highest, left), key=lambda e: (e.entry, e.block_hash)
    )
    for start in range(0, len(undone), MOST_NAMED):
        named = tuple(undone[start : start + MOST_NAMED])
        session.write(ReorganisedNotice(session.now, named))


def _undone(tables: Tables, lowest: int, highest: int, left: frozenset[bytes]) -> Iterator[Undone]:
    record = TableHeaders(tables)
    relied = tables.execute(
        "SELECT entry, block, height, said FROM relied_blocks WHERE height >= ? AND height <= ?",
        (lowest, highest),
    ).fetchall()
    for entry, block, height, said in relied:
        if said and block not in left:  # 4
            continue
        best = record.best(height)
        if best is None or best.hash != block:
            yield Undone(entry, block, height)
