"""What is written: `bench/results.json`, the tables of `docs/performance.md`, and the plot beside it."""

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.analyses import Analysed, analyses_table
from bench.comparison import NAMES, OURS, Row
from bench.custody import Custody, custody_table
from bench.deciding import Deciding, deciding_table
from bench.headers import Headers, headers_table
from bench.kept_headers import Kept, kept_table
from bench.long import Long, long_table
from bench.plot import plot
from bench.plot_lengths import plot_lengths
from bench.profile import TARGET as PROFILE
from bench.proofs import Proofs, proofs_table
from bench.signing import Calls
from bench.whole import Whole, whole_table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
LONG_PLOT = ROOT / "docs" / "journal-length.svg"
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


def call_table(calls: Calls) -> str:
    """The whole call beside Core's."""
    lines = [
        f"An empty authorised call over mTLS: {calls.empty} ms (p50).",
        "",
        "| inputs | SignPsbt, p50 | Core walletprocesspsbt, p50 | Core / ours |",
        "|---:|---:|---:|---:|",
    ]
    for case in calls.cases:
        ratio = case.walletprocesspsbt / case.sign_psbt
        lines.append(
            f"| {case.inputs} | {case.sign_psbt} ms | {case.walletprocesspsbt} ms | {ratio:.1f} |"
        )
    return "\n".join(lines)


def _between(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


Figures = Deciding | Analysed | Whole | Custody | Long | Proofs | Headers | Kept


@dataclass
class Run:
    """What one run measured; None where it was not asked."""

    rows: Sequence[Row] | None = None
    profiled: str = ""
    calls: Calls | None = None
    shares: Sequence[Deciding] = ()
    studied: Sequence[Analysed] = ()
    wholes: Sequence[Whole] = ()
    custodies: Sequence[Custody] = ()
    longs: Sequence[Long] = ()
    proofs: Sequence[Proofs] = ()
    headers: Sequence[Headers] = ()
    kept: Sequence[Kept] = ()


def write(run: Run) -> None:
    """All files. What was not measured in this run stays as it is, with the moment when it was."""
    results: dict[str, object] = json.loads(RESULTS.read_text())
    page = PAGE.read_text()
    for name, (table, figures) in _parts(run).items():
        stamp = _stamp()
        page = _between(page, name, f"{table}\n\n{_measured(stamp)}")
        results[name] = {**stamp, "figures": figures}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page)
    if run.rows is not None:
        PLOT.write_text(plot(run.rows))
        PROFILE.write_text(run.profiled)
    if run.longs:
        LONG_PLOT.write_text(plot_lengths(run.longs))


def _parts(run: Run) -> dict[str, tuple[str, object]]:
    """By name: the table for the page, and the figures."""
    found: dict[str, tuple[str, object]] = {}
    if run.rows is not None:
        table = f"{pure_table(run.rows)}\n\n{reasons_list(run.rows)}".strip()
        found["pure"] = (table, [row.as_json() for row in run.rows])
    if run.calls is not None:
        found["call"] = (call_table(run.calls), asdict(run.calls))
    tables: tuple[tuple[str, str, Sequence[Figures]], ...] = (
        ("deciding", deciding_table(run.shares), run.shares),
        ("analyses", analyses_table(run.studied), run.studied),
        ("whole", whole_table(run.wholes), run.wholes),
        ("custody", custody_table(run.custodies), run.custodies),
        ("long", long_table(run.longs), run.longs),
        ("proofs", proofs_table(run.proofs), run.proofs),
        ("headers", headers_table(run.headers), run.headers),
        ("kept", kept_table(run.kept), run.kept),
    )
    for name, table, figures in tables:
        if figures:
            found[name] = (table, [asdict(each) for each in figures])
    return found


def _stamp() -> dict[str, str]:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {processor()}, Python {platform.python_version()}",
        "load": load,
    }


def _measured(stamp: dict[str, str]) -> str:
    return f"*Measured {stamp['measured']}; {stamp['machine']}; load averages at the end {stamp['load']}.*"


def processor() -> str:
    """Its name, where the system tells."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()
