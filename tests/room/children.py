"""Processes that close their room and then do something: how they end."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.code_scan import ROOT
from signer.core.errors import Refusal
from signer.room.calls import this_machine
from signer.room.landlock import ABI, landlock_abi

KILLED = -signal.SIGSYS


def machine_is_known() -> bool:
    try:
        this_machine()
    except Refusal:
        return False
    return True


linux_room = pytest.mark.skipif(
    landlock_abi() < ABI or not machine_is_known(), reason="this system has no such room"
)


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    printed: str
    errors: str

    @property
    def was_killed(self) -> bool:
        return self.code == KILLED


def run_child(script: str, *arguments: str | Path) -> Ended:
    """What a new process does with that script."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def started(script: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """That process while it runs; it ends when its standard input does."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


IN_ROOM = """
import json, logging, os, socket, sys, threading, time
from pathlib import Path
from signer.room import close, landlock, memory
from signer.room.failures import causes, tell_uncaught
setting = close.RoomSetting(Path(sys.argv[1]), locks_memory=False)
memory.harden()
close.deny_paths(setting)
"""
"""What the scripts begin with; `close.close_room(setting)` comes where they say."""
