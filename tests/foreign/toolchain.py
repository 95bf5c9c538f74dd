"""The Node and Go clients, ready to run. What is missing skips loudly; under CI=true it fails.

`scripts/setup_foreign.sh` fetches; the Go stubs and the Go client are made here, below `.cache/foreign`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from tests.vectors import ROOT

CACHE = ROOT / ".cache" / "foreign"
SOURCES = Path("/usr/share/gocode")
"""Where Debian puts Go packages."""
SECONDS = 300
"""For the first build of grpc on a small machine; a deadline, not a measure."""


def absent(reason: str) -> NoReturn:
    """Skip, or fail where nothing may be skipped."""
    reason = f"foreign client not run: {reason} (scripts/setup_foreign.sh installs it)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def node_command() -> tuple[list[str], dict[str, str]]:
    """How to run the Node client, and with which environment."""
    node, modules = shutil.which("node"), CACHE / "node" / "node_modules"
    if node is None:
        absent("Node is missing")
    if not (CACHE / "node" / ".installed").is_file():
        absent("the npm packages of clients/foreign/node are missing")
    client = ROOT / "clients" / "foreign" / "node" / "client.js"
    return [node, str(client)], os.environ | {"NODE_PATH": str(modules)}


def go_command() -> tuple[list[str], dict[str, str]]:
    """Generate the stubs, build the Go client, and how to run it."""
    for program in ("go", "protoc-gen-go", "protoc-gen-go-grpc"):
        if shutil.which(program) is None:
            absent(f"{program} is missing")
    for package in ("grpc", "protobuf"):
        if not (SOURCES / "src" / "google.golang.org" / package).is_dir():
            absent(f"Debian's golang-google-{package}-dev is missing")
    workspace = CACHE / "go"
    (workspace / "src").mkdir(parents=True, exist_ok=True)
    _go_stubs(workspace / "src")
    binary = workspace / "client"
    source = ROOT / "clients" / "foreign" / "go" / "client.go"
    offline = {
        "GO111MODULE": "off",
        "GOPATH": f"{workspace}:{SOURCES}",
        "GOCACHE": str(CACHE / "go-build"),
        "GOENV": "off",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    _run(["go", "build", "-o", str(binary), str(source)], os.environ | offline)
    return [str(binary)], dict(os.environ)


def _go_stubs(target: Path) -> None:
    """By the compiler that makes the Python stubs, with Debian's plugins."""
    sources = sorted(
        str(path.relative_to(ROOT / "proto")) for path in ROOT.glob("proto/pegwarden/v1/*.proto")
    )
    outputs = [f"--go_out={target}", f"--go-grpc_out={target}"]
    compiler = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={ROOT / 'proto'}"]
    _run([*compiler, *outputs, *sources], dict(os.environ))


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if done.returncode:
        pytest.fail(f"{command[0]} failed: {done.stderr[-3_000:]}")
