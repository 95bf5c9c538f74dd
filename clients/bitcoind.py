"""A Bitcoin Core node of our own on regtest: found, proven, started, stopped.

1. Found: `$BITCOIND`, `bitcoind` on PATH, else the pinned program in `.cache/` (scripts/fetch.py);
   only version 30.x.
2. Started with an explicit `-rpcbind=127.0.0.1` on a port below 32768 (with its port taken, bitcoind
   would silently bind `[::1]` alone).
3. Proven: the node that answers knows the cookie of our own data directory, logs into that
   directory, and has regtest's genesis block. Only then is it used.
4. Stopped by the process that was started, never by name.
"""

import hashlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clients.jsonrpc import JsonRpc, NodeAddress, NodeError, to_btc

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / ".cache" / "bitcoin-30.2" / "bitcoind"
PINNED_SHA256 = "87fc011683f72ce1113add2d2c67085ac7acbba1266a538cccbadb08b6926785"
REGTEST_GENESIS = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
PORTS = range(18_500, 32_700)
START_SECONDS = 60.0
MATURITY = 100
"""Blocks after which a coinbase can be spent, beside its own."""
_OPTIONS = (
    "-regtest",
    "-server",
    "-rpcbind=127.0.0.1",
    "-rpcallowip=127.0.0.1",
    "-rpcthreads=4",
    "-listen=0",
    "-connect=0",
    "-dnsseed=0",
    "-listenonion=0",
    "-natpmp=0",
    "-txindex=1",
    "-fallbackfee=0.00002",
    "-dbcache=64",
    "-daemon=0",
    "-printtoconsole=0",
)


class BitcoindError(Exception):
    """No usable bitcoind; the message says what to do."""


def find_bitcoind() -> Path:
    """The bitcoind to run. Raises BitcoindError."""
    named = os.environ.get("BITCOIND")
    if named:
        return _of_version_30(Path(named))
    on_path = shutil.which("bitcoind")
    if on_path is not None:
        try:
            return _of_version_30(Path(on_path))
        except BitcoindError:
            pass  # another version: the pinned program is looked at next
    if not PINNED.is_file():
        raise BitcoindError("no bitcoind 30.x: run `make setup`, or set BITCOIND to the program")
    if hashlib.sha256(PINNED.read_bytes()).hexdigest() != PINNED_SHA256:
        raise BitcoindError(f"{PINNED} is not the pinned program: delete it and run `make setup`")
    return PINNED


def _of_version_30(program: Path) -> Path:
    try:
        done = subprocess.run(
            [program, "-version"], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BitcoindError(f"{program} does not run: {error}") from None
    first = done.stdout.split("\n", 1)[0]
    if not re.search(r"version v30\.", first):
        raise BitcoindError(f"{program} is not bitcoind 30.x but says {first!r}")
    return program


def free_port() -> int:
    """A loopback port below 32768 that nobody holds now."""
    for _ in range(200):
        port = random.choice(PORTS)  # noqa: S311 - no secret: it only spreads the test processes
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BitcoindError("200 ports below 32768 are all taken")


class Bitcoind:
    """A running regtest node. Use it as a context manager."""

    def __init__(self, directory: Path, process: subprocess.Popen[bytes], address: NodeAddress):
        self.directory = directory
        self.process = process
        self.address = address
        self.rpc = JsonRpc(address)
        """`node.rpc("getblockcount")`."""

    @classmethod
    def start(cls, directory: Path | None = None, *options: str) -> "Bitcoind":
        """Start a node on an empty or earlier regtest directory. Raises BitcoindError."""
        program = find_bitcoind()
        place = directory or Path(tempfile.mkdtemp(prefix="pegwarden-bitcoind-"))
        place.mkdir(parents=True, exist_ok=True)
        for _ in range(3):  # a port can be taken between our probe and bitcoind's bind
            node = cls._launch(program, place.resolve(), options)
            if node._answers():
                node._prove_identity()
                return node
            node.process.wait()
        log = place / "regtest" / "debug.log"
        raise BitcoindError(f"bitcoind ended at once three times; its log is {log}")

    @classmethod
    def _launch(cls, program: Path, directory: Path, options: tuple[str, ...]) -> "Bitcoind":
        port = free_port()
        arguments = [str(program), *_OPTIONS, f"-datadir={directory}", f"-rpcport={port}", *options]
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cookie = directory / "regtest" / ".cookie"
        return cls(directory, process, NodeAddress(port, cookie))

    def _answers(self) -> bool:
        """True when the node is up; False when its process ended."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                self.rpc("getblockcount")
            except (NodeError, OSError):
                time.sleep(0.05)
            else:
                return True
        self.stop()
        raise BitcoindError(f"bitcoind did not answer within {START_SECONDS:.0f} s")

    def _prove_identity(self) -> None:
        genesis = self.rpc("getblockhash", 0)
        log = Path(self.rpc("getrpcinfo")["logpath"])
        if genesis != REGTEST_GENESIS or not log.is_relative_to(self.directory):
            self.stop()
            raise BitcoindError(f"another node answers at port {self.address.port}")

    def wallet_rpc(self, wallet: str, method: str, *params: object) -> Any:
        """One call to one wallet."""
        return self.rpc.wallet(wallet)(method, *params)

    def make_wallet(self, name: str) -> JsonRpc:
        """A fresh wallet of the node's own, or the loaded one of that name."""
        if name not in self.rpc("listwallets"):
            self.rpc("createwallet", name)
        return self.rpc.wallet(name)

    def mine(self, blocks: int, address: str | None = None) -> list[str]:
        """Mine to that address (default: one of the wallet `miner`)."""
        if address is None:
            address = str(self.make_wallet("miner")("getnewaddress"))
        hashes: list[str] = self.rpc("generatetoaddress", blocks, address)
        return hashes

    def fund(self, address: str, sats: int) -> str:
        """Pay from the wallet `miner`, mine one block, return the txid (display form)."""
        miner = self.make_wallet("miner")
        if not miner("getbalances")["mine"]["trusted"]:
            self.mine(MATURITY + 1)
        txid = str(miner("sendtoaddress", address, to_btc(sats)))
        self.mine(1)
        return txid

    def stop(self) -> None:
        """Ask it to stop; insist after 20 seconds."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


if __name__ == "__main__":
    try:
        print(find_bitcoind())
    except BitcoindError as error:
        sys.exit(f"bitcoind: {error}")
