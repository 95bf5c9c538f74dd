"""`make bench`: measure, show, and write what `bench.report` names.

`python -m bench --only whole` (several are possible) measures a part, and writes that part alone: line, call,
policies, whole, custody, long, proofs, headers, kept. `--short` measures little and writes nothing.
`--entries 100000` stops at journals of that size.
"""

import argparse
import gc
import sys
import tempfile
from pathlib import Path

from bench.analyses import DRAWN, analyses, analyses_table
from bench.cases import CASES
from bench.comparison import Row, compare
from bench.custody import FULL as ROUNDS
from bench.custody import SHORT as FEW_ROUNDS
from bench.custody import custodies, custody_table
from bench.deciding import deciding, deciding_table
from bench.headers import FULL as CHAINS
from bench.headers import SHORT as A_CHAIN
from bench.headers import headers, headers_table
from bench.kept_headers import FULL as KEPT
from bench.kept_headers import SHORT as KEPT_SHORT
from bench.kept_headers import kept, kept_table
from bench.long import FULL as LONG
from bench.long import SHORT as SHORTER
from bench.long import Long, long_table, longs
from bench.profile import profile
from bench.proofs import FULL as MANY
from bench.proofs import SHORT as FEW
from bench.proofs import proofs, proofs_table
from bench.report import Run, call_table, pure_table, reasons_list, write
from bench.signing import Calls, empty_call, signing
from bench.stage import stage
from bench.whole import FULL as WHOLE
from bench.whole import SHORT as LITTLE
from bench.whole import Whole, whole_table, wholes

SHORTLY = 3
"""Policies drawn for a quick look."""
CALLS = ((1, 60), (10, 40), (100, 15))
"""(inputs, trials) of the call beside Core's."""
PARTS = ("line", "call", "policies", "whole", "custody", "long", "proofs", "headers", "kept")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure these parts")
    parser.add_argument("--case", choices=[case.name for case in CASES], action="append")
    parser.add_argument("--short", action="store_true", help="little; nothing is written")
    parser.add_argument("--entries", type=int, default=LONG[-1], help="of the longest journal")
    return parser.parse_args()


def _rows(asked: argparse.Namespace, folder: Path) -> list[Row]:
    cases = tuple(case for case in CASES if not asked.case or case.name in asked.case)
    rows = []
    for row in compare(cases, folder, 1.0 if asked.short else 8.0):
        shown = {name: figure.median_ms for name, figure in row.figures.items()}
        print(f"{row.case}, {row.inputs} inputs: {shown or 'no figures'}", flush=True)
        rows.append(row)
        gc.collect()
    return rows


def _calls(folder: Path, trials: int | None) -> Calls:
    with stage(folder) as running:
        empty = empty_call(running, 200)
        cases = [
            signing(running, number, inputs, trials or full)
            for number, (inputs, full) in enumerate(CALLS, 1)
        ]
        return Calls(empty, cases)


def _longs(asked: argparse.Namespace) -> list[Long]:
    sizes = SHORTER if asked.short else LONG
    return longs([size for size in sizes if size <= asked.entries])


def _wholes(asked: argparse.Namespace, folder: Path) -> list[Whole]:
    return wholes(folder, LITTLE if asked.short else WHOLE)


def _run(asked: argparse.Namespace, folder: Path) -> Run:
    """What was asked for, each part shown when it is there."""
    parts, run = asked.only or PARTS, Run()
    if "line" in parts:
        run.rows = _rows(asked, folder)
        print(pure_table(run.rows), reasons_list(run.rows), sep="\n\n", flush=True)
        run.profiled = "" if asked.short else profile(CASES)
    if "call" in parts:
        run.calls = _calls(folder, 5 if asked.short else None)
        print(call_table(run.calls), flush=True)
    if "policies" in parts:
        run.shares = deciding()
        run.studied = analyses(SHORTLY if asked.short else DRAWN)
        print(deciding_table(run.shares), analyses_table(run.studied), sep="\n\n", flush=True)
    if "whole" in parts:
        run.wholes = _wholes(asked, folder)
        print(whole_table(run.wholes), flush=True)
    if "custody" in parts:
        run.custodies = custodies(folder / "custody", FEW_ROUNDS if asked.short else ROUNDS)
        print(custody_table(run.custodies), flush=True)
    if "long" in parts:
        run.longs = _longs(asked)
        print(long_table(run.longs), flush=True)
    if "proofs" in parts:
        run.proofs = proofs(FEW if asked.short else MANY)
        print(proofs_table(run.proofs), flush=True)
    if "headers" in parts:
        run.headers = headers(folder / "headers", A_CHAIN if asked.short else CHAINS)
        print(headers_table(run.headers), flush=True)
    if "kept" in parts:
        run.kept = kept(folder / "kept", KEPT_SHORT if asked.short else KEPT)
        print(kept_table(run.kept), flush=True)
    return run


def main() -> int:
    """One run."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        run = _run(asked, Path(folder))
    if not (asked.short or asked.case):
        write(run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
