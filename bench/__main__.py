"""Measure, write `bench/results.json` and the table of `docs/performance.md`."""

import json
import platform
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.signing import Measured, empty_call, signing
from bench.stage import stage

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured:begin -->", "<!-- measured:end -->"
CASES = ((1, 60), (10, 40), (100, 15))
"""(inputs, trials)."""


def table(empty: float, cases: list[Measured]) -> str:
    """For people."""
    lines = [
        f"An empty authorised call over mTLS: {empty} ms (p50).",
        "",
        "| inputs | SignPsbt, p50 | Core walletprocesspsbt, p50 | Core / ours |",
        "|---:|---:|---:|---:|",
    ]
    for case in cases:
        ratio = case.walletprocesspsbt / case.sign_psbt
        lines.append(
            f"| {case.inputs} | {case.sign_psbt} ms | {case.walletprocesspsbt} ms | {ratio:.1f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """One run."""
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as running:
        empty = empty_call(running, 200)
        cases = [
            signing(running, number, inputs, trials)
            for number, (inputs, trials) in enumerate(CASES, 1)
        ]
    text = table(empty, cases)
    print(text)
    results = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "empty_call_ms": empty,
        "sign_psbt": [asdict(case) for case in cases],
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
