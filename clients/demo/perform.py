"""`make demo`, `pegwarden demo`: a federation of three on regtest, from deposit to hostile relayer.

1. Exit status 0 only if everything happened as it should; anything unexpected is a sentence and status 3.
2. The last line on standard output is one JSON object.
3. All processes are ended and all files removed, whatever happens; `PEGWARDEN_DEMO_DIR` keeps the files.
"""

import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from clients.attestor.chain import NotSeen
from clients.bitcoind import Bitcoind, BitcoindError
from clients.demo.casting import attestor_keys, cast_with, serving_federation
from clients.demo.hostile import attack_all, wrong_callers, wrong_requests
from clients.demo.narrator import Narrator, Unexpected
from clients.demo.registration import two_of_four_refused
from clients.demo.scene import Cast
from clients.demo.stage import FORMER, House
from clients.demo.story import DEPOSITS, deposit, orders, scene_after, withdraw
from clients.jsonrpc import NodeError
from clients.member import Refused, Unreachable
from clients.relayer.federation import NotSigned
from clients.relayer.relayer import NotAccepted

FAILED = 3
FAILURES = (
    Unexpected,
    BitcoindError,
    NodeError,
    NotAccepted,
    NotSeen,
    NotSigned,
    OSError,
    Refused,
    Unreachable,
)


def perform(directory: Path, narrator: Narrator) -> None:
    """The whole demo."""
    keys = attestor_keys()
    with ExitStack() as stage:
        narrator.chapter("The stage")
        node = stage.enter_context(Bitcoind.start(directory / "bitcoind"))
        version = node.rpc("getnetworkinfo")["subversion"]
        narrator.step(f"bitcoind {version} on regtest, port {node.address.port}")
        houses = stage.enter_context(serving_federation(directory, keys))
        narrator.step(f"{len(houses)} kernels of a 2-of-3 P2WSH federation, each its own process")
        cast = stage.enter_context(cast_with(directory, node, houses, keys))
        _play(cast, houses, narrator)


def _play(cast: Cast, houses: tuple[House, ...], narrator: Narrator) -> None:
    narrator.chapter("Deposits")
    made = [deposit(cast, index, amount, narrator) for index, amount in enumerate(DEPOSITS)]
    txids, (coin, pending_coin, spare) = [txid for txid, _ in made], [coin for _, coin in made]
    narrator.chapter("Two withdrawals and a fee bump")
    cast.burn(orders(cast))
    withdrawals = [withdraw(cast, coin, narrator)]
    narrator.chapter("The relayer turns hostile")
    scene = scene_after(cast, pending_coin, spare)
    two_of_four_refused(cast, houses, narrator)
    with houses[0].connect("indexer") as indexer, houses[0].connect(FORMER) as former:
        wrong_callers(scene, indexer, former, narrator)
    wrong_requests(scene, narrator)
    withdrawals.append(attack_all(scene, narrator))
    narrator.finish(txids, withdrawals)


def main() -> int:
    """Run it; the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))  # so that no process is left behind
    narrator = Narrator()
    kept = os.environ.get("PEGWARDEN_DEMO_DIR")
    with tempfile.TemporaryDirectory(prefix="pegwarden-demo-") as scratch:
        directory = Path(kept or scratch)
        directory.mkdir(parents=True, exist_ok=True)
        try:
            perform(directory, narrator)
        except FAILURES as error:
            print(f"demo: {type(error).__name__}: {error}", file=sys.stderr)
            return FAILED
    return 0
