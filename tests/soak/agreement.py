"""Invariant: whatever a hostile carrier, crashes, restores, the chain and at most f dishonest members do to
the state machine of agreement, no withdrawal is paid twice, and each can be paid while enough members answer
(tests/agreement)."""

import time
from collections import Counter
from random import Random

from tests.agreement.sizes import EQUAL, EXHAUSTED, WALKS, draw, exhaust

FULL = 20_000
"""Histories that are drawn, beside all that is exhausted."""
BESIDE = 50
"""Federations of at most so many states for each history are exhausted, too."""


def run(n: int, seed: int) -> list[str]:
    """What was wrong."""
    return _exhausted(n * BESIDE) + _drawn(n, seed)


def _exhausted(most: int) -> list[str]:
    violations: list[str] = []
    for size in (*EXHAUSTED, *EQUAL):
        if size.states > most:
            continue
        started = time.monotonic()
        found = exhaust(size)
        seconds = time.monotonic() - started
        print(f"agreement: {size}: {found}, {seconds:.0f} s", flush=True)
        if found.fault is not None or found.states != size.states:
            violations.append(f"{size}: {found}; {size.states} states were expected")
    return violations


def _drawn(n: int, seed: int) -> list[str]:
    violations, moves = list[str](), Counter[str]()
    for number in range(n):
        walk, of = WALKS[number % len(WALKS)], seed * 1_000_000 + number
        found = draw(walk, Random(of))
        moves[str(walk.federation)] += found.moves
        if found.fault is not None:
            violations.append(f"{walk.federation}, seed {of}: {found}")
    for federation, count in moves.items():
        print(f"agreement: {federation}: {count} moves drawn")
    return violations
