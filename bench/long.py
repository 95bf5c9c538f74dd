"""What a long journal costs: restart to ready, latency, memory and disk against the number of entries.

1. The journals are `bench.grown`'s, served by real processes; each size has one of its own, in both stores.
2. Rounds are interleaved, each journal once in each, so that what else the machine does falls on all of them.
3. `restart` is from starting the process, Python's own start with it, to the first answer that it serves,
   after an orderly stop; a file is cold, its pages dropped from memory. `processor` is what it computed for
   that, which a busy machine changes less.
4. `new` is SignPsbt for a new withdrawal of one input, over mutual TLS, without witnesses, with the file's
   pages in memory.
"""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.grown import Grown, copied, grown
from bench.house import POSTGRES, SQLITE, House, bench_policy, server
from bench.orders import Orders, signed
from carrier.member import Member
from signer.journal.audit import verify_journal
from signer.journal.place import Place
from tests.postgres import Cluster

FULL, SHORT = (1_000, 10_000, 100_000, 1_000_000), (300, 3_000)
ROUNDS = 5
TRIALS = 20
"""In each round."""
VERIFIED = 100_000
"""Entries of the largest journal that is verified whole here."""
SERVED = 100_000
"""Entries of the largest journal that is copied into a database."""

_SIZES = (
    "SELECT pg_total_relation_size(c.oid) FROM pg_class AS c "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'"
)


@dataclass(frozen=True)
class Long:
    """A journal of so many entries in a store."""

    store: str
    entries: int
    restart: float
    """Seconds."""
    processor: float
    """Seconds of it that the process computed."""
    new: float
    """Milliseconds."""
    resident: float
    """MB after a start."""
    stored: int
    """Bytes per entry, tables and indexes with it."""
    verified: float | None
    """Entries per second of `journal verify`; None where it was not asked."""


@dataclass
class _Subject:
    """A journal with what was seen of it."""

    journal: Grown
    place: Place
    stored: int
    verified: float | None
    house: House
    starts: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    news: list[float] = field(default_factory=list)
    resident: float = 0.0

    def summary(self) -> Long:
        """Medians."""
        return Long(
            SQLITE if isinstance(self.place, Path) else POSTGRES,
            self.journal.entries,
            round(statistics.median(self.starts), 2),
            round(statistics.median(self.processor), 2),
            round(statistics.median(self.news) * 1_000, 2),
            round(self.resident, 1),
            self.stored // self.journal.entries,
            self.verified,
        )


def longs(sizes: Sequence[int]) -> list[Long]:
    """Measured now."""
    with server() as cluster:
        subjects = [*_subjects(sizes, cluster)]
        for number in range(ROUNDS):
            for subject in subjects:
                _look(subject)
            print(f"round {number + 1} of {ROUNDS}", flush=True)
        return [subject.summary() for subject in subjects]


def _subjects(sizes: Sequence[int], cluster: Cluster | None) -> Iterator[_Subject]:
    for size in sizes:
        journal = grown(size)
        print(f"{size} entries: made in {journal.seconds:.0f} s", flush=True)
        yield _subject(journal, journal.journal)
        if cluster is not None and size <= SERVED:
            place = cluster.new_place()
            copied(journal.journal, place)
            yield _subject(journal, place)


def _subject(journal: Grown, place: Place) -> _Subject:
    size, verified = stored_bytes(place), _verified(place) if journal.entries <= VERIFIED else None
    return _Subject(journal, place, size, verified, House("a", journal.folder, place))


def _look(subject: _Subject) -> None:
    """One start and some signatures."""
    house = subject.house
    (house.folder / "head").unlink(missing_ok=True)  # another store's
    house.furnish(bench_policy())
    if isinstance(subject.place, Path):
        forget_pages(subject.place)
    try:
        subject.starts.append(house.start())
        subject.processor.append(_computed(house))
        subject.resident = house.resident_mb()
        if isinstance(subject.place, Path):
            _recall(subject.place)
        with house.connect() as member:
            subject.news += _new(member)
    finally:
        house.stop()


def forget_pages(file: Path) -> None:
    """Drop its pages from the system's memory, where the system does that."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _recall(file: Path) -> None:
    """Its pages into the system's memory: what a disk takes for a page that nobody asked for yet is the
    disk's."""
    with file.open("rb") as stream:
        while stream.read(1 << 24):
            pass


def _computed(house: House) -> float:
    """Seconds of the processor that its process has used."""
    statistic = Path(f"/proc/{house.process.pid if house.process else 0}/stat")
    ticks = statistic.read_text().rpartition(")")[2].split()[11:13] if statistic.exists() else ()
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _new(member: Member) -> list[float]:
    orders, times = Orders(member), []
    for asked in [orders.new() for _ in range(TRIALS)]:
        started = time.perf_counter()
        signed(member, asked)
        times.append(time.perf_counter() - started)
    return times


def _verified(place: Place) -> float:
    begun = time.perf_counter()
    report = verify_journal(place)
    return round(report.entries / (time.perf_counter() - begun))


def stored_bytes(place: Place) -> int:
    """Of a file, or of all tables with their indexes."""
    if isinstance(place, Path):
        return place.stat().st_size
    with psycopg.connect(place.url) as connection:
        rows = connection.execute(_SIZES, ("pegwarden",)).fetchall()
    return sum(size for (size,) in rows)


def long_table(found: Sequence[Long]) -> str:
    """For the page."""
    lines = [
        "| entries | store | restart to ready | its processor time | SignPsbt, new | resident "
        "| bytes per entry | verify |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for each in found:
        verified = "-" if each.verified is None else f"{each.verified:,.0f} entries/s"
        lines.append(
            f"| {each.entries:,} | {each.store} | {each.restart:.2f} s | {each.processor:.2f} s "
            f"| {each.new} ms | {each.resident:.0f} MB | {each.stored:,} | {verified} |"
        )
    return "\n".join(lines)
