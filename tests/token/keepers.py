"""Links as a kernel has them, and keepers that are started and killed beside them."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from keystore.token.links import Links, LinksSetting
from tests.token.softhsm import LABEL, PIN, SoftToken

PATIENCE = 30.0
"""Seconds that a keeper here has for an answer: the machine may do much else."""


def soon(seconds: float = 120.0) -> float:
    """A deadline that a loaded machine meets."""
    return time.monotonic() + seconds


def keeper_links(path: Path, setting: LinksSetting | None = None) -> Links:
    """Links that listen at that path."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(path))
    listener.listen(16)
    return Links(listener, setting or LinksSetting(os.getuid()))


class Desk:
    """A token, links and keepers."""

    def __init__(self, token: SoftToken, answer_seconds: float = PATIENCE) -> None:
        self.token = token
        self.folder = Path(tempfile.mkdtemp(prefix="pegwarden-keepers-"))
        self.path = self.folder / "keeper.sock"
        self.links = keeper_links(self.path, LinksSetting(os.getuid(), answer_seconds))
        self.keepers: list[subprocess.Popen[str]] = []

    def start(self, offers: str = "serving", pin: str = PIN) -> subprocess.Popen[str]:
        """A keeper more: connected, or ended, when this returns."""
        before = self.links.tally().accepted
        keeper = start_keeper(self.token, self.path, offers, pin)
        self.keepers.append(keeper)
        while self.links.tally().accepted == before and keeper.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                keeper.wait(0.05)
        return keeper

    def close(self) -> None:
        self.links.close()
        for keeper in self.keepers:
            end_keeper(keeper)
        self.path.unlink()
        self.folder.rmdir()


def start_keeper(
    token: SoftToken, path: Path, offers: str = "serving", pin: str = PIN
) -> subprocess.Popen[str]:
    """Its PIN comes through a pipe."""
    reading, writing = os.pipe()
    os.write(writing, pin.encode())
    os.close(writing)
    module = [sys.executable, "-m", "tests.token.start_keeper"]
    keeper = subprocess.Popen(
        [*module, token.module, LABEL, str(path), str(reading), offers],
        env=token.environment,
        pass_fds=(reading,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(reading)
    return keeper


def end_keeper(keeper: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        keeper.kill()
    keeper.wait()
    if keeper.stderr is not None:
        keeper.stderr.close()
