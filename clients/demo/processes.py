"""A member's processes, as its log tells of them: who runs, what was said, and an end to all of them.

1. Nothing is ended by a name: a group is that of the process which was started, a keeper's id the log's.
2. Who waits for an end waits for the processes themselves, not for whoever started them.
"""

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from clients.demo.narrator import expect

SECONDS = 30
STARTED, ENDED = "process-started", "process-ended"
Event = dict[str, object]


def events(log: Path, *names: str) -> list[Event]:
    """Of these names, in order. A line that a crash cut short is none."""
    told: list[Event] = []
    with log.open() as lines:
        for line in lines:
            if any(name in line for name in names):
                with suppress(ValueError):
                    told.append(json.loads(line))
    return [each for each in told if each["event"] in names]


def running(log: Path) -> dict[str, int]:
    """Process ids by name: `kernel`, `edge`, `keeper-1`. Empty for a member of one process."""
    found: dict[str, int] = {}
    for each in events(log, STARTED, ENDED):
        name = str(each["process"])
        if each["event"] == STARTED:
            found[name] = int(str(each["pid"]))
        else:
            found.pop(name, None)
    return found


def keepers(log: Path) -> list[int]:
    """Those of its token that run. A log that a crash cut short may name others: they are left alone (1)."""
    named = sorted(pid for name, pid in running(log).items() if name.startswith("keeper-"))
    return [pid for pid in named if _is_keeper(pid)]


def rooms(logs: Iterable[Path]) -> set[str]:
    """Of these members' kernels: `closed`, or `open`; empty for members of one process."""
    told = (each for log in logs for each in events(log, "opened"))
    return {str(each["room"]) for each in told if "room" in each}


def _is_keeper(pid: int) -> bool:
    try:
        return b"keeper" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile
        return False


def kill_all(parent: subprocess.Popen[bytes], others: Iterable[int]) -> None:
    """Kill the group of that process, and wait until it and these others are gone."""
    watched = []
    for pid in others:
        with suppress(ProcessLookupError):
            watched.append(os.pidfd_open(pid))
    with suppress(ProcessLookupError):  # it ended, and all with it
        os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    for each in watched:
        gone, _, _ = select.select([each], [], [], SECONDS)
        os.close(each)
        expect(bool(gone), "a process that was killed does not end")
