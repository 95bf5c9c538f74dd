"""The parent of a member's processes: what it starts it ends, also what does not want to end."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from signer.process import launch
from signer.process.launch import Parent, Program

READY = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"


@dataclass(frozen=True, slots=True)
class Script(Program):
    """A program of a few lines, which is told a file."""

    def start(self) -> int:
        command = [sys.executable, "-c", *self.arguments]
        return os.posix_spawn(sys.executable, command, os.environ, setsigmask=())


@pytest.mark.parametrize(
    ("ears", "status"), [("signal.SIG_IGN", -signal.SIGKILL), ("signal.SIG_DFL", -signal.SIGTERM)]
)
def test_an_edge_that_hears_no_end_is_killed_and_serve_ends_by_its_kernels_status(
    ears: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nothing would start the member again: `serve` would be there, without a kernel."""
    told: dict[str, object] = {}

    def keep(event: str, **fields: object) -> None:
        if event == "process-ended":
            told[str(fields["process"])] = fields["status"]

    monkeypatch.setattr(launch, "log_event", keep)
    file = str(tmp_path / "ready")
    deaf = f"import signal, time; signal.signal(signal.SIGTERM, {ears}); {READY}; time.sleep(600)"
    waiting = (
        "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nsys.exit(7)"
    )
    parent = Parent(Script((waiting, file)), {"edge": Script((deaf, file))}, patience=0.2)
    assert parent.run() == 7
    assert told == {"kernel": 7, "edge": status}
