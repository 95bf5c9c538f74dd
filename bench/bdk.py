"""bdkpython in a process of its own, since it can abort the interpreter that it runs in.

It measures itself: what goes through the pipe is not counted. It speaks base64, given and taken as it is.
"""

import multiprocessing
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from bench.cases import Request
from bench.peers import Peer, Unable, private_descriptor


class BdkProcess:
    """Our end of the pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def prepare(self, request: Request) -> Peer:
        """Raises Unable."""
        receive, change = (private_descriptor(request.member, branch) for branch in "01")
        self._ask((receive, change, b64encode(request.psbt).decode()))
        return Peer(lambda: b64decode(self._ask(None)[1]), lambda: self._ask(None)[0])

    def _ask(self, job: tuple[str, str, str] | None) -> tuple[float, str]:
        try:
            self._connection.send(job)
            seconds, answer = self._connection.recv()
        except (EOFError, OSError):
            raise Unable("its process aborted") from None
        if seconds is None:
            raise Unable(answer)
        return seconds, answer


@contextmanager
def bdk_process() -> Iterator[BdkProcess]:
    """It runs until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield BdkProcess(ours)
    finally:
        ours.close()
        process.join(10)


class _Signer:
    """Their end: a wallet and a PSBT."""

    def __init__(self, receive: str, change: str, psbt: str) -> None:
        import bdkpython as bdk  # noqa: PLC0415 - never in our process

        self.bdk: Any = bdk
        kind, network = bdk.NetworkKind.TEST, bdk.Network.REGTEST
        descriptors = (bdk.Descriptor(receive, kind), bdk.Descriptor(change, kind))
        self.wallet = bdk.Wallet(*descriptors, network, bdk.Persister.new_in_memory())
        self.psbt = psbt
        self.options = bdk.SignOptions(
            trust_witness_utxo=False,
            assume_height=None,
            allow_all_sighashes=False,
            try_finalize=False,
            sign_with_tap_internal_key=False,
            allow_grinding=False,
        )

    def sign(self) -> tuple[float, str]:
        """Seconds, and the signed PSBT."""
        started = time.perf_counter()
        psbt = self.bdk.Psbt(self.psbt)
        self.wallet.sign(psbt, self.options)
        answer = str(psbt.serialize())
        return time.perf_counter() - started, answer


def _serve(connection: Connection) -> None:
    signer: _Signer | None = None
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            if signer is None or job is not None:
                signer = _Signer(*job)
                connection.send((0.0, ""))
            else:
                connection.send(signer.sign())
        except Exception as error:  # its reason, for the caller
            connection.send((None, f"{type(error).__name__}: {error}"[:200]))
