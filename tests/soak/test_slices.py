"""A short slice of each campaign."""

import json
import subprocess
import sys

import pytest

from tests.postgres import programs
from tests.soak import (
    agreement,
    custody,
    headers,
    kill,
    miniscript,
    model,
    policy,
    psbt,
    replay,
    replicas,
    requests,
    spv,
    token,
)
from tests.token.softhsm import need
from tests.vectors import ROOT


def test_mutated_psbts() -> None:
    assert psbt.run(n=10_000, seed=7) == []


def test_miniscripts() -> None:
    assert miniscript.run(n=1_000, seed=7) == []


def test_mutated_requests() -> None:
    assert requests.run(n=600, seed=7) == []


@pytest.mark.parametrize("seed", [7, 8])
def test_federations(seed: int) -> None:
    assert model.run(n=1_667, seed=seed) == []


def test_agreement() -> None:
    assert agreement.run(n=40, seed=7) == []


def test_policies() -> None:
    assert policy.run(n=50, seed=7) == []


def test_kills() -> None:
    assert kill.run(n=80, seed=7) == []


@pytest.mark.skipif(programs() is None, reason="PostgreSQL 15 or newer is not installed")
def test_replicas() -> None:
    assert replicas.run(n=3, seed=7) == []


def test_proofs_of_inclusion() -> None:
    assert spv.run(n=20, seed=7) == []


def test_headers() -> None:
    assert headers.run(n=12, seed=7) == []


def test_tokens() -> None:
    need()
    assert token.run(n=700, seed=7) == []


def test_custody() -> None:
    assert custody.run(n=2_400, seed=7) == []


def test_replays() -> None:
    assert replay.run(n=300, seed=7) == []


def test_the_last_line_of_a_campaign_is_its_result() -> None:
    command = [
        sys.executable,
        "-m",
        "scripts.soak",
        "--campaign",
        "psbt",
        "--n",
        "50",
        "--seed",
        "3",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout.splitlines()[-1])
    assert line == {
        "campaign": "psbt",
        "n": 50,
        "seed": 3,
        "violations": 0,
        "seconds": line["seconds"],
    }
