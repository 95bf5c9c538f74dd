"""`make bench`: measure, show, and write what `bench.report` names.

`python -m bench --short --no-call --case wsh-2of3` is a quick look: it writes nothing.
"""

import argparse
import gc
import sys
import tempfile
from pathlib import Path

from bench.analyses import DRAWN, analyses, analyses_table
from bench.cases import CASES
from bench.comparison import Row, compare
from bench.deciding import deciding, deciding_table
from bench.profile import profile
from bench.report import Run, call_table, pure_table, reasons_list, write
from bench.signing import Measured, empty_call, signing
from bench.stage import stage

SHORTLY = 10
"""Policies drawn for a quick look."""
CALLS = ((1, 60), (10, 40), (100, 15))
"""(inputs, trials) of the whole call."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--case", choices=[case.name for case in CASES], action="append")
    parser.add_argument("--short", action="store_true", help="few rounds; nothing is written")
    parser.add_argument("--no-call", action="store_true", help="without the whole call over mTLS")
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


def _calls(folder: Path) -> tuple[float, list[Measured]]:
    with stage(folder) as running:
        empty = empty_call(running, 200)
        return empty, [
            signing(running, number, inputs, trials)
            for number, (inputs, trials) in enumerate(CALLS, 1)
        ]


def main() -> int:
    """One run."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        rows = _rows(asked, Path(folder))
        empty, calls = (None, []) if asked.no_call else _calls(Path(folder))
    shares = deciding()
    studied = analyses(SHORTLY if asked.short else DRAWN)
    print(pure_table(rows), reasons_list(rows), sep="\n\n")
    print(deciding_table(shares), analyses_table(studied), sep="\n\n")
    if empty is not None:
        print(call_table(empty, calls))
    if not (asked.short or asked.case):
        write(Run(rows, profile(CASES), (shares, studied), empty, calls))
    return 0


if __name__ == "__main__":
    sys.exit(main())
