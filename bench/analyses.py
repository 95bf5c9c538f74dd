"""How long the analyses take: on policies drawn at random, up to six levels deep, and on one with 1,000 ways.

Each is what its command computes and prints, with loading, without starting a process
(tests/policies/analyses.py).
`mutate` loads the policy once for each mutant: it is measured on fewer, and for what it makes.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

from tests.policies.analyses import ANALYSES, drawn_texts, full_texts

DRAWN, MUTATED = 200, 10
SEED = 1
MUTATE = "mutate"


@dataclass(frozen=True)
class Analysed:
    """Seconds of one analysis."""

    name: str
    drawn: int
    median: float
    slowest: float
    full: float | None
    """Of the policy with 1,000 ways; None where it was not asked."""


def analyses(count: int = DRAWN) -> list[Analysed]:
    """Measured now."""
    drawn, full = list(drawn_texts(Random(SEED), count)), full_texts()
    found = []
    for name in ANALYSES:
        texts = drawn[: min(MUTATED, max(1, count // 20))] if name == MUTATE else drawn
        times = [_seconds(name, each) for each in texts]
        last = None if name == MUTATE else _seconds(name, full)
        found.append(Analysed(name, len(texts), median(times), max(times), last))
    return found


def analyses_table(found: Sequence[Analysed]) -> str:
    """For the page."""
    head = "| analysis | policies | median | slowest | 1,000 ways |\n|---|---:|---:|---:|---:|"
    rows = [
        f"| {each.name} | {each.drawn} | {_shown(each.median)} | {_shown(each.slowest)} "
        f"| {_shown(each.full)} |"
        for each in found
    ]
    return "\n".join((head, *rows))


def _seconds(name: str, texts: tuple[bytes, bytes]) -> float:
    started = time.perf_counter()
    ANALYSES[name](*texts)
    return time.perf_counter() - started


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"
