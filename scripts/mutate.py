"""Mutation testing: one small change of the pure packages at a time, and the fast tests must notice it.

Rule 1: the checkout is copied once and never changed: a mutant is one file of a worker's copy.
Rule 2: the sample depends on the sources, `--n` and `--seed` only.
Rule 3: a mutant is run against the tests that execute its lines; where an import executes them, against all.
Rule 4: a mutant that runs into the time limit counts as killed, and is counted apart.
Rule 5: survivors are printed as they are found; the last line of the output is JSON.
"""

import argparse
import importlib
import json
import multiprocessing
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pytest
from coverage import CoverageData

from scripts.mutations import Mutation, mutations_of

ROOT = Path(__file__).resolve().parent.parent
FAST_TESTS = ("tests/core", "tests/policies")
LEFT_OUT = "signer/core/catalogue/"
"""Not mutated: the catalogue is prose, and `make check` compares what is generated from it."""
IGNORED = shutil.ignore_patterns(
    ".git", ".venv", ".cache", ".*_cache", ".hypothesis", "__pycache__", "node_modules", "build"
)
TIME_LIMIT = 120
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist")


for _module in ("coincurve", "cryptography", "embit.psbt", "hypothesis.strategies"):
    importlib.import_module(_module)  # nothing of ours, and slow: a forked process has it already
_FORKED = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutation of a file, as it is reported."""

    path: str
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Point:
    """Where a mutant can be made."""

    path: str
    source: str
    mutation: Mutation


def main() -> int:
    """Prints what survived and the score; 0 if nothing did."""
    options = _options()
    os.environ.setdefault("PEGWARDEN_VECTORS", str(ROOT.parent / "shared" / "vectors"))
    with tempfile.TemporaryDirectory(prefix="mutate-") as scratch:
        pristine = Path(scratch) / "pristine"
        shutil.copytree(ROOT, pristine, ignore=IGNORED)
        points = list(_points(pristine, options.under))
        size = min(options.n, len(points))
        sample = random.Random(options.seed).sample(points, size)  # noqa: S311  # not a secret
        ends = _run_all(sample, pristine, options)
    survived = [mutant for mutant, end in ends if end == "survived"]
    counts = {end: [each for _, each in ends].count(end) for end in ("killed", "timed out")}
    score = round(1 - len(survived) / len(ends), 4) if ends else None
    summary = {"seed": options.seed, "points": len(points), "mutants": len(ends), **counts}
    print(json.dumps({**summary, "score": score, "survived": [asdict(each) for each in survived]}))
    return 1 if survived else 0


def _points(pristine: Path, under: list[str]) -> Iterator[Point]:
    for folder in under:
        place = pristine / folder
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            source, name = path.read_text(), path.relative_to(pristine).as_posix()
            if not name.startswith(LEFT_OUT):
                yield from (Point(name, source, each) for each in mutations_of(source))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--under", nargs="+", default=["signer/core", "policies"])
    parser.add_argument("--tests", nargs="+", help="in place of the fast ones: folders or files")
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


def _run_all(
    sample: list[Point], pristine: Path, options: argparse.Namespace
) -> list[tuple[Mutant, str]]:
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for number in range(options.workers):
        copies.put(shutil.copytree(pristine, pristine.with_name(f"copy{number}")))
    bench = Bench(options.under, options.tests)
    tests = _tests_by_line(pristine, bench)
    with ThreadPoolExecutor(options.workers) as pool:
        return list(pool.map(partial(_run_one, bench, tests, copies), sample))


@dataclass(frozen=True, slots=True)
class Bench:
    """What is mutated, and the tests that must notice."""

    under: list[str]
    chosen: list[str] | None

    def folders(self, path: str) -> tuple[str, ...]:
        """The chosen tests, or the fast ones, those of its own area first."""
        if self.chosen is not None:
            return tuple(self.chosen)
        own = "tests/policies" if path.startswith("policies") else f"tests/{path.split('/')[1]}"
        return (own, *(folder for folder in FAST_TESTS if folder != own))


def _tests_by_line(pristine: Path, bench: Bench) -> CoverageData:
    """Which test executes which line. The unchanged tests must pass, or no mutant means anything."""
    folders = {folder for path in bench.under for folder in bench.folders(path)}
    measured = [f"--cov={path.split('/')[0]}" for path in bench.under]
    command = [*PYTEST, *measured, "--cov-context=test", "--cov-report=", *sorted(folders)]
    subprocess.run(command, cwd=pristine, check=True, stdout=subprocess.DEVNULL)
    kept = CoverageData(str(pristine / ".coverage"))
    kept.read()
    return kept


def _run_one(
    bench: Bench, tests: CoverageData, copies: "queue.SimpleQueue[Path]", point: Point
) -> tuple[Mutant, str]:
    copy, mutation = copies.get(), point.mutation
    target = copy / point.path
    try:
        _write(target, mutation.apply(point.source))
        end = _tested(copy, _covering(bench, tests, point))
    finally:
        _write(target, point.source)
        copies.put(copy)
    print(f"{end:9} {point.path}:{mutation.line} {mutation.what}", flush=True)
    return Mutant(point.path, mutation.line, mutation.what), end


def _write(target: Path, text: str) -> None:
    """Compiled files are known by second and size, which two mutants may share: none is kept."""
    target.write_text(text)
    for compiled in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
        compiled.unlink()


def _covering(bench: Bench, tests: CoverageData, point: Point) -> list[str]:
    """The test functions that execute the mutated statement; rule 3."""
    known = (name for name in tests.measured_files() if name.endswith("/" + point.path))
    by_line = tests.contexts_by_lineno(next(known, ""))
    contexts = {each for line in point.mutation.lines for each in by_line.get(line, [])}
    if not contexts or "" in contexts:
        return list(bench.folders(point.path))
    return sorted({context.rpartition("|")[0].partition("[")[0] for context in contexts})


def _tested(copy: Path, tests: list[str]) -> str:
    process = _FORKED.Process(target=_test, args=(copy, tests))
    process.start()
    process.join(TIME_LIMIT)
    if process.is_alive():
        process.kill()
        process.join()
        return "timed out"
    return "killed" if process.exitcode else "survived"


def _test(copy: Path, tests: list[str]) -> None:
    """In the forked process: pytest in that copy, silent."""
    os.chdir(copy)
    sys.path[:] = [str(copy), *(each for each in sys.path if Path(each or ROOT) != ROOT)]
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os._exit(pytest.main([*PYTEST[3:], *tests]))


if __name__ == "__main__":
    raise SystemExit(main())
