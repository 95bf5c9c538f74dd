"""Health tests of what a contributor drew (NIST SP 800-90B, section 4.4), in whole numbers.

1. Repetition count (4.4.1) and adaptive proportion (4.4.2), for a source that claims full entropy: each of
   its values is equally likely. A healthy source fails a test once in 2^40 samples or windows.
2. A source has its values and its number of samples; the limits follow from these, and are not stated.
3. What is published of the samples are two counts. Each source draws more than 256 bits and what these tell.
They find a source that is stuck or grossly biased. No test finds one that somebody can predict.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from math import comb
from typing import NamedTuple

from signer.core.errors import Objection, Refusal

ALPHA_BITS = 40
WINDOW = 512
"""Samples of one window; all samples where they are fewer."""


class Source(NamedTuple):
    """What samples come from."""

    values: int
    """Different values of a sample."""
    least: int
    """Samples."""
    most: int


SOURCES: Mapping[str, Source] = {
    "os": Source(256, 4_096, 4_096),
    "token": Source(256, 4_096, 4_096),
    "dice": Source(6, 120, 1_000),
}


@dataclass(frozen=True, slots=True)
class Health:
    """What was counted."""

    source: str
    samples: int
    longest: int
    """Most equal samples in a row."""
    most: int
    """Most samples of a window that equal its first."""


def measure(source: str, samples: bytes) -> Health:
    """The counts of these samples."""
    longest = max((len(tuple(run)) for _, run in groupby(samples)), default=0)
    size = _window(len(samples))
    starts = range(0, len(samples) - size + 1, size)
    most = max((samples[at : at + size].count(samples[at]) for at in starts), default=0)
    return Health(source, len(samples), longest, most)


def require_healthy(health: Health, whose: str) -> None:
    """Raises Refusal `ceremony-entropy-weak`."""
    source = SOURCES[health.source]
    if not source.least <= health.samples <= source.most:
        limit = f"{source.least} to {source.most}"
        raise _weak(f"{whose}: number of samples", health.samples, limit)
    run = repetition_limit(source.values)
    if not 1 <= health.longest <= run:
        raise _weak(f"{whose}: equal samples in a row", health.longest, f"1 to {run}")
    most = proportion_limit(source.values, _window(health.samples))
    if not 1 <= health.most <= most:
        raise _weak(f"{whose}: samples of one value in a window", health.most, f"1 to {most}")


def repetition_limit(values: int) -> int:
    """The longest run that passes: C - 1 of 4.4.1."""
    run = 1
    while values**run < 1 << ALPHA_BITS:
        run += 1
    return run


@lru_cache(maxsize=64)
def proportion_limit(values: int, window: int) -> int:
    """The most samples of one value that pass in a window: C - 1 of 4.4.2, exactly."""
    every, most = values**window, 0
    beyond = every - (values - 1) ** window
    while beyond << ALPHA_BITS > every:
        most += 1
        beyond -= comb(window, most) * (values - 1) ** (window - most)
    return most


def _window(samples: int) -> int:
    return min(WINDOW, max(samples, 1))


def _weak(detail: str, observed: int, limit: str) -> Refusal:
    return Refusal(Objection("ceremony-entropy-weak", detail, str(observed), limit))
