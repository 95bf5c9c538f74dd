"""Invariant: of a long honest history each recorded decision, with what was noted beside it, is derived again
to the byte, and nothing of it lacks its input but refusals beyond their caller's bytes."""

import tempfile
import time
from collections import Counter
from pathlib import Path

from policies.load import load_policy
from signer.journal.audit import read_entries
from signer.journal.entry import RefusedEntry, SignedEntry
from signer.member_files import shelf_of
from signer.replay.deeds import NO_INPUT, UNDECIDED
from signer.replay.run import Outcome, Premises, rederivation
from tests.kernel.histories import History

FULL = 100_000
"""Decisions."""
PARTS = 10
"""After each of which it says how far it is."""


def run(n: int, seed: int) -> list[str]:
    """The entries that are not derived again."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        history = History(Path(folder), seed)
        answers = Counter[str]()
        for part in range(1, PARTS + 1):
            answers = history.run(n * part // PARTS)
            print(f"replay: {n * part // PARTS} of {n} decisions recorded", flush=True)
        made = time.monotonic()
        violations, found = _replayed(history)
        replayed = time.monotonic()
    print(f"replay: asked for: {dict(answers.most_common())}")
    print(f"replay: entries: {dict(found.most_common())}")
    print(
        f"replay: {n / (made - started):.0f} decisions/s recorded, "
        f"{n / (replayed - made):.0f} decisions/s derived again"
    )
    return violations


def _replayed(history: History) -> tuple[list[str], Counter[str]]:
    genesis = load_policy(history.guard.policy)
    violations, found, decisions = list[str](), Counter[str](), 0
    with rederivation(Premises(genesis, shelf_of(genesis))) as again:
        for outcome in again.over(read_entries(history.journal, 0)):
            found[type(outcome.stored.entry).__name__ + outcome.reason] += 1
            if isinstance(outcome.stored.entry, SignedEntry | RefusedEntry):
                decisions += 1
                if decisions % max(1, len(history.entries) // PARTS) == 0:
                    print(f"replay: {decisions} decisions derived again", flush=True)
            if not _holds(outcome):
                violations.append(f"entry {outcome.stored.number}: {outcome}")
    if decisions < len(history.entries):
        violations.append(f"{len(history.entries)} decisions were answered, {decisions} recorded")
    return violations, found


def _holds(outcome: Outcome) -> bool:
    return outcome.difference is None and outcome.reason in ("", NO_INPUT, UNDECIDED)
