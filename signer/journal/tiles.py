"""The log's tree as stored: the leaves of the entries, and the roots of every 8th height above them.

Rule 1: a tile is written with the entry that completes its subtree; it follows from the entries alone and is
        compared by `journal verify` as the claim tables are.
Rule 2: so a proof, or the root of any earlier size, reads at most some hundred leaves and as many tiles.
"""

from collections.abc import Sequence

from signer.core.errors import Objection, Refusal
from signer.journal.database import Tables
from signer.journal.merkle import Frontier
from signer.journal.proofs import TILE_HEIGHT, root_at

TILES = (
    """CREATE TABLE tiles (
        height INTEGER NOT NULL, place INTEGER NOT NULL, root BLOB NOT NULL,
        PRIMARY KEY (height, place)
    )""",
)


def write_tiles(tables: Tables, frontier: Frontier, leaf: bytes) -> None:
    """Store the tiles that the leaf completes when it comes behind that edge."""
    subtrees = frontier.completed(leaf)
    for height in range(TILE_HEIGHT, len(subtrees), TILE_HEIGHT):
        row = (height, frontier.size >> height, subtrees[height])
        tables.execute("INSERT INTO tiles VALUES (?,?,?)", row)


class StoredTree:
    """The tree of a journal (`signer.journal.proofs.Tree`)."""

    def __init__(self, tables: Tables, frontier: Frontier) -> None:
        self._tables = tables
        self._frontier = frontier

    def hashes(self, height: int, place: int, count: int) -> Sequence[bytes]:
        """See Tree. Raises Refusal `journal-tampered` where one is missing."""
        query = (
            "SELECT root FROM tiles WHERE height = ? AND place >= ? AND place < ? ORDER BY place"
        )
        span: tuple[int, ...] = (height, place, place + count)
        if height == 0:
            query = "SELECT leaf FROM entries WHERE number >= ? AND number < ? ORDER BY number"
            span = span[1:]
        found = [root for (root,) in self._tables.execute(query, span)]
        if len(found) != count:
            raise Refusal(Objection("journal-tampered", "hashes of the log's tree are missing"))
        return found

    def root(self, size: int) -> bytes | None:
        """The root that the log had with that many entries; None if it never had them."""
        if size == self._frontier.size:
            return self._frontier.root()
        return root_at(size, self) if 0 < size < self._frontier.size else None
