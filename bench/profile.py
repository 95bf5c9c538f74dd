"""Where the pure line's time goes: stages beside the limit, then functions. Writes `docs/profile.txt`."""

import cProfile
import io
import pstats
import statistics
from itertools import pairwise
from pathlib import Path

from bench.cases import Case, Request, open_member, request
from bench.limit import bare
from bench.line import STAGES, timed_line
from signer.bitcoin.errors import Malformed
from signer.core.errors import Refusal

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "profile.txt"
INPUTS, ROUNDS, FUNCTIONS = 100, 40, 16
_HEAD = f"""The pure line of one SignPsbt with {INPUTS} inputs, made by `make bench` (see performance.md).

Stages: medians of {ROUNDS} rounds, in microseconds per input, beside the bare libsecp256k1 calls of the same
rounds. Functions: by their own time, under a profiler that makes small functions look larger than they are.
"""


def _stages(asked: Request) -> str:
    limit, rounds = bare(INPUTS, asked.member.case.is_taproot), []
    for _ in range(ROUNDS):
        moments = timed_line(asked)[1]
        steps = [later - earlier for earlier, later in pairwise(moments)]
        rounds.append([*steps, limit()])
    medians = [statistics.median(each) / INPUTS * 1e6 for each in zip(*rounds, strict=True)]
    parts = [f"{name} {each:.1f}" for name, each in zip(STAGES, medians, strict=False)]
    return f"{', '.join(parts)}; together {sum(medians[:-1]):.1f}; the limit {medians[-1]:.1f}"


def _functions(asked: Request) -> str:
    profiler, out = cProfile.Profile(), io.StringIO()
    profiler.enable()
    for _ in range(10):
        timed_line(asked)
    profiler.disable()
    statistics_ = pstats.Stats(profiler, stream=out).strip_dirs().sort_stats("tottime")
    statistics_.print_stats(FUNCTIONS)
    table = out.getvalue().partition("   ncalls")[2].rstrip()
    return "   ncalls" + table.replace(str(ROOT), "")


def profile(cases: tuple[Case, ...]) -> str:
    """The text of the file."""
    parts = [_HEAD]
    for case in cases:
        try:
            asked = request(open_member(case), INPUTS)
        except (Malformed, Refusal) as refusal:
            parts.append(f"{case.name}\n\nthe vault is refused: {refusal}\n")
            continue
        timed_line(asked)
        parts.append(f"{case.name}\n\n{_stages(asked)}\n\n{_functions(asked)}\n")
    return "\n".join(parts)
