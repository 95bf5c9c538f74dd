"""`pegwarden journal replay`: every entry derived again by the installed version (docs/replay.md).

1. A difference is a bug, of this version or of the one that wrote the entry: exit status 1.
2. What is not derived again is counted with the reason.
3. The journal is only read, also while a kernel writes it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from signer.cli.options import FILE, Emit, config_option, json_option
from signer.cli.replays import described, premises_of, progress, size_of, source_of
from signer.core.moments import format_time
from signer.journal.audit import StoredEntry
from signer.replay.differences import Difference, kind_of
from signer.replay.run import Outcome, rederivation

SHOWN = 1_000
"""Differences that are told one by one."""


@dataclass(slots=True)
class Tally:
    """What the replay has seen."""

    again: Counter[str] = field(default_factory=Counter)
    """Kind -> entries derived again, to the byte."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why not -> entries."""
    different: int = 0
    told: list[tuple[StoredEntry, Difference]] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """One more entry."""
        if outcome.difference is not None:
            self.different += 1
            if len(self.told) < SHOWN:
                self.told.append((outcome.stored, outcome.difference))
        elif outcome.reason:
            self.reasons[outcome.reason] += 1
        else:
            self.again[kind_of(outcome.stored.entry)] += 1

    def members(self) -> dict[str, object]:
        """For `--json`; the differences apart."""
        return {
            "ok": not self.different,
            "derived_again": dict(sorted(self.again.items())),
            "not_derived_again": dict(sorted(self.reasons.items())),
            "differences": self.different,
        }


@click.command("replay")
@click.argument("path", type=FILE, required=False)
@config_option
@click.option("--policy", type=FILE, help="The policy that the journal at PATH begins with.")
@click.option("--since", type=click.IntRange(min=0), default=0, help="Number of the first entry.")
@click.option("--jsonl", is_flag=True, help="A JSON object per difference, then one for all.")
@json_option
def replay_command(
    path: Path | None, config_path: Path, policy: Path | None, emit: Emit, **how: int
) -> int:
    """Derive every entry of the journal at PATH (else the configuration's) again, from the entries before it,
    and compare to the byte."""
    source, tally = source_of(path, policy, config_path), Tally()
    with (
        rederivation(premises_of(source)) as again,
        progress("replayed", max(0, size_of(source) - how["since"])) as bar,
    ):
        for outcome in again.over(source.entries(), how["since"]):
            tally.count(outcome)
            if how["jsonl"] and outcome.difference is not None:
                click.echo(json.dumps(described(outcome.stored, outcome.difference)))
            bar.advance(bar.task_ids[0])
    if how["jsonl"]:
        click.echo(json.dumps(tally.members()))
    else:
        told = [described(*each) for each in tally.told]
        emit(tally.members() | {"different": told}, _lines(tally))
    return 1 if tally.different else 0


def _lines(tally: Tally) -> Iterator[str]:
    for stored, found in tally.told:
        codes = f" ({', '.join(found.would.codes)})" if found.would.codes else ""
        yield f"entry {stored.number}, {format_time(stored.entry.clock)}: {found.was.word} on record,"
        yield f"  {found.would.word}{codes} when derived again"
        for each in found.fields:
            yield f"  {each.name}: {each.was}"
            yield f"  {' ' * len(each.name)}  {each.would}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.again.items()))
    yield f"{tally.again.total()} entries derived again to the byte: {kinds or 'none'}"
    for reason, count in sorted(tally.reasons.items()):
        yield f"{count} not derived again: {reason}"
    yield f"{tally.different} differences"
