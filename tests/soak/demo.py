"""Invariant: the whole demo ends well with KEYSTORE=pkcs11, whichever keepers are killed meanwhile.

1. One trial is one run of the demo: minutes. A keeper of some member is killed now and then, so seldom that
   it is started again at once: the pause before a start grows where a process ends again and again.
2. The demo's own expectations hold: each request ends in a signature, or in the refusal that it must have.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

from clients.demo.processes import keepers
from tests.vectors import ROOT

FULL = 2
PAUSES = (8.0, 20.0)
"""Seconds between two kills, from and to."""


def run(n: int, seed: int) -> list[str]:
    """What went wrong in which run."""
    random = Random(seed)
    return [said for _ in range(n) for said in _trial(random)]


def _trial(random: Random) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="pegwarden-soak-") as folder:
        directory, out = Path(folder) / "demo", Path(folder) / "out"
        asked = {"KEYSTORE": "pkcs11", "PEGWARDEN_DEMO_DIR": str(directory)}
        with out.open("w") as said:
            demo = subprocess.Popen(
                [sys.executable, "-m", "clients.demo"],
                cwd=ROOT,
                env=os.environ | asked,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            killed = _kill_until_it_ends(demo, directory, random)
        last = out.read_text().rstrip("\n").rpartition("\n")[2]
        print(f"demo: status {demo.returncode}, {killed} keepers killed", flush=True)
        if demo.returncode != 0:
            yield f"status {demo.returncode}: {last}"
        else:
            print(f"demo: {json.loads(last)['seconds']} s", flush=True)


def _kill_until_it_ends(demo: subprocess.Popen[bytes], directory: Path, random: Random) -> int:
    """How many keepers were killed."""
    killed = 0
    while demo.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            demo.wait(random.uniform(*PAUSES))
        serving = [pid for log in directory.glob("**/log.jsonl") for pid in keepers(log)]
        if serving and demo.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(random.choice(serving), signal.SIGKILL)
                killed += 1
    return killed
