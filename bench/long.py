"""What a long journal costs: restart to ready, latency, memory and disk against the number of entries.

1. The journals are `bench.grown`'s, served by real processes; each size has one of its own, in both stores.
2. `restart` is from starting the process, Python's own start with it, to the first answer that it serves,
   after an orderly stop; the median of three.
3. `new` is SignPsbt for a new withdrawal of one input, over mutual TLS, without witnesses.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.grown import Grown, copied, grown
from bench.house import POSTGRES, SQLITE, House, bench_policy, server
from bench.orders import Orders, signed
from carrier.member import Member
from signer.journal.audit import verify_journal
from signer.journal.place import Place

FULL, SHORT = (1_000, 10_000, 100_000, 1_000_000), (300, 3_000)
STARTS = 3
TRIALS = 40
VERIFIED = 100_000
"""Entries of the largest journal that is verified whole here."""

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
    new: float
    """Milliseconds."""
    resident: float
    """MB after a start."""
    stored: int
    """Bytes per entry, tables and indexes with it."""
    verified: float | None
    """Entries per second of `journal verify`; None where it was not asked."""


def longs(sizes: Sequence[int]) -> list[Long]:
    """Measured now."""
    found = []
    with server() as cluster:
        for size in sizes:
            journal = grown(size)
            print(f"{size} entries: made in {journal.seconds:.0f} s", flush=True)
            found.append(_long(journal, journal.journal))
            print(found[-1], flush=True)
            if cluster is not None:
                place = cluster.new_place()
                copied(journal.journal, place)
                found.append(_long(journal, place))
                print(found[-1], flush=True)
                cluster.run_sql(f"DROP DATABASE {cluster.name_of(place)}")
    return found


def _long(journal: Grown, place: Place) -> Long:
    (journal.folder / "head").unlink(missing_ok=True)  # another database's
    size, verified = _bytes(place), _verified(place) if journal.entries <= VERIFIED else None
    house = House("a", journal.folder, place).furnish(bench_policy())
    starts = []
    try:
        for _ in range(STARTS):
            house.stop()
            starts.append(house.start())
        resident = house.resident_mb()
        with house.connect() as member:
            new = _new(member)
    finally:
        house.stop()
    return Long(
        SQLITE if isinstance(place, Path) else POSTGRES,
        journal.entries,
        round(statistics.median(starts), 2),
        new,
        round(resident, 1),
        size // journal.entries,
        verified,
    )


def _new(member: Member) -> float:
    orders, times = Orders(member), []
    for asked in [orders.new() for _ in range(TRIALS)]:
        started = time.perf_counter()
        signed(member, asked)
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1_000, 2)


def _verified(place: Place) -> float:
    begun = time.perf_counter()
    report = verify_journal(place)
    return round(report.entries / (time.perf_counter() - begun))


def _bytes(place: Place) -> int:
    if isinstance(place, Path):
        return place.stat().st_size
    with psycopg.connect(place.url) as connection:
        rows = connection.execute(_SIZES, ("pegwarden",)).fetchall()
    return sum(size for (size,) in rows)


def long_table(found: Sequence[Long]) -> str:
    """For the page."""
    lines = [
        "| entries | store | restart to ready | SignPsbt, new | resident | bytes per entry | verify |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for each in found:
        verified = "-" if each.verified is None else f"{each.verified:,.0f} entries/s"
        lines.append(
            f"| {each.entries:,} | {each.store} | {each.restart:.2f} s | {each.new} ms "
            f"| {each.resident:.0f} MB | {each.stored:,} | {verified} |"
        )
    return "\n".join(lines)
