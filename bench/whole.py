"""SignPsbt over mutual TLS against a real process: per store, with and without witnesses.

1. `new`: a withdrawal and a coin that nobody has seen, with all evidence, of one input. `further`: another
   version of a withdrawal on record, of 1, 10 and 100 inputs. `empty`: a health check on the same server.
2. With witnesses a call returns when the entry is agreed: three processes and a carrier without pause share
   the machine's cores; on three machines they would not.
3. Concurrent callers each ask for new withdrawals of one input. `stall`: how much longer than the median the
   slowest call of another caller takes while a request of 500 inputs is served; the median of several.
4. `processor`: what the kernel's process uses for one call, all threads together; other work on the machine
   hardly touches it. `start` and `resident` are after a restart with the journal as the run left it.
"""

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from grpc_health.v1 import health_pb2

from bench.house import (
    HEALTH,
    POSTGRES,
    SQLITE,
    House,
    bench_policy,
    one_house,
    server,
    three_houses,
)
from bench.orders import Orders, signed
from carrier.member import Member
from pegwarden.v1 import kernel_pb2 as pb
from policies.load import load_policy
from signer.journal.audit import read_entries
from signer.journal.place import Place
from signer.member_files import shelf_of
from signer.replay.run import Premises, rederivation
from tests.postgres import Cluster

CALLERS, LARGE = 8, 500


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    trials: int
    large_inputs: int = LARGE
    larges: int = 5
    """Large requests, and restarts."""


FULL, SHORT = Size(60), Size(9, 50, 1)
FEWER = 3
"""One in so many of the trials with witnesses, which take many times as long."""


@dataclass(frozen=True)
class Whole:
    """Medians in milliseconds, and calls per second."""

    store: str
    witnesses: int
    empty: float
    new: float
    processor_empty: float
    processor_new: float
    further: dict[int, float]
    alone_per_second: float
    together_per_second: float
    """CALLERS at once."""
    stall: float
    large: float
    """The large request itself."""
    large_inputs: int
    start: float | None = None
    """Seconds; this and what follows None where it was not asked."""
    start_processor: float | None = None
    """Seconds of the processor until it serves."""
    resident: float | None = None
    """MB after the start."""
    replayed: float | None = None
    """Entries per second of `journal replay`."""


def wholes(folder: Path, size: Size) -> list[Whole]:
    """Measured now, in each store that is there."""
    found = []
    with server() as cluster:
        for store, used in ((SQLITE, None), (POSTGRES, cluster)):
            if store == POSTGRES and used is None:
                continue
            found.append(_alone(folder / f"{store}-1", used, size))
            print(found[-1], flush=True)
            found.append(_witnessed(folder / f"{store}-3", used, size))
            print(found[-1], flush=True)
    return found


def _alone(folder: Path, cluster: Cluster | None, size: Size) -> Whole:
    with one_house(folder, cluster) as house:
        found = _measured(house, cluster, 0, size)
        starts = [_restarted(house) for _ in range(size.larges)]
        wall, processor, resident = (
            round(statistics.median(each), 2) for each in zip(*starts, strict=True)
        )
    started = replace(found, start=wall, start_processor=processor, resident=resident)
    return replace(started, replayed=_replayed(house.place))


def _restarted(house: House) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and MB."""
    house.stop()
    return house.start(), house.processor_seconds(), house.resident_mb()


def _replayed(place: Place) -> float:
    """Raises LookupError where an entry comes out differently."""
    policy = load_policy(bench_policy())
    begun, count = time.perf_counter(), 0
    with rederivation(Premises(policy, shelf_of(policy))) as again:
        for outcome in again.over(read_entries(place, 0)):
            if outcome.difference is not None:
                raise LookupError(f"entry {outcome.stored.number}: {outcome.difference}")
            count += 1
    return round(count / (time.perf_counter() - begun))


def _witnessed(folder: Path, cluster: Cluster | None, size: Size) -> Whole:
    with three_houses(folder, cluster) as houses:
        fewer = replace(size, trials=size.trials // FEWER)
        return _measured(houses[0], cluster, len(houses), fewer)


def _measured(house: House, cluster: Cluster | None, witnesses: int, size: Size) -> Whole:
    with house.connect() as member:
        orders = Orders(member)
        signed(member, orders.new())
        empty = [partial(_empty, member)] * size.trials
        new = [partial(signed, member, orders.new()) for _ in range(size.trials)]
        (empty_ms, empty_processor), (new_ms, new_processor) = (
            _both(house, empty),
            _both(house, new),
        )
        further = {inputs: _further(orders, inputs, size.trials) for inputs in (1, 10, 100)}
        alone, together = (
            _rate(house, orders, 1, size.trials),
            _rate(house, orders, CALLERS, size.trials),
        )
        larges = [_stall(house, orders, size) for _ in range(size.larges)]
        stall, large = (round(statistics.median(each), 2) for each in zip(*larges, strict=True))
        return Whole(
            SQLITE if cluster is None else POSTGRES,
            witnesses,
            empty_ms,
            new_ms,
            empty_processor,
            new_processor,
            further,
            alone,
            together,
            stall,
            large,
            size.large_inputs,
        )


def _both(house: House, trials: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Milliseconds of one: the median, and the kernel's processor."""
    before = house.processor_seconds()
    median = _median_ms(trials)
    return median, round((house.processor_seconds() - before) / len(trials) * 1_000, 2)


def _empty(member: Member) -> None:
    member.ask_at(HEALTH, health_pb2.HealthCheckRequest(), health_pb2.HealthCheckResponse)


def _further(orders: Orders, inputs: int, trials: int) -> float:
    first, *others = orders.versions(inputs, 1 + max(3, trials // (1 + inputs // 20)))
    signed(orders.member, first)
    return _median_ms([partial(signed, orders.member, each) for each in others])


def _rate(house: House, orders: Orders, callers: int, trials: int) -> float:
    """New withdrawals per second with that many callers, each with a channel of its own."""
    requests = [[orders.new() for _ in range(trials)] for _ in range(callers)]
    with ExitStack() as undo, ThreadPoolExecutor(callers) as people:
        channels = [undo.enter_context(house.connect()) for _ in range(callers)]
        for channel in channels:
            _empty(channel)
        begun = time.perf_counter()
        list(people.map(_all, channels, requests))
        return round(callers * trials / (time.perf_counter() - begun), 1)


def _all(member: Member, requests: Sequence[pb.SignPsbtRequest]) -> None:
    for each in requests:
        signed(member, each)


def _stall(house: House, orders: Orders, size: Size) -> tuple[float, float]:
    """How much longer than the median the slowest call took during a large one; and the large one."""
    large, small = orders.new(size.large_inputs), [orders.new() for _ in range(4 * size.trials)]
    times: list[tuple[float, float]] = []
    with house.connect() as other, ThreadPoolExecutor(1) as people:
        _empty(other)
        ended = threading.Event()
        asking = people.submit(_timed, other, small, times, ended)
        while len(times) < size.trials // 2 and not asking.done():
            ended.wait(0.005)
        begun = time.perf_counter()
        signed(orders.member, large)
        done = time.perf_counter()
        ended.set()
        asking.result()
    quiet = statistics.median(end - start for start, end in times if end < begun)
    during = [end - start for start, end in times if end > begun and start < done]
    stall = max(during, default=quiet) - quiet
    return stall * 1_000, (done - begun) * 1_000


def _timed(
    member: Member,
    requests: Sequence[pb.SignPsbtRequest],
    times: list[tuple[float, float]],
    ended: threading.Event,
) -> None:
    for each in requests:
        started = time.perf_counter()
        signed(member, each)
        times.append((started, time.perf_counter()))
        if ended.is_set():
            return


def _median_ms(trials: Sequence[Callable[[], object]]) -> float:
    times = []
    for trial in trials:
        started = time.perf_counter()
        trial()
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1_000, 2)


def whole_table(found: Sequence[Whole]) -> str:
    """For the page."""
    lines = [
        "| store | witnesses | empty | new, 1 input | further, 1 | 10 | 100 | one caller | "
        f"{CALLERS} callers | large | replay |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in found:
        further = " | ".join(f"{each.further[inputs]} ms" for inputs in (1, 10, 100))
        replayed = "-" if each.replayed is None else f"{each.replayed:.0f}/s"
        lines.append(
            f"| {each.store} | {each.witnesses or 'none'} | {each.empty} ms | {each.new} ms | {further} "
            f"| {each.alone_per_second}/s | {each.together_per_second}/s "
            f"| {each.large_inputs} inputs: {each.large} ms | {replayed} |"
        )
    return "\n".join((*lines, "", *_goals(found)))


def _goals(found: Sequence[Whole]) -> list[str]:
    """What was aimed at beside what was seen."""
    lines = [
        "| store | witnesses | new / empty, p50 (goal 2.5) | the same of processor time | "
        f"{CALLERS} callers / one (goal 2) | stall (goal 50 ms) | start (goal 1.5 s) "
        "| of it processor | resident (goal 120 MB) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in found:
        started = ("-", "-", "-")
        if each.start is not None:
            started = (f"{each.start} s", f"{each.start_processor} s", f"{each.resident:.0f} MB")
        lines.append(
            f"| {each.store} | {each.witnesses or 'none'} | {each.new / each.empty:.1f} "
            f"| {each.processor_new} / {each.processor_empty} ms "
            f"| {each.together_per_second / each.alone_per_second:.2f} | {each.stall} ms "
            f"| {' | '.join(started)} |"
        )
    return lines
