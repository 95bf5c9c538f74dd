"""SignPsbt over mutual TLS in one process and in two, with the key in a file, sealed by a token, in a token.

1. All members serve at the same time, each alone with SQLite, and are asked in turn: in each round every
   member once. So what else the machine does falls on all of them; compare columns of one row.
2. Each call is a withdrawal that nobody has seen, with all evidence; `empty` is a health check.
3. Two processes: the kernel is in its room (its memory may be swapped); a token's keepers are two more. The
   token is SoftHSM 2. A member with a key in a token or sealed by one has no other way than two processes.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from bench.house import HEALTH, House, bench_policy
from bench.orders import Orders, signed
from signer.core.vault import Vault
from tests import federation
from tests.kernel import room
from tests.link.test_processes import TwoProcesses
from tests.token.members import pinned_house, sealed_house
from tests.token.softhsm import KEK, SoftToken, installed

ONE, TWO, SEALED, TOKEN = "one process, file", "two, file", "two, hsm-sealed", "two, token"
INPUTS = (1, 10, 100)
FULL, SHORT = 80, 6
"""Rounds with one input; with more there are fewer."""
FEWER = {1: 1, 10: 2, 100: 8}


@dataclass(frozen=True)
class Custody:
    """One row: what was asked of all."""

    asked: str
    rounds: int
    columns: dict[str, tuple[float, float, float]]
    """Of each member: lower quartile, median and upper quartile in milliseconds."""
    processor: dict[str, float]
    """Milliseconds of the processor for one call, of all its processes."""


def custodies(folder: Path, rounds: int) -> list[Custody]:
    """Measured now. Columns of a token are left out where SoftHSM is not there."""
    with ExitStack() as undo:
        desks = {
            name: Desk(house, Orders(undo.enter_context(house.connect()), vault=vault))
            for name, house, vault in undo.enter_context(_members(folder))
        }
        for each in desks.values():
            signed(each.orders.member, each.orders.new())
        found = [_row("empty", desks, [_empty] * rounds)]
        for inputs in INPUTS:
            asked = "new, 1 input" if inputs == 1 else f"new, {inputs} inputs"
            found.append(_row(asked, desks, [_new(inputs)] * max(3, rounds // FEWER[inputs])))
            print(found[-1], flush=True)
        return found


Trial = Callable[[], object]


class Desk(NamedTuple):
    """A member, and where to ask it."""

    house: House
    orders: Orders


def _row(
    asked: str, desks: Mapping[str, Desk], rounds: Sequence[Callable[[Orders], Trial]]
) -> Custody:
    """What is asked is ready before any is asked: making a draft costs a member something, too."""
    ready = [{name: trial(each.orders) for name, each in desks.items()} for trial in rounds]
    before = {name: each.house.family_processor_seconds() for name, each in desks.items()}
    times = [{name: _ms(ask) for name, ask in trials.items()} for trials in ready]
    processor = {
        name: round((each.house.family_processor_seconds() - before[name]) / len(rounds) * 1_000, 2)
        for name, each in desks.items()
    }
    columns = {}
    for name in desks:
        first, median, third = statistics.quantiles([each[name] for each in times], n=4)
        columns[name] = (round(first, 2), round(median, 2), round(third, 2))
    return Custody(asked, len(rounds), columns, processor)


def _empty(orders: Orders) -> Trial:
    return partial(orders.member.ask_at, HEALTH, HealthCheckRequest(), HealthCheckResponse)


def _new(inputs: int) -> Callable[[Orders], Trial]:
    return lambda orders: partial(signed, orders.member, orders.new(inputs))


def _ms(trial: Trial) -> float:
    begun = time.perf_counter()
    trial()
    return (time.perf_counter() - begun) * 1_000


Named = tuple[str, House, Vault]


@contextmanager
def _members(folder: Path) -> Iterator[list[Named]]:
    """Each serving."""
    folder.mkdir()
    found = installed()
    with ExitStack() as undo:
        named: list[Named] = [
            (
                name,
                undo.enter_context(_file_house(folder / kind.__name__, kind)),
                federation.vault(),
            )
            for name, kind in ((ONE, House), (TWO, TwoProcesses))
        ]
        if found is not None:
            token = SoftToken(folder / "token", found)
            pubkey = token.make_keys()
            sealed = undo.enter_context(sealed_house(folder / "sealed", token, KEK))
            pinned = undo.enter_context(pinned_house(folder / "pinned", token, pubkey))
            named += [(SEALED, sealed, sealed.vault), (TOKEN, pinned, pinned.vault)]
        yield named


@contextmanager
def _file_house(folder: Path, kind: type[House]) -> Iterator[House]:
    policy, clock = bench_policy(), room.ManualClock(int(time.time()))
    member = room.Member(folder, 0, policy, clock).init()
    house = kind("a", folder, member.folder / "journal.sqlite").furnish(policy)
    try:
        house.start()
        yield house
    finally:
        house.stop()


def custody_table(found: Sequence[Custody]) -> str:
    """For the page: medians, quartiles, processor time, and ratios to the first column."""
    names = list(found[0].columns) if found else []
    return "\n\n".join((_times(found, names), _processors(found, names)))


def _times(found: Sequence[Custody], names: Sequence[str]) -> str:
    heads = (*names, *(f"{each} / one" for each in names[1:]))
    lines = [f"| asked | rounds | {' | '.join(heads)} |", "|---|---:" + "|---:" * len(heads) + "|"]
    for row in found:
        cells = [f"{p50} ms ({low} to {high})" for low, p50, high in row.columns.values()]
        ratios = _ratios([p50 for _, p50, _ in row.columns.values()])
        lines.append(f"| {row.asked} | {row.rounds} | {' | '.join((*cells, *ratios))} |")
    return "\n".join(lines)


def _processors(found: Sequence[Custody], names: Sequence[str]) -> str:
    heads = (*names, *(f"{each} / one" for each in names[1:]))
    lines = [f"| processor time of | {' | '.join(heads)} |", "|---" + "|---:" * len(heads) + "|"]
    for row in found:
        cells = [f"{each} ms" for each in row.processor.values()]
        ratios = _ratios(list(row.processor.values()))
        lines.append(f"| {row.asked} | {' | '.join((*cells, *ratios))} |")
    return "\n".join(lines)


def _ratios(figures: Sequence[float]) -> list[str]:
    """To the first, where the processor's hundredths of a second saw anything of it."""
    first, *others = figures
    return [f"{each / first:.2f}" if first else "-" for each in others]
