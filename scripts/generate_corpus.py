"""Writes the seeds of the fuzz targets to `tests/fuzz/corpus/`. `--compare` fails when they differ.

The seeds are made by our own factories and are the same in every run; no public vector is among them.
"""

import shutil
import sys

from tests.fuzz.target import CORPUS, NAMES, target


def main() -> int:
    """Write, or compare."""
    wanted = {name: dict(target(name).seeds()) for name in NAMES}
    if "--compare" in sys.argv[1:]:
        stale = [name for name in NAMES if target(name).corpus() != wanted[name]]
        if stale:
            print(f"tests/fuzz/corpus is not what its targets make: {stale}. Run `make generate`.")
        return 1 if stale else 0
    shutil.rmtree(CORPUS, ignore_errors=True)
    for name, seeds in wanted.items():
        (CORPUS / name).mkdir(parents=True)
        for seed, data in seeds.items():
            (CORPUS / name / seed).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
