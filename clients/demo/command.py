"""The `pegwarden` command, as a person calls it: the demo knows no other way into a kernel's machine."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clients.demo.narrator import Unexpected

PROGRAM = Path(sys.executable).with_name("pegwarden")
DONE, REFUSED = 0, 1
SECONDS = 180
"""Of a command, on a machine that does much else."""


def pegwarden_arguments(*arguments: str) -> list[str]:
    """The process to start: the installed command, or the module where it is not installed."""
    program = [str(PROGRAM)] if PROGRAM.exists() else [sys.executable, "-m", "signer"]
    return [*program, *arguments]


def pegwarden(
    *arguments: str, status: int = DONE, environment: Mapping[str, str] | None = None
) -> Any:
    """Run a command with `--json`; its object. Raises Unexpected on another exit status."""
    command = pegwarden_arguments(*arguments, "--json")
    done = subprocess.run(
        command,
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode != status:
        said = (done.stdout + done.stderr).strip()[-2_000:]
        raise Unexpected(f"pegwarden {' '.join(arguments)}: exit {done.returncode}: {said}")
    return json.loads(done.stdout)
