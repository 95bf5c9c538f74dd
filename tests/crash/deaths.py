"""Deaths in process, by the thousand: every point in turn, the one that was died at least first.

A company lives through LIFE deaths; so its journal stays short, and is verified whole after each of them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.crash.alone import Alone
from tests.crash.fate import Fate
from tests.crash.together import NAMES, Together

LIFE = 15
MEMBERS = {"alone": Alone, "together": Together}


@dataclass
class Deaths:
    """Where kernels died, and what was wrong afterwards."""

    folder: Path
    random: Random
    died: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (who lives, point)."""
    missed: int = 0
    """Runs that did not pass their point: threads of several callers are not in the same order each time."""
    wrong: list[str] = field(default_factory=list)
    _passes: dict[tuple[str, str], list[tuple[str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """(who lives, point) -> acts that pass it, and how often."""

    @property
    def points(self) -> frozenset[str]:
        """All that some act passes."""
        return frozenset(point for _, point in self._passes)

    def happen(self, n: int) -> "Deaths":
        """So many; `wrong` says how it went."""
        for company in MEMBERS:
            with Fate(self.random).installed() as fate:
                self._learn(company, fate)
        for start in range(0, n, LIFE):
            company = tuple(MEMBERS)[start // LIFE % 2]
            with Fate(self.random).installed() as fate:
                lives = MEMBERS[company](self.folder / f"{company} {start}", fate, self.random)
                for run in range(start, min(n, start + LIFE)):
                    self._die(run, company, lives, fate)
                self._report(f"end of the life from run {start}", lives.end())
        return self

    def _learn(self, company: str, fate: Fate) -> None:
        """Which points each act passes."""
        lives = MEMBERS[company](self.folder / f"{company} learns", fate, self.random)
        for act in lives.acts:
            for point, times in sorted(lives.live(act, NAMES[0], "", 0).items()):
                self._passes[company, point].append((act, times))
        self._report(f"learning, {company}", lives.end())

    def _die(self, run: int, company: str, lives: Alone | Together, fate: Fate) -> None:
        known = [each for each in self._passes if each[0] == company]
        fewest = min(self.died[each] for each in known)
        company, point = self.random.choice([each for each in known if self.died[each] == fewest])
        act, times = self.random.choice(self._passes[company, point])
        who, nth = self.random.choice(NAMES), self.random.randint(1, times)
        lives.live(act, who, point, nth)
        self.died[company, point] += 1 if fate.is_dead else 0
        self.missed += not fate.is_dead
        self._report(f"run {run}: {act} by {who}, {point}, pass {nth}", lives.wrong)
        lives.wrong.clear()

    def _report(self, where: str, wrong: list[str]) -> None:
        self.wrong += [f"{where}: {each}" for each in wrong]

    def distribution(self) -> Iterator[str]:
        """Lines: deaths alone and together at each point."""
        for point in sorted(self.points):
            counts = " ".join(f"{self.died[company, point]:6}" for company in MEMBERS)
            yield f"{counts}  {point}"
        yield f"{sum(self.died.values())} deaths at {len(self.points)} points, {self.missed} runs without"
