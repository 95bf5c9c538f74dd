"""How the demo speaks: one line per step, a table of refusals, one JSON object as the last line."""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from clients.member import Refused


class Unexpected(Exception):
    """Something happened that must not, or did not happen that must: the demo fails."""


def expect(condition: bool, what: str) -> None:
    """Raises Unexpected unless it is so."""
    if not condition:
        raise Unexpected(what)


@dataclass
class Narrator:
    """Collects what is shown."""

    console: Console = field(
        default_factory=lambda: Console(highlight=False, soft_wrap=True, width=_width())
    )
    started: float = field(default_factory=time.monotonic)
    refusals: list[tuple[str, str, str]] = field(default_factory=list)
    """(story, code, in the kernel's words)."""
    counts: Counter[str] = field(default_factory=Counter)
    """Refusals by code, every kernel's counted."""

    def chapter(self, title: str) -> None:
        """Begin a part."""
        self.console.print(f"\n[bold]{title}[/bold]")

    def step(self, text: str) -> None:
        """One thing that happened as it should."""
        self.console.print(f"  [green]ok[/green] {text}")

    def refused(self, story: str, said: tuple[Refused, ...]) -> None:
        """An attack that was refused as it should be, by each of these."""
        code = said[0].code
        self.told(story, code, _words(said[0]))
        self.counts[code] += len(said) - 1

    def told(self, story: str, code: str, words: str) -> None:
        """One refusal."""
        self.refusals.append((story, code, words))
        self.counts[code] += 1
        self.console.print(f"  [red]no[/red] {story}: [bold]{code}[/bold]")

    def finish(self, outcome: Mapping[str, object]) -> None:
        """The table, then the JSON line with that outcome."""
        table = Table(title="What the hostile relayer was told", expand=True)
        for heading, share in (("attempt", 3), ("code", 3), ("in the kernel's words", 8)):
            table.add_column(heading, overflow="fold", ratio=share)
        for row in self.refusals:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)
        line = {
            "ok": True,
            **outcome,
            "refused": dict(sorted(self.counts.items())),
            "seconds": round(time.monotonic() - self.started, 1),
        }
        print(json.dumps(line), flush=True)


def _words(refused: Refused) -> str:
    first = refused.refusal.objections[0]
    values = [
        f"{name} {value}"
        for name, value in (("seen:", first.observed), ("limit:", first.limit))
        if value
    ]
    return "; ".join((first.detail, *values))


def _width() -> int | None:
    """As wide as the terminal; wide enough for the table where there is none."""
    return None if sys.stdout.isatty() else 150
