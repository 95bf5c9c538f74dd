"""`python -m tests.fuzz TARGET --runs N`, guided by atheris. What it finds is kept in `.cache/fuzz/`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.target import CORPUS, NAMES, target

FOUND = Path(__file__).resolve().parents[2] / ".cache" / "fuzz"
MAX_INPUT = 20_000
LIMITS = (f"-max_len={MAX_INPUT}", "-timeout=20", "-rss_limit_mb=1024")


def main() -> int:
    """Never returns where atheris is: it ends the process, with 77 or so on a violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print("atheris is not installed here: it has no wheel for this platform", file=sys.stderr)
        return 1
    kept = FOUND / options.target
    kept.mkdir(parents=True, exist_ok=True)
    limits = (*LIMITS, f"-runs={options.runs}", f"-seed={options.seed}")
    places = (str(kept), str(CORPUS / options.target), f"-artifact_prefix={kept}-")
    with atheris.instrument_imports(include=["signer", "policies"], enable_loader_override=False):
        accepts = target(options.target).accepts
    atheris.Setup([sys.argv[0], *places, *limits], one_input(accepts))
    atheris.Fuzz()
    return 0


def one_input(accepts: Callable[[bytes], bool]) -> Callable[[bytes], None]:
    """What atheris calls: nothing but what is raised matters to it."""

    def run(data: bytes) -> None:
        accepts(data)

    return run


if __name__ == "__main__":
    sys.exit(main())
