"""Invariant: a mutated PSBT, of version 0 or 2, is refused with a code of the catalogue; or it is written
again byte for byte, and neither btclib-wallet nor (of version 0, every tenth) a live Bitcoin Core reads
another transaction, amount, output or coin from it. Either takes less than 50 ms and 64 MB.
"""

import base64
import gc
import tempfile
import time
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path

from clients.bitcoind import Bitcoind
from signer.bitcoin.errors import Malformed
from signer.bitcoin.psbt.model import UnverifiedPsbt
from signer.bitcoin.psbt.reader import parse_psbt
from signer.bitcoin.psbt.writer import serialize_psbt
from signer.core.catalogue import CATALOGUE
from tests.bitcoin.psbt_mutation import mutants
from tests.bitcoin.psbt_readings import RpcCall, btclib_reading, core_reading, our_reading

FULL = 1_000_000
MOST_SECONDS, MOST_BYTES = 0.050, 64 * 1024 * 1024
CORE_READS = 10
"""One in so many of the PSBTs of version 0 that we accept."""


@dataclass
class Tally:
    """What the campaign has seen."""

    accepted: dict[int, int] = field(default_factory=lambda: {0: 0, 2: 0})
    compared: int = 0
    """With btclib-wallet's reading."""
    compared_with_core: int = 0
    seconds: float = 0.0
    """Of the slowest."""
    peak: int = 0
    """Of the largest, in bytes."""


def run(n: int, seed: int) -> list[bytes]:
    """The mutants that break the invariant."""
    with tempfile.TemporaryDirectory() as folder, Bitcoind.start(Path(folder) / "node") as node:
        tally = Tally()
        broken = [each for each in mutants(seed, n) if not _holds(each, tally, node.rpc)]
    print(
        f"psbt: {tally.accepted[0]} accepted of version 0, {tally.accepted[2]} of version 2; "
        f"{tally.compared} compared with btclib-wallet, {tally.compared_with_core} with Core; "
        f"slowest {tally.seconds * 1_000:.1f} ms, largest {tally.peak / 1_000_000:.2f} MB"
    )
    return broken


def _holds(mutant: bytes, tally: Tally, rpc: RpcCall) -> bool:
    verdict, seconds, peak = _measured(mutant)
    tally.seconds, tally.peak = max(tally.seconds, seconds), max(tally.peak, peak)
    if seconds > MOST_SECONDS or peak > MOST_BYTES:
        return False
    if isinstance(verdict, str):
        return verdict in CATALOGUE
    return serialize_psbt(verdict) == mutant and _agreed(mutant, verdict, tally, rpc)


def _measured(mutant: bytes) -> tuple[UnverifiedPsbt | str, float, int]:
    """Our verdict (a code, or an exception that should not be), seconds of this thread, peak of bytes."""
    gc.disable()  # what the oracles left behind is not to be collected on our time
    started = time.thread_time()
    _verdict(mutant)
    seconds = time.thread_time() - started
    gc.enable()
    tracemalloc.start()
    verdict = _verdict(mutant)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return verdict, seconds, peak


def _verdict(mutant: bytes) -> UnverifiedPsbt | str:
    try:
        return parse_psbt(mutant)
    except Malformed as error:
        return error.code
    except Exception as error:
        return repr(error)


def _agreed(mutant: bytes, psbt: UnverifiedPsbt, tally: Tally, rpc: RpcCall) -> bool:
    """Whether whoever else reads it reads the same. Others may be stricter."""
    ours, theirs = our_reading(psbt), btclib_reading(mutant)
    tally.accepted[psbt.version] += 1
    if not isinstance(theirs, str):
        tally.compared += 1
        if theirs != ours:
            return False
    if psbt.version != 0 or tally.accepted[0] % CORE_READS:
        return True
    cores = core_reading(rpc, base64.b64encode(mutant).decode())
    tally.compared_with_core += not isinstance(cores, str)
    return isinstance(cores, str) or cores == ours
