"""The headers on record: the best chain by height, and what is beside it.

1. A hash is not stored. It is the hash of the 80 bytes, and found by its first eight bytes, of which several
   headers may have the same.
2. A header is in one of two tables, and in a reorganisation it changes its table; none is ever deleted.
3. Each question is one query, whatever the number of headers.
4. Where a record starts is asked when the journal is opened: the trusted header is on its best chain, with
   its work.
"""

from collections.abc import Iterable

from signer.bitcoin.best_chain import Advance, Dispute
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import read_header
from signer.bitcoin.tail import MEDIAN_OF, Link
from signer.core.errors import Objection, Refusal
from signer.core.freshness import DAY_BLOCKS, TipSeen
from signer.journal.database import Row, StoreError, Tables, Value, the_row

_FOUND = "SELECT height, work, raw, moment FROM"
_BY_SHORT = (
    "SELECT height, work, raw, moment, 1 FROM headers WHERE short = ? "
    "UNION ALL SELECT height, work, raw, moment, 0 FROM headers_aside WHERE short = ?"
)
_BELOW = f"{_FOUND} headers WHERE height <= ? ORDER BY height DESC LIMIT ?"
_AHEAD = 256
"""Headers that are read at once where somebody goes back along the best chain."""
_COLUMNS = "raw, height, short, moment, work"
"""Of both tables."""


class TableHeaders:
    """The headers within the transaction that `tables` is in: signer.bitcoin.header_record.HeaderRecord."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._ahead: dict[bytes, Link] = {}
        self._previous = b""
        """Of the header that was found last."""

    def link(self, block_hash: bytes) -> Link | None:
        """See HeaderRecord. A retargeting asks for two thousand in a row."""
        found = self._ahead.get(block_hash) or self._found(block_hash)
        if found is not None:
            self._previous = found.raw[4:36]
        return found

    def best(self, height: int) -> Link | None:
        """See HeaderRecord."""
        row = self._tables.execute(f"{_FOUND} headers WHERE height = ?", (height,)).fetchone()
        return None if row is None else _link(row)

    def tip(self) -> Link:
        """See HeaderRecord."""
        return _link(self._last_rows(1)[0])

    def tip_seen(self) -> TipSeen:
        """See signer.ports.chain. A chain becomes best by a header that is new: since it came, it is the
        tip."""
        rows = self._last_rows(MEDIAN_OF)
        times = sorted(int.from_bytes(raw[68:72], "little") for _, _, raw, _ in rows)
        tip = _link(rows[0])
        below = self.best(tip.height - DAY_BLOCKS) or self.start()
        day_time = read_header(below.raw).time
        return TipSeen(tip.work, times[len(times) // 2], rows[0][3], day_time)

    def start(self) -> Link:
        """The first one."""
        return _link(the_row(self._tables.execute(f"{_FOUND} headers ORDER BY height LIMIT 1")))

    def received(self, block_hash: bytes) -> int | None:
        """See signer.ports.chain."""
        row = self._row(block_hash)
        return None if row is None else row[3] or None

    def dispute(self) -> Dispute | None:
        """The better chain that leaves ours too deep, if one is told of (`signer.journal.header_dispute`)."""
        query = "SELECT fork, height, work, raw, moment FROM header_dispute"
        row = self._tables.execute(query).fetchone()
        return None if row is None else Dispute(row[0], _link(row[1:]))

    def _found(self, block_hash: bytes) -> Link | None:
        row = self._row(block_hash)
        if row is None:
            return None
        if block_hash == self._previous and row[4]:
            below = self._tables.execute(_BELOW, (row[0], _AHEAD))
            self._ahead = {link.hash: link for link in map(_link, below.fetchall())}
        return _link(row)

    def _row(self, block_hash: bytes) -> Row | None:
        """Rule 1. Height, work, bytes, moment, and whether it is of the best chain."""
        rows = self._tables.execute(_BY_SHORT, (_short(block_hash),) * 2).fetchall()
        return next((row for row in rows if hash256(row[2]) == block_hash), None)

    def _last_rows(self, count: int) -> list[Row]:
        query = f"{_FOUND} headers ORDER BY height DESC LIMIT ?"
        rows = self._tables.execute(query, (count,)).fetchall()
        if not rows:
            raise StoreError("the record of headers has not been begun")
        return rows


def begin_headers(tables: Tables, seeds: list[Link]) -> bool:
    """Whether the record was empty and starts with these headers now (`checkpoint.seed`).

    Raises Refusal `chain-record-differs` unless it has the last of them on its best chain.
    """
    if tables.execute("SELECT 1 FROM headers LIMIT 1").fetchone() is None:
        _insert(tables, "headers", seeds, 0)
        return True
    trusted = seeds[-1]
    found = TableHeaders(tables).best(trusted.height)
    if found != trusted:
        raise Refusal(
            Objection(
                "chain-record-differs",
                f"the headers on record are not of the chain that starts at height {trusted.height}",
                "none there" if found is None else f"{_shown(found)}",
                _shown(trusted),
            )
        )
    return False


def write_advance(tables: Tables, advance: Advance, now: int) -> None:
    """All of it; new headers came at that time."""
    if not advance.joined:
        _insert(tables, "headers_aside", advance.new, now)
        return
    first = advance.joined[0].height
    if advance.left:
        _move(tables, "headers", "headers_aside", "height >= ?", first)
    for link in advance.joined[: len(advance.joined) - len(advance.new)]:
        _move(tables, "headers_aside", "headers", "raw = ?", link.raw)
    _insert(tables, "headers", advance.new, now)


def row_of(link: Link, moment: int) -> Row:
    """The header as both tables have it, in the order of `_COLUMNS`."""
    work = link.work.to_bytes((link.work.bit_length() + 7) // 8, "big")
    return link.raw, link.height, _short(link.hash), moment, work


def _insert(tables: Tables, table: str, links: Iterable[Link], moment: int) -> None:
    rows = [row_of(each, moment) for each in links]
    tables.executemany(f"INSERT INTO {table} ({_COLUMNS}) VALUES (?,?,?,?,?)", rows)  # noqa: S608 (of ours)


def _move(tables: Tables, table: str, to: str, which: str, value: Value) -> None:
    """Rule 2."""
    moved = f"SELECT {_COLUMNS} FROM {table} WHERE {which}"  # noqa: S608 (of ours)
    tables.execute(f"INSERT INTO {to} ({_COLUMNS}) {moved}", (value,))
    tables.execute(f"DELETE FROM {table} WHERE {which}", (value,))  # noqa: S608


def _link(row: Row) -> Link:
    height, work, raw = row[:3]
    return Link(hash256(raw), height, int.from_bytes(work, "big"), raw)


def _short(block_hash: bytes) -> int:
    """Of a hash in internal order: its zeros are at the other end."""
    return int.from_bytes(block_hash[:8], "big", signed=True)


def _shown(link: Link) -> str:
    return f"{link.hash[::-1].hex()} with the work {link.work:x}"
