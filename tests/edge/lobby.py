"""A served edge on loopback with certificates of its own, and kernels named for what they do."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from pegwarden.v1 import types_pb2 as t
from signer.cli.certificates import Authority, Issued, make_authority
from signer.core.caller import Caller, Role
from signer.core.errors import Refusal
from signer.edge.address import Address
from signer.edge.callers import CallerEntry
from signer.edge.fitting import TlsFiles
from signer.edge.limits import EdgeLimits
from signer.edge.roles import PATHS
from signer.edge.server import SERVICE, Edge, EdgeSetting
from signer.edge.status import DETAILS_KEY
from signer.edge.threads import KernelThreads

M = TypeVar("M", bound=Message)

AUTHORITY = make_authority("test authority")
OTHER_AUTHORITY = make_authority("another authority")
SERVER = AUTHORITY.issue_server("test kernel", ("localhost", "127.0.0.1"))
RELAYER = AUTHORITY.issue_client("relayer")
AUDITOR = AUTHORITY.issue_client("auditor")
INDEXER = AUTHORITY.issue_client("indexer")
OFFICER = AUTHORITY.issue_client("officer")
CARRIER = AUTHORITY.issue_client("carrier")
STRANGER = AUTHORITY.issue_client("stranger")
FORGER = OTHER_AUTHORITY.issue_client("relayer")
CALLERS = (
    CallerEntry("relayer", (RELAYER.spki,), frozenset({Role.RELAYER})),
    CallerEntry("auditor", (AUDITOR.spki,), frozenset({Role.AUDITOR})),
    CallerEntry("indexer", (INDEXER.spki,), frozenset({Role.INDEXER})),
    CallerEntry("officer", (OFFICER.spki,), frozenset({Role.OFFICER})),
    CallerEntry("carrier", (CARRIER.spki,), frozenset({Role.WITNESS})),
)


class EchoKernel:
    """Answers what it was asked, and remembers who asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Caller, bytes]] = []

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        self.calls.append((method, caller, request))
        return request


@dataclass
class RefusingKernel:
    """Refuses everything with that refusal."""

    refusal: Refusal

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        raise self.refusal


@dataclass
class FailingKernel:
    """Fails in its own ways."""

    error: Exception

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        raise self.error


@dataclass
class WaitingKernel:
    """Answers when it is released."""

    started: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    release: threading.Event = field(default_factory=threading.Event)

    def __call__(self, method: str, caller: Caller, request: bytes) -> bytes:
        self.started.release()
        self.release.wait(20)
        return request


Kernel = Callable[[str, Caller, bytes], bytes]
_SERVED = {method: path for path, method in PATHS.items()}


def path_of(method: str) -> str:
    """The gRPC path; of what nobody serves one of KernelService."""
    return _SERVED.get(method, f"/{SERVICE}/{method}")


def setting(limits: EdgeLimits | None = None) -> EdgeSetting:
    return EdgeSetting(
        listen=Address("127.0.0.1", 0),
        metrics=None,
        tls=TlsFiles(SERVER.certificate_pem, SERVER.key_pem, AUTHORITY.issued.certificate_pem),
        callers=CALLERS,
        limits=limits or EdgeLimits(drain_seconds=1),
        reflection=False,
    )


@contextmanager
def served(kernel: Kernel, given: EdgeSetting | None = None) -> Iterator["Lobby"]:
    """An edge in front of that kernel, on an event loop of its own thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    set_up = given or setting()
    threads = KernelThreads(kernel, set_up.limits.threads)

    async def begin() -> tuple[Edge, int]:
        edge = Edge(set_up, threads.ask)
        return edge, await edge.start()

    try:
        begun: Future[tuple[Edge, int]] = asyncio.run_coroutine_threadsafe(begin(), loop)
        edge, port = begun.result(20)
        try:
            yield Lobby(port, edge)
        finally:
            asyncio.run_coroutine_threadsafe(edge.stop(), loop).result(30)
            threads.close()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@dataclass(frozen=True)
class Answered:
    """What a failed call told its caller."""

    status: grpc.StatusCode
    message: str
    refusal: t.Refusal
    info: ErrorInfo
    retry: RetryInfo | None
    details: bytes

    @property
    def code(self) -> str:
        return self.refusal.code


@dataclass(frozen=True)
class Lobby:
    """The served port, as clients see it."""

    port: int
    edge: Edge

    @contextmanager
    def channel(self, who: Issued | None, ca: Authority = AUTHORITY) -> Iterator[grpc.Channel]:
        trusted = ca.issued.certificate_pem
        credentials = (
            grpc.ssl_channel_credentials(trusted)
            if who is None
            else grpc.ssl_channel_credentials(trusted, who.key_pem, who.certificate_pem)
        )
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", -1),
            ("grpc.enable_retries", 0),
        ]
        with grpc.secure_channel(f"127.0.0.1:{self.port}", credentials, options) as channel:
            yield channel

    def call(self, who: Issued | None, method: str, request: bytes = b"") -> bytes:
        """The answer, or grpc.RpcError."""
        path = method if method.startswith("/") else path_of(method)
        with self.channel(who) as channel:
            rpc: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(path)
            return rpc(request, timeout=15)

    def refused(self, who: Issued | None, method: str, request: bytes = b"") -> Answered:
        """How the call fails; the test fails when it does not."""
        return answered(failure_of(lambda: self.call(who, method, request)))


def failure_of(act: Callable[[], bytes]) -> grpc.Call:
    """How that call fails; the test fails when it does not."""
    with pytest.raises(grpc.RpcError) as caught:
        act()
    assert isinstance(caught.value, grpc.Call)
    return caught.value


def answered(error: grpc.Call) -> Answered:
    trailers = dict(error.trailing_metadata() or ())
    raw = trailers.get(DETAILS_KEY, b"")
    assert isinstance(raw, bytes)
    status = Status.FromString(raw)
    if raw:
        assert (status.code, status.message) == (error.code().value[0], error.details())
    return Answered(
        status=error.code(),
        message=error.details() or "",
        refusal=_unpacked(status, t.Refusal()) or t.Refusal(),
        info=_unpacked(status, ErrorInfo()) or ErrorInfo(),
        retry=_unpacked(status, RetryInfo()),
        details=raw,
    )


def _unpacked(status: Status, kind: M) -> M | None:
    for each in status.details:
        if each.Unpack(kind):
            return kind
    return None


def with_limits(**changes: int) -> EdgeSetting:
    return setting(replace(EdgeLimits(drain_seconds=1), **changes))
