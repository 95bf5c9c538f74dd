"""Strangers' clients, in Node and in Go, make each RPC over mTLS and read the details of refusals."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.edge.lobby import OTHER_AUTHORITY
from tests.foreign.bridge import staged
from tests.foreign.toolchain import SECONDS, go_command, node_command


def _said(command: list[str], environment: dict[str, str]) -> Any:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("toolchain", [node_command, go_command])
def test_each_rpc_and_the_details_of_refusals(toolchain: Any, tmp_path: Path) -> None:
    command, environment = toolchain()
    with staged(tmp_path) as stage:
        said = _said([*command, "call", str(stage.story)], environment)
        assert len(said["called"]) == 15
        assert said == stage.expected


def test_a_foreign_client_says_when_the_kernel_is_not_the_one_it_trusts(tmp_path: Path) -> None:
    command, environment = node_command()
    with staged(tmp_path) as stage:
        story = json.loads(stage.story.read_text())
        Path(story["relayer"]["ca"]).write_bytes(OTHER_AUTHORITY.issued.certificate_pem)
        done = subprocess.run(
            [*command, "call", str(stage.story)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    assert done.returncode == 1
    assert "UNAVAILABLE" in done.stderr
