"""Verifying a chain of headers: microseconds for one, and memory, over the length of the chain.

1. Headers on mainnet's rules with an easy limit, from genesis on: each mined, about ten minutes apart, the
   difficulty another in each period. They are written to a file first; that is not measured.
2. Another process reads the file in batches of 2,000 and verifies them, `chain.extend` after `chain.extend`:
   all rules, links made, nothing kept but the tail. Its memory is the most that it ever had.
3. `hashes` is what hashing the same headers takes in that process, through the same module: below that
   nothing in Python gets. Both in time of the processor; on a busy machine compare the ratio.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from signer.bitcoin.chain import MAX_HEADERS, extend, follow
from signer.bitcoin.hashes import hash256
from signer.bitcoin.header import HEADER_SIZE
from tests.bitcoin.mined import EASY, begun, next_on

FULL, SHORT = (100_000, 900_000), (20_000,)
SPACINGS = (540, 590, 600, 640, 700)
"""Seconds between two headers of a period, on average; rather long, or mining gets hard."""
BATCH = MAX_HEADERS * HEADER_SIZE
STATUS = Path("/proc/self/status")
FAR = 1 << 32
"""Unix seconds: no header is ahead."""


@dataclass(frozen=True)
class Headers:
    """One row."""

    headers: int
    hashes: float
    """Microseconds for one header, hashing alone."""
    verified: float
    """Microseconds for one header."""
    resident: float
    """MB of the process that verified."""


def headers(folder: Path, lengths: Sequence[int]) -> list[Headers]:
    """Measured now."""
    folder.mkdir()
    return [_row(folder / f"{length}.headers", length) for length in lengths]


def _row(file: Path, length: int) -> Headers:
    with file.open("wb") as stream:
        stream.writelines(_mined(Random(length), length))
    command = (sys.executable, "-m", "bench.headers", str(file))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row = Headers(length, **json.loads(done.stdout))
    print(row, flush=True)
    return row


def _mined(random: Random, length: int) -> Iterator[bytes]:
    _, tail = begun(EASY)
    spacing = SPACINGS[0]
    for height in range(1, length + 1):
        if height % 2_016 == 1:
            spacing = random.choice(SPACINGS)
        raw = next_on(EASY, tail, random.randrange(1, 2 * spacing), random.randbytes(32))
        follow(EASY, tail, raw, FAR)
        yield raw


def headers_table(found: Sequence[Headers]) -> str:
    """For the page."""
    lines = [
        "| headers | hashes alone | verified | verified / hashes | resident |",
        "|---:|---:|---:|---:|---:|",
    ]
    for row in found:
        ratio = f"{row.verified / row.hashes:.1f}"
        times = f"{row.hashes:.2f} µs | {row.verified:.2f} µs"
        lines.append(f"| {row.headers:,} | {times} | {ratio} | {row.resident:.0f} MB |")
    return "\n".join(lines)


def _batches(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while batch := stream.read(BATCH):
            yield batch


def _hash_all(file: Path) -> None:
    for batch in _batches(file):
        for at in range(0, len(batch), HEADER_SIZE):
            hash256(batch[at : at + HEADER_SIZE])


def _verify_all(file: Path) -> None:
    _, tail = begun(EASY)
    for batch in _batches(file):
        tail, _ = extend(EASY, tail, batch, FAR)


def _seconds(work: Callable[[Path], None], file: Path) -> float:
    begun_at = time.process_time()
    work(file)
    return time.process_time() - begun_at


def _measure(file: Path) -> None:
    """What the other process prints."""
    count = file.stat().st_size // HEADER_SIZE
    times = {"verified": _seconds(_verify_all, file), "hashes": _seconds(_hash_all, file)}
    row = {name: round(seconds / count * 1_000_000, 2) for name, seconds in times.items()}
    (most,) = re.findall(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    print(json.dumps({**row, "resident": round(int(most) / 1024, 1)}))


if __name__ == "__main__":
    _measure(Path(sys.argv[1]))
