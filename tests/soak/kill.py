"""Invariant: a kernel that dies at any instant, and is started again, signs what it signed, with the same
bytes, counts it once, contradicts no head that it showed, and its journal verifies; also when its disk is
full, its database goes away, an old copy is put back, a clone or a replica runs beside it, or clocks step.

Of many runs one in ten kills a whole process, the others die in process, at a named point (tests/crash).
"""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.crash.companies import IN_PROCESS, WHOLE
from tests.crash.deaths import Deaths, Toll
from tests.journal.cuts import cut_decisions
from tests.postgres import Cluster, Wire, programs

FULL = 10_000
MANY = 1_000


class Job(NamedTuple):
    """Runs that one worker does."""

    kind: str
    n: int
    seed: int


def run(n: int, seed: int) -> list[str]:
    """What was wrong after which death. Prints where kernels died."""
    jobs, toll, done, began = list(_jobs(n, seed)), Toll(), 0, time.monotonic()
    if programs() is None:
        print("kill: NOT on PostgreSQL, which is not installed: no connection is cut", flush=True)
    for job, found in _done(jobs):
        toll.add(found)
        done += 0 if job.kind == "cuts" else job.n
        if len(jobs) > 1:
            took = time.monotonic() - began
            print(
                f"kill: {done} of {n} runs, {len(toll.wrong)} violations, {took:.0f} s", flush=True
            )
    print("\n".join(toll.distribution()))
    return toll.wrong


def _jobs(n: int, seed: int) -> Iterator[Job]:
    """Whole processes first: they take longest. Beside the kills connections are cut."""
    whole = n // 10 if n >= MANY else 0
    wanted = [("whole", whole, 100), ("in process", n - whole, 300)]
    if programs() is not None:
        wanted.append(("cuts", whole // 2, 250))
    for number, (kind, runs, each) in enumerate(wanted):
        for start in range(0, runs, each):
            yield Job(kind, min(each, runs - start), seed * 1_000_000 + 10 * start + number)


def _done(jobs: list[Job]) -> Iterator[tuple[Job, Toll]]:
    """As they end."""
    if len(jobs) == 1:
        yield jobs[0], _do(jobs[0])
        return
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as workers:
        asked = {workers.submit(_do, job): job for job in jobs}
        for each in as_completed(asked):
            yield asked[each], each.result()


def _do(job: Job) -> Toll:
    """The folder stays where something was wrong."""
    if job.kind == "cuts":
        return _cut(job)
    folder = Path(tempfile.mkdtemp(prefix="pegwarden-kill-"))
    companies = WHOLE if job.kind == "whole" else IN_PROCESS
    toll = Deaths(folder, Random(job.seed), companies).happen(job.n).toll
    if toll.wrong:
        toll.wrong.append(f"{job}: what was left is in {folder}")
    else:
        folder.rmdir()
    return toll


def _cut(job: Job) -> Toll:
    """Connections to the database, at any byte (tests/journal/cuts.py)."""
    binaries = programs()
    assert binaries is not None
    cluster = Cluster(binaries)
    try:
        place = cluster.new_place()
        wire = Wire(cluster, cluster.name_of(place))
        cuts = cut_decisions(wire, place, job.seed, job.n)
        wire.close()
    finally:
        cluster.remove()
    came = {"answered": cuts.answered, "recorded": cuts.recorded, "lost": cuts.lost}
    befallen = Counter({("desk", f"connection cut, {what}"): n for what, n in came.items()})
    return Toll(befallen=befallen, wrong=[f"{job}: {each}" for each in cuts.wrong])
