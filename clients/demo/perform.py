"""`make demo`, `pegwarden demo`: two federations of three on regtest, from deposit to hostile relayer.

1. Exit status 0 only if everything happened as it should; anything unexpected is a sentence and status 3.
2. The last line on standard output is one JSON object.
3. KEYSTORE=pkcs11: the same, by members with keys in SoftHSM, sealed by it, and in files (`custody`).
4. All processes are ended and all files removed, whatever happens; `PEGWARDEN_DEMO_DIR` keeps the files.
"""

import os
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from subprocess import TimeoutExpired

from clients.attestor.chain import NotSeen
from clients.bitcoind import Bitcoind, BitcoindError
from clients.demo.bridge import DEPOSITS as TAPROOT_DEPOSITS
from clients.demo.bridge import (
    Told,
    anchors,
    change_of,
    miniscript_vault,
    recovery,
    resume_without_memory,
    rotations,
    taproot_vault,
)
from clients.demo.bridge_attacks import attempt_all, spendable_key_refused, stranger_refused
from clients.demo.casting import attestor_keys, cast_with, serving_federation
from clients.demo.council import govern
from clients.demo.custody import chosen_keystore
from clients.demo.hostile import attack_all, wrong_callers, wrong_requests
from clients.demo.joint import found_joint
from clients.demo.joint_act import act
from clients.demo.narrator import Narrator, Unexpected
from clients.demo.own_chain import own_chain
from clients.demo.processes import rooms
from clients.demo.registration import two_of_four_refused
from clients.demo.scene import TAPROOT, VAULT, Cast
from clients.demo.stage import FORMER, House
from clients.demo.story import DEPOSITS, deposit, orders, scene_after, withdraw
from clients.demo.token_act import Company, tell_witnesses, token_act
from clients.jsonrpc import NodeError
from clients.member import Refused, Unreachable
from clients.relayer.coins import VaultCoin
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
    TimeoutExpired,
)


def perform(directory: Path, narrator: Narrator) -> None:
    """The whole demo."""
    keys, keystore = attestor_keys(), chosen_keystore()
    with ExitStack() as stage:
        narrator.chapter("The stage")
        node = stage.enter_context(Bitcoind.start(directory / "bitcoind"))
        version = node.rpc("getnetworkinfo")["subversion"]
        narrator.step(f"bitcoind {version} on regtest, port {node.address.port}")
        houses = stage.enter_context(serving_federation(directory, keys, keystore, narrator))
        _tell_stage(houses, narrator)
        cast = stage.enter_context(cast_with(directory, node, houses, keys))
        elsewhere = stage.enter_context(ThreadPoolExecutor(1))
        founding = elsewhere.submit(found_joint, directory / "joint", keys, keystore)
        told = _play(cast, houses, narrator)
        token_act(Company(cast, houses, keystore), told, narrator)
        witnesses = founding.result()
        act(witnesses, node, keys, (told, narrator))
        tell_witnesses(witnesses, keystore, told)
        narrator.finish(told.outcome)


def _tell_stage(houses: tuple[House, ...], narrator: Narrator) -> None:
    narrator.step(
        f"{len(houses)} kernels, each its own process: two P2WSH and two Taproot vaults, 2-of-3"
    )
    for each in rooms(house.log for house in houses):
        narrator.step(f"a kernel's room is {each}; beside it an edge, and keepers of its token")


def _play(cast: Cast, houses: tuple[House, ...], narrator: Narrator) -> Told:
    """The first federation, whose members do not witness each other."""
    narrator.chapter("Deposits")
    made = [
        deposit(cast, (VAULT, index), amount, narrator) for index, amount in enumerate(DEPOSITS)
    ]
    told = Told([txid for txid, _ in made], [], [])
    (coin, pending_coin, spare) = (coin for _, coin in made)
    narrator.chapter("The kernel's own headers")
    own_chain(cast.node, houses[0], coin, narrator)
    narrator.chapter("Two withdrawals and a fee bump")
    cast.burn(orders(cast))
    told.withdrawals.append(withdraw(cast, coin, narrator))
    narrator.chapter("The relayer turns hostile")
    scene = scene_after(cast, pending_coin, spare)
    two_of_four_refused(cast, houses, narrator)
    with houses[0].connect("indexer") as indexer, houses[0].connect(FORMER) as former:
        wrong_callers(scene, indexer, former, narrator)
    wrong_requests(scene, narrator)
    told.withdrawals.append(attack_all(scene, narrator))
    narrator.chapter("A relayer that lost its memory")
    resume_without_memory(cast, told, narrator)
    _play_bridge(cast, change_of(scene.good), houses, (told, narrator))
    return told


def _play_bridge(
    cast: Cast, spare: VaultCoin, houses: tuple[House, ...], telling: tuple[Told, Narrator]
) -> None:
    told, narrator = telling
    narrator.chapter("A Taproot vault")
    left = {VAULT: spare, TAPROOT: taproot_vault(cast, told, narrator)}
    narrator.chapter("Anchors of two rollups")
    left = anchors(cast, left, told, narrator)
    narrator.chapter("The relayer turns hostile again")
    stranger_refused(cast, told.anchors[0], narrator)
    spendable_key_refused(cast, houses, narrator)
    left[TAPROOT] = attempt_all(cast, left[TAPROOT], told, narrator)
    narrator.chapter("Rotation to the next vault, and recovery")
    rotations(cast, left, narrator)
    recovery(cast, (TAPROOT, len(TAPROOT_DEPOSITS)), told, narrator)
    narrator.chapter("A miniscript vault")
    miniscript_vault(cast, told, narrator)
    narrator.chapter("Officers")
    govern(cast, houses, telling)


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
