"""Deaths by the thousand: every point in turn, the one that was died at least first.

A company lives through LIFE deaths, and one disaster; so its journal stays short, and is verified whole after
each of them. Its folder goes with it, unless something was wrong.
"""

import shutil
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from tests.crash.companies import IN_PROCESS, Company, Founding

LIFE = 15
TRIES = 3
"""Of a run, until somebody dies: not everybody comes to a point in each act, and callers' threads are not in
the same order each time."""


@dataclass
class Toll:
    """What happened."""

    died: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (company, point)."""
    befallen: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (company, disaster)."""
    missed: int = 0
    """Runs in which nobody came to the point."""
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Toll") -> None:
        """Both."""
        self.died += other.died
        self.befallen += other.befallen
        self.missed += other.missed
        self.wrong += other.wrong

    def distribution(self) -> Iterator[str]:
        """Lines: deaths of each company at each point, then each disaster."""
        for counted, what in ((self.died, "deaths"), (self.befallen, "disasters")):
            names = sorted({name for name, _ in counted})
            yield " ".join(f"{each:>9}" for each in names)
            kinds = sorted({kind for _, kind in counted})
            for kind in kinds:
                yield " ".join(f"{counted[name, kind]:9}" for name in names) + f"  {kind}"
            yield f"{sum(counted.values())} {what} of {len(kinds)} kinds"
        yield f"{self.missed} runs in which nobody came to the point"


@dataclass
class Deaths:
    """Where kernels died, and what was wrong afterwards."""

    folder: Path
    random: Random
    companies: dict[str, Founding] = field(default_factory=lambda: IN_PROCESS)
    toll: Toll = field(default_factory=Toll)
    passes: dict[tuple[str, str], list[tuple[str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """(company, point) -> acts that pass it, and how often."""

    @property
    def points(self) -> frozenset[str]:
        """All that some act passes."""
        return frozenset(point for _, point in self.passes)

    def happen(self, n: int) -> "Deaths":
        """So many; the toll says how it went."""
        for name in self.companies:
            self._live(name, "learns", partial(self._learn, name))
        for start in range(0, n, LIFE):
            name = tuple(self.companies)[start // LIFE % len(self.companies)]
            runs = range(start, min(n, start + LIFE))
            self._live(name, f"from run {start}", partial(self._last, runs, name))
        return self

    def _live(self, name: str, which: str, life: Callable[[Company], None]) -> None:
        """Found a company, live that life, and end it."""
        folder, before = self.folder / f"{name} {which}", len(self.toll.wrong)
        folder.mkdir()
        try:
            with self.companies[name](folder, self.random) as company:
                life(company)
                self._report(f"end of {name} {which}", company.end())
        except Exception as error:  # what nobody expects ends this life, not the campaign
            self.toll.wrong.append(f"{name} {which}: {type(error).__name__}: {error}")
            traceback.print_exc()
        if len(self.toll.wrong) == before:
            shutil.rmtree(folder)

    def _learn(self, name: str, company: Company) -> None:
        """Which points each act passes."""
        for act in company.acts:
            for point, times in sorted(company.live(act, company.lives[0], "", 0).items()):
                self.passes[name, point].append((act, times))

    def _last(self, runs: Iterable[int], name: str, company: Company) -> None:
        """So many deaths, and a disaster."""
        for run in runs:
            self._die(run, name, company)
        self._befall(name, company)

    def _befall(self, name: str, company: Company) -> None:
        """The one that befell such a company least."""
        if company.disasters:
            fewest = min(self.toll.befallen[name, each.__name__] for each in company.disasters)
            disaster = self.random.choice(
                [
                    each
                    for each in company.disasters
                    if self.toll.befallen[name, each.__name__] == fewest
                ]
            )
            company.befall(disaster)
            self.toll.befallen[name, disaster.__name__] += 1
            self._report(f"{name}, {disaster.__name__}", company.wrong)
            company.wrong.clear()

    def _die(self, run: int, name: str, company: Company) -> None:
        """At the point that was died at least."""
        known = [each for each in self.passes if each[0] == name]
        fewest = min(self.toll.died[each] for each in known)
        _, point = self.random.choice([each for each in known if self.toll.died[each] == fewest])
        for _ in range(TRIES):
            act, times = self.random.choice(self.passes[name, point])
            life, nth = self.random.choice(company.lives), self.random.randint(1, times)
            before = life.deaths
            company.live(act, life, point, nth)
            where = f"run {run}, {name}: {act} by {life.name}, {point}, pass {nth}"
            self._report(where, company.wrong)
            company.wrong.clear()
            if life.deaths > before:
                self.toll.died[name, point] += 1
                return
        self.toll.missed += 1

    def _report(self, where: str, wrong: list[str]) -> None:
        self.toll.wrong += [f"{where}: {each}" for each in wrong]
