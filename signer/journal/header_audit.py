"""Headers on record, verified again by their network's rules: a part of `journal verify`.

1. Where the record starts is believed here: at genesis, or at a checkpoint, with which a start compares it.
2. The best chain is followed again from there, header by header, in one pass (`chain.follow`).
3. A header beside it follows one on record and has the work that it says it has.
Any difference is `journal-tampered`. Whether a better chain exists no record shows.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NoReturn

from signer.bitcoin.chain import follow
from signer.bitcoin.chain_rules import ChainRules
from signer.bitcoin.checkpoint import Checkpoint, seed
from signer.bitcoin.errors import Malformed
from signer.bitcoin.header import read_header
from signer.bitcoin.header_record import tail_at
from signer.bitcoin.tail import MEDIAN_OF, Link
from signer.bitcoin.target import target_of, work_of
from signer.core.errors import Objection, Refusal
from signer.journal.database import Row, Tables
from signer.journal.header_record import TableHeaders, row_of

_EVER = 1 << 62
"""No header is ahead of this: what was taken is not judged by today's clock."""


def verify_headers(tables: Tables, rules: ChainRules) -> int:
    """How many there are. Raises Refusal `journal-tampered`."""
    query = "SELECT raw, height, short, moment, work FROM"
    record = TableHeaders(tables)
    try:
        count = _verify_best(tables.scan(f"{query} headers ORDER BY height"), record, rules)
        for row in tables.scan(f"{query} headers_aside ORDER BY raw"):
            _verify_aside(row, record)
            count += 1
    except Malformed as error:
        _tampered(str(error))
    for source, block_hash in tables.execute("SELECT source, hash FROM header_sources").fetchall():
        if record.link(block_hash) is None:
            _tampered(f"what {source} vouches for is not there")
    return count


def _verify_best(rows: Iterator[Row], record: TableHeaders, rules: ChainRules) -> int:
    """Rule 2; how many there are."""
    first = next(rows, None)
    if first is None:
        return 0
    seeds = [first] if first[1] == 0 else [first, *islice(rows, MEDIAN_OF - 1)]
    tail, count = tail_at(record, _trusted(seeds, rules)), len(seeds)
    for row in rows:
        _require_same(row, follow(rules, tail, row[0], _EVER))
        count += 1
    return count


def _trusted(rows: list[Row], rules: ChainRules) -> Link:
    """Rule 1: the last of them."""
    raw, height, _, _, work = rows[-1]
    last = read_header(raw)
    headers = b"".join(row[0] for row in rows)
    checkpoint = Checkpoint(height, last.hash, int.from_bytes(work, "big"), headers)
    seeds = seed(rules, checkpoint if height else None)
    for row, link in zip(rows, seeds, strict=True):
        _require_same(row, link)
    return seeds[-1]


def _verify_aside(row: Row, record: TableHeaders) -> None:
    """Rule 3."""
    header = read_header(row[0])
    before = record.link(header.previous)
    if before is None or int.from_bytes(header.hash, "little") > target_of(header.bits):
        _tampered(f"header {header.hash[::-1].hex()} follows none, or has no work")
    work = before.work + work_of(header.bits)
    _require_same(row, Link(header.hash, before.height + 1, work, row[0]))


def _require_same(row: Row, link: Link) -> None:
    if row != row_of(link, row[3]):
        _tampered(f"the header at height {row[1]} is not what its chain makes of it")


def _tampered(detail: str) -> NoReturn:
    raise Refusal(Objection("journal-tampered", f"headers: {detail}"))
