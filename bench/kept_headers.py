"""Headers in the journal's database: what one takes there, and how soon a journal with a million serves.

1. A journal is filled with headers that nobody mined, written as verified ones are (`write_advance`), and
   opened again, a file with its pages dropped from memory: until its first look at the chain is over.
2. Another takes real headers from two sources, 2,000 in a batch: the first source's are new, the second's
   are known. Without the wire before the keeper.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median

from bench.house import POSTGRES, SQLITE, server
from bench.long import forget_pages, stored_bytes
from signer.bitcoin.best_chain import Advance
from signer.bitcoin.chain import MAX_HEADERS
from signer.bitcoin.hashes import hash256
from signer.bitcoin.tail import Link
from signer.journal.header_record import write_advance
from signer.journal.place import Place
from tests.bitcoin.mined import GENESIS, Wish, unmined
from tests.journal.headers import bring, chain_of, open_with_headers, trunk, with_headers
from tests.journal.tampering import tables_of

FULL, SHORT = (100_000, 1_000_000), (20_000,)
OPENINGS = 5
BATCHES = 5
WORK = 1 << 79
"""Of a header of today, about."""
MOMENT = 1_800_000_000


@dataclass(frozen=True)
class Kept:
    """One row."""

    store: str
    headers: int
    stored: int
    """Bytes for one header, with its indexes."""
    opened: float
    """Milliseconds from opening to the end of the first look."""
    new: float
    """Milliseconds for a batch of 2,000 headers that are new."""
    known: float
    """The same for those that are known."""


def kept(folder: Path, lengths: Sequence[int]) -> list[Kept]:
    """Measured now."""
    folder.mkdir()
    found, raws = [], trunk(BATCHES * MAX_HEADERS)
    with server() as cluster:
        for length in lengths:
            places: list[tuple[Place, Place]] = [(folder / f"{length}", folder / f"{length} taken")]
            if cluster is not None:
                places.append((cluster.new_place(), cluster.new_place()))
            for long, short in places:
                found.append(_row(long, short, length, raws))
                print(found[-1], flush=True)
    return found


def _row(long: Place, short: Place, length: int, raws: list[bytes]) -> Kept:
    open_with_headers(long).close()
    empty = stored_bytes(long)
    _fill(long, length)
    new, known = _taken(short, raws)
    return Kept(
        SQLITE if isinstance(long, Path) else POSTGRES,
        length,
        round((stored_bytes(long) - empty) / length),
        round(median(_opened(long) for _ in range(OPENINGS)) * 1_000, 1),
        round(new * 1_000, 1),
        round(known * 1_000, 1),
    )


def _fill(place: Place, length: int) -> None:
    links = _links(length)
    with tables_of(place) as tables:
        tables.execute("BEGIN")
        while some := tuple(islice(links, MAX_HEADERS)):
            write_advance(tables, Advance(some[-1], some, some), MOMENT)
        tables.execute("COMMIT")


def _links(length: int) -> Iterator[Link]:
    """As large as real ones, and as random."""
    random, previous = Random(length), hash256(GENESIS)
    for height in range(1, length + 1):
        raw = unmined(previous, Wish(MOMENT, merkle_root=random.randbytes(32)))
        previous = hash256(raw)
        yield Link(previous, height, height * WORK, raw)


def _opened(place: Place) -> float:
    if isinstance(place, Path):
        forget_pages(place)
    begun = time.perf_counter()
    with with_headers(place) as journal, chain_of(journal) as chain:
        chain.tip_seen()
        chain.vouched()
        return time.perf_counter() - begun


def _taken(place: Place, raws: list[bytes]) -> tuple[float, float]:
    """Seconds for a batch of new headers, and for one of known."""
    times: dict[str, list[float]] = {"one": [], "two": []}
    with with_headers(place) as journal:
        for source, spent in times.items():
            for at in range(0, len(raws), MAX_HEADERS):
                batch = raws[at : at + MAX_HEADERS]
                begun = time.perf_counter()
                bring(journal, batch, source)
                spent.append(time.perf_counter() - begun)
    return median(times["one"]), median(times["two"])


def kept_table(found: Sequence[Kept]) -> str:
    """For the page."""
    lines = [
        "| headers | store | bytes per header | open, first look | 2,000 new | 2,000 known |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.headers:,} | {row.store} | {row.stored} | {row.opened} ms | {row.new} ms | {row.known} ms |"
        for row in found
    ]
    return "\n".join(lines)
