"""What a reorganisation undoes goes on record in the turn that takes its headers, and locks (docs/spv.md).

1. Headers are no entries, but this is: from it on nothing is signed until the officers' quorum, who know of
   it, unlocks (`signer.core.control`). It is the only thing that the chain writes into the log.
2. A block on which nothing relied leaves without a word: what was only read is read again.
3. Judged is what relied on certain heights, not what this record saw leaving: after an import, or beside an
   older copy of the headers, another block may be there from the first.
4. What is said already is not said again unless its block, which had come back, has just left: officers have
   settled it, and an import knows it from the log.
"""

from collections.abc import Iterator, Sequence

from signer.bitcoin.hashes import hash256
from signer.bitcoin.tail import Link
from signer.core.deposits import MOST_NAMED, ReorganisedNotice, Undone
from signer.journal.database import Tables
from signer.journal.decide import Session


def record_undone(session: Session, lowest: int, highest: int, left: Sequence[Link]) -> None:
    """Say on record what relied on blocks of these heights that are not on the best chain; `left`: those that
    were on it until now."""
    found = _undone(session.tables, lowest, highest, left)
    undone = sorted(found, key=lambda each: (each.entry, each.block_hash))
    for start in range(0, len(undone), MOST_NAMED):
        named = tuple(undone[start : start + MOST_NAMED])
        session.write(ReorganisedNotice(session.now, named))


def _undone(tables: Tables, lowest: int, highest: int, left: Sequence[Link]) -> Iterator[Undone]:
    gone, top = {each.hash for each in left}, max([highest, *(each.height for each in left)])
    relied = tables.execute(
        "SELECT relied_blocks.entry, relied_blocks.block, relied_blocks.height, said, raw "
        "FROM relied_blocks LEFT JOIN headers ON headers.height = relied_blocks.height "
        "WHERE relied_blocks.height >= ? AND relied_blocks.height <= ?",
        (lowest, top),
    )
    for entry, block, height, said, raw in iter(relied.fetchone, None):
        is_asked = block in gone if said else height <= highest  # 4
        if is_asked and (raw is None or hash256(raw) != block):
            yield Undone(entry, block, height)
