"""What is written: `bench/results.json`, the tables of `docs/performance.md`, and the plot beside it."""

import json
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.analyses import Analysed, analyses_table
from bench.comparison import NAMES, OURS, Row
from bench.deciding import Deciding, deciding_table
from bench.plot import plot
from bench.profile import TARGET as PROFILE
from bench.signing import Measured

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
_OUTPOINT = re.compile(r"\b[0-9a-f]{64}:\d+")
MANY = 8
"""More names than these are written as all."""
HEADS = {
    "embit": "embit",
    "wallycore": "libwally",
    "wallycore_ready": "libwally, children ready",
    "bdkpython": "bdk",
    "btclib": "btclib",
    "core": "Core",
}


def _ms(found: float | None) -> str:
    return "-" if found is None else f"{found:.2f}" if found < 100 else f"{found:.0f}"


def _ratio(found: float | None) -> str:
    return "-" if found is None else f"{found:.2f}"


def pure_table(rows: Sequence[Row]) -> str:
    """Milliseconds, and ratios to the limit."""
    heads = ("case", "inputs", "limit", "with public keys", "ours", "coins new", "ours / limit")
    lines = [
        "| " + " | ".join((*heads, *HEADS.values())) + " |",
        "|---" + "|---:" * (len(heads) + len(HEADS) - 1) + "|",
    ]
    for row in rows:
        if not row.figures:
            continue
        cells = [row.case, str(row.inputs), *(_ms(row.ms(name)) for name in OURS)]
        cells.append(_ratio(row.ratio("pegwarden", "limit")))
        cells += [_ms(row.ms(name)) for name in NAMES]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def reasons_list(rows: Sequence[Row]) -> str:
    """Why figures are missing, each reason once per case."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        for name, reason in row.reasons.items():
            said = _OUTPOINT.sub("...", reason)
            found.setdefault((row.case, said), {})[f"{name} at {row.inputs}"] = None
    return "\n".join(
        f"- {case}: {reason} ({'all' if len(names) > MANY else ', '.join(names)})"
        for (case, reason), names in found.items()
    )


def call_table(empty: float, cases: Sequence[Measured]) -> str:
    """The whole call beside Core's."""
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


def _between(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


@dataclass(frozen=True)
class Run:
    """All that one run measured."""

    rows: Sequence[Row]
    profiled: str
    policies: tuple[Sequence[Deciding], Sequence[Analysed]]
    empty: float | None
    """None without the whole call."""
    calls: Sequence[Measured]


def write(run: Run) -> None:
    """All files. Without the whole call its table stays as it is."""
    rows, empty = run.rows, run.empty
    page = _between(PAGE.read_text(), "pure", f"{pure_table(rows)}\n\n{reasons_list(rows)}".strip())
    shares, studied = run.policies
    page = _between(page, "deciding", deciding_table(shares))
    page = _between(page, "analyses", analyses_table(studied))
    results: dict[str, object] = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {processor()}, Python {platform.python_version()}",
        "rows": [row.as_json() for row in rows],
        "deciding": [asdict(each) for each in shares],
        "analyses": [asdict(each) for each in studied],
    }
    if empty is not None:
        page = _between(page, "measured", call_table(empty, run.calls))
        results |= {"empty_call_ms": empty, "sign_psbt": [asdict(call) for call in run.calls]}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page)
    PLOT.write_text(plot(rows))
    PROFILE.write_text(run.profiled)


def processor() -> str:
    """Its name, where the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
